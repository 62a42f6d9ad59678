package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/cmd/internal/demo"
)

// telling is a part of what each command of the demonstration prints, by a part
// of the command.
var telling = []struct{ command, prints string }{
	{" show wa.webhooks/", `(?s)Yes Ana, I guarantee it: every flood in the cellar is paid\..*edits\n.*  Floods in the cellar may be paid, Ana, depending on the cause: see section 7\.`},
	{" --findings ", `! marketing-after-withdrawal\n.*\n    Winter is near, Ben`},
	{" --name ", `(?s)edit/not_supplied.*unsupported.*unparsed`},
	{" search 'cellar OR", `(?s)保険.*cellar.*поліс`},
	{" --person ", `(?s)consent/given.*STOP\. No more offers please\..*Winter is near, Ben`},
	{" show wa.sends/", `finding marketing-after-withdrawal \(high\)`},
	{" > photo.jpg", `^$`},
	{" > checkpoint.txt", `^$`},
	{" status", `archive +demo/archive\.local \(evaluation\), running`},
	{" verify --deep", `(?m)^OK: .* 0 findings, every commitment recomputed`},
	{" export --all ", `(?s)holds +\d+ messages.*\nfingerprint +[0-9a-f]{64}\n.*decrypted`},
	{" bag ", `(?m)^OK`},
	{" demo tamper", `(?s)contradiction .*found +lane .*untouched +the archive itself: OK`},
}

// TestDemoCommands types each command that the demonstration prints, as it is
// printed, in the folder that a new user is in.
func TestDemoCommands(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		binary, data string
		before       []string
	}{
		"as make runs it":   {"bin/waxseal", "", nil},
		"in another folder": {"./my bin/waxseal", "my data", []string{"--data", "my data"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(c.binary)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(bin, filepath.Join(dir, c.binary)); err != nil {
				t.Fatal(err)
			}
			auditor(t, filepath.Join(dir, filepath.Dir(c.binary)))
			run := exec.CommandContext(t.Context(), c.binary, append([]string{"run", "--demo"}, c.before...)...)
			run.Dir, run.Env = dir, append(os.Environ(), "TZ=UTC", "WAXSEAL_LINGER=10ms")
			commands := untilReady(t, run)
			seen := map[string]bool{}
			for _, command := range commands {
				i := slices.IndexFunc(telling, func(x struct{ command, prints string }) bool { return strings.Contains(command, x.command) })
				if i < 0 {
					t.Errorf("no test knows what %s prints", command)
					continue
				}
				seen[telling[i].command] = true
				sh := exec.CommandContext(t.Context(), "sh", "-c", command)
				sh.Dir, sh.Env = dir, append(os.Environ(), "TZ=UTC")
				out, err := sh.Output()
				if err != nil || !regexp.MustCompile(telling[i].prints).Match(out) {
					t.Errorf("%s: %v, prints\n%s", command, err, out)
				}
			}
			if len(seen) != len(telling) {
				t.Errorf("the demonstration printed %d of %d commands: %q", len(seen), len(telling), commands)
			}
			if photo, err := os.ReadFile(filepath.Join(dir, "photo.jpg")); err != nil || !bytes.HasPrefix(photo, []byte("\xff\xd8\xff")) {
				t.Errorf("the photo is none: %v", err)
			}
			if kept, err := os.ReadFile(filepath.Join(dir, "checkpoint.txt")); err != nil || !bytes.HasPrefix(kept, []byte("demo/archive.local/control\n")) {
				t.Errorf("the checkpoint is none: %v\n%s", err, kept)
			}
			if err := run.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			if err := run.Wait(); err != nil {
				t.Errorf("interrupted: %v", err)
			}
			if c.data == "" {
				c.data = "waxseal-data"
			}
			if _, err := os.Stat(filepath.Join(dir, c.data, "locked")); err != nil {
				t.Error(err)
			}
		})
	}
}

// auditor builds waxverify in a folder.
func auditor(t *testing.T, dir string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "waxverify"), "../waxverify")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// untilReady starts a demonstration and gives the commands it prints until it is
// ready: they stand alone on lines eight columns in.
func untilReady(t *testing.T, run *exec.Cmd) (commands []string) {
	t.Helper()
	var errs bytes.Buffer
	run.Stderr = &errs
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if command, ok := strings.CutPrefix(lines.Text(), "        "); ok {
			commands = append(commands, command)
		}
		if strings.HasPrefix(lines.Text(), "ready") {
			go func() {
				for lines.Scan() { // what is said later is for nobody
				}
			}()
			return commands
		}
	}
	t.Fatalf("the demonstration ended before it was ready: %v\n%s", run.Wait(), errs.String())
	return nil
}

// TestDemoKill kills the demonstration again and again while it feeds its day,
// with a user's records in between. In the end the broker holds each record of
// the day once, and the archive each record of the broker.
func TestDemoKill(t *testing.T) {
	t.Parallel()
	o := newOperator(t, "WAXSEAL_PARTITIONS=2")
	ana, err := samples.ReadFile("samples/webhooks/04-ana-asks.json")
	if err != nil {
		t.Fatal(err)
	}
	o.killDemo("at once", func(Event) bool { return false }, -1)
	own, total := 0, 0
	for _, stored := range []int{0, 1, 25, 90, 150, 200, 260} {
		total = max(total, o.killDemo("while it feeds", nil, stored+own))
		o.feed("ana.json", string(atNow(ana, time.Now())))
		own++
	}
	o.killDemo("once it has fed", func(e Event) bool { return e.Event == "fed" }, 0)
	o.killDemo("when it archives", func(e Event) bool { return e.Event == "archived" }, 0)
	o.killDemo("when it has verified", func(e Event) bool { return e.Event == "verified" }, 0)
	if total < 90 {
		t.Errorf("killed at %d records: this test tested little", total)
	}

	r := o.run(nil, "--demo")
	day, all := o.fed(r.broker)
	r.stop()
	for n, times := range day {
		if times != 1 {
			t.Errorf("record %d of the day lies %d times in the broker", n, times)
		}
	}
	if want := len(demo.Day(time.Now())); len(day) != want || all != want+own {
		t.Errorf("%d records of the day and %d in all; want %d and %d", len(day), all, want, want+own)
	}
	var v VerifyResponse
	o.json(&v, "verify", "--deep")
	if v.Records != uint64(all) || len(v.Findings) > 0 {
		t.Errorf("the archive has %d records of %d, findings %v", v.Records, all, v.Findings)
	}
	if out := o.must("search", "--findings", "*", "--count"); !strings.HasPrefix(string(out), "2 items") {
		t.Errorf("after all those kills the policy finds %s", out)
	}
}

// killDemo starts the demonstration and kills it: at an event, or, with nil,
// once the broker holds so many records. It gives how many it then held.
func (o *operator) killDemo(moment string, at func(Event) bool, stored int) (held int) {
	o.t.Helper()
	cmd := o.command(o.t.Context(), "run", "--demo", "--output", "jsonl")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		o.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	if stored >= 0 {
		d := json.NewDecoder(out)
		for {
			var e Event
			if err := d.Decode(&e); err != nil {
				o.t.Fatalf("%s: ended before: %v\n%s", moment, err, errs.String())
			}
			if at == nil && e.What == "broker" {
				held = o.await(e.Address, stored)
				break
			}
			if at != nil && (at(e) || e.Event == "ready") {
				break
			}
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		o.t.Fatal(err)
	}
	_ = cmd.Wait()
	o.t.Logf("killed %s, %d records in the broker", moment, held)
	return held
}

// await returns once the broker holds so many records.
func (o *operator) await(address string, records int) int {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(o.t.Context(), time.Minute)
	defer cancel()
	src, err := kafka.Open(ctx, []string{address}, kafka.Options{})
	if err != nil {
		o.t.Fatal(err)
	}
	defer src.Close()
	for {
		held := 0
		topics, err := src.Topics(ctx)
		if err != nil {
			o.t.Fatal(err)
		}
		for topic, n := range topics {
			for p := range n {
				_, high, err := src.Watermarks(ctx, topic, p)
				if err != nil {
					o.t.Fatal(err)
				}
				held += int(high)
			}
		}
		if held >= records {
			return held
		}
	}
}

// fed reads all topics: how often each record of the day is there, and how many
// records in all.
func (o *operator) fed(address string) (day map[int]int, all int) {
	o.t.Helper()
	ctx := o.t.Context()
	src, err := kafka.Open(ctx, []string{address}, kafka.Options{})
	if err != nil {
		o.t.Fatal(err)
	}
	defer src.Close()
	topics, err := src.Topics(ctx)
	if err != nil {
		o.t.Fatal(err)
	}
	day = map[int]int{}
	for topic, n := range topics {
		for p := range n {
			_, high, err := src.Watermarks(ctx, topic, p)
			if err != nil {
				o.t.Fatal(err)
			}
			for r := src.Reader(topic, p, 1, 0); r.Offset() < high; {
				b, err := r.Fetch(ctx)
				if err != nil {
					o.t.Fatal(err)
				}
				all += len(b.Records)
				for _, rec := range b.Records {
					if n, _, ok := demo.Number(rec); ok {
						day[n]++
					}
				}
			}
		}
	}
	return day, all
}

// An interrupt while the day is fed ends the demonstration as cleanly as a later
// one, and the next start feeds the rest.
func TestDemoInterrupted(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	cmd := o.command(t.Context(), "run", "--demo", "--output", "jsonl")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var last Event
	for d := json.NewDecoder(out); ; {
		var e Event
		if d.Decode(&e) != nil {
			break
		}
		if last = e; e.What == "data" {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || last.Event != "stopped" {
		t.Errorf("interrupted: %v, last event %q", err, last.Event)
	}
	r := o.run(nil, "--demo")
	day, all := o.fed(r.broker)
	r.stop()
	if want := len(demo.Day(time.Now())); len(day) != want || all != want {
		t.Errorf("%d records of the day and %d in all, want %d", len(day), all, want)
	}
}

// On a terminal it is asked, and only a yes removes.
func TestDemoRemoveAsks(t *testing.T) {
	t.Parallel()
	for answer, prints := range map[string]string{
		"y\n": "removed the demonstration", "Yes\n": "removed the demonstration", "\n": "nothing was removed", "n\n": "nothing was removed", "": "nothing was removed",
	} {
		var out, errs bytes.Buffer
		std := streams{in: strings.NewReader(answer), out: &out, err: &errs, width: 80, readPassword: func(string) (string, error) { return "", nil }}
		code := execute(t.Context(), []string{"demo", "remove"}, std, func(_ context.Context, e Env) (App, error) { return &answering{env: e}, nil })
		if code != exitOK || !strings.Contains(out.String(), prints) || !strings.Contains(errs.String(), "Remove the demonstration demo/archive.local with all of /data? [y/N] ") {
			t.Errorf("%q: exit code %d, %s%s", answer, code, out.String(), errs.String())
		}
	}
}

// A file's words are typed as a shell reads them back.
func TestTyped(t *testing.T) {
	words := []string{"bin/waxseal", "a b", "it's", "*", "wa.webhooks/0/1#0", "#x", "$HOME", "", "保険", "-x"}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+typed(words...)).Output()
	if err != nil || string(out) != strings.Join(words, "\n")+"\n" {
		t.Errorf("%s reads back as %q, %v", typed(words...), out, err)
	}
	if got := beside("bin/waxseal", "waxverify"); got != "bin/waxverify" {
		t.Error(got)
	}
	if got := beside("waxseal", "waxverify"); got != "waxverify" {
		t.Error(got)
	}
}
