// Package indexer feeds the search index, so that archiving never waits for it.
//
// Rows come from memory when they can. What was dropped, because the index was
// slow or the process died, comes from the committed outboxes: CatchUp reads
// them from the index's own position on. Either way a lane's rows go in block by
// block, and the position never runs ahead of them.
package indexer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// CatchUp inserts what the index lacks of every lane, from the outboxes.
type CatchUp func(ctx context.Context) error

// How much waits in memory before rows are dropped, in blocks and in bytes of
// encoded rows, and how much goes into the index in one transaction.
const (
	room      = 64
	roomBytes = 64 << 20
	most      = 16
	mostRows  = 10_000
)

// paceBytes is how much waits before archiving is slowed, for paceTime a block at
// most.
const (
	paceBytes = 8 << 20
	paceTime  = time.Second
)

// again is how long after an error the index is tried once more, if no block
// comes before.
const again = 2 * time.Second

// Indexer takes committed blocks and inserts their rows. Offer from any
// goroutine; Run once.
type Indexer struct {
	ix      index.Index
	catchUp CatchUp
	log     *slog.Logger
	queue   chan index.Encoded
	wake    chan struct{}
	again   time.Duration
	held    []index.Encoded // what did not go in: of Run alone

	mu      sync.Mutex
	idle    *sync.Cond
	heads   map[record.Lane]uint64 // number of the last block offered, of each lane
	done    map[record.Lane]uint64 // position in the index
	bytes   int                    // of what waits in queue
	failed  int                    // so many inserts failed since the last that did not
	stopped bool
	hole    bool // a block's rows were dropped, and nobody here can read them from its outbox
}

// ErrHole says that the index lacks blocks whose rows are not to be had here: no
// indexer identity, or an outbox that is gone or was made while the index was off.
var ErrHole = errors.New("index lacks blocks that only reindex can bring")

// New makes an indexer. catchUp may be nil where no indexer identity is at hand:
// then what was dropped stays out until somebody else feeds it.
func New(ix index.Index, catchUp CatchUp, log *slog.Logger) *Indexer {
	x := &Indexer{ix: ix, catchUp: catchUp, log: log, queue: make(chan index.Encoded, room), wake: make(chan struct{}, 1), again: again,
		heads: map[record.Lane]uint64{}, done: map[record.Lane]uint64{}}
	x.idle = sync.NewCond(&x.mu)
	return x
}

// Offer gives the rows of a committed block. It never waits: without room the
// rows are dropped and read from the outbox later.
func (x *Indexer) Offer(b index.Encoded) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.heads[b.Lane] = max(x.heads[b.Lane], b.Block)
	if x.bytes+len(b.Data) <= roomBytes {
		select {
		case x.queue <- b:
			x.bytes += len(b.Data)
			return
		default:
		}
	}
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// release gives room back.
func (x *Indexer) release(bytes int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.bytes -= bytes
	x.idle.Broadcast()
}

// Pace lets an index that is merely slower than archiving keep up: it waits, a
// second at most, while much waits to go in. An index that fails, or a block
// that is missing, holds nobody up.
func (x *Indexer) Pace(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, paceTime)
	defer cancel()
	defer x.wakeAtEnd(ctx)()
	x.mu.Lock()
	defer x.mu.Unlock()
	for x.bytes > paceBytes && x.failed == 0 && !x.stopped && !x.hole && ctx.Err() == nil {
		x.idle.Wait()
	}
}

// wakeAtEnd wakes those who wait once ctx ends.
func (x *Indexer) wakeAtEnd(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.idle.Broadcast()
	})
}

// Run inserts until ctx ends, then what is left in memory.
func (x *Indexer) Run(ctx context.Context) {
	defer x.stop()
	retry := time.NewTimer(0)
	retry.Stop()
	defer retry.Stop()
	for {
		var ok bool
		select {
		case b := <-x.queue:
			ok = x.insert(ctx, x.gather(b))
		case <-x.wake:
			ok = x.insert(ctx, nil)
		case <-retry.C:
			ok = x.insert(ctx, nil)
		case <-ctx.Done():
			x.rest(context.WithoutCancel(ctx))
			return
		}
		if !ok {
			retry.Reset(x.again)
		}
	}
}

// rest inserts what is left in memory.
func (x *Indexer) rest(ctx context.Context) {
	if len(x.held) > 0 {
		x.insert(ctx, nil)
	}
	for {
		select {
		case b := <-x.queue:
			x.insert(ctx, x.gather(b))
		default:
			return
		}
	}
}

func (x *Indexer) stop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.stopped = true
	x.idle.Broadcast()
}

// gather takes what waits, for one transaction.
func (x *Indexer) gather(first index.Encoded) []index.Encoded {
	batches, rows := []index.Encoded{first}, first.Rows
	x.release(len(first.Data))
	for len(batches) < most && rows < mostRows {
		select {
		case b := <-x.queue:
			batches, rows = append(batches, b), rows+b.Rows
			x.release(len(b.Data))
		default:
			return batches
		}
	}
	return batches
}

// insert brings each lane that has something up to date. After an error, which is
// reported, it wants to be called again: ok is false, and what did not go in is
// kept for then.
func (x *Indexer) insert(ctx context.Context, batches []index.Encoded) (ok bool) {
	defer x.refresh(ctx)
	batches = append(x.held, batches...)
	x.held = nil
	err := x.put(ctx, batches)
	x.mu.Lock()
	if x.failed++; err == nil {
		x.failed = 0
	}
	x.mu.Unlock()
	if err != nil {
		x.log.Warn("index insert", "err", err)
		x.held = batches[:min(len(batches), room)]
		return false
	}
	return x.mend(ctx)
}

// put inserts the batches that fit. Their rows are in memory a transaction's
// worth at a time.
func (x *Indexer) put(ctx context.Context, batches []index.Encoded) error {
	run, err := x.fitting(ctx, batches)
	if err != nil {
		return err
	}
	for len(run) > 0 {
		var part []index.Batch
		for rows := 0; len(run) > 0 && (rows == 0 || rows+run[0].Rows <= mostRows); run = run[1:] {
			b, err := run[0].Batch()
			if err != nil {
				return fmt.Errorf("lane %s block %d: %w", run[0].Lane, run[0].Block, err)
			}
			part, rows = append(part, b), rows+len(b.Rows)
		}
		if err := x.ix.Insert(ctx, part...); err != nil {
			return err
		}
	}
	return nil
}

// fitting are the batches that go on from where the index is in their lane; those
// behind a dropped one come from the outboxes.
func (x *Indexer) fitting(ctx context.Context, batches []index.Encoded) (run []index.Encoded, err error) {
	next := map[record.Lane]uint64{}
	for _, b := range batches {
		pos, ok := next[b.Lane]
		if !ok {
			if pos, err = x.ix.Position(ctx, b.Lane); err != nil {
				return nil, err
			}
		}
		if b.Block == pos { // below: caught up meanwhile
			run, pos = append(run, b), pos+1
		}
		next[b.Lane] = pos
	}
	return run, nil
}

// mend catches up the lanes whose index lags behind with nothing on its way.
func (x *Indexer) mend(ctx context.Context) (ok bool) {
	heads, settled := x.settled()
	if !settled {
		return true
	}
	behind, err := x.behind(ctx, heads)
	if err == nil && behind != "" && x.catchUp != nil {
		if err = x.catchUp(ctx); err == nil {
			behind, err = x.behind(ctx, heads)
		}
	}
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			x.log.Warn("index from outboxes", "err", err)
		}
		return false
	}
	if behind != "" {
		x.noteHole(behind)
	}
	return true
}

// settled gives the last block offered of each lane, or false where some of what
// was offered waits.
func (x *Indexer) settled() (heads map[record.Lane]uint64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return maps.Clone(x.heads), len(x.queue) == 0
}

// behind names a lane whose index lacks a block up to its head, "" for none.
func (x *Indexer) behind(ctx context.Context, heads map[record.Lane]uint64) (record.Lane, error) {
	for l, head := range heads {
		if pos, err := x.ix.Position(ctx, l); err != nil || pos <= head {
			return l, err
		}
	}
	return "", nil
}

// noteHole says, once, that a lane's index cannot go on.
func (x *Indexer) noteHole(l record.Lane) {
	x.mu.Lock()
	first := !x.hole
	x.hole = true
	x.mu.Unlock()
	if first {
		x.log.Error("index stands still", "lane", string(l), "err", ErrHole)
	}
}

func (x *Indexer) lanes() []record.Lane {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.heads))
}

// refresh notes the positions for Wait.
func (x *Indexer) refresh(ctx context.Context) {
	for _, l := range x.lanes() {
		pos, err := x.ix.Position(ctx, l)
		if err != nil {
			continue
		}
		x.mu.Lock()
		x.done[l] = pos
		x.mu.Unlock()
	}
	x.mu.Lock()
	x.idle.Broadcast()
	x.mu.Unlock()
}

// ErrAway says that the index takes nothing at the moment.
var ErrAway = errors.New("index takes nothing at the moment")

// awayAfter is how many inserts fail, one behind the other, before an index counts
// as away.
const awayAfter = 2

// Wait returns when every block offered so far is in the index, or ctx ends.
func (x *Indexer) Wait(ctx context.Context) error { return x.wait(ctx, true) }

// Settle is Wait, but gives an index up that is away.
func (x *Indexer) Settle(ctx context.Context) error { return x.wait(ctx, false) }

func (x *Indexer) wait(ctx context.Context, patient bool) error {
	defer x.wakeAtEnd(ctx)()
	x.mu.Lock()
	defer x.mu.Unlock()
	for {
		behind := 0
		for l, head := range x.heads {
			if x.done[l] <= head {
				behind++
			}
		}
		switch {
		case behind == 0:
			return nil
		case x.hole:
			return fmt.Errorf("%d lanes: %w", behind, ErrHole)
		case !patient && x.failed >= awayAfter:
			return fmt.Errorf("%d lanes: %w", behind, ErrAway)
		case ctx.Err() != nil || x.stopped:
			return fmt.Errorf("%d lanes are not indexed yet: %w", behind, context.Cause(ctx))
		}
		x.idle.Wait()
	}
}
