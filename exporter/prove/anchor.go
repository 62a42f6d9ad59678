package prove

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// Anchor is where the proofs of one production end. Safe for concurrent use.
type Anchor struct {
	p       *Prover
	doc     *proof.Anchor
	sum     ledger.Hash
	checked *proof.Anchored
	date    string
	sealed  time.Time

	heads map[record.Lane]ledger.Head
	trees map[record.Lane]*tree
}

// Doc is the anchor as it goes into the bag.
func (a *Anchor) Doc() *proof.Anchor { return a.doc }

// Checkpoint is the signed checkpoint of control that all proofs end in.
func (a *Anchor) Checkpoint() (ledger.Checkpoint, []byte) {
	return a.checked.Checkpoint, a.checked.Signed
}

// Date is the day, in UTC, on which that checkpoint was made: 2026-11-24.
func (a *Anchor) Date() string { return a.date }

// Sealed is when that checkpoint's block was made: nothing that the anchor covers
// was sealed later.
func (a *Anchor) Sealed() time.Time { return a.sealed }

// Rotations are all rotate acts of the archive, also those behind the checkpoint:
// they lead to the key that signs the bag.
func (a *Anchor) Rotations() [][]byte { return a.p.below(a.p.size) }

// build proves the acts in control.
func (a *Anchor) build(ctx context.Context, refs map[ledger.ActRef]bool) error {
	order := slices.SortedFunc(maps.Keys(refs), func(x, y ledger.ActRef) int {
		if x.Block != y.Block {
			return int(x.Block) - int(y.Block)
		}
		return int(x.Event) - int(y.Event)
	})
	last, err := lane.ReadBlock(ctx, a.p.locked, record.Control, order[len(order)-1].Block)
	if err != nil {
		return fmt.Errorf("prove: %w", err)
	}
	cp, err := ledger.ReadCheckpoint(last.Checkpoint)
	if err != nil {
		return fmt.Errorf("prove: control block %d: %w", last.Entry.N, err)
	}
	a.date = last.Entry.Time[:len("2006-01-02")]
	if a.sealed, err = time.Parse(ledger.TimeFormat, last.Entry.Time); err != nil {
		return fmt.Errorf("prove: control block %d: %w", last.Entry.N, err)
	}
	a.doc = &proof.Anchor{
		V: proof.Version, Archive: a.p.view.Genesis.Archive, Fingerprint: a.p.view.Fingerprint, Genesis: a.p.genesis,
		Rotations: a.p.below(cp.Size), Checkpoint: string(last.Checkpoint),
	}
	for _, ref := range order {
		h, err := a.p.headsIn(ctx, ref, cp)
		if err != nil {
			return err
		}
		a.doc.Heads = append(a.doc.Heads, *h)
	}
	b, err := a.doc.Encode()
	if err != nil {
		return err
	}
	if a.checked, err = proof.Check(b, &a.p.view.Fingerprint); err != nil {
		return fmt.Errorf("prove: control contradicts itself: %w", err)
	}
	a.sum = ledger.Sum(b)
	return nil
}

// headsIn proves one act under a checkpoint.
func (p *Prover) headsIn(ctx context.Context, ref ledger.ActRef, cp ledger.Checkpoint) (*proof.Heads, error) {
	b, err := lane.ReadBlock(ctx, p.locked, record.Control, ref.Block)
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	if err := b.CheckRoots(); err != nil {
		return nil, fmt.Errorf("prove: control block %d: %w", ref.Block, err)
	}
	h := &proof.Heads{Entry: b.EntryBytes, Event: b.Events[ref.Event], EventIndex: int(ref.Event)}
	if h.EntryPath, err = p.control.inclusion(ctx, cp.Size, cp.Root, ref.Block, ledger.LeafHash(b.EntryBytes)); err != nil {
		return nil, err
	}
	leaves := make([]ledger.Hash, len(b.Events))
	for i, e := range b.Events {
		leaves[i] = ledger.LeafHash(e)
	}
	h.EventPath, err = newSmall(leaves).path(h.EventIndex)
	return h, err
}

// Block is the proof of one block's records, as it grows. Safe for concurrent use.
type Block struct {
	Block *ledger.Block

	tree *small
	mu   sync.Mutex // guards file
	file proof.File
}

// Block reads a block and proves that it stands under the anchor.
func (a *Anchor) Block(ctx context.Context, l record.Lane, n uint64) (*Block, error) {
	b, err := lane.ReadBlock(ctx, a.p.locked, l, n)
	if err != nil {
		return nil, fmt.Errorf("prove: %w", err)
	}
	return a.Prove(ctx, b)
}

// Prove is Block for a block that was read already.
func (a *Anchor) Prove(ctx context.Context, b *ledger.Block) (*Block, error) {
	e := b.Entry
	head, ok := a.heads[e.Lane]
	if !ok || e.N >= head.Size {
		return nil, fmt.Errorf("prove: block %d of lane %s was not among what the anchor should cover: %w", e.N, e.Lane, ErrHeads)
	}
	if err := b.CheckRoots(); err != nil {
		return nil, fmt.Errorf("prove: block %d of lane %s: %w", e.N, e.Lane, err)
	}
	path, err := a.trees[e.Lane].inclusion(ctx, head.Size, head.Root, e.N, ledger.LeafHash(b.EntryBytes))
	if err != nil {
		return nil, err
	}
	return &Block{Block: b, tree: newSmall(b.Leaves), file: proof.File{
		V: proof.Version, Archive: a.doc.Archive, Fingerprint: a.doc.Fingerprint, Anchor: a.sum,
		Lane: proof.Lane{Name: e.Lane, Head: head.Size, Entry: b.EntryBytes, EntryPath: path},
	}}, nil
}

// Disclosure says how a piece is shown. The zero Disclosure withholds it.
type Disclosure struct {
	Inline bool   // in the proof itself
	File   string // path in the bag
	Offset int64  // of the piece in that file
	Bytes  int64  // length of a media piece; of others the piece says
}

// ErrRecord says that an opened record is not what its block sealed.
var ErrRecord = errors.New("record is not what the block sealed")

// Add adds an opened record. disclose is asked for each piece whose bytes are
// there; all others are withheld. ErrRecord says that the record is not the
// block's.
func (b *Block) Add(o *unseal.Opened, disclose func(*unseal.Piece) Disclosure) error {
	name := o.Leaf.Coordinates.String()
	if !o.Known || o.Position < 0 || o.Position >= len(b.Block.Leaves) || o.Leaf.Hash() != b.Block.Leaves[o.Position] {
		return fmt.Errorf("prove %s at leaf %d of block %d in lane %s: %w", name, o.Position, b.Block.Entry.N, b.Block.Entry.Lane, ErrRecord)
	}
	path, err := b.tree.path(o.Position)
	if err != nil {
		return fmt.Errorf("prove %s: %w", name, err)
	}
	r := proof.Record{Record: name, LeaderEpoch: o.Leaf.LeaderEpoch, Timestamp: o.Leaf.Timestamp, Position: o.Position, Path: path}
	for i := range o.Pieces {
		p := &o.Pieces[i]
		var d Disclosure
		if p.Present {
			d = disclose(p)
		}
		r.Pieces = append(r.Pieces, show(p, d))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at, found := slices.BinarySearchFunc(b.file.Records, r.Position, func(r proof.Record, p int) int { return r.Position - p })
	if found {
		return fmt.Errorf("prove %s: added already", name)
	}
	b.file.Records = slices.Insert(b.file.Records, at, r)
	return nil
}

// show is a piece as the proof has it.
func show(p *unseal.Piece, d Disclosure) proof.Piece {
	out := proof.Piece{Type: p.Ref.Type, Index: p.Ref.Index}
	if !d.Inline && d.File == "" {
		out.Commitment = &p.Commitment
		return out
	}
	salt := ledger.Hash(p.Salt)
	out.Salt = &salt
	if d.Inline {
		out.Data = p.Committed
		return out
	}
	out.File, out.Offset, out.Bytes = d.File, d.Offset, d.Bytes
	if out.Bytes == 0 {
		out.Bytes = int64(len(p.Committed))
	}
	return out
}

// File is the proof of all records added so far; nil where there is none.
func (b *Block) File() *proof.File {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.file.Records) == 0 {
		return nil
	}
	f := b.file
	f.Records = slices.Clone(f.Records)
	return &f
}
