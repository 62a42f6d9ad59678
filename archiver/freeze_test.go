package archiver_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// moment is a request of an archiver: the nth of its kind.
type moment struct {
	write
	n int
}

// moments lists the requests of a drain, writes and reads, without doing it to
// the rig.
func (r *rig) moments(t *testing.T) (out []moment) {
	t.Helper()
	h := r.clone().host(t)
	var mu sync.Mutex
	seen := map[write]int{}
	h.before = func(store string, op mem.Op, key string) {
		mu.Lock()
		defer mu.Unlock()
		w := write{store, op, key}
		out = append(out, moment{w, seen[w]})
		seen[w]++
	}
	h.drain()
	return out
}

// freezeAt lets a host stand still before a request until wake is closed.
func (h *host) freezeAt(m moment) (frozen <-chan struct{}, wake chan<- struct{}) {
	still, resume := make(chan struct{}), make(chan struct{})
	var mu sync.Mutex
	n := 0
	h.before = func(store string, op mem.Op, key string) {
		mu.Lock()
		hit := m.write == write{store, op, key}
		if hit {
			n++
			hit = n-1 == m.n
		}
		mu.Unlock()
		if hit {
			close(still)
			<-resume
		}
	}
	return still, resume
}

// TestFrozenWriter stops an archiver before each of its requests; another takes
// the lane and archives everything; the first wakes up. It overwrites nothing,
// loses the lane where it still had something to commit, and its process goes on
// and takes the lane again. Everything is archived once.
func TestFrozenWriter(t *testing.T) {
	b := tempBroker(t, webhooks.Name, media.Name)
	base, fed := rigWithDuties(t, b, 5)
	ms := base.moments(t)
	last := 0 // the commit of the last block: from behind it nobody has anything to lose
	for i, m := range ms {
		if m.op == mem.OpPut && kindOf(m.key) == "block" {
			last = i
		}
	}
	fenced := 0
	for i, m := range ms {
		t.Run(fmt.Sprintf("%s/%s/%s/%d", m.store, m.op, strings.ReplaceAll(m.key, "/", "_"), m.n), func(t *testing.T) {
			r := base.clone()
			first, second := r.host(t), r.host(t)
			frozen, wake := first.freezeAt(m)
			end := make(chan error, 1)
			a := first.archiver()
			go func() { end <- a.Drain(context.WithoutCancel(t.Context())) }()
			select {
			case <-frozen:
			case err := <-end:
				t.Fatalf("ended without that request: %v", err)
			}
			second.drain()
			before, size := r.bytes(t), len(r.blocks(t))
			close(wake)
			ok(t, <-end)
			after := r.bytes(t)
			for key, body := range before {
				if !bytes.Equal(after[key], body) {
					t.Errorf("%s was overwritten", key)
				}
			}
			lost := strings.Contains(first.log.String(), lane.ErrFenced.Error())
			if lost {
				fenced++
			}
			if isCommit := m.op == mem.OpPut && m.store != "meta" && i <= last; isCommit && !lost {
				t.Error("a writer woke up before a write under a number of another's and was not fenced")
			}
			if lost && len(r.blocks(t)) == size {
				t.Error("a fenced writer did not take the lane again")
			}
			r.check(t, fed)
		})
	}
	if fenced < 10 || fenced == len(ms) {
		t.Errorf("of %d moments %d cost the lane", len(ms), fenced)
	}
}

// bytes gives all that is stored, but for the live checkpoint.
func (r *rig) bytes(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range []string{"locked", "meta", "spare"} {
		for _, key := range r.store(name).Keys() {
			body, _, err := r.store(name).Get(t.Context(), key)
			ok(t, err)
			if key != ledger.CheckpointKey("0") {
				all[name+" "+key] = body
			}
		}
	}
	return all
}

// TestTornBlock lets a store keep half of a block and say so to nobody, which no
// store may: nothing is ever committed behind it, and verification names it.
func TestTornBlock(t *testing.T) {
	b := tempBroker(t, webhooks.Name, media.Name)
	base, _ := rigWithDuties(t, b, 5)
	for n := range uint64(3) {
		r := base.clone()
		h := r.host(t)
		r.locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
			if c.Op == mem.OpPut && c.Key == ledger.BlockKey("0", n) {
				h.kill()
				return mem.Partial
			}
			return mem.None
		})
		_ = h.archiver().Drain(t.Context()) // dies of it
		r.locked.Hook(nil)
		before := r.bytes(t)
		if err := r.host(t).archiver().Drain(t.Context()); !isForeign(err) {
			t.Errorf("block %d is half there: %v, want %v", n, err, lane.ErrForeign)
		}
		if after := r.bytes(t); len(after) != len(before) {
			t.Errorf("block %d is half there, and %d objects were written behind it", n, len(after)-len(before))
		}
		r.findings(t, ledger.BlockKey("0", n))
	}
}

// TestTornTile lets a store keep half of a tile, which no store may: archiving
// goes on, and verification names the tile.
func TestTornTile(t *testing.T) {
	b := tempBroker(t, webhooks.Name, media.Name)
	base, fed := rigWithDuties(t, b, 5)
	for _, w := range base.writes(t) {
		if kindOf(w.key) != "tile" {
			continue
		}
		r := base.clone()
		r.meta.Hook(func(_ context.Context, c mem.Call) mem.Fault {
			if c.Key == w.key && c.Op == mem.OpPut {
				return mem.Partial
			}
			return mem.None
		})
		r.host(t).drain()
		r.archived(t, fed)
		r.findings(t, w.key)
	}
}
