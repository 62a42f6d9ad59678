package verify

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// run verifies the archive b.N times.
func run(b *testing.B, a *archive) *Report {
	b.Helper()
	var r *Report
	for b.Loop() {
		r = a.verify(func(c *Config) { c.Workers = 2 })
		if !r.OK {
			r.dump(b)
			b.Fatal("findings")
		}
	}
	return r
}

// BenchmarkLeaves verifies a million leaves in blocks of 5,000.
func BenchmarkLeaves(b *testing.B) {
	a := newArchive(b)
	leaves := make([]ledger.Hash, 5000)
	for i := range leaves {
		leaves[i] = ledger.Sum(fmt.Append(nil, i))
	}
	for range 200 {
		a.commit("0", &ledger.Entry{Repairs: 5000}, leaves)
	}
	r := run(b, a)
	b.ReportMetric(float64(b.N)*float64(r.Records)/b.Elapsed().Seconds(), "leaves/s")
}

// BenchmarkBlocks verifies blocks of one step each: a segment, two boxes, an
// outbox.
func BenchmarkBlocks(b *testing.B) {
	a := newArchive(b)
	for range 500 {
		a.step("0", nil)
	}
	r := run(b, a)
	b.ReportMetric(float64(b.N)*float64(r.Blocks)/b.Elapsed().Seconds(), "blocks/s")
}

// BenchmarkSealed verifies sealed bytes: 32 segments of 8 MiB.
func BenchmarkSealed(b *testing.B) {
	a := newArchive(b)
	body := bytes.Repeat([]byte("sealed "), 8<<20/7)
	until := retain.Format(ledger.DateFormat)
	for n := range uint64(32) {
		o := a.put(a.locked, ledger.DataKey("0", n, "seg-0"), body, worm.Lock{RetainUntil: retain})
		a.commit("0", &ledger.Entry{Segments: []ledger.Segment{{Object: o, Class: "c", RetainUntil: until}}}, nil)
	}
	b.SetBytes(32 * int64(len(body)))
	run(b, a)
}

// Memory does not grow with a lane: four times the blocks take no more of it.
func TestFlatMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("optional: the race detector keeps memory of its own; make test runs this without it too")
	}
	heap := func(blocks int) uint64 {
		a := newArchive(t)
		leaves := make([]ledger.Hash, 100)
		for range blocks {
			a.commit("0", &ledger.Entry{Repairs: 100}, leaves)
		}
		w := &watcher{Store: a.locked}
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		if r := a.verify(func(c *Config) { c.Locked = w }); !r.OK {
			t.Fatal("findings")
		}
		if w.peak < before.HeapAlloc {
			return 0
		}
		return w.peak - before.HeapAlloc
	}
	small, large := heap(1000), heap(4000)
	t.Logf("%d bytes above the store with 1,000 blocks, %d with 4,000", small, large)
	if large > 2*small+(1<<20) {
		t.Errorf("memory grows with the lane: %d bytes, then %d", small, large)
	}
}

// watcher looks at the live heap now and then.
type watcher struct {
	Store
	reads int
	peak  uint64
}

func (w *watcher) Head(ctx context.Context, key string) (worm.Info, error) {
	if w.reads++; w.reads%500 == 0 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapAlloc)
	}
	return w.Store.Head(ctx, key)
}
