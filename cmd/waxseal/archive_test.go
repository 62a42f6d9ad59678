package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/ledger"
)

// samplesAt is when the samples of the scripts happen.
var samplesAt = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// TestArchive runs the scripts of testdata/archive: the real binary over real
// archives, as somebody types it. Each finds the project's samples in payloads/,
// a folder for each topic, with fixed times.
func TestArchive(t *testing.T) {
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/archive", RequireExplicitExec: true, ContinueOnError: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(bin)+string(os.PathListSeparator)+e.Getenv("PATH"))
			for k, v := range map[string]string{"DATA": filepath.Join(e.WorkDir, "d"), "LINGER": "10ms", "PARTITIONS": "1", "TZ": "UTC", "LOG_LEVEL": "warn"} {
				e.Setenv("WAXSEAL_"+k, v)
			}
			if err := s3Env(e); err != nil {
				return err
			}
			clickHouseEnv(e)
			return writeSamples(filepath.Join(e.WorkDir, "payloads"))
		},
		Condition: func(cond string) (bool, error) {
			if _, ok := s3Servers[cond]; ok {
				return s3Server(cond)
			}
			if cond == "clickhouse" {
				return clickHouseServer()
			}
			return false, fmt.Errorf("no condition %s", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": exitCodeCmd, "start": startCmd, "end": endCmd, "damage": damageCmd, "remove": removeCmd, "keep": keepCmd,
			"copy": copyCmd, "named": namedCmd, "hold": holdCmd, "bag": bagCmd, "clickhouse": clickHouseCmd, "engine": engineCmd, "eventually": eventuallyCmd,
		},
	})
}

// writeSamples writes the samples as files, to be fed.
func writeSamples(to string) error {
	return fs.WalkDir(samples, "samples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := samples.ReadFile(path)
		if err != nil {
			return err
		}
		file := filepath.Join(to, strings.TrimPrefix(path, "samples/"))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		return os.WriteFile(file, atNow(body, samplesAt), 0o600)
	})
}

// running is an appliance that a script started.
type running struct {
	cmd    *exec.Cmd
	events chan Event
	errs   strings.Builder
}

// startCmd starts `waxseal run` with the arguments and returns once it is ready.
func startCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: start [flags of run]")
	}
	r := &running{events: make(chan Event, 1000)}
	r.cmd = exec.Command("waxseal", append([]string{"run", "--output", "jsonl"}, args...)...)
	path, err := exec.LookPath(filepath.Join(firstPath(ts), "waxseal"))
	ts.Check(err)
	r.cmd.Path, r.cmd.Err, r.cmd.Dir, r.cmd.Stderr = path, nil, ts.MkAbs("."), &r.errs
	for _, name := range []string{"DATA", "LINGER", "PARTITIONS", "TZ", "LOG_LEVEL", "PASSPHRASE", "SCRYPT", "INDEX", "HEADS"} {
		if v := ts.Getenv("WAXSEAL_" + name); v != "" {
			r.cmd.Env = append(r.cmd.Env, "WAXSEAL_"+name+"="+v)
		}
	}
	out, err := r.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(r.cmd.Start())
	ts.Defer(func() { _ = r.cmd.Process.Kill(); _ = r.cmd.Wait() })
	go func() {
		defer close(r.events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e Event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				r.events <- e
			}
		}
	}()
	var seen []string
	for e := range r.events {
		seen = append(seen, fmt.Sprintf("%s %d", e.Event, e.Records))
		if e.What == "broker" {
			ts.Setenv("BROKER", e.Address)
		}
		if e.Event == "ready" {
			ts.Check(os.WriteFile(ts.MkAbs("events"), []byte(strings.Join(seen, "\n")+"\n"), 0o600))
			runs.Store(ts.MkAbs("."), r)
			return
		}
	}
	ts.Fatalf("waxseal run ended before it was ready: %s", r.errs.String())
}

func firstPath(ts *testscript.TestScript) string {
	first, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	return first
}

// runs are the appliances of the scripts, by working folder.
var runs sync.Map

// endCmd interrupts the appliance as Ctrl-C does, and demands that it ends cleanly.
func endCmd(ts *testscript.TestScript, neg bool, args []string) {
	v, ok := runs.LoadAndDelete(ts.MkAbs("."))
	if neg || len(args) > 0 || !ok {
		ts.Fatalf("usage: end, after start")
	}
	r := v.(*running)
	ts.Check(r.cmd.Process.Signal(os.Interrupt))
	var last Event
	for e := range r.events {
		last = e
	}
	if err := r.cmd.Wait(); err != nil || last.Event != "stopped" {
		ts.Fatalf("interrupted: %v, last event %q: %s", err, last.Event, r.errs.String())
	}
}

var numbers = regexp.MustCompile(`/(\d{9})(\d{3})(/|$)`)

// objectPath is the file of an object: store, key.
func objectPath(ts *testscript.TestScript, args []string) string {
	if len(args) != 3 {
		ts.Fatalf("usage: COMMAND data-folder store key")
	}
	return ts.MkAbs(filepath.Join(args[0], args[1], numbers.ReplaceAllString(args[2], "/$1@/$1$2$3")))
}

// damageCmd flips one bit in the middle of an object.
func damageCmd(ts *testscript.TestScript, _ bool, args []string) {
	path := objectPath(ts, args)
	b, err := os.ReadFile(path)
	ts.Check(err)
	b[len(b)/2] ^= 1
	ts.Check(os.Remove(path))
	ts.Check(os.WriteFile(path, b, 0o440))
}

// removeCmd removes an object.
func removeCmd(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.Remove(objectPath(ts, args)))
}

// keepCmd writes the last standard output to a file, less the lines that match
// the expressions given.
func keepCmd(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: keep FILE [less …]")
	}
	var out strings.Builder
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		drop := false
		for _, less := range args[1:] {
			drop = drop || regexp.MustCompile(less).MatchString(line)
		}
		if !drop {
			out.WriteString(line)
		}
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(out.String()), 0o600))
}

// copyCmd copies the archive d, without its broker.
func copyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: copy TO")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), os.DirFS(ts.MkAbs("d"))))
	ts.Check(os.RemoveAll(ts.MkAbs(args[0] + "/kafka")))
}

// bagCmd demands that a bag verifies under the fingerprint of the archive d, and
// under a checkpoint that was kept.
func bagCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: bag DIR [CHECKPOINT]")
	}
	ts.Check(ts.Exec("waxseal", "status", "--output", "json"))
	var archive struct{ Fingerprint ledger.Hash }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &archive))
	trust := bundle.Trust{Fingerprint: &archive.Fingerprint}
	if len(args) == 2 {
		trust.Checkpoint = []byte(ts.ReadFile(args[1]))
	}
	v, err := bundle.Verify(context.Background(), ts.MkAbs(args[0]), trust)
	ts.Check(err)
	if len(args) == 2 && v.Kept == nil {
		ts.Fatalf("bag: it says nothing of the checkpoint")
	}
	if !v.OK || !v.Pinned || v.Records == 0 {
		ts.Fatalf("bag: %d records, %v", v.Records, v.Problems)
	}
}

// namedCmd demands that verification of a copy fails and that a contradiction
// names the object.
func namedCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: named DATA KEY")
	}
	exitCodeCmd(ts, false, []string{"3", "waxseal", "verify", "--output", "json", "--data", args[0]})
	var r VerifyResponse
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &r))
	for _, f := range r.Findings {
		if f.Class == "contradiction" && f.Object == args[1] {
			return
		}
	}
	ts.Fatalf("no contradiction names %s: %v", args[1], r.Findings)
}

// holdCmd holds the lock of a data folder as another process would, so that this
// one cannot write there: a copy on read-only media, also for root.
func holdCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DATA")
	}
	l := flock.New(ts.MkAbs(args[0] + "/lock"))
	ok, err := l.TryLock()
	ts.Check(err)
	if !ok {
		ts.Fatalf("the lock of %s is held", args[0])
	}
	ts.Defer(func() { _ = l.Unlock() })
}
