package verify

import (
	"context"
	"fmt"

	"github.com/waxseal/waxseal/ledger"
)

// box judges one copy of an unlocked key box. Without an erasure it is the
// entry's. With erasures the newest counts, and back to the last one whose
// receipt stands the older ones may still be there: between act and receipt
// either is right. Behind the receipt an old box is a failure, for its rows
// were to be gone.
func (w *walk) box(ctx context.Context, n uint64, o named, found map[place]listed) {
	c := w.v.auth.chainOf(o.Key)
	if _, listed := found[place{o.where, o.Key}]; c == nil && !listed && !w.there(ctx, o) {
		w.v.auth.extend(ctx) // it may have been erased while this run went on
		c = w.v.auth.chainOf(o.Key)
	}
	if c == nil {
		w.v.pool.submit(func() {
			w.content(ctx, n, o, func(body []byte) { w.rows(n, o, body, nil) })
		})
		return
	}
	c.visited = true
	w.erased = max(w.erased, n+1)
	w.judgeChain(n, o, c)
	floor := 0 // boxes before this are gone for certain
	for i, s := range c.steps {
		if s.receipt {
			floor = i + 1
		}
	}
	newest := len(c.steps)
	right := false
	for i := newest; i >= 0; i-- {
		step := stepOf(o, c, i)
		_, there := found[place{o.where, step.Key}]
		if !there && i == newest {
			there = w.there(ctx, step)
		}
		switch {
		case !there:
			continue
		case i < floor:
			w.failIn(o.where, CodeErasure, &n, step.Key, "A box whose rows were erased is still there, although the receipt says that it was deleted.")
			continue
		}
		if i == newest {
			right = true
		} else if !right {
			right = true
			w.warn(CodeRows, &n, o.where, stepOf(o, c, newest).Key, "The box that takes an erased one's place is not there yet; the old one still is.")
		}
		removed := c.removedBy(i)
		w.v.pool.submit(func() { w.content(ctx, n, step, func(body []byte) { w.rows(n, step, body, removed) }) })
	}
	if !right {
		w.failIn(o.where, CodeMissing, &n, stepOf(o, c, newest).Key, "The key box that an erasure left is not there: rows are gone that nobody decided to erase.")
	}
}

// doubt is a copy of an unlocked key box that was listed and then gone: an
// erasure may have deleted it while this run went on.
type doubt struct {
	w *walk
	n uint64
	o named
}

// doubt puts a missing box off to the end of the run, and answers whether it
// could.
func (v *verifier) doubt(w *walk, n uint64, o named) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.sure {
		return false
	}
	o.Object = o.box.Object // the entry's, whichever of its successors is missing
	v.doubts = append(v.doubts, doubt{w, n, o})
	return true
}

// judgeDoubts reads what control says by now, and judges the boxes that were
// put off once more.
func (v *verifier) judgeDoubts(ctx context.Context) {
	v.pool.drain()
	v.mu.Lock()
	v.sure = true
	doubts := v.doubts
	v.mu.Unlock()
	if len(doubts) > 0 {
		v.auth.extend(ctx)
	}
	for _, d := range doubts {
		found := map[place]listed{}
		for _, key := range d.w.keysOf(d.o) {
			if d.w.there(ctx, named{Object: ledger.Object{Key: key}, where: d.o.where}) {
				found[place{d.o.where, key}] = listed{key: key}
			}
		}
		d.w.box(ctx, d.n, d.o, found)
	}
}

// notErased wants a box under duty untouched by erasures.
func (w *walk) notErased(n uint64, o named) {
	if c := w.v.auth.chainOf(o.Key); c != nil {
		c.visited = true
		w.fail(CodeErasure, &n, o.Key, "An act erases rows of a key box that is under duty.")
	}
}

// there asks the store itself: a listing may be older than the object.
func (w *walk) there(ctx context.Context, o named) bool {
	_, err := w.v.store[o.where].Head(ctx, o.Key)
	return err == nil || !notFound(err)
}

// stepOf is the box as of its i-th erasure; 0 is the entry's.
func stepOf(o named, c *chain, i int) named {
	if i > 0 {
		o.Object = c.steps[i-1].box
	}
	o.check = true
	return o
}

// removedBy lists the rows that the first i erasures removed.
func (c *chain) removedBy(i int) []ledger.Hash {
	var out []ledger.Hash
	for _, s := range c.steps[:i] {
		out = append(out, s.removed...)
	}
	return out
}

// judgeChain holds the acts to the box they are about.
func (w *walk) judgeChain(n uint64, o named, c *chain) {
	if c.lane != w.lane || c.block != n {
		w.failIn(o.where, CodeErasure, &n, o.Key, "An erasure names this box under another block.")
	}
	for _, s := range c.steps {
		if s.disputed {
			at := s.act.Block
			w.failIn(o.where, CodeErasure, &n, s.box.Key, fmt.Sprintf("The erasure in block %d of control contradicts an earlier one of the same box.", at))
		}
	}
}

// rows holds the row hashes of a box to the root in the entry, and its removed
// rows to the erasures.
func (w *walk) rows(n uint64, o named, body []byte, erased []ledger.Hash) {
	hashes, removed, err := w.v.cfg.RowHashes(body)
	if err != nil || len(hashes) != len(removed) {
		w.failIn(o.where, CodeRows, &n, o.Key, "The key box has no readable list of its rows.")
		return
	}
	if len(hashes) != int(o.box.Rows) || ledger.Root(hashes) != o.box.RowsRoot {
		w.failIn(o.where, CodeRows, &n, o.Key, "The key box does not list the rows that its entry commits to.")
		return
	}
	want := map[ledger.Hash]bool{}
	for _, h := range erased {
		want[h] = true
	}
	gone := 0
	for i, h := range hashes {
		if !removed[i] {
			if want[h] {
				w.failIn(o.where, CodeErasure, &n, o.Key, fmt.Sprintf("Row %d was erased, and the box says that it has it.", i))
			}
			continue
		}
		gone++
		if !want[h] {
			w.failIn(o.where, CodeRows, &n, o.Key, fmt.Sprintf("Row %d is gone, and no act removed it.", i))
		}
	}
	if gone != len(want) {
		w.failIn(o.where, CodeErasure, &n, o.Key, fmt.Sprintf("Erasures removed %d rows of this box, and it lacks %d.", len(want), gone))
	}
	if o.where == spare {
		return // its twin is counted
	}
	w.v.count(func(r *Report) {
		r.Rows += uint64(len(hashes))
		r.Erased += uint64(gone)
	})
}
