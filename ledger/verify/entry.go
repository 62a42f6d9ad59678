package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// entry judges what a sound entry says of itself and of the one before.
func (w *walk) entry(ctx context.Context, n uint64, b *ledger.Block, key string) {
	e := b.Entry
	w.reached(n)
	w.judgeWriter(n, e, key)
	w.judgeTime(n, e, key)
	if e.RowsFrom > n || e.RowsFrom < w.rowsFrom {
		w.fail(CodeRowsFrom, &n, key, fmt.Sprintf("rows_from is %d: it must not sink below %d nor pass the block.", e.RowsFrom, w.rowsFrom))
	}
	w.rowsFrom = max(w.rowsFrom, e.RowsFrom)
	if e.Published > n {
		w.fail(CodePublished, &n, key, fmt.Sprintf("The entry calls size %d published, which the lane had not reached.", e.Published))
	} else {
		w.log.published(e.Published)
	}
	if e.Takeover && (e.Records > 0 || len(e.Segments)+len(e.Media)+len(e.Boxes) > 0) {
		w.fail(CodeTakeover, &n, key, "A takeover block must be empty.")
	}
	w.coverage.judge(n, e, key)
	w.judgeBlockLock(ctx, n, e, key)
}

// reached holds the lane to the checkpoints and the closing act that name this
// size.
func (w *walk) reached(n uint64) {
	for _, cp := range w.v.auth.trusted[w.lane] {
		if cp.Size == n+1 && cp.Root != w.tree.Root() {
			w.fail(CodeFork, &n, ledger.BlockKey(w.lane, n), "The given checkpoint has another root at this size: the lane was rewritten.")
		}
	}
	if w.close != nil && w.close.Size == n+1 && (w.close.Root != w.tree.Root() || w.close.Entry != w.prev) {
		w.fail(CodeClosed, &n, ledger.BlockKey(w.lane, n), "The act that closed the lane names another head than this.")
	}
}

// judgeWriter wants a start act for every writer, and a takeover block where
// the writer changes.
func (w *walk) judgeWriter(n uint64, e *ledger.Entry, key string) {
	at, ok := w.v.auth.starts[e.Writer]
	switch {
	case e.Writer.IsZero() && w.lane == record.Control && n == 0:
		return
	case !ok && !w.v.auth.lostControl:
		w.fail(CodeWriter, &n, key, "The entry names a writer whose start act is not in control.")
	case ok && w.lane == record.Control && at > n:
		w.fail(CodeWriter, &n, key, "The entry names a writer that started only later.")
	}
	if w.lane != record.Control && n > 0 && e.Writer != w.writer && !e.Takeover && !w.writer.IsZero() {
		w.warn(CodeWriter, &n, locked, key, "The writer changed without a takeover block.")
	}
	w.writer = e.Writer
}

func (w *walk) judgeTime(n uint64, e *ledger.Entry, key string) {
	at, err := time.Parse(ledger.TimeFormat, e.Time)
	if err != nil {
		return // the decoder has refused it
	}
	if at.Before(w.time) {
		w.warn(CodeClock, &n, locked, key, fmt.Sprintf("The writer's clock went back by %s.", w.time.Sub(at)))
	}
	w.time = at
}

// judgeBlockLock wants the block locked at least as long as what it proves.
func (w *walk) judgeBlockLock(ctx context.Context, n uint64, e *ledger.Entry, key string) {
	if w.v.cfg.NoLocks {
		return
	}
	until := time.Time{}
	for _, o := range namedBy(w.lane, e) {
		if o.retain.After(until) {
			until = o.retain
		}
	}
	info, err := w.v.store[locked].Head(ctx, key)
	if err != nil {
		if ctx.Err() == nil {
			w.fail(CodeUnreadable, &n, key, fmt.Sprintf("The lock of the block cannot be read: %v.", err))
		}
		return
	}
	if info.Lock.RetainUntil.IsZero() {
		w.fail(CodeLock, &n, key, "The block is not locked.")
		return
	}
	w.lock(n, key, info, until)
}
