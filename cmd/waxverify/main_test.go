package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// goldenDir holds a golden archive of each format, and what it was when it was made.
const goldenDir = "../../testdata/golden"

// goldenBag is a production of format 1.
const goldenBag = "../../exporter/bundle/testdata/golden/v1"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"waxverify": main})
}

// TestScripts runs the scripts against a copy of the golden archive of format 1.
func TestScripts(t *testing.T) {
	golden, err := filepath.Abs(filepath.Join(goldenDir, "v1"))
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("KEY", fingerprint(t, golden))
			key, err := os.ReadFile(filepath.Join(goldenBag, "fingerprint"))
			if err != nil {
				return err
			}
			e.Setenv("BAGKEY", strings.TrimSpace(string(key)))
			kept, err := os.ReadFile(filepath.Join(goldenBag, "checkpoint"))
			if err == nil {
				err = os.WriteFile(filepath.Join(e.WorkDir, "kept"), kept, 0o600)
			}
			if err == nil {
				err = os.CopyFS(filepath.Join(e.WorkDir, "bag"), os.DirFS(filepath.Join(goldenBag, "bag")))
			}
			if err != nil {
				return err
			}
			return os.CopyFS(filepath.Join(e.WorkDir, "copy"), os.DirFS(filepath.Join(golden, "data")))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "flip": flip, "keep": keep, "remove": remove, "shorten": shorten},
	})
}

func fingerprint(t *testing.T, dir string) string {
	t.Helper()
	var g struct{ Fingerprint string }
	b, err := os.ReadFile(filepath.Join(dir, "golden.json"))
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil || len(g.Fingerprint) != 64 {
		t.Fatalf("fingerprint of %s: %v", dir, err)
	}
	return g.Fingerprint
}

// Every golden archive there is verifies, against the fingerprint on record.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(goldenDir, "v*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden archives: %v", err)
	}
	for _, dir := range dirs {
		var out, errs strings.Builder
		s := &session{ctx: t.Context(), out: &out, err: &errs}
		if code := execute(s, []string{"archive", filepath.Join(dir, "data"), "--key", fingerprint(t, dir), "--output", "json"}); code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", dir, code, out.String(), errs.String())
		}
	}
}

// code runs a command and demands its exit code: code 3 waxverify archive copy.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command …")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		e, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = e.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// flip changes one byte of a file: flip FILE AT, from the end where AT is below 0.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	b, err := os.ReadFile(name)
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 1
	ts.Check(os.WriteFile(name, b, 0o600))
}

// keep puts a copy of a folder or file aside, or back: keep FROM TO.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	from, to := ts.MkAbs(args[0]), ts.MkAbs(args[1])
	ts.Check(os.RemoveAll(to))
	ts.Check(os.CopyFS(to, os.DirFS(from)))
}

// shorten rewrites a lock record as if the lock had been asked for a year less.
func shorten(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	text, _, _ := strings.Cut(string(b), "sum ")
	i := strings.Index(text, "retain 20") + len("retain ")
	year, err := strconv.Atoi(text[i : i+4])
	ts.Check(err)
	text = text[:i] + strconv.Itoa(year-1) + text[i+4:]
	ts.Check(os.WriteFile(name, fmt.Appendf(nil, "%ssum %x\n", text, sha256.Sum256([]byte(text))), 0o600))
}

// remove takes an object out of a store with its lock record, as root can.
func remove(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		name = ts.MkAbs(name)
		ts.Check(os.Remove(name))
		if err := os.Remove(name + "@lock"); err != nil && !os.IsNotExist(err) {
			ts.Check(err)
		}
	}
}

// Verifying a copy writes nothing, so that it may be on read-only media.
func TestWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(goldenDir, "v1", "data"))); err != nil {
		t.Fatal(err)
	}
	before := listing(t, dir)
	var out strings.Builder
	s := &session{ctx: t.Context(), out: &out, err: &out}
	if code := execute(s, []string{"archive", dir}); code != 4 {
		t.Fatalf("exit code %d\n%s", code, out.String())
	}
	if after := listing(t, dir); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.WriteString(path + " " + info.ModTime().String() + " " + strconv.FormatInt(info.Size(), 10) + "\n")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
