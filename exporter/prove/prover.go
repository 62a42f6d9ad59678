package prove

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// What callers branch on.
var (
	ErrHeads = errors.New("heads are not sealed that far yet")
	ErrCut   = errors.New("the archive has fewer blocks than the checkpoint that was kept: blocks were cut off, or this is an older copy")
)

// Prover makes proofs from an archive's stores. It sees control as it was when it
// was opened. Safe for concurrent use, but for Cover.
type Prover struct {
	locked, meta worm.Reader
	view         *control.View
	control      *tree
	size         uint64 // of control
	genesis      []byte
	rotations    []rotation
	heads        map[uint64][]headsAct // of the control blocks read so far
}

// rotation is a rotate act and its block.
type rotation struct {
	block uint64
	act   []byte
}

// headsAct is one act that seals heads.
type headsAct struct {
	ref   ledger.ActRef
	heads []ledger.Head
}

// Open reads control.
func Open(ctx context.Context, locked, meta worm.Reader) (*Prover, error) {
	view, chain, err := control.Read(ctx, locked, meta)
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	p := &Prover{locked: locked, meta: meta, view: view, control: newTree(locked, meta, record.Control), size: chain.Size(), heads: map[uint64][]headsAct{}}
	first, err := p.act(ctx, ledger.ActRef{}, ledger.ActGenesis)
	if err != nil {
		return nil, err
	}
	p.genesis = first
	for _, r := range view.Rotations {
		n := r[record.Control]
		b, err := lane.ReadBlock(ctx, locked, record.Control, n)
		if err != nil {
			return nil, fmt.Errorf("prove: %w", err)
		}
		i := slices.IndexFunc(b.Events, func(raw []byte) bool {
			a, err := ledger.DecodeAct(raw)
			return err == nil && a.Type == ledger.ActRotate
		})
		if i < 0 {
			return nil, fmt.Errorf("prove: control block %d has no rotation: %w", n, ledger.ErrAct)
		}
		p.rotations = append(p.rotations, rotation{n, b.Events[i]})
	}
	return p, nil
}

// act reads an act of that type.
func (p *Prover) act(ctx context.Context, ref ledger.ActRef, want ledger.ActType) ([]byte, error) {
	b, err := lane.ReadBlock(ctx, p.locked, record.Control, ref.Block)
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	if int(ref.Event) < len(b.Events) {
		if a, err := ledger.DecodeAct(b.Events[ref.Event]); err == nil && a.Type == want {
			return b.Events[ref.Event], nil
		}
	}
	return nil, fmt.Errorf("prove: control block %d act %d is no %s: %w", ref.Block, ref.Event, want, ledger.ErrAct)
}

// Fingerprint is the archive's.
func (p *Prover) Fingerprint() ledger.Hash { return p.view.Fingerprint }

// below gives the rotate acts of control blocks below a size.
func (p *Prover) below(size uint64) (acts [][]byte) {
	for _, r := range p.rotations {
		if r.block < size {
			acts = append(acts, r.act)
		}
	}
	return acts
}

// Cover gives the anchor of a production that needs these lanes up to at least
// these sizes (the number of a block and one). For each lane it is the first act
// that seals as much, and the checkpoint is that of the last such act's own
// block. ErrHeads says that heads must be sealed first, and of which lanes.
func (p *Prover) Cover(ctx context.Context, need map[record.Lane]uint64) (*Anchor, error) {
	if len(need) == 0 {
		return nil, errors.New("prove: nothing to cover")
	}
	a := &Anchor{p: p, heads: map[record.Lane]ledger.Head{}, trees: map[record.Lane]*tree{}}
	refs := map[ledger.ActRef]bool{}
	for l, size := range need {
		if p.view.Heads[l].Size < size {
			return nil, fmt.Errorf("lane %s is needed up to size %d and sealed up to %d: %w", l, size, p.view.Heads[l].Size, ErrHeads)
		}
		ref, head, err := p.first(ctx, l, size)
		if err != nil {
			return nil, err
		}
		refs[ref], a.heads[l], a.trees[l] = true, head, newTree(p.locked, p.meta, l)
	}
	return a, a.build(ctx, refs)
}

// scanLength is how many control blocks are read in a row rather than halved
// over snapshots.
const scanLength = 600

// first finds the first act that seals a lane at a size or above. A lane's heads
// never sink, so that control's snapshots, which hold the heads of their time,
// say on which side of them it stands.
func (p *Prover) first(ctx context.Context, l record.Lane, size uint64) (ledger.ActRef, ledger.Head, error) {
	from, to := uint64(0), p.size // it stands in [from, to)
	for to-from > scanLength {
		b, err := lane.ReadBlock(ctx, p.locked, record.Control, from+(to-from)/2)
		if err != nil {
			return ledger.ActRef{}, ledger.Head{}, fmt.Errorf("prove: %w", err)
		}
		snap := b.Entry.Snapshot
		if snap == nil || snap.At < from || snap.At+1 >= to {
			break
		}
		v, err := control.ReadSnapshot(ctx, p.locked, p.meta, snap)
		if ctx.Err() != nil {
			return ledger.ActRef{}, ledger.Head{}, fmt.Errorf("prove: %w", context.Cause(ctx))
		}
		if err != nil {
			break // it is a cache: without it more blocks are read
		}
		if v.Heads[l].Size >= size {
			to = snap.At + 1
		} else {
			from = snap.At + 1
		}
	}
	for n := from; n < to; n++ {
		acts, err := p.headsOf(ctx, n)
		if err != nil {
			return ledger.ActRef{}, ledger.Head{}, err
		}
		for _, act := range acts {
			for _, h := range act.heads {
				if h.Lane == l && h.Size >= size {
					return act.ref, h, nil
				}
			}
		}
	}
	return ledger.ActRef{}, ledger.Head{}, fmt.Errorf("lane %s size %d: no act seals it: %w", l, size, ErrHeads)
}

// headsOf gives the heads acts of a control block.
func (p *Prover) headsOf(ctx context.Context, n uint64) ([]headsAct, error) {
	if acts, ok := p.heads[n]; ok {
		return acts, nil
	}
	b, err := lane.ReadBlock(ctx, p.locked, record.Control, n)
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	var acts []headsAct
	for i, raw := range b.Events {
		a, err := ledger.DecodeAct(raw)
		if err != nil {
			return nil, fmt.Errorf("prove: control block %d act %d: %w", n, i, err)
		}
		if a.Type == ledger.ActHeads {
			acts = append(acts, headsAct{ledger.ActRef{Block: n, Event: uint32(i)}, a.Heads.Heads})
		}
	}
	p.heads[n] = acts
	return acts, nil
}

// Consistency proves that a signed checkpoint of control that somebody kept and
// the anchor's are of one history, whichever is larger. proof.ErrFork says that
// they are not, ErrCut that the archive ends before the kept one.
func (a *Anchor) Consistency(ctx context.Context, kept []byte) (*proof.Consistency, error) {
	cp, err := ledger.ReadCheckpoint(kept)
	if err != nil {
		return nil, fmt.Errorf("checkpoint that was kept: %w", err)
	}
	if want := ledger.Origin(a.checked.Archive, record.Control); cp.Origin != want {
		return nil, fmt.Errorf("checkpoint that was kept is of %s, not of %s: %w", cp.Origin, want, ledger.ErrCheckpoint)
	}
	if cp.Size > a.p.size {
		return nil, fmt.Errorf("size %d, kept %d: %w", a.p.size, cp.Size, ErrCut)
	}
	c := &proof.Consistency{
		V: proof.Version, Archive: a.checked.Archive, Fingerprint: a.checked.Fingerprint, Checkpoint: string(kept),
		Rotations: a.p.below(max(cp.Size, a.checked.Checkpoint.Size)),
	}
	large, small := a.checked.Checkpoint, cp
	if large.Size < small.Size {
		large, small = small, large
	}
	if small.Size > 0 {
		if c.Path, err = a.p.control.consistency(ctx, large, small); err != nil && ctx.Err() != nil {
			return nil, err
		}
	}
	if _, err := a.checked.Consistent(c); err != nil {
		return nil, err
	}
	return c, nil
}
