package bundle_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
)

func TestWriterRefuses(t *testing.T) {
	s := newScene(t)
	need := s.lanes(t)
	full := t.TempDir()
	put(t, full, "something", nil)
	if err := s.tryExport(t, full, need, nil, s.Signer()); !errors.Is(err, bundle.ErrExists) {
		t.Errorf("a folder that is not empty: %v", err)
	}
	if _, err := os.Stat(full + ".partial"); err == nil {
		t.Error("something was left beside it")
	}
	empty := filepath.Join(t.TempDir(), "empty")
	must(t, os.Mkdir(empty, 0o700))
	s.export(t, empty, need, nil)
	if err := s.tryExport(t, empty, need, nil, s.Signer()); !errors.Is(err, bundle.ErrExists) {
		t.Errorf("a bag that is there: %v", err)
	}
	out := filepath.Join(t.TempDir(), "bag")
	w, err := bundle.Create(out)
	must(t, err)
	if _, err := bundle.Create(out); !errors.Is(err, bundle.ErrExists) {
		t.Errorf("one under way: %v", err)
	}
	for _, path := range []string{"", "/a", "../a", "data/../a", "data//a", "data/", "data/a b", "data/ä", `data\a`, "data/a\n", "./a", "data/."} {
		if _, err := w.Create(path); !errors.Is(err, bundle.ErrPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
	must(t, w.Write("data/a.txt", []byte("hello\n")))
	for _, path := range []string{"data/a.txt", "data/A.txt"} {
		if _, err := w.Create(path); !errors.Is(err, os.ErrExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("it looks finished, and is not")
	}
	must(t, w.Abort())
	if _, err := os.Stat(out + ".partial"); err == nil {
		t.Error("what was aborted is still there")
	}
	if err := s.tryExport(t, out, need, nil, s.other(t)); err == nil || !strings.Contains(err.Error(), "current key") {
		t.Errorf("signed by another key: %v", err)
	}
	for _, p := range []string{out, out + ".partial"} {
		if _, err := os.Stat(p); err == nil {
			t.Errorf("%s is there", p)
		}
	}
}

// The folder is decrypted: nobody else on the host may read it.
func TestPermissions(t *testing.T) {
	s := newScene(t)
	dir := s.bag(t, nil)
	for path := range read(t, dir) {
		for p := path; ; p = filepath.Dir(p) {
			info, err := os.Stat(filepath.Join(dir, p))
			must(t, err)
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s has mode %o", p, info.Mode().Perm())
			}
			if p == "." {
				break
			}
		}
	}
}

// The Library of Congress's own validator passes our bags, and refuses a changed one.
func TestReferenceValidator(t *testing.T) {
	needPython(t, "bagit")
	s := newScene(t)
	dir := s.bag(t, s.checkpointAt(t, 1))
	run := func() error {
		out, err := exec.Command(interpreter(), "-m", "bagit", "--validate", dir).CombinedOutput()
		if err != nil {
			return errors.New(string(out))
		}
		return nil
	}
	if err := run(); err != nil {
		t.Error(err)
	}
	put(t, dir, "data/messages.jsonl", []byte("x\n"))
	if run() == nil {
		t.Error("passes a changed bag")
	}
}

// guide runs the commands of VERIFY.md as they are written there, in the bag.
func guide(t *testing.T, dir string) (outputs []string, err error) {
	t.Helper()
	text, readErr := os.ReadFile(filepath.Join(dir, "VERIFY.md"))
	must(t, readErr)
	blocks := regexp.MustCompile("(?s)<!-- run -->\n```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) != 6 {
		t.Fatalf("%d blocks of commands", len(blocks))
	}
	for _, b := range blocks {
		cmd := exec.Command("bash", "-e", "-o", "pipefail", "-c", b[1])
		cmd.Dir = dir
		out, runErr := cmd.CombinedOutput()
		outputs = append(outputs, string(out))
		err = errors.Join(err, runErr)
	}
	return outputs, err
}

// What VERIFY.md tells to type, with coreutils and openssl alone, says what it
// says, and says no where a file, a key or a signature was changed.
func TestGuide(t *testing.T) {
	for _, tool := range []string{"bash", "sha256sum", "openssl", "diff", "base64"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: no %s", tool)
		}
	}
	s := newScene(t)
	fp := s.fingerprint(t).String()
	good := s.bag(t, s.checkpointAt(t, 1))
	out, err := guide(t, good)
	must(t, err)
	lines := strings.Fields(out[3])
	five := strings.Split(strings.TrimSpace(out[4]), "\n")
	if out[0] != "" || out[1] != "" || !strings.HasPrefix(out[2], fp) || len(lines) != 2 || lines[0] != lines[1] ||
		len(five) != 3 || five[0] != "Signature Verified Successfully" || five[1] != five[2] || out[5] != "Signature Verified Successfully\n" {
		t.Fatalf("%q", out)
	}
	text, err := os.ReadFile(filepath.Join(good, "VERIFY.md"))
	must(t, err)
	if regexp.MustCompile(`\{\w+\}`).Match(text) || !strings.Contains(string(text), fp) {
		t.Error("a placeholder was not filled in")
	}
	for path, content := range read(t, good) {
		dir := copyBag(t, good)
		bad := append([]byte(nil), content...)
		bad[len(bad)/2] ^= 1
		put(t, dir, path, bad)
		out, err := guide(t, dir)
		if err == nil && (path != "tagmanifest-sha256.txt" || strings.Fields(out[4])[3] == strings.Fields(out[4])[4]) {
			t.Errorf("%s was changed: %q", path, out)
		}
		must(t, os.RemoveAll(dir))
	}
}
