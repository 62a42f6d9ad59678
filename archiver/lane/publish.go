package lane

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Publication keeps the tlog-tiles of one lane in the meta store. All of it is
// derived from blocks. Not safe for concurrent use.
type Publication struct {
	pub    *ledger.Publisher
	locked worm.Reader
	lane   record.Lane
	last   *ledger.Block // followed last
}

// OpenPublication goes on from the live checkpoint. Where what is stored is not
// the log, it begins with the first block again, which writes what is missing
// and names what is wrong.
func OpenPublication(ctx context.Context, meta worm.Meta, locked worm.Reader, l record.Lane, keys *ledger.Verifier) (*Publication, error) {
	store := LogStore{meta}
	pub, err := ledger.OpenPublisher(ctx, store, l, keys)
	if errors.Is(err, ledger.ErrTile) || errors.Is(err, ledger.ErrCheckpoint) || errors.Is(err, ledger.ErrSignature) {
		pub, err = ledger.NewPublisher(store, l, keys), nil
	}
	if err != nil {
		return nil, err
	}
	return &Publication{pub: pub, locked: locked, lane: l}, nil
}

// Follow takes a committed block, and reads from the store those it was not
// given.
func (p *Publication) Follow(ctx context.Context, b *ledger.Block) error {
	for n := p.pub.Size(); n < b.Entry.N; n++ {
		missed, err := ReadBlock(ctx, p.locked, p.lane, n)
		if err != nil {
			return err
		}
		if err := p.add(ctx, missed); err != nil {
			return err
		}
	}
	if b.Entry.N < p.pub.Size() {
		p.last = b
		return nil
	}
	return p.add(ctx, b)
}

func (p *Publication) add(ctx context.Context, b *ledger.Block) error {
	size := p.pub.Size()
	err := p.pub.Add(ctx, b.EntryBytes)
	if p.pub.Size() > size { // taken, even if the store has yet to be written
		p.last = b
	}
	return err
}

// Publish makes the checkpoint of the block followed last the live one.
func (p *Publication) Publish(ctx context.Context) error {
	if p.last == nil || p.last.Entry.N+1 != p.pub.Size() || p.pub.Published() >= p.pub.Size() {
		return nil
	}
	return p.pub.Publish(ctx, p.last.Checkpoint)
}

// Published is the size of the live checkpoint known to be stored with its tiles.
func (p *Publication) Published() uint64 { return min(p.pub.Published(), p.pub.Size()) }

// LogStore is a meta store as a place for logs.
type LogStore struct{ Meta worm.Meta }

// Create stores body under key or finds it there.
func (s LogStore) Create(ctx context.Context, key string, body []byte) error {
	_, err := s.Meta.Put(ctx, key, body, ledger.Sum(body), worm.Lock{})
	if !errors.Is(err, worm.ErrExists) {
		return err
	}
	have, _, err := s.Meta.Get(ctx, key)
	if err != nil {
		return err
	}
	if !bytes.Equal(have, body) {
		return fmt.Errorf("%s holds other bytes: %w", key, ledger.ErrTile)
	}
	return nil
}

// Read gives what key holds.
func (s LogStore) Read(ctx context.Context, key string) ([]byte, error) {
	body, _, err := s.Meta.Get(ctx, key)
	if errors.Is(err, worm.ErrNotFound) {
		return nil, ledger.ErrNotStored
	}
	return body, err
}

// Swap replaces what key holds if it is exactly old.
func (s LogStore) Swap(ctx context.Context, key string, old, new []byte) error {
	err := s.Meta.Swap(ctx, key, old, new)
	if errors.Is(err, worm.ErrChanged) || (old != nil && errors.Is(err, worm.ErrNotFound)) {
		return ledger.ErrSwapped
	}
	return err
}
