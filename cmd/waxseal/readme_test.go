package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is a command of the README with the output shown below it.
type step struct {
	command string
	output  []string
}

// steps are the commands of the README's tour: indented, behind a dollar sign,
// with what they print below, up to an empty line or the next command.
func steps(t *testing.T, readme string) (all []step) {
	t.Helper()
	open := false
	for line := range strings.Lines(readme) {
		line, indented := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		command, ok := strings.CutPrefix(line, "$ ")
		switch {
		case indented && ok:
			command, _, _ = strings.Cut(command, "          ") // a remark
			all = append(all, step{command: command})
			open = true
		case indented && open && line != "":
			last := &all[len(all)-1]
			last.output = append(last.output, line)
		default:
			open = false
		}
	}
	return all
}

var (
	hashes = regexp.MustCompile(`[0-9a-f]{8,}`)
	digits = regexp.MustCompile(`\d+`)
	zones  = regexp.MustCompile(`\b(CET|CEST|UTC)\b`)
	spaces = regexp.MustCompile(` +`)
)

// shape makes of a line of the README what a line of real output has to match:
// figures, hashes and zones differ, and dots stand for what was left out.
func shape(line string) *regexp.Regexp {
	line = hashes.ReplaceAllString(line, "\x01")
	line = digits.ReplaceAllString(line, "\x02")
	line = zones.ReplaceAllString(line, "\x03")
	line = strings.ReplaceAll(line, "…", "\x04")
	line = spaces.ReplaceAllString(regexp.QuoteMeta(line), "\x05")
	line = strings.NewReplacer("\x01", `[0-9a-f]+`, "\x02", `[0-9a-f]+`, "\x03", `\S+`, "\x04", `.*`, "\x05", ` +`).Replace(line)
	return regexp.MustCompile("(?m)^" + line + "$")
}

// TestReadme types what the README says, beside a running appliance as it says,
// and holds what comes to what it shows.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	o := newOperator(t)
	o.env = nil // as a new user has it
	dir := t.TempDir()
	o.data = filepath.Join(dir, "waxseal-data")
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(o.bin, filepath.Join(dir, "bin", "waxseal")); err != nil {
		t.Fatal(err)
	}
	auditor(t, filepath.Join(dir, "bin"))
	ana, err := samples.ReadFile("samples/webhooks/04-ana-asks.json")
	if err != nil {
		t.Fatal(err)
	}
	sample := filepath.Join(dir, "cmd", "waxseal", "samples", "webhooks", "04-ana-asks.json")
	if err := os.MkdirAll(filepath.Dir(sample), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sample, ana, 0o600); err != nil {
		t.Fatal(err)
	}
	run := o.run(nil, "--demo") // as make run
	fingerprint := identify(t, o)
	ran := 0
	for _, s := range steps(t, string(readme)) {
		command := regexp.MustCompile(`--key [0-9a-f]+…`).ReplaceAllString(s.command, "--key "+fingerprint)
		o.step(dir, command, s.output)
		ran++
	}
	run.stop()
	if ran < 10 {
		t.Errorf("the README has %d commands to run", ran)
	}
}

// step runs a command until it prints what it should: what was fed is found a
// moment later. Only looking is repeated.
func (o *operator) step(dir, command string, want []string) {
	o.t.Helper()
	looks := strings.HasPrefix(command, "bin/waxseal search") || strings.HasPrefix(command, "bin/waxseal show")
	for end := time.Now().Add(time.Minute); ; {
		cmd := exec.CommandContext(o.t.Context(), "sh", "-c", command)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TZ=UTC")
		out, err := cmd.CombinedOutput()
		var missing []string
		for _, line := range want {
			if !shape(line).Match(out) {
				missing = append(missing, line)
			}
		}
		failed := strings.Contains(strings.Join(want, "\n"), "FAILED")
		if len(missing) == 0 && (err != nil) == failed {
			return
		}
		if !looks || time.Now().After(end) {
			o.t.Errorf("%s: %v\n%s\nlacks\n%s", command, err, out, strings.Join(missing, "\n"))
			return
		}
	}
}

func identify(t *testing.T, o *operator) string {
	t.Helper()
	var s StatusResponse
	o.json(&s, "status")
	return s.Fingerprint
}
