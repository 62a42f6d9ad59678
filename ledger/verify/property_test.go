package verify

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// stride leaves out bytes of the flip test; 1 flips each. Under the race
// detector, which looks for something else, fewer do.
var stride = flag.Int("stride", 0, "flip every n-th byte in TestEachByte…; 0: each, under -race each 24th")

func step() int {
	switch {
	case *stride > 0:
		return *stride
	case raceEnabled:
		return 24
	}
	return 1
}

// stores of a, as one kind.
func (a *archive) store(where int) *mem.Store {
	return [stores]*mem.Store{a.locked, a.meta.Store, a.spare.Store}[where]
}

// protected lists every object that must not change: all but waste, old
// outboxes and old snapshots, of which the small archive has one.
func (a *archive) protected(t testing.TB) map[place][]byte {
	t.Helper()
	out := map[place][]byte{}
	for where := range stores {
		s := a.store(where)
		err := s.List(context.Background(), "", "", func(v worm.Version) error {
			body, _, err := s.Get(context.Background(), v.Key)
			out[place{where, v.Key}] = body
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	// The outbox of block 0 is not above the older of the last two snapshots.
	old := place{meta, ledger.DataKey("0", 0, "outbox")}
	if _, ok := out[old]; !ok {
		t.Fatal("the archive has no old outbox: this test leaves out what it should not")
	}
	delete(out, old)
	return out
}

// named says whether a failure of the report names the object.
func (r *Report) names(p place) bool {
	for _, f := range r.Findings {
		if f.Class == Failure && f.Object == p.key && f.Store == storeNames[p.where] {
			return true
		}
	}
	return false
}

// parallel runs fn for each object on its own copy of the archive, a few at
// once.
func parallel(t *testing.T, a *archive, objects map[place][]byte, fn func(c *archive, p place, body []byte) string) {
	t.Helper()
	var wg sync.WaitGroup
	gate := make(chan bool, 2)
	for p, body := range objects {
		wg.Add(1)
		gate <- true
		c := a.clone()
		go func() {
			defer wg.Done()
			defer func() { <-gate }()
			if wrong := fn(c, p, body); wrong != "" {
				t.Errorf("%s in %s: %s", p.key, storeNames[p.where], wrong)
			}
		}()
	}
	wg.Wait()
}

// Each byte of each block is changed, one at a time.
func TestEachByteOfBlocksFlipped(t *testing.T) {
	t.Parallel()
	a := small(t)
	objects := a.protected(t)
	flips := 0
	for p, body := range objects {
		if !strings.Contains(p.key, "/blocks/") {
			delete(objects, p)
			continue
		}
		flips += (len(body) + step() - 1) / step()
	}
	parallel(t, a, objects, func(c *archive, p place, body []byte) string {
		s := c.store(p.where)
		for i := 0; i < len(body); i += step() {
			s.Tamper(p.key, flipped(body, i))
			r := c.verify(nil)
			if r.OK || !r.names(p) {
				r.dump(t)
				return fmt.Sprintf("byte %d changed and not said", i)
			}
		}
		return ""
	})
	t.Logf("%d flips in %d blocks", flips, len(objects))
}

// Each byte of each other object is changed. These are judged each by itself,
// so one run takes a byte of every object, and must name them all; what stays
// whole must not be named.
func TestEachByteOfObjectsFlipped(t *testing.T) {
	t.Parallel()
	a := small(t)
	objects := a.protected(t)
	longest, flips := 0, 0
	for p, body := range objects {
		if strings.Contains(p.key, "/blocks/") {
			delete(objects, p)
			continue
		}
		longest = max(longest, len(body))
		flips += (len(body) + step() - 1) / step()
	}
	for i := 0; i < longest; i += step() {
		touched := map[place]bool{}
		for p, body := range objects {
			if i < len(body) {
				a.store(p.where).Tamper(p.key, flipped(body, i))
				touched[p] = true
			} else {
				a.store(p.where).Tamper(p.key, body)
			}
		}
		r := a.verify(nil)
		for p := range objects {
			if r.names(p) != touched[p] {
				r.dump(t)
				t.Fatalf("%s in %s: byte %d changed: %v, named: %v", p.key, storeNames[p.where], i, touched[p], r.names(p))
			}
		}
	}
	t.Logf("%d flips in %d objects", flips, len(objects))
}

func flipped(body []byte, i int) []byte {
	changed := append([]byte(nil), body...)
	changed[i] ^= 1 << (i % 8)
	return changed
}

func TestEachObjectDeleted(t *testing.T) {
	t.Parallel()
	a := small(t)
	parallel(t, a, a.protected(t), func(c *archive, p place, _ []byte) string {
		c.store(p.where).Remove(p.key)
		if r := c.verify(nil); r.OK || !r.names(p) {
			r.dump(t)
			return "deleted and not said"
		}
		return ""
	})
}

func TestEachObjectGrownAndCut(t *testing.T) {
	t.Parallel()
	a := small(t)
	parallel(t, a, a.protected(t), func(c *archive, p place, body []byte) string {
		for name, changed := range map[string][]byte{"longer": append(body[:len(body):len(body)], 0), "shorter": body[:len(body)-1], "empty": nil} {
			c.store(p.where).Tamper(p.key, changed)
			if r := c.verify(nil); r.OK || !r.names(p) {
				r.dump(t)
				return name + " and not said"
			}
		}
		return ""
	})
}

// Any two blocks change places, of one lane or of two.
func TestSwappedBlocks(t *testing.T) {
	t.Parallel()
	a := small(t)
	var blocks []place
	objects := a.protected(t)
	for p := range objects {
		if strings.Contains(p.key, "/blocks/") {
			blocks = append(blocks, p)
		}
	}
	for i, p := range blocks {
		for _, q := range blocks[:i] {
			c := a.clone()
			c.locked.Tamper(p.key, objects[q])
			c.locked.Tamper(q.key, objects[p])
			if r := c.verify(nil); r.OK || !r.names(p) || !r.names(q) {
				r.dump(t)
				t.Errorf("%s and %s changed places unsaid", p.key, q.key)
			}
		}
	}
}

func TestShortenedLocks(t *testing.T) {
	t.Parallel()
	a := small(t)
	objects := a.protected(t)
	for p := range objects {
		if p.where != locked {
			delete(objects, p)
		}
	}
	parallel(t, a, objects, func(c *archive, p place, _ []byte) string {
		// A block that names nothing locked is held to having a lock at all.
		locks := []worm.Lock{{}, {RetainUntil: retain.AddDate(0, 0, -1)}}
		switch p.key {
		case ledger.BlockKey(record.Control, 0), ledger.BlockKey(record.Control, 1), ledger.BlockKey("1", 1):
			locks = locks[:1]
		}
		for _, l := range locks {
			c.locked.Relock(p.key, l)
			if r := c.verify(nil); r.OK || !r.names(p) {
				r.dump(t)
				return "lock shortened and not said"
			}
			if r := c.verify(func(cfg *Config) { cfg.NoLocks = true }); !r.OK || !r.LocksSkipped {
				r.dump(t)
				return "a copy without locks is refused"
			}
		}
		return ""
	})
}
