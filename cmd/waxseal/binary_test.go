package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// scratch is where the binary under test lies; "" while nothing built it.
var scratch string

// binary builds the command as a user gets it: in one piece, without cgo and
// without the race detector.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "waxseal-test-")
	if err != nil {
		return "", err
	}
	scratch = dir
	path := filepath.Join(dir, "waxseal")
	build := exec.Command("go", "build", "-o", path, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the binary under test: %w\n%s", err, out)
	}
	return path, nil
})

// built is a test run that removes the binary in the end.
type built struct{ *testing.M }

// Run runs the tests.
func (b built) Run() int {
	code := b.M.Run()
	if scratch != "" {
		os.RemoveAll(scratch)
	}
	return code
}

// operator is somebody with the binary and a data folder.
type operator struct {
	t    *testing.T
	bin  string
	data string
	env  []string
}

// newOperator gives an operator with an empty data folder. env are settings beside the
// tests' own.
func newOperator(t *testing.T, env ...string) *operator {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return &operator{t: t, bin: bin, data: filepath.Join(t.TempDir(), "archive"), env: append([]string{"WAXSEAL_LINGER=10ms"}, env...)}
}

// command is the binary with these arguments, over their data folder.
func (o *operator) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.bin, append(args, "--data", o.data)...)
	cmd.Env = append(append(os.Environ(), "TZ=UTC"), o.env...)
	return cmd
}

// try runs a command to its end.
func (o *operator) try(args ...string) (stdout, stderr []byte, code int) {
	o.t.Helper()
	cmd := o.command(o.t.Context(), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.t.Fatalf("waxseal %s: %v", args[0], err)
	}
	return out.Bytes(), errs.Bytes(), cmd.ProcessState.ExitCode()
}

// must runs a command that has to succeed, and gives its standard output.
func (o *operator) must(args ...string) []byte {
	o.t.Helper()
	out, errs, code := o.try(args...)
	if code != exitOK {
		o.t.Fatalf("waxseal %s: exit code %d\n%s%s", args[0], code, out, errs)
	}
	return out
}

// json runs a command that has to succeed and decodes what it says.
func (o *operator) json(v any, args ...string) {
	o.t.Helper()
	decode(o.t, o.must(append(args, "--output", "json")...), v)
}

func decode(t *testing.T, text []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(text, v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// feed writes a body as one record and gives its name.
func (o *operator) feed(name, body string, flags ...string) string {
	o.t.Helper()
	file := filepath.Join(o.t.TempDir(), name)
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		o.t.Fatal(err)
	}
	var r FeedResponse
	o.json(&r, append([]string{"feed", file}, flags...)...)
	if len(r.Files) != 1 || len(r.Files[0].Records) != 1 {
		o.t.Fatalf("one file became %v", r.Files)
	}
	return r.Files[0].Records[0]
}
