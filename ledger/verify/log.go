package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"strings"

	"github.com/waxseal/waxseal/ledger"
)

// topLevel is the highest level of a tile.
const topLevel = 7

// logWalk holds the published log of a lane to its blocks. It keeps the tiles
// at the right edge, of each level, and of the bundle the running hash.
type logWalk struct {
	w      *walk
	levels [topLevel + 1]edge
	bundle hash.Hash               // of the bundle at the right edge
	sums   []ledger.Hash           // of it at each width so far
	sound  bool                    // bundle and sums are those of the entries
	widths [topLevel + 2][256]bool // per level, bundles last: widths of the live edge that a published size needs

	live []byte // the live checkpoint as stored; nil if there is none
	size uint64 // of it; 0 if there is none or it is wrong
	need uint64 // the highest size an entry calls published
}

// edge is the partial tile at the right edge of a level.
type edge struct {
	hashes []ledger.Hash
	holes  bool // a hash of it is not known
}

func newLogWalk(w *walk) *logWalk {
	return &logWalk{w: w, bundle: sha256.New(), sound: true}
}

// begin reads the live checkpoint. Whether it is true is found at the block of
// its size, which holds the same bytes, signed.
func (l *logWalk) begin(ctx context.Context) {
	key := ledger.CheckpointKey(l.w.lane)
	body, _, err := l.w.v.store[meta].Get(ctx, key)
	if notFound(err) || ctx.Err() != nil {
		return
	}
	if err != nil {
		l.w.failIn(meta, CodeUnreadable, nil, key, fmt.Sprintf("The live checkpoint cannot be read: %v.", err))
		return
	}
	l.live = body
	cp, err := ledger.ReadCheckpoint(body)
	if err != nil || cp.Origin != ledger.Origin(l.w.v.auth.archive, l.w.lane) {
		l.w.failIn(meta, CodeSignature, nil, key, "The live checkpoint is not one of this lane.")
		return
	}
	l.size = cp.Size
	l.published(cp.Size)
}

// published takes note that tiles for a checkpoint of that size were stored.
func (l *logWalk) published(size uint64) {
	l.need = max(l.need, size)
	if l.size == 0 || size > l.size {
		return
	}
	for level := ledger.Entries; level <= topLevel; level++ {
		live, ok := ledger.EdgeTile(level, l.size)
		t, partial := ledger.EdgeTile(level, size)
		if ok && partial && t.N == live.N {
			l.widths[slot(level)][t.Width] = true
		}
	}
}

// slot is the index of a level in widths.
func slot(level int) int {
	if level == ledger.Entries {
		return topLevel + 1
	}
	return level
}

// add takes up the entry of a sound block.
func (l *logWalk) add(ctx context.Context, n uint64, b *ledger.Block) {
	if n%ledger.TileWidth == 0 {
		l.bundle.Reset()
		l.sums, l.sound = nil, true
	}
	frame := [2]byte{byte(len(b.EntryBytes) >> 8), byte(len(b.EntryBytes))}
	l.bundle.Write(frame[:])
	l.bundle.Write(b.EntryBytes)
	l.sums = append(l.sums, ledger.Hash(l.bundle.Sum(nil)))
	if n+1 == l.size && !bytes.Equal(l.live, b.Checkpoint) {
		l.w.failIn(meta, CodePublished, &n, ledger.CheckpointKey(l.w.lane), "The live checkpoint is not that of the block of its size.")
	}
	l.push(ctx, n, ledger.LeafHash(b.EntryBytes), false)
}

// unknown goes past an entry that is lost.
func (l *logWalk) unknown(n uint64) {
	l.bundle.Reset()
	if n%ledger.TileWidth == 0 {
		l.sums = nil
	}
	l.sums = append(l.sums, ledger.Hash{})
	l.sound = false
	l.push(context.Background(), n, ledger.Hash{}, true)
}

// push adds a leaf, and judges the tiles it fills.
func (l *logWalk) push(ctx context.Context, n uint64, leaf ledger.Hash, hole bool) {
	l.levels[0].add(leaf, hole)
	if len(l.levels[0].hashes) == ledger.TileWidth {
		l.judgeBundle(ctx, n/ledger.TileWidth)
	}
	index := n // of the hash just added, in its level
	for level := 0; len(l.levels[level].hashes) == ledger.TileWidth; level++ {
		e := &l.levels[level]
		index /= ledger.TileWidth
		l.judgeTile(ctx, level, index)
		l.levels[level+1].add(ledger.Root(e.hashes), e.holes)
		*e = edge{}
	}
}

func (e *edge) add(h ledger.Hash, hole bool) {
	e.hashes = append(e.hashes, h)
	e.holes = e.holes || hole
}

// judgeTile holds every stored width of a hash tile to the hashes.
func (l *logWalk) judgeTile(ctx context.Context, level int, n uint64) {
	e := &l.levels[level]
	l.judge(ctx, ledger.Tile{Level: level, N: n, Width: len(e.hashes)}, e.holes, func(width int) ledger.Hash {
		d := sha256.New()
		for i := range width {
			d.Write(e.hashes[i][:])
		}
		return ledger.Hash(d.Sum(nil))
	})
}

// judgeBundle does the same for a bundle of entries.
func (l *logWalk) judgeBundle(ctx context.Context, n uint64) {
	l.judge(ctx, ledger.Tile{Level: ledger.Entries, N: n, Width: len(l.sums)}, !l.sound, func(width int) ledger.Hash {
		return l.sums[width-1]
	})
}

// judge reads what is stored of a tile, of which as many hashes are known as
// widest says, and wants what must be there.
func (l *logWalk) judge(ctx context.Context, widest ledger.Tile, holes bool, sum func(width int) ledger.Hash) {
	full := widest
	full.Width = ledger.TileWidth
	there := map[int]bool{}
	list := l.w.v.list(meta, ledger.TileKey(l.w.lane, full))
	for o, ok := list.peek(ctx); ok; o, ok = list.peek(ctx) {
		list.skip()
		t, err := ledger.ParseTilePath(strings.TrimPrefix(o.key, ledger.LogPrefix(l.w.lane)))
		if err != nil || t.Level != full.Level || t.N != full.N || o.versions == 0 {
			continue // the listing of the whole log reports it
		}
		l.w.versions(meta, nil, o)
		there[t.Width] = true
		if !holes && t.Width <= widest.Width {
			l.compare(ctx, o.key, t, sum(t.Width))
		}
	}
	if ctx.Err() == nil && !there[full.Width] && full.InSize(l.size) {
		l.missing(ctx, full)
	}
}

// judgeEdge wants, at the right edge of the live checkpoint, each width that a
// published size needs, or the full tile in its place.
func (l *logWalk) judgeEdge(ctx context.Context) {
	for level := ledger.Entries; level <= topLevel; level++ {
		t, ok := ledger.EdgeTile(level, l.size)
		if !ok {
			continue
		}
		t.Width = ledger.TileWidth
		if l.there(ctx, t) {
			continue
		}
		for width, needed := range l.widths[slot(level)] {
			if t.Width = width; needed {
				l.missing(ctx, t)
			}
		}
	}
}

func (l *logWalk) there(ctx context.Context, t ledger.Tile) bool {
	return l.w.there(ctx, named{Object: ledger.Object{Key: ledger.TileKey(l.w.lane, t)}, where: meta})
}

func (l *logWalk) missing(ctx context.Context, t ledger.Tile) {
	if l.there(ctx, t) {
		return
	}
	l.w.failIn(meta, CodeTile, nil, ledger.TileKey(l.w.lane, t), "The tile is missing, although a checkpoint that needs it was published.")
}

// compare reads a stored tile on a worker.
func (l *logWalk) compare(ctx context.Context, key string, t ledger.Tile, want ledger.Hash) {
	l.w.v.pool.submit(func() {
		body, _, err := l.w.v.store[meta].Get(ctx, key)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			l.w.failIn(meta, CodeUnreadable, nil, key, fmt.Sprintf("The tile cannot be read: %v.", err))
		case ledger.Sum(body) != want:
			l.w.failIn(meta, CodeTile, nil, key, fmt.Sprintf("The tile does not hold the %d hashes or entries of the log that its name says.", t.Width))
		default:
			l.w.v.count(func(r *Report) { r.Tiles++; r.Bytes += int64(len(body)) })
		}
	})
}

// finish judges the right edge, the live checkpoint, and what else lies in the
// log's place.
func (l *logWalk) finish(ctx context.Context) {
	if len(l.levels[0].hashes) > 0 {
		l.judgeBundle(ctx, l.w.next/ledger.TileWidth)
	}
	for level, count := 0, l.w.next; level <= topLevel; level++ {
		count /= ledger.TileWidth
		if len(l.levels[level].hashes) > 0 {
			l.judgeTile(ctx, level, count)
		}
	}
	if ctx.Err() != nil {
		return
	}
	l.judgeLive(ctx)
	l.judgeEdge(ctx)
	l.judgeRest(ctx)
}

// judgeLive wants a live checkpoint no lower than any entry knew it, and no
// higher than the lane.
func (l *logWalk) judgeLive(ctx context.Context) {
	key := ledger.CheckpointKey(l.w.lane)
	if l.size > l.w.next {
		if _, err := l.w.v.auth.verifyAt(l.w.lane, l.size, l.live); err != nil {
			l.w.failIn(meta, CodeSignature, nil, key, "The live checkpoint is not signed by the key that counts at its size.")
		} else if !l.grown(ctx, ledger.Tile{N: (l.size - 1) / ledger.TileWidth, Width: int((l.size-1)%ledger.TileWidth) + 1}) {
			l.w.truncated(l.size, "its live checkpoint")
		}
	}
	if l.size >= l.need || (l.live != nil && l.size == 0) {
		return
	}
	again := newLogWalk(l.w) // it may have moved while this run went on
	if again.begin(ctx); again.size >= l.need {
		return
	}
	if l.live == nil {
		l.w.failIn(meta, CodePublished, nil, key, fmt.Sprintf("There is no live checkpoint, and an entry says that one of size %d was published.", l.need))
		return
	}
	l.w.failIn(meta, CodePublished, nil, key, fmt.Sprintf("The live checkpoint has size %d, and an entry says that one of size %d was published.", l.size, l.need))
}

// judgeRest reports tiles beyond the lane's head, and what is no tile.
func (l *logWalk) judgeRest(ctx context.Context) {
	list := l.w.v.list(meta, ledger.LogPrefix(l.w.lane))
	for o, ok := list.peek(ctx); ok; o, ok = list.peek(ctx) {
		list.skip()
		if o.key == ledger.CheckpointKey(l.w.lane) {
			l.w.versions(meta, nil, o)
			continue
		}
		t, err := ledger.ParseTilePath(strings.TrimPrefix(o.key, ledger.LogPrefix(l.w.lane)))
		if err != nil {
			l.w.v.findForeign(meta, o.key)
			continue
		}
		if o.versions > 0 && !t.InSize(l.w.next) && !l.grown(ctx, t) {
			l.w.failIn(meta, CodeTile, nil, o.key, fmt.Sprintf("The tile holds more of the log than the %d blocks of the lane: blocks were cut off its end, or the tile is not the log's.", l.w.next))
		}
	}
}

// grown says whether the lane has grown past the tile while this run went on.
func (l *logWalk) grown(ctx context.Context, t ledger.Tile) bool {
	end := (t.N*ledger.TileWidth + uint64(t.Width)) << (8 * max(t.Level, 0))
	_, err := l.w.v.store[locked].Head(ctx, ledger.BlockKey(l.w.lane, end-1))
	return err == nil
}
