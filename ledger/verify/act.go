package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// acts judges the events of a block. before is the root of the lane's log
// without it; zero if unknown.
func (w *walk) acts(ctx context.Context, n uint64, b *ledger.Block, before ledger.Hash) {
	bodies := map[uint32]bool{}
	for i, event := range b.Events {
		wrong := ""
		act, err := ledger.DecodeAct(event)
		switch {
		case err != nil:
			wrong = "it cannot be decoded"
		case w.lane != record.Control:
			wrong = judgeEvent(act)
		default:
			wrong = w.act(ctx, ledger.ActRef{Block: n, Event: uint32(i)}, act, before)
		}
		if act != nil && act.Body != nil && wrong == "" {
			wrong = judgeBody(act, b, bodies)
		}
		if wrong != "" {
			w.fail(CodeAct, &n, ledger.BlockKey(w.lane, n), fmt.Sprintf("Event %d of the block: %s.", i, wrong))
		}
	}
	if w.lane == record.Control && len(bodies) != len(b.Leaves) {
		w.fail(CodeAct, &n, ledger.BlockKey(w.lane, n), "The block has leaves that are no act's body.")
	}
	w.v.count(func(r *Report) { r.Acts += uint64(len(b.Events)) })
}

// judgeEvent says what is wrong with an event outside of control, "" if
// nothing. What authority rests on counts in control alone.
func judgeEvent(act *ledger.Act) string {
	switch act.Type {
	case ledger.ActAlarm, ledger.ActEra, ledger.ActSelfTest:
		return ""
	}
	return fmt.Sprintf("an act of type %s counts in control alone", act.Type)
}

// act judges an act of control, "" if nothing is wrong with it by itself.
func (w *walk) act(ctx context.Context, ref ledger.ActRef, act *ledger.Act, before ledger.Hash) string {
	switch act.Type {
	case ledger.ActGenesis:
		if ref != (ledger.ActRef{}) {
			return "a second genesis"
		}
	case ledger.ActHeads:
		for _, h := range act.Heads.Heads {
			w.v.head(ctx, ref.Block, h, before)
		}
	case ledger.ActRotate:
		if wrong := w.v.auth.refused[ref]; wrong != "" {
			n := ref.Block
			w.fail(CodeRotation, &n, ledger.BlockKey(w.lane, n), fmt.Sprintf("The change of the signing key does not hold: %s.", wrong))
		}
		for _, h := range act.Rotate.Last {
			w.v.head(ctx, ref.Block, h, before)
		}
	case ledger.ActEraseReceipt:
		if at := act.EraseReceipt.Act.Block; at > ref.Block {
			return "a receipt before its erasure"
		}
	case ledger.ActCloseLane:
		if act.CheckApprovals(2) != nil {
			return "a lane is closed without two people's approval of exactly this"
		}
	}
	return ""
}

// judgeBody holds the commitment of a sealed body to its leaf.
func judgeBody(act *ledger.Act, b *ledger.Block, seen map[uint32]bool) string {
	body := act.Body
	at, err := time.Parse(ledger.TimeFormat, act.Time)
	if err != nil || int(body.Leaf) >= len(b.Leaves) || seen[body.Leaf] {
		return "its body has no leaf of its own in the block"
	}
	seen[body.Leaf] = true
	if ledger.BodyLeaf(b.Entry.N, body.Leaf, at.UnixMilli(), body.Commitment).Hash() != b.Leaves[body.Leaf] {
		return "its body's commitment is not that of the leaf"
	}
	for i := range b.Entry.Segments {
		if b.Entry.Segments[i].Key == body.Segment {
			return ""
		}
	}
	return "its body lies in a segment that the entry does not name"
}

// head holds a lane to a head that block n of control seals, and brings the
// lane's walk there.
func (v *verifier) head(ctx context.Context, n uint64, h ledger.Head, before ledger.Hash) {
	control := v.walks[record.Control]
	key := ledger.BlockKey(record.Control, n)
	if h.Lane == record.Control {
		if h.Size > n || (h.Size == n && h.Root != before && !before.IsZero()) {
			control.fail(CodeHead, &n, key, "The act names a head of control that is not the one before it.")
		}
		return
	}
	if _, known := v.limit[h.Lane]; !known {
		v.limit[h.Lane] = 0
	}
	w := v.lane(ctx, h.Lane)
	if w.finished {
		return // an act that came while this run went on
	}
	if h.Size < w.headSize {
		control.fail(CodeHead, &n, key, fmt.Sprintf("The sealed head of lane %s sinks from size %d to %d.", h.Lane, w.headSize, h.Size))
		return
	}
	w.headSize = h.Size
	w.advance(ctx, h.Size)
	switch {
	case ctx.Err() != nil:
	case w.next < h.Size:
		w.truncated(h.Size, fmt.Sprintf("the head sealed in block %d of control", n))
	case w.next == h.Size && w.known && w.tree.Root() != h.Root:
		last := h.Size - 1
		w.fail(CodeFork, &last, ledger.BlockKey(h.Lane, last),
			fmt.Sprintf("The head sealed in block %d of control has another root at size %d: the lane was rewritten.", n, h.Size))
	}
}
