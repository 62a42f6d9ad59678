package ledger

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// ErrFrontier is returned for hashes that are no frontier of a tree of that size.
var ErrFrontier = errors.New("not a frontier of a tree of this size")

// Tree is the append-only Merkle tree of a log, as its frontier alone: the
// roots of its complete subtrees. It grows by appending and knows its root,
// with at most 64 hashes in memory. The zero Tree is empty. Not safe for
// concurrent use.
type Tree struct {
	size     uint64
	frontier []Hash // the largest subtree first, one for each bit set in size
}

// NewTree makes the tree of that size from its frontier, which it copies.
func NewTree(size uint64, frontier []Hash) (*Tree, error) {
	if bits.OnesCount64(size) != len(frontier) {
		return nil, fmt.Errorf("%d hashes for size %d: %w", len(frontier), size, ErrFrontier)
	}
	return &Tree{size: size, frontier: slices.Clone(frontier)}, nil
}

// Append adds a leaf by its hash.
func (t *Tree) Append(leaf Hash) {
	for merges := bits.TrailingZeros64(^t.size); merges > 0; merges-- {
		last := len(t.frontier) - 1
		leaf = NodeHash(t.frontier[last], leaf)
		t.frontier = t.frontier[:last]
	}
	t.frontier = append(t.frontier, leaf)
	t.size++
}

// Size is the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root is the RFC 6962 root.
func (t *Tree) Root() Hash {
	if len(t.frontier) == 0 {
		return EmptyRoot()
	}
	root := t.frontier[len(t.frontier)-1]
	for i := len(t.frontier) - 2; i >= 0; i-- {
		root = NodeHash(t.frontier[i], root)
	}
	return root
}

// Frontier gives the roots of the complete subtrees, the largest first.
func (t *Tree) Frontier() []Hash { return slices.Clone(t.frontier) }

// Clone gives a tree that grows on its own.
func (t *Tree) Clone() *Tree { return &Tree{size: t.size, frontier: slices.Clone(t.frontier)} }
