package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// What a LogStore answers, and callers of Publisher branch on.
var (
	ErrNotStored = errors.New("nothing is stored under this key") // Read
	ErrSwapped   = errors.New("checkpoint changed meanwhile")     // Swap
)

// LogStore is where a log is published: the meta store. All of it is derived
// from blocks and can be published again.
type LogStore interface {
	// Create stores body under key, durably, and never replaces. A key that
	// holds exactly body already is success; one that holds something else is
	// ErrTile.
	Create(ctx context.Context, key string, body []byte) error
	// Read gives what key holds; ErrNotStored if nothing.
	Read(ctx context.Context, key string) ([]byte, error)
	// Swap replaces what key holds if it is exactly old (nil: nothing), else
	// ErrSwapped.
	Swap(ctx context.Context, key string, old, new []byte) error
}

// Publisher publishes the log of one lane as C2SP tlog-tiles. Its memory is the
// right edge of the tree. A tile is written when it is full, or at the size of
// a checkpoint that is published; the checkpoint comes last, so that whoever
// reads it finds its tiles. Several publishers of one lane write identical tiles
// and never lower the checkpoint. Not safe for concurrent use.
type Publisher struct {
	store LogStore
	lane  record.Lane
	keys  *Verifier

	size      uint64
	levels    [][]Hash // of the partial tile at the right edge, by level
	bundle    []byte   // of the partial bundle at the right edge
	full      []stored // full tiles not yet written
	published uint64
}

type stored struct {
	key  string
	body []byte
}

// NewPublisher publishes a log from its first entry on, whatever is stored.
func NewPublisher(store LogStore, lane record.Lane, keys *Verifier) *Publisher {
	return &Publisher{store: store, lane: lane, keys: keys, levels: make([][]Hash, maxLevel+1)}
}

// OpenPublisher goes on from the live checkpoint, whose right edge it reads and
// checks against the signed root. Without a checkpoint it begins with the first
// entry. ErrTile, ErrCheckpoint or ErrSignature say that what is stored is not
// the log: NewPublisher and all entries again show where.
func OpenPublisher(ctx context.Context, store LogStore, lane record.Lane, keys *Verifier) (*Publisher, error) {
	p := NewPublisher(store, lane, keys)
	signed, err := store.Read(ctx, CheckpointKey(lane))
	if errors.Is(err, ErrNotStored) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open log of lane %s: %w", lane, err)
	}
	cp, err := keys.Open(lane, signed)
	if err != nil {
		return nil, fmt.Errorf("open log of lane %s: %w", lane, err)
	}
	if err := p.load(ctx, cp); err != nil {
		return nil, fmt.Errorf("open log of lane %s at size %d: %w", lane, cp.Size, err)
	}
	return p, nil
}

// load reads the right edge of a published size.
func (p *Publisher) load(ctx context.Context, cp Checkpoint) error {
	p.size, p.published = cp.Size, cp.Size
	for level := range p.levels {
		t, ok := EdgeTile(level, cp.Size)
		if !ok {
			continue
		}
		body, err := p.readEdge(ctx, t)
		if err != nil {
			return err
		}
		if len(body) < 32*t.Width {
			return fmt.Errorf("%s: %w", t.Path(), ErrTile)
		}
		for i := range t.Width {
			p.levels[level] = append(p.levels[level], Hash(body[32*i:]))
		}
	}
	if p.Root() != cp.Root {
		return fmt.Errorf("right edge has another root: %w", ErrTile)
	}
	return p.loadBundle(ctx)
}

func (p *Publisher) loadBundle(ctx context.Context) error {
	t, ok := EdgeTile(Entries, p.size)
	if !ok {
		return nil
	}
	rest, err := p.readEdge(ctx, t)
	if err != nil {
		return err
	}
	for i := range t.Width {
		var entry []byte
		if entry, rest, err = CutBundle(rest); err != nil || LeafHash(entry) != p.levels[0][i] {
			return fmt.Errorf("%s: %w", t.Path(), ErrTile)
		}
		p.bundle = AppendBundle(p.bundle, entry)
	}
	return nil
}

// readEdge reads a partial tile, or the full one that took its place.
func (p *Publisher) readEdge(ctx context.Context, t Tile) ([]byte, error) {
	body, err := p.store.Read(ctx, TileKey(p.lane, t))
	if errors.Is(err, ErrNotStored) {
		t.Width = TileWidth
		body, err = p.store.Read(ctx, TileKey(p.lane, t))
	}
	if errors.Is(err, ErrNotStored) {
		return nil, fmt.Errorf("%s is not there: %w", t.Path(), ErrTile)
	}
	return body, err
}

// Size is the number of entries added: the number of the next one.
func (p *Publisher) Size() uint64 { return p.size }

// Published is the size of the live checkpoint that is known to be stored with
// all its tiles. It may be above Size where another publisher went on.
func (p *Publisher) Published() uint64 { return p.published }

// Root is the root over the entries added.
func (p *Publisher) Root() Hash {
	var root Hash
	empty := true
	for _, hashes := range p.levels { // from the right edge to the left
		var t Tree
		for _, h := range hashes {
			t.Append(h)
		}
		for i := len(t.frontier) - 1; i >= 0; i-- {
			if empty {
				root, empty = t.frontier[i], false
			} else {
				root = NodeHash(t.frontier[i], root)
			}
		}
	}
	if empty {
		return EmptyRoot()
	}
	return root
}

// Add takes the bytes of the next entry, and writes the tiles it fills. After
// an error of the store the entry has been taken all the same: the next Add or
// Publish writes again what is missing.
func (p *Publisher) Add(ctx context.Context, entry []byte) error {
	if len(entry) > MaxEntry {
		return fmt.Errorf("publish lane %s: %w", p.lane, ErrEntrySize)
	}
	p.bundle = AppendBundle(p.bundle, entry)
	p.levels[0] = append(p.levels[0], LeafHash(entry))
	p.size++
	for level := 0; len(p.levels[level]) == TileWidth; level++ {
		n := p.size/span(level)/TileWidth - 1
		if level == 0 {
			p.full = append(p.full, stored{TileKey(p.lane, Tile{Entries, n, TileWidth}), p.bundle})
			p.bundle = nil
		}
		p.full = append(p.full, stored{TileKey(p.lane, Tile{level, n, TileWidth}), appendHashes(nil, p.levels[level])})
		p.levels[level+1] = append(p.levels[level+1], Root(p.levels[level]))
		p.levels[level] = nil
	}
	return p.flush(ctx)
}

func (p *Publisher) flush(ctx context.Context) error {
	for len(p.full) > 0 {
		if err := p.store.Create(ctx, p.full[0].key, p.full[0].body); err != nil {
			return fmt.Errorf("publish %s: %w", p.full[0].key, err)
		}
		p.full = p.full[1:]
	}
	p.full = nil
	return nil
}

// Publish makes signed, the checkpoint of the last added entry's block, the
// live one: first the partial tiles of its size, then the checkpoint. Where
// the live one is of that size or above, it stays. Repeating changes nothing.
func (p *Publisher) Publish(ctx context.Context, signed []byte) error {
	cp, err := p.keys.Open(p.lane, signed)
	if err != nil {
		return fmt.Errorf("publish lane %s: %w", p.lane, err)
	}
	if cp.Size != p.size || cp.Root != p.Root() {
		return fmt.Errorf("publish lane %s: not the checkpoint of size %d: %w", p.lane, p.size, ErrCheckpoint)
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	if err := p.createEdge(ctx); err != nil {
		return err
	}
	live, err := p.swap(ctx, signed)
	if err != nil {
		return fmt.Errorf("publish checkpoint of lane %s: %w", p.lane, err)
	}
	p.published = live
	return nil
}

func (p *Publisher) createEdge(ctx context.Context) error {
	for level := Entries; level < len(p.levels); level++ {
		t, ok := EdgeTile(level, p.size)
		if !ok {
			continue
		}
		body := p.bundle
		if level != Entries {
			body = appendHashes(nil, p.levels[level])
		}
		if err := p.store.Create(ctx, TileKey(p.lane, t), body); err != nil {
			return fmt.Errorf("publish %s: %w", TileKey(p.lane, t), err)
		}
	}
	return nil
}

// swap replaces a lower live checkpoint and answers the size of the one that is
// live then.
func (p *Publisher) swap(ctx context.Context, signed []byte) (uint64, error) {
	key := CheckpointKey(p.lane)
	for {
		old, err := p.store.Read(ctx, key)
		if err != nil && !errors.Is(err, ErrNotStored) {
			return 0, err
		}
		if err == nil {
			live, err := p.keys.Open(p.lane, old)
			if err != nil {
				return 0, err
			}
			if live.Size > p.size || bytes.Equal(old, signed) {
				return live.Size, nil
			}
			if live.Size == p.size && live.Root != p.Root() {
				return 0, fmt.Errorf("the live one has another root at this size: %w", ErrTile)
			}
		} else {
			old = nil
		}
		if err := p.store.Swap(ctx, key, old, signed); !errors.Is(err, ErrSwapped) {
			return p.size, err
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}
