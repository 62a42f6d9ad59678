package dir_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
)

// TestImmutable: with the flag even root cannot remove or write the file, and
// the store still extends, holds and deletes what has lapsed.
func TestImmutable(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	c := &clock{}
	s := must(dir.Create(root, dir.Options{Immutable: true, Now: c.now}))
	if !s.Immutable() {
		t.Skip("optional: the immutable flag is not granted here (needs root and a file system that has it)")
	}
	t.Cleanup(func() { dir.ThawAll(root) })
	put(t, s, key, "sealed", worm.Lock{RetainUntil: c.now().Add(time.Minute)})
	object, record := files(root)
	for _, path := range []string{object, record} {
		if err := os.Remove(path); !errors.Is(err, syscall.EPERM) {
			t.Fatalf("removed an immutable file: %v", err)
		}
		if _, err := os.OpenFile(path, os.O_WRONLY, 0); !errors.Is(err, syscall.EPERM) {
			t.Fatalf("opened an immutable file for writing: %v", err)
		}
	}
	if err := s.Extend(t.Context(), key, c.now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(record); !errors.Is(err, syscall.EPERM) {
		t.Fatalf("removed an extended lock record: %v", err)
	}
	plain := must(dir.Open(root, dir.Options{Now: c.now}))
	if err := plain.Hold(t.Context(), key, true); err != nil {
		t.Fatalf("a process without the option holds: %v", err)
	}
	c.advance(2 * time.Hour)
	if err := s.Delete(t.Context(), key); !errors.Is(err, worm.ErrLocked) {
		t.Fatalf("deleted under hold: %v", err)
	}
	if err := errors.Join(s.Hold(t.Context(), key, false), s.Delete(t.Context(), key)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(root, "lanes")); !os.IsNotExist(err) {
		t.Fatalf("deleting left something: %v", err)
	}
}
