package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestDemoBegun kills a demonstration before genesis, behind keys and stores: its
// policy is a pipe, and who opens that for writing knows that the process waits
// there. What is left then, or would be left a step earlier, is a demonstration's.
func TestDemoBegun(t *testing.T) {
	t.Parallel()
	for name, less := range map[string][]string{
		"keys and stores":  nil,
		"keys and a store": {"spare", "meta"},
		"keys alone":       {"spare", "meta", "locked"},
		"the mark alone":   {"spare", "meta", "locked", "keys", "lock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOperator(t)
			o.killBeforeGenesis("run", "--demo")
			for _, part := range []string{"keys", "locked", "demo.json"} {
				if _, err := os.Stat(filepath.Join(o.data, part)); err != nil {
					t.Fatal(err)
				}
			}
			if there, err := foundedIn(filepath.Join(o.data, "locked")); err != nil || there {
				t.Fatalf("there is genesis, or %v: this test tests nothing", err)
			}
			for _, part := range less {
				if err := os.RemoveAll(filepath.Join(o.data, part)); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, o.data)
			for _, args := range [][]string{{"archive", "--drain"}, {"keys", "new"}, {"run"}} {
				_, errs, code := o.try(args...)
				if code != exitUsage || !strings.Contains(string(errs), "holds the beginning of a demonstration (demo/archive.local)") {
					t.Fatalf("%v: exit code %d, %s", args, code, errs)
				}
			}
			if after := tree(t, o.data); after != before {
				t.Errorf("refused, and changed:\n%s\nto\n%s", before, after)
			}

			other := &operator{t: t, bin: o.bin, data: filepath.Join(t.TempDir(), "copy"), env: o.env}
			if err := os.CopyFS(other.data, os.DirFS(o.data)); err != nil {
				t.Fatal(err)
			}
			var r DemoRemoveResponse
			other.json(&r, "demo", "remove", "--yes")
			if r.Archive != "demo/archive.local" || r.Fingerprint != "" || len(r.Left) > 0 {
				t.Errorf("removed: %+v", r)
			}
			if _, err := os.Stat(other.data); !os.IsNotExist(err) {
				t.Errorf("removed, and there: %v", err)
			}

			o.run(nil, "--demo").stop()
			var s StatusResponse
			o.json(&s, "status")
			if s.Archive != "demo/archive.local" || s.Records < 280 {
				t.Errorf("gone on with: %s, %d records", s.Archive, s.Records)
			}
		})
	}
}

// What a plain run began is not made a demonstration, nor removed as one; and what
// is written in the mark's place is not believed.
func TestDemoNotBegun(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	o.killBeforeGenesis("run")
	if _, errs, code := o.try("run", "--demo"); code != exitUsage || !strings.Contains(string(errs), "is there already, and not of a demonstration") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	for _, text := range []string{"", "{", `{"demonstration":"archive.local"}`} {
		if text != "" {
			if err := os.WriteFile(filepath.Join(o.data, markPart), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before := tree(t, o.data)
		if _, errs, code := o.try("demo", "remove", "--yes"); code != exitUsage || !strings.Contains(string(errs), "nothing was touched") {
			t.Errorf("%q: exit code %d, %s", text, code, errs)
		}
		if after := tree(t, o.data); after != before {
			t.Errorf("refused, and changed:\n%s\nto\n%s", before, after)
		}
	}
	if err := os.Remove(filepath.Join(o.data, markPart)); err != nil {
		t.Fatal(err)
	}
	o.must("archive", "--drain")

	// genesis is the truth: a mark beside it changes nothing
	if err := os.WriteFile(filepath.Join(o.data, markPart), []byte(`{"demonstration":"demo/archive.local"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o.must("archive", "--drain")
	if _, errs, code := o.try("demo", "remove", "--yes"); code != exitUsage || !strings.Contains(string(errs), "it is the archive archive.local") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// killBeforeGenesis starts a command and kills it where it reads its policy.
func (o *operator) killBeforeGenesis(args ...string) {
	o.t.Helper()
	pipe := filepath.Join(o.t.TempDir(), "policy")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		o.t.Fatal(err)
	}
	cmd := o.command(o.t.Context(), args...)
	cmd.Env = append(cmd.Env, "WAXSEAL_POLICY="+pipe)
	if err := cmd.Start(); err != nil {
		o.t.Fatal(err)
	}
	ended, reached := make(chan error, 1), make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	go func() {
		f, err := os.OpenFile(pipe, os.O_WRONLY, 0) // waits for the reader
		reached <- err
		if err == nil {
			cmd.Process.Kill()
			f.Close()
		}
	}()
	err := <-ended
	select {
	case err := <-reached:
		if err != nil {
			o.t.Fatal(err)
		}
	default:
		o.t.Fatalf("ended before it read its policy: %v", err)
	}
}

// tree lists what lies in a folder, with sizes, but for the lock.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && info.Name() != lockPart {
			out.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}
