package mem_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/archiver/worm/wormtest"
)

type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 1, 9, 30, 0, 5000, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func fill(s *mem.Store) func() func() {
	return func() func() {
		s.Limit(100)
		return func() { s.Limit(0) }
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	wormtest.Run(t, func(*testing.T) wormtest.Harness {
		c := newClock()
		s := mem.New(c.now)
		return wormtest.Harness{Store: s, Advance: c.advance, Fill: fill(s), Reopen: func() worm.Keeper { return s.Clone() }}
	})
}

func TestMetaContract(t *testing.T) {
	t.Parallel()
	wormtest.RunMeta(t, func(*testing.T) wormtest.Harness {
		c := newClock()
		s := mem.NewMeta(c.now)
		return wormtest.Harness{Store: s, Advance: c.advance, Fill: fill(s.Store), Reopen: func() worm.Keeper { return s.Clone() }}
	})
}

func put(t *testing.T, s worm.Store, key, body string) error {
	t.Helper()
	_, err := s.Put(t.Context(), key, []byte(body), sha256.Sum256([]byte(body)), worm.Lock{})
	return err
}

func get(t *testing.T, s worm.Store, key string) string {
	t.Helper()
	body, _, err := s.Get(t.Context(), key)
	if errors.Is(err, worm.ErrNotFound) {
		return "(none)"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault mem.Fault
		err   error
		after string // what the key holds then
		late  string // and once late writes have arrived
	}{
		{mem.None, nil, "body", "body"},
		{mem.Lost, mem.ErrFault, "(none)", "(none)"},
		{mem.Stored, mem.ErrFault, "body", "body"},
		{mem.Late, mem.ErrFault, "(none)", "body"},
		{mem.Forgotten, nil, "(none)", "(none)"},
		{mem.Partial, mem.ErrFault, "bo", "bo"},
		{mem.Full, worm.ErrFull, "(none)", "(none)"},
	} {
		s := mem.New(nil)
		if err := put(t, s, "first", "x"); err != nil {
			t.Fatal(err)
		}
		s.FaultAt(0, c.fault)
		if err := put(t, s, "k", "body"); !errors.Is(err, c.err) {
			t.Errorf("fault %d answered %v, want %v", c.fault, err, c.err)
		}
		if got := get(t, s, "k"); got != c.after {
			t.Errorf("fault %d left %q, want %q", c.fault, got, c.after)
		}
		s.ReleaseAll()
		if got := get(t, s, "k"); got != c.late {
			t.Errorf("fault %d left %q late, want %q", c.fault, got, c.late)
		}
		if err := put(t, s, "second", "x"); err != nil {
			t.Errorf("fault %d also hit the next write: %v", c.fault, err)
		}
	}
}

// TestLateLosesRace: a late write meets what was written meanwhile.
func TestLateLosesRace(t *testing.T) {
	t.Parallel()
	s := mem.New(nil)
	s.FaultAt(0, mem.Late)
	if err := put(t, s, "k", "late"); !errors.Is(err, mem.ErrFault) {
		t.Fatal(err)
	}
	if err := put(t, s, "k", "prompt"); err != nil {
		t.Fatal(err)
	}
	if p := s.Pending(); len(p) != 1 || p[0].Key != "k" {
		t.Fatalf("pending %v", p)
	}
	if err := s.Release(0); !errors.Is(err, worm.ErrExists) {
		t.Fatalf("the late write was answered %v", err)
	}
	if got := get(t, s, "k"); got != "prompt" {
		t.Fatalf("the key holds %q", got)
	}
}

func TestHookFreezes(t *testing.T) {
	t.Parallel()
	s := mem.New(nil)
	reached, thaw := make(chan struct{}), make(chan struct{})
	s.Hook(func(ctx context.Context, c mem.Call) mem.Fault {
		if c.Op == mem.OpPut && c.Key == "k" && c.N == 0 {
			close(reached)
			<-thaw
		}
		return mem.None
	})
	frozen := make(chan error)
	go func() { frozen <- put(t, s, "k", "frozen") }()
	<-reached
	if err := put(t, s, "k", "other"); err != nil {
		t.Fatal(err)
	}
	close(thaw)
	if err := <-frozen; !errors.Is(err, worm.ErrExists) {
		t.Fatalf("the frozen writer was answered %v", err)
	}
}

// TestForeignVersions: the oldest version is the object, whatever lies on top.
func TestForeignVersions(t *testing.T) {
	t.Parallel()
	s := mem.New(nil)
	if err := put(t, s, "k", "object"); err != nil {
		t.Fatal(err)
	}
	s.AddMarker("k")
	s.AddVersion("k", []byte("newer"), worm.Lock{})
	if got := get(t, s, "k"); got != "object" {
		t.Fatalf("the key holds %q", got)
	}
	if err := put(t, s, "k", "again"); !errors.Is(err, worm.ErrExists) {
		t.Fatalf("a hidden key was put: %v", err)
	}
	var got []worm.Version
	if err := s.List(t.Context(), "", "", func(v worm.Version) error { got = append(got, v); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got[0].Latest || got[0].DeleteMarker || !got[1].DeleteMarker || got[1].Latest || !got[2].Latest || got[2].Size != 5 {
		t.Fatalf("listed %+v", got)
	}
	s.AddMarker("only")
	if err := put(t, s, "only", "x"); err != nil {
		t.Fatalf("a key that never held an object: %v", err)
	}
}

func TestTamper(t *testing.T) {
	t.Parallel()
	s := mem.New(nil)
	until := time.Now().Add(time.Hour)
	body := []byte("truth")
	if _, err := s.Put(t.Context(), "k", body, sha256.Sum256(body), worm.Lock{RetainUntil: until}); err != nil {
		t.Fatal(err)
	}
	c := s.Clone()
	s.Tamper("k", []byte("lies"))
	s.Relock("k", worm.Lock{})
	got, info, err := s.Get(t.Context(), "k")
	if err != nil || string(got) != "lies" || info.SHA256 != sha256.Sum256([]byte("lies")) || info.Lock != (worm.Lock{}) {
		t.Fatalf("after tampering: %q %+v %v", got, info, err)
	}
	s.Remove("k")
	if get(t, s, "k") != "(none)" || get(t, c, "k") != "truth" {
		t.Fatal("removal reached the clone, or did not happen")
	}
}
