package verify

import (
	"context"
	"sync"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// at calls grow once, just before the n-th read of a's stores (from 0). It
// answers whether there was one.
func (a *archive) at(n int, grow func()) (happened func() bool) {
	var mu sync.Mutex
	reads, growing, done := 0, false, false
	hook := func(_ context.Context, c mem.Call) mem.Fault {
		mu.Lock()
		mine := !growing && !done && reads == n
		if !growing {
			reads++
		}
		growing = growing || mine
		mu.Unlock()
		if mine {
			grow()
			mu.Lock()
			growing, done = false, true
			mu.Unlock()
		}
		return mem.None
	}
	for where := range stores {
		a.store(where).Hook(hook)
	}
	return func() bool {
		for where := range stores {
			a.store(where).Hook(nil)
		}
		return done
	}
}

// The archive goes on while it is verified: at every read in turn it grows by
// a block, a sealed head and a new checkpoint, by a new writer, by a finished
// erasure. Verification says nothing wrong of it.
func TestWhileTheArchiveGrows(t *testing.T) {
	for name, grow := range map[string]func(a *archive){
		"block": func(a *archive) {
			a.step("0", nil)
			a.step("1", nil)
			a.seal("0", "1")
			a.publish("0")
			a.publish(record.Control)
		},
		"writer": func(a *archive) {
			start := a.start("2")
			a.writer = ledger.Sum(start)
			a.commit(record.Control, &ledger.Entry{}, nil, start)
			a.takeover("0")
			a.seal("0")
		},
		"erasure": func(a *archive) { a.erase("0", 0, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			for n := 0; ; n++ {
				a := newArchive(t)
				a.step("0", nil)
				a.step("0", nil)
				a.publish("0")
				a.takeover("1")
				a.seal("0")
				happened := a.at(n, func() { grow(a) })
				// One worker and one walk race for reads: the order of the last
				// digits may differ from run to run, the answer must not.
				r := a.verify(func(c *Config) { c.Trusted = nil })
				if !happened() {
					if n < 50 {
						t.Fatalf("only %d reads: this test sees nothing", n)
					}
					return
				}
				if r.Failures > 0 {
					r.dump(t)
					t.Fatalf("grown before read %d, and refused", n)
				}
			}
		})
	}
}
