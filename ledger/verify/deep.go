package verify

import (
	"context"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Opened is what an Opener found of one record of a block.
type Opened struct {
	Hash   ledger.Hash // of the leaf, recomputed from what is sealed
	Erased bool        // rows are lawfully gone, so that the leaf cannot be recomputed
	Err    error       // the record cannot be opened
	Object string      // key of what could not be opened, or ""
}

// Boxes gives the key boxes of a block as they are now: those of its entry,
// each replaced by the box that an erasure left.
type Boxes func(ctx context.Context, lane record.Lane, block uint64) ([]ledger.Box, error)

// Opener opens what is sealed, with identities that verification does not have.
// Its methods are called from several goroutines at once.
type Opener interface {
	// Leaves calls fn for each leaf of a block, in order. An error says that
	// the block cannot be opened at all.
	Leaves(ctx context.Context, e *ledger.Entry, boxes Boxes, fn func(Opened)) error
	// Rows opens a key box and holds each row to its hash in the clear part.
	Rows(ctx context.Context, lane record.Lane, block uint64, box ledger.Box) error
}

// deep opens a block on a worker and holds each record to its leaf.
func (w *walk) deep(ctx context.Context, n uint64, b *ledger.Block) {
	if w.v.cfg.Opener == nil {
		return
	}
	boxes := w.current(b.Entry)
	w.v.pool.submit(func() {
		w.openBoxes(ctx, n, boxes)
		if len(b.Leaves) > 0 {
			w.openLeaves(ctx, n, b)
		}
	})
}

// current lists an entry's boxes as they are now.
func (w *walk) current(e *ledger.Entry) []ledger.Box {
	boxes := append([]ledger.Box(nil), e.Boxes...)
	for i := range boxes {
		if now, ok := w.v.auth.newest(boxes[i].Key); ok {
			boxes[i].Object = now
		}
	}
	return boxes
}

func (w *walk) openBoxes(ctx context.Context, n uint64, boxes []ledger.Box) {
	for _, box := range boxes {
		if err := w.v.cfg.Opener.Rows(ctx, w.lane, n, box); err != nil && ctx.Err() == nil {
			where := meta
			if box.Locked() {
				where = locked
			}
			w.failIn(where, CodeOpen, &n, box.Key, fmt.Sprintf("The key box does not open to the rows whose hashes it lists: %v.", err))
		}
	}
}

func (w *walk) openLeaves(ctx context.Context, n uint64, b *ledger.Block) {
	i := 0
	var same, gone uint64
	err := w.v.cfg.Opener.Leaves(ctx, b.Entry, w.v.boxes, func(o Opened) {
		switch {
		case i >= len(b.Leaves):
		case o.Err != nil:
			w.fail(CodeOpen, &n, o.Object, fmt.Sprintf("Record %d of the block cannot be opened: %v.", i, o.Err))
		case o.Erased:
			gone++
		case o.Hash != b.Leaves[i]:
			w.fail(CodeLeaf, &n, o.Object, fmt.Sprintf("Record %d of the block is not the one whose leaf the block holds.", i))
		default:
			same++
		}
		i++
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		w.fail(CodeOpen, &n, "", fmt.Sprintf("The block cannot be opened: %v.", err))
	} else if i != len(b.Leaves) {
		w.fail(CodeLeaf, &n, "", fmt.Sprintf("The block opens to %d records and has %d leaves.", i, len(b.Leaves)))
	}
	w.v.count(func(r *Report) {
		r.Leaves += same
		r.Gone += gone
	})
}

// boxes reads the boxes of any block, for records whose rows an older block
// made.
func (v *verifier) boxes(ctx context.Context, lane record.Lane, block uint64) ([]ledger.Box, error) {
	v.boxMu.Lock()
	defer v.boxMu.Unlock()
	key := ledger.BlockKey(lane, block)
	if boxes, ok := v.boxCache[key]; ok {
		return boxes, nil
	}
	body, _, err := v.store[locked].Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read block %d of lane %s: %w", block, lane, err)
	}
	b, err := ledger.DecodeBlock(body)
	if err != nil {
		return nil, fmt.Errorf("read block %d of lane %s: %w", block, lane, err)
	}
	if len(v.boxCache) >= 4096 {
		clear(v.boxCache)
	}
	boxes := append([]ledger.Box(nil), b.Entry.Boxes...)
	for i := range boxes {
		if now, ok := v.auth.newest(boxes[i].Key); ok {
			boxes[i].Object = now
		}
	}
	v.boxCache[key] = boxes
	return boxes, nil
}
