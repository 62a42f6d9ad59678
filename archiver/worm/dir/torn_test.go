package dir_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
)

const key = "lanes/0/data/000000000007/seg-0"

// files gives the paths of the key's object and lock record.
func files(root string) (object, record string) {
	object = filepath.Join(root, "lanes/0/data/000000000@/000000000007/seg-0")
	return object, object + "@lock"
}

// record gives the bytes of the lock record of an object with that key's last
// segment and body.
func record(t *testing.T, name, body string, lock worm.Lock) []byte {
	t.Helper()
	root := filepath.Join(t.TempDir(), "s")
	put(t, must(dir.Create(root, dir.Options{})), path.Dir(key)+"/"+name, body, lock)
	object, _ := files(root)
	return must(os.ReadFile(filepath.Join(filepath.Dir(object), name+"@lock")))
}

// TestTornWrites builds each state a power cut in the middle of a Put could
// leave, and states none could leave, by hand.
func TestTornWrites(t *testing.T) {
	t.Parallel()
	lock := worm.Lock{RetainUntil: time.Now().Add(time.Hour)}
	rec, another := record(t, "seg-0", "sealed", lock), record(t, "seg-1", "sealed", lock)
	flip := func(b []byte, i int) []byte { b = bytes.Clone(b); b[i] ^= 1; return b }
	some := func(s string) []byte { return []byte(s) }
	for _, c := range []struct {
		name           string
		object, record []byte // nil: not there
		want           error
	}{
		{"nothing", nil, nil, worm.ErrNotFound},
		{"record alone", nil, rec, worm.ErrNotFound},
		{"empty record alone", nil, []byte{}, worm.ErrNotFound},
		{"torn record alone", nil, rec[:40], worm.ErrNotFound},
		{"both", some("sealed"), rec, nil},
		{"object alone", some("sealed"), nil, worm.ErrDamaged},
		{"object, empty record", some("sealed"), []byte{}, worm.ErrDamaged},
		{"object, torn record", some("sealed"), rec[:len(rec)-1], worm.ErrDamaged},
		{"object, record of zeros", some("sealed"), make([]byte, len(rec)), worm.ErrDamaged},
		{"object, long record", some("sealed"), append(bytes.Clone(rec), rec...), worm.ErrDamaged},
		{"object, record of another key", some("sealed"), another, worm.ErrDamaged},
		{"torn object", some("seal"), rec, worm.ErrDamaged},
		{"empty object", []byte{}, rec, worm.ErrDamaged},
		{"other object", some("secret"), rec, worm.ErrDamaged},
		{"object, flipped retention", some("sealed"), flip(rec, bytes.Index(rec, []byte("retain "))+8), worm.ErrDamaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			testTorn(t, c.object, c.record, c.want)
		})
	}
}

func testTorn(t *testing.T, object, record []byte, want error) {
	root := filepath.Join(t.TempDir(), "s")
	s := must(dir.Create(root, dir.Options{}))
	op, rp := files(root)
	if err := os.MkdirAll(filepath.Dir(op), 0o750); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{op: object, rp: record} {
		if b != nil {
			if err := os.WriteFile(name, b, 0o640); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, _, err := s.Get(t.Context(), key); !errors.Is(err, want) {
		t.Fatalf("get: %v, want %v", err, want)
	}
	listed := 0
	if err := s.List(t.Context(), "", "", func(v worm.Version) error {
		listed++
		if v.Key != key || v.Size != int64(len(object)) {
			return fmt.Errorf("listed %+v", v.Info)
		}
		return nil
	}); err != nil || listed != min(1, len(object)+1)*b2i(object != nil) {
		t.Fatalf("listed %d, %v", listed, err)
	}
	body := []byte("another try")
	_, err := s.Put(t.Context(), key, body, sha256.Sum256(body), worm.Lock{})
	if object != nil {
		if !errors.Is(err, worm.ErrExists) {
			t.Fatalf("put over a file: %v", err)
		}
		if got := must(os.ReadFile(op)); !bytes.Equal(got, object) {
			t.Fatal("a refused Put changed the file")
		}
		if err := s.Delete(t.Context(), key); err == nil {
			t.Fatal("deleted what is damaged or locked")
		}
		return
	}
	if err != nil {
		t.Fatalf("put over a torn put: %v", err)
	}
	if got, info, err := s.Get(t.Context(), key); err != nil || !bytes.Equal(got, body) || info.Lock != (worm.Lock{}) {
		t.Fatalf("then: %q %+v %v", got, info, err)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestFlipEachByte: any changed byte of an object or its lock record is seen.
func TestFlipEachByte(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "s")
	s := must(dir.Create(root, dir.Options{}))
	put(t, s, key, "sealed", worm.Lock{RetainUntil: time.Now().Add(time.Hour), Hold: true})
	object, record := files(root)
	for _, name := range []string{object, record} {
		whole := must(os.ReadFile(name))
		if err := os.Chmod(name, 0o640); err != nil {
			t.Fatal(err)
		}
		for i := range whole {
			b := bytes.Clone(whole)
			b[i] ^= 0x20
			if err := os.WriteFile(name, b, 0o640); err != nil {
				t.Fatal(err)
			}
			if _, _, err := s.Get(t.Context(), key); !errors.Is(err, worm.ErrDamaged) {
				t.Fatalf("byte %d of %s changed: %v", i, filepath.Base(name), err)
			}
		}
		if err := os.WriteFile(name, whole, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Get(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}

// TestDeath lets a process die at each point of each change, and looks at what
// the next one finds: the state before or the state after, never another.
func TestDeath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		op, point string
		after     bool // the change had happened
	}{
		{"put", "put staged", false}, {"put", "put record placed", false}, {"put", "put object linked", true}, {"put", "", true},
		{"extend", "record staged", false}, {"extend", "record replaced", true}, {"extend", "", true},
		{"delete", "object removed", true}, {"delete", "", true},
		{"swap", "swap staged", false}, {"swap", "swapped", true}, {"swap", "", true},
	} {
		t.Run(c.op+"/"+c.point, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "s")
			before(t, c.op, root)
			runChild(t, c.op, c.point, root)
			after(t, c.op, root, c.after)
			sweeps(t, root, c.op == "swap")
		})
	}
}

func before(t *testing.T, op, root string) {
	t.Helper()
	if op == "swap" {
		put(t, must(dir.CreateMeta(root, dir.Options{})), "a/k", "old", worm.Lock{})
		return
	}
	s := must(dir.Create(root, dir.Options{}))
	if op != "put" {
		put(t, s, "a/k", "the whole object", worm.Lock{})
	}
}

func runChild(t *testing.T, op, point, root string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dir.ChildEnv+"="+op, dir.PointEnv+"="+point, dir.RootEnv+"="+root)
	out, err := cmd.CombinedOutput()
	code := cmd.ProcessState.ExitCode()
	if point == "" && err != nil || point != "" && code != dir.Died {
		t.Fatalf("child exited with %d: %s", code, out)
	}
}

func after(t *testing.T, op, root string, happened bool) {
	t.Helper()
	r := must(dir.OpenReadOnly(root))
	body, info, err := r.Get(t.Context(), "a/k")
	if errors.Is(err, worm.ErrNotFound) {
		body, err = []byte("(none)"), nil
	}
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"put": {"(none)", "the whole object"}, "extend": {"the whole object", "the whole object"},
		"delete": {"the whole object", "(none)"}, "swap": {"old", "the whole object"},
	}[op][b2i(happened)]
	if string(body) != want {
		t.Fatalf("the next process finds %q, want %q", body, want)
	}
	if op == "extend" && info.Lock.RetainUntil.IsZero() == happened {
		t.Fatalf("the next process finds the lock %+v", info.Lock)
	}
	if op == "put" && !happened { // and can try again
		put(t, must(dir.Open(root, dir.Options{})), "a/k", "again", worm.Lock{})
	}
}

// sweeps checks that Open removes old left-overs, and young ones not.
func sweeps(t *testing.T, root string, meta bool) {
	t.Helper()
	tmp := filepath.Join(root, "@tmp")
	left := must(os.ReadDir(tmp))
	reopen := func() {
		if meta {
			must(dir.OpenMeta(root, dir.Options{}))
		} else {
			must(dir.Open(root, dir.Options{}))
		}
	}
	reopen()
	if now := must(os.ReadDir(tmp)); len(now) != len(left) {
		t.Fatalf("young left-overs went from %d to %d", len(left), len(now))
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, e := range left {
		if err := os.Chtimes(filepath.Join(tmp, e.Name()), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if len(left) > 0 {
		if body, err := os.ReadFile(filepath.Join(root, "a", "k")); err == nil {
			defer func() { // a left-over link to the object may have gone with the sweep, the object not
				if got := must(os.ReadFile(filepath.Join(root, "a", "k"))); !bytes.Equal(got, body) {
					t.Error("the sweep changed the object")
				}
			}()
		}
	}
	reopen()
	if now := must(os.ReadDir(tmp)); len(now) != 0 {
		t.Fatalf("%d old left-overs stayed", len(now))
	}
}
