package prove

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// tree reads the hashes of a lane's log. Safe for concurrent use.
type tree struct {
	locked, meta worm.Reader
	lane         record.Lane

	mu     sync.Mutex // guards the rest
	blind  bool       // tiles are not asked any more: one was wrong
	tiles  map[tileName]*tile
	leaves map[int64]ledger.Hash // by block, where no tile has them
}

type tileName struct {
	level int
	n     int64
}

// tile is a stored tile with the nodes above its hashes: levels[k] are the roots
// of its complete subtrees of 1<<k hashes.
type tile struct{ levels [8][]ledger.Hash }

func newTree(locked, meta worm.Reader, l record.Lane) *tree {
	return &tree{locked: locked, meta: meta, lane: l, tiles: map[tileName]*tile{}, leaves: map[int64]ledger.Hash{}}
}

// prove makes a path with make and holds it to check. Where it is wrong the tiles
// are, and the path comes from the blocks.
func (t *tree) prove(ctx context.Context, make func(tlog.HashReader) ([]tlog.Hash, error), check func([]tlog.Hash) error) ([]ledger.Hash, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		path, err := make(tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return t.read(ctx, indexes) }))
		if err != nil {
			return nil, err
		}
		if err = check(path); err == nil {
			return plain(path), nil
		}
		if t.blind {
			return nil, fmt.Errorf("prove lane %s: its blocks are not under the signed root: %w", t.lane, err)
		}
		t.blind, t.leaves = true, map[int64]ledger.Hash{}
	}
}

// inclusion is the path of a leaf in the log of a size and root.
func (t *tree) inclusion(ctx context.Context, size uint64, root ledger.Hash, n uint64, leaf ledger.Hash) ([]ledger.Hash, error) {
	return t.prove(ctx, func(r tlog.HashReader) ([]tlog.Hash, error) {
		return tlog.ProveRecord(int64(size), int64(n), r)
	}, func(path []tlog.Hash) error {
		return tlog.CheckRecord(path, int64(size), tlog.Hash(root), int64(n), tlog.Hash(leaf))
	})
}

// consistency is the path from one size of the log to a larger one.
func (t *tree) consistency(ctx context.Context, large, small ledger.Checkpoint) ([]ledger.Hash, error) {
	return t.prove(ctx, func(r tlog.HashReader) ([]tlog.Hash, error) {
		return tlog.ProveTree(int64(large.Size), int64(small.Size), r)
	}, func(path []tlog.Hash) error {
		return tlog.CheckTree(path, int64(large.Size), tlog.Hash(large.Root), int64(small.Size), tlog.Hash(small.Root))
	})
}

func plain(path []tlog.Hash) []ledger.Hash {
	out := make([]ledger.Hash, len(path))
	for i, h := range path {
		out[i] = ledger.Hash(h)
	}
	return out
}

// read gives hashes by tlog's numbers.
func (t *tree) read(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		h, err := t.hash(ctx, level, n)
		if err != nil {
			return nil, err
		}
		out[i] = tlog.Hash(h)
	}
	return out, nil
}

// hash is the root of the n-th complete subtree of 1<<level entries.
func (t *tree) hash(ctx context.Context, level int, n int64) (ledger.Hash, error) {
	above := level % 8 // of the tile's own hashes
	first := n << above
	if !t.blind {
		tl, err := t.tile(ctx, tileName{level / 8, first / ledger.TileWidth})
		if err != nil {
			return ledger.Hash{}, err
		}
		if at := int(first%ledger.TileWidth) >> above; tl != nil && at < len(tl.levels[above]) {
			return tl.levels[above][at], nil
		}
	}
	if level == 0 {
		return t.leaf(ctx, n)
	}
	left, err := t.hash(ctx, level-1, 2*n)
	if err != nil {
		return ledger.Hash{}, err
	}
	right, err := t.hash(ctx, level-1, 2*n+1)
	return ledger.NodeHash(left, right), err
}

// leaf is the hash of a block's entry.
func (t *tree) leaf(ctx context.Context, n int64) (ledger.Hash, error) {
	if h, ok := t.leaves[n]; ok {
		return h, nil
	}
	b, err := lane.ReadBlock(ctx, t.locked, t.lane, uint64(n))
	if err != nil {
		return ledger.Hash{}, err
	}
	h := ledger.LeafHash(b.EntryBytes)
	t.leaves[n] = h
	return h, nil
}

// tile gives a stored tile, full or as wide as there is one; nil where none can
// be read.
func (t *tree) tile(ctx context.Context, name tileName) (*tile, error) {
	if tl, ok := t.tiles[name]; ok {
		return tl, nil
	}
	full := ledger.Tile{Level: name.level, N: uint64(name.n), Width: ledger.TileWidth}
	body, _, err := t.meta.Get(ctx, ledger.TileKey(t.lane, full))
	if errors.Is(err, worm.ErrNotFound) {
		body, err = t.widest(ctx, full)
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("read tile %s: %w", full.Path(), context.Cause(ctx))
	}
	var tl *tile
	if err == nil && len(body) >= 32 {
		tl = newTile(body)
	}
	t.tiles[name] = tl
	return tl, nil
}

// widest reads the partial tile with the most hashes.
func (t *tree) widest(ctx context.Context, full ledger.Tile) ([]byte, error) {
	prefix, key, width := ledger.TileKey(t.lane, full)+".p/", "", 0
	err := t.meta.List(ctx, prefix, "", func(v worm.Version) error {
		tl, err := ledger.ParseTilePath(strings.TrimPrefix(v.Key, ledger.LogPrefix(t.lane)))
		if err == nil && tl.Width > width && !v.DeleteMarker {
			key, width = v.Key, tl.Width
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, worm.ErrNotFound
	}
	body, _, err := t.meta.Get(ctx, key)
	return body, err
}

func newTile(body []byte) *tile {
	tl := new(tile)
	for ; len(body) >= 32 && len(tl.levels[0]) < ledger.TileWidth; body = body[32:] {
		tl.levels[0] = append(tl.levels[0], ledger.Hash(body))
	}
	fold(tl.levels[:])
	return tl
}

// fold fills each level above the first with the nodes over complete pairs.
func fold(levels [][]ledger.Hash) {
	for k := 1; k < len(levels); k++ {
		below := levels[k-1]
		levels[k] = make([]ledger.Hash, len(below)/2)
		for i := range levels[k] {
			levels[k][i] = ledger.NodeHash(below[2*i], below[2*i+1])
		}
	}
}

// small is a whole tree in memory: over the records or the events of a block.
type small struct{ levels [][]ledger.Hash }

func newSmall(leaves []ledger.Hash) *small {
	s := &small{levels: [][]ledger.Hash{leaves}}
	for n := len(leaves) / 2; n > 0; n /= 2 {
		s.levels = append(s.levels, nil)
	}
	fold(s.levels)
	return s
}

// path is the path of a leaf.
func (s *small) path(i int) ([]ledger.Hash, error) {
	path, err := tlog.ProveRecord(int64(len(s.levels[0])), int64(i), tlog.HashReaderFunc(s.read))
	return plain(path), err
}

func (s *small) read(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		out[i] = tlog.Hash(s.levels[level][n])
	}
	return out, nil
}
