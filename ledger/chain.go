package ledger

import (
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
)

// ErrChain is returned for a block that does not continue the chain: another
// lane or number, another previous entry, a tree or checkpoint that is not the
// lane's.
var ErrChain = errors.New("block does not continue the chain")

// Chain is the head of one lane, all that is needed to write or to check the
// next block. A block alone is enough to go on from. Not safe for concurrent
// use.
type Chain struct {
	lane   record.Lane
	signer *Signer   // nil: only checks
	keys   *Verifier // whose checkpoints count
	tree   *Tree
	prev   Hash // SHA-256 of the last entry's bytes
}

// NewChain is the chain of a lane without a block, written by signer.
func NewChain(lane record.Lane, signer *Signer) *Chain {
	return &Chain{lane: lane, signer: signer, keys: signer.Verifier(), tree: new(Tree)}
}

// NewLife is the chain of the first block of a lane's later life (3~2), whose
// previous entry is the last good one of the life before.
func NewLife(lane record.Lane, signer *Signer, last Hash) *Chain {
	c := NewChain(lane, signer)
	c.prev = last
	return c
}

// ResumeChain goes on from a lane's last block, given that block alone. It
// refuses one whose checkpoint no key of keys signed (ErrSignature), whose
// frontier and entry do not give the signed root (ErrChain), or whose leaves or
// events are not those of its entry (ErrBlock). With a nil signer the chain only checks.
func ResumeChain(lane record.Lane, signer *Signer, keys *Verifier, block []byte) (*Chain, *Block, error) {
	c := &Chain{lane: lane, signer: signer, keys: keys}
	b, err := DecodeBlock(block)
	if err != nil {
		return nil, nil, fmt.Errorf("resume lane %s: %w", lane, err)
	}
	if err := c.resume(b); err != nil {
		return nil, nil, fmt.Errorf("resume lane %s at block %d: %w", lane, b.Entry.N, err)
	}
	return c, b, nil
}

func (c *Chain) resume(b *Block) error {
	if b.Entry.Lane != c.lane {
		return fmt.Errorf("of another lane: %w", ErrChain)
	}
	if err := b.CheckRoots(); err != nil {
		return err
	}
	cp, err := c.keys.Open(c.lane, b.Checkpoint)
	if err != nil {
		return err
	}
	tree, err := NewTree(b.Entry.N, b.Frontier)
	if err != nil {
		return err
	}
	tree.Append(LeafHash(b.EntryBytes))
	if cp.Size != tree.Size() || cp.Root != tree.Root() {
		return fmt.Errorf("checkpoint, frontier and entry disagree: %w", ErrChain)
	}
	c.tree, c.prev = tree, Sum(b.EntryBytes)
	return nil
}

// Lane is the lane's name.
func (c *Chain) Lane() record.Lane { return c.lane }

// Size is the number of blocks, and the number of the next one.
func (c *Chain) Size() uint64 { return c.tree.Size() }

// Root is the root of the lane's log.
func (c *Chain) Root() Hash { return c.tree.Root() }

// Prev is the SHA-256 of the last entry's bytes; zero before the first.
func (c *Chain) Prev() Hash { return c.prev }

// Next gives the bytes of the next block. It fills in the entry's V, Lane, N,
// Prev, Records, RecordsRoot, Events and EventsRoot, and leaves the chain where
// it was: Advance moves it once the block is stored. The same input gives the
// same bytes.
func (c *Chain) Next(e *Entry, leaves []Hash, events [][]byte) ([]byte, error) {
	if c.signer == nil {
		return nil, errors.New("next block: no signer")
	}
	e.V, e.Lane, e.N, e.Prev = EntryVersion, c.lane, c.tree.Size(), c.prev
	e.Records, e.RecordsRoot = uint64(len(leaves)), Root(leaves)
	e.Events, e.EventsRoot = uint64(len(events)), EventsRoot(events)
	entry, err := e.Encode()
	if err != nil {
		return nil, fmt.Errorf("next block: %w", err)
	}
	tree := c.tree.Clone()
	tree.Append(LeafHash(entry))
	cp, err := c.signer.Checkpoint(c.lane, tree.Size(), tree.Root())
	if err != nil {
		return nil, fmt.Errorf("next block: %w", err)
	}
	b := Block{EntryBytes: entry, Leaves: leaves, Events: events, Checkpoint: cp, Frontier: c.tree.frontier}
	return b.Encode()
}

// Advance checks that block is the next of the chain and moves behind it. After
// an error the chain is where it was.
func (c *Chain) Advance(block []byte) error {
	b, err := DecodeBlock(block)
	if err != nil {
		return fmt.Errorf("advance lane %s: %w", c.lane, err)
	}
	if err := c.AdvanceBlock(b); err != nil {
		return fmt.Errorf("advance lane %s: %w", c.lane, err)
	}
	return nil
}

// AdvanceBlock is Advance for a block taken apart already.
func (c *Chain) AdvanceBlock(b *Block) error {
	e := b.Entry
	if e.Lane != c.lane || e.N != c.tree.Size() || e.Prev != c.prev {
		return fmt.Errorf("lane, number or previous entry: %w", ErrChain)
	}
	if err := b.CheckRoots(); err != nil {
		return err
	}
	cp, err := c.keys.Open(c.lane, b.Checkpoint)
	if err != nil {
		return err
	}
	tree := c.tree.Clone()
	tree.Append(LeafHash(b.EntryBytes))
	if cp.Size != tree.Size() || cp.Root != tree.Root() || !slices.Equal(b.Frontier, c.tree.frontier) {
		return fmt.Errorf("checkpoint or frontier: %w", ErrChain)
	}
	c.tree, c.prev = tree, Sum(b.EntryBytes)
	return nil
}
