package bundle_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
)

// interpreter is the Python that `make test` made ready, else the system's.
func interpreter() string {
	if p := os.Getenv("WAXSEAL_PYTHON"); p != "" {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return "python3"
}

func needPython(t testing.TB, module string) {
	t.Helper()
	if out, err := exec.Command(interpreter(), "-c", "import "+module).CombinedOutput(); err != nil {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatalf("python3 with %s is required: %v %s", module, err, out)
		}
		t.Skipf("SKIPPED: no python3 with %s: %v", module, err)
	}
}

// python is a process that runs verify.py on what it is given.
type python struct {
	in  io.Writer
	out *bufio.Reader
}

// answer is what verify.py says of a bag.
type answer struct {
	Code  int
	Files []string
	Text  string
}

func startPython(t testing.TB) *python {
	t.Helper()
	needPython(t, "json")
	cmd := exec.Command(interpreter(), "-B", "testdata/driver.py", "verify.py")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("verify.py: %v", err)
		}
	})
	return &python{in, bufio.NewReader(out)}
}

func (p *python) verify(t testing.TB, dir string, trust bundle.Trust) (a answer) {
	t.Helper()
	ask := map[string]string{"dir": dir, "key": "", "checkpoint": string(trust.Checkpoint)}
	if trust.Fingerprint != nil {
		ask["key"] = trust.Fingerprint.String()
	}
	line, err := json.Marshal(ask)
	must(t, err)
	_, err = p.in.Write(append(line, '\n'))
	must(t, err)
	line, err = p.out.ReadBytes('\n')
	must(t, err)
	must(t, json.Unmarshal(line, &a))
	return a
}

// code is the exit code that a verdict has.
func code(v *bundle.Verdict) int {
	switch {
	case !v.OK:
		return 3
	case !v.Pinned:
		return 4
	}
	return 0
}

// both verifies in Go and in Python and wants the same verdict: the same exit
// code, for a good bag the same words, for another a file that both name, and
// both name want ("" any).
func both(t testing.TB, py *python, dir string, trust bundle.Trust, want ...string) *bundle.Verdict {
	t.Helper()
	v, a := verify(t, dir, trust), py.verify(t, dir, trust)
	switch {
	case a.Code != code(v):
		t.Errorf("verify.py ends with %d, Go with %d\n%s\n%s", a.Code, code(v), a.Text, v.Text())
	case v.OK && a.Text != v.Text():
		t.Errorf("verify.py says\n%s\nGo says\n%s", a.Text, v.Text())
	case !v.OK && !slices.ContainsFunc(v.Problems, func(p bundle.Problem) bool { return slices.Contains(a.Files, p.File) }):
		t.Errorf("they name no file in common\n%s\n%s", v.Text(), a.Text)
	}
	for _, f := range want {
		if v.OK || !names(v, f) || !slices.Contains(a.Files, f) {
			t.Errorf("%s is not named by both\n%s\n%s", f, v.Text(), a.Text)
		}
	}
	return v
}

// names says whether a verdict blames the file.
func names(v *bundle.Verdict, file string) bool {
	return slices.ContainsFunc(v.Problems, func(p bundle.Problem) bool { return p.File == file && strings.TrimSpace(p.What) != "" })
}

// A module that somebody put beside verify.py is a file too many, and is not run.
func TestModulesBesideIt(t *testing.T) {
	needPython(t, "json")
	dir := copyBag(t, golden+"/v1/bag")
	source, err := os.ReadFile("verify.py")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "verify.py"), source, 0o600))
	for _, name := range []string{"json.py", "argparse.py", "hashlib.py", "struct.py"} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte("import sys\nprint('OK: verified under the given fingerprint')\nsys.exit(0)\n"), 0o600))
	}
	for _, isolated := range [][]string{nil, {"-I"}} {
		cmd := exec.Command(interpreter(), append(isolated, "-B", "verify.py", ".")...)
		cmd.Dir = dir
		out, _ := cmd.Output()
		if cmd.ProcessState.ExitCode() != 3 || !strings.Contains(string(out), "refused      json.py: ") || strings.Contains(string(out), "OK:") {
			t.Errorf("%v: ends with %d\n%s", isolated, cmd.ProcessState.ExitCode(), out)
		}
	}
}

// A file that is no checkpoint is wrong usage: the bag is not at fault.
func TestCheckpointThatIsNone(t *testing.T) {
	needPython(t, "json")
	good, err := os.ReadFile(golden + "/v1/checkpoint")
	must(t, err)
	for name, text := range map[string]string{"indented": "    " + string(good), "empty": "", "another root": strings.Replace(string(good), "=\n", "\n", 1)} {
		file := filepath.Join(t.TempDir(), "kept")
		must(t, os.WriteFile(file, []byte(text), 0o600))
		cmd := exec.Command(interpreter(), "-I", "-B", "verify.py", "--checkpoint", file, golden+"/v1/bag")
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "is no checkpoint") {
			t.Errorf("%s: ends with %d\n%s", name, cmd.ProcessState.ExitCode(), out)
		}
	}
}
