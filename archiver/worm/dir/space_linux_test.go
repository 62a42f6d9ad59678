package dir_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// space gives a root for a store and a function that fills the file system
// under it: a small one of the test's own where it may mount one, else none.
func space(t *testing.T) (string, func() func()) {
	t.Helper()
	base := t.TempDir()
	if os.Geteuid() != 0 || !strings.Contains(t.Name(), "/Full") {
		return filepath.Join(base, "s"), nil
	}
	if err := syscall.Mount("tmpfs", base, "tmpfs", 0, "size=8m"); err != nil {
		t.Logf("no file system to fill: %v", err)
		return filepath.Join(base, "s"), nil
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(base, 0); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(base, "s"), func() func() {
		filler := filepath.Join(base, "filler")
		f := must(os.Create(filler))
		for chunk := make([]byte, 64<<10); ; {
			if _, err := f.Write(chunk); err != nil {
				break
			}
		}
		_ = f.Close()
		return func() { _ = os.Remove(filler) }
	}
}
