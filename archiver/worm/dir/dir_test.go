package dir_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/archiver/worm/wormtest"
)

func TestMain(m *testing.M) {
	if dir.Child() {
		return
	}
	goleak.VerifyTestMain(m)
}

// clock goes with the host's, and can be moved.
type clock struct {
	mu   sync.Mutex
	gone time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.gone)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gone += d
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, immutable := range []bool{false, true} {
		wormtest.Run(t, func(t *testing.T) wormtest.Harness {
			root, fill := space(t)
			c := &clock{}
			opts := dir.Options{Now: c.now, Immutable: immutable}
			if immutable {
				t.Cleanup(func() { dir.ThawAll(root) })
			}
			return wormtest.Harness{
				Store: must(dir.Create(root, opts)), Advance: c.advance, Fill: fill,
				Reopen: func() worm.Keeper { return must(dir.Open(root, opts)) },
			}
		})
	}
}

func TestMetaContract(t *testing.T) {
	t.Parallel()
	wormtest.RunMeta(t, func(t *testing.T) wormtest.Harness {
		root, fill := space(t)
		c := &clock{}
		opts := dir.Options{Now: c.now}
		return wormtest.Harness{
			Store: must(dir.CreateMeta(root, opts)), Advance: c.advance, Fill: fill,
			Reopen: func() worm.Keeper { return must(dir.OpenMeta(root, opts)) },
		}
	})
}

func put(t *testing.T, s worm.Store, key, body string, lock worm.Lock) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, []byte(body), sha256.Sum256([]byte(body)), lock); err != nil {
		t.Fatal(err)
	}
}

func TestCreateOpen(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	root := filepath.Join(base, "deep", "below", "store")
	if _, err := dir.Open(root, dir.Options{}); !errors.Is(err, dir.ErrNoStore) {
		t.Fatalf("opened what is not there: %v", err)
	}
	put(t, must(dir.Create(root, dir.Options{})), "k", "x", worm.Lock{})
	if _, err := dir.Create(root, dir.Options{}); !errors.Is(err, dir.ErrNotEmpty) {
		t.Fatalf("created over a store: %v", err)
	}
	if _, err := dir.OpenMeta(root, dir.Options{}); !errors.Is(err, dir.ErrNoStore) {
		t.Fatalf("opened a locked store as an unlocked one: %v", err)
	}
	if _, err := dir.OpenReadOnly(base); !errors.Is(err, dir.ErrNoStore) {
		t.Fatalf("opened a folder that is no store: %v", err)
	}
	other := filepath.Join(base, "later")
	if err := os.Mkdir(other, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(other, "@format"), []byte("waxseal dir 2 locked\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.OpenReadOnly(other); !errors.Is(err, dir.ErrNoStore) {
		t.Fatalf("opened a later version: %v", err)
	}
}

// TestReadOnly: a copy without @tmp and @flock reads, and reading leaves no trace.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	s := must(dir.Create(root, dir.Options{}))
	put(t, s, "lanes/0/blocks/000000000007", "block", worm.Lock{RetainUntil: until})
	for _, name := range []string{"@tmp", "@flock"} {
		if err := os.RemoveAll(filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	r := must(dir.OpenReadOnly(root))
	body, info, err := r.Get(t.Context(), "lanes/0/blocks/000000000007")
	if err != nil || string(body) != "block" || !info.Lock.RetainUntil.Equal(until) {
		t.Fatalf("read %q %+v %v", body, info, err)
	}
	n := 0
	if err := r.List(t.Context(), "", "", func(worm.Version) error { n++; return nil }); err != nil || n != 1 {
		t.Fatalf("listed %d, %v", n, err)
	}
	if names := must(os.ReadDir(root)); len(names) != 2 {
		t.Fatalf("reading left %v", names)
	}
	if r.Unlocked() {
		t.Fatal("a locked store says it is unlocked")
	}
}

// TestPlainFiles: an object is the file of its key, read-only, nothing else.
func TestPlainFiles(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	m := must(dir.CreateMeta(root, dir.Options{}))
	put(t, m, "log/0/tile/0/x001/x234/067", "tile", worm.Lock{})
	path := filepath.Join(root, "log/0/tile/0/x001/x234/067")
	if got := must(os.ReadFile(path)); string(got) != "tile" {
		t.Fatalf("the file holds %q", got)
	}
	if st := must(os.Stat(path)); st.Mode().Perm()&0o222 != 0 {
		t.Fatalf("the file has mode %v", st.Mode())
	}
	if left := must(os.ReadDir(filepath.Join(root, "@tmp"))); len(left) != 0 {
		t.Fatalf("a Put left %v", left)
	}
}

// TestFolders: no key is the folder of another.
func TestFolders(t *testing.T) {
	t.Parallel()
	m := must(dir.CreateMeta(filepath.Join(t.TempDir(), "s"), dir.Options{}))
	put(t, m, "a/b", "x", worm.Lock{})
	sum := sha256.Sum256(nil)
	for _, key := range []string{"a", "a/b/c", "a/b/c/d"} {
		if _, err := m.Put(t.Context(), key, nil, sum, worm.Lock{}); !errors.Is(err, worm.ErrKey) {
			t.Fatalf("put %s beside a/b: %v", key, err)
		}
	}
	if err := m.Swap(t.Context(), "a", nil, nil); !errors.Is(err, worm.ErrKey) {
		t.Fatalf("swap a beside a/b: %v", err)
	}
	if err := m.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	put(t, m, "a", "now free", worm.Lock{}) // the empty folder went with its last object
}

// TestTwoOpen: two openings of one folder, as two processes have them, keep the
// contract between them.
func TestTwoOpen(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	a := must(dir.Create(root, dir.Options{}))
	b := must(dir.Open(root, dir.Options{}))
	var wg sync.WaitGroup
	won := make([]int, 40)
	var mu sync.Mutex
	for _, s := range []*dir.Store{a, b, a, b} {
		wg.Go(func() {
			for i := range won {
				body := bytes.Repeat([]byte{byte(i)}, i+1)
				key := "lanes/0/data/" + string(rune('a'+i%20)) + string(rune('a'+i/20))
				_, err := s.Put(t.Context(), key, body, sha256.Sum256(body), worm.Lock{})
				if err != nil && !errors.Is(err, worm.ErrExists) {
					t.Error(err)
				}
				if err == nil {
					mu.Lock()
					won[i]++
					mu.Unlock()
				}
				if got, _, err := s.Get(t.Context(), key); err != nil || !bytes.Equal(got, body) {
					t.Errorf("read back: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for i, n := range won {
		if n != 1 {
			t.Errorf("key %d was won %d times", i, n)
		}
	}
}

// TestPruneBetweenProcesses: another opening removes a folder this one knows.
func TestPruneBetweenProcesses(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	a := must(dir.CreateMeta(root, dir.Options{}))
	b := must(dir.OpenMeta(root, dir.Options{}))
	for range 3 {
		put(t, a, "x/y/z", "1", worm.Lock{})
		if err := b.Delete(t.Context(), "x/y/z"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(filepath.Join(root, "x")); !os.IsNotExist(err) {
			t.Fatalf("an empty folder stayed: %v", err)
		}
		put(t, a, "x/y/other", "2", worm.Lock{})
		if err := a.Delete(t.Context(), "x/y/other"); err != nil {
			t.Fatal(err)
		}
	}
}
