package reindex

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// errOutbox says that a block's outbox does not give its rows.
var errOutbox = errors.New("outbox does not give the rows of its block")

// FeedConfig says what to feed an index from.
type FeedConfig struct {
	Locked, Meta worm.Reader
	Index        index.Index
	Indexer      []age.Identity // open the rows of outboxes
	Source       *Source        // rebuilds what an outbox does not give; nil: it is left out
}

// Feeder catches an index up with the ledger. One index has one; not safe for
// concurrent use. Others may insert the same blocks meanwhile.
type Feeder struct {
	cfg   FeedConfig
	maker *maker // made when first needed in a Feed: it knows the token epochs as of then
	next  map[record.Lane]uint64
	gaps  []Gap
}

// Gap is a block whose rows the index lacks, until a Rebuild.
type Gap struct {
	Lane  record.Lane
	Block uint64
	Why   error
}

// Fed is what one Feed did.
type Fed struct {
	Blocks, Rows uint64
	Rebuilt      uint64 // blocks whose rows came from segments
	Gaps         []Gap  // all that this Feeder has met
}

// NewFeeder makes a Feeder. It goes on from where the index stands.
func NewFeeder(cfg FeedConfig) *Feeder {
	return &Feeder{cfg: cfg, next: map[record.Lane]uint64{}}
}

// Feed inserts the blocks that the index lacks, up to each lane's head. A block
// whose rows cannot be had is left out and named among the Gaps; the index's
// position stays before it.
func (f *Feeder) Feed(ctx context.Context) (Fed, error) {
	var fed Fed
	f.maker = nil
	lanes, err := Lanes(ctx, f.cfg.Locked)
	if err != nil {
		return fed, fmt.Errorf("feed index: %w", err)
	}
	for _, l := range lanes {
		if err := f.lane(ctx, l, &fed); err != nil {
			return fed, fmt.Errorf("feed index: lane %s: %w", l, err)
		}
	}
	fed.Gaps = append(fed.Gaps, f.gaps...)
	return fed, nil
}

func (f *Feeder) lane(ctx context.Context, l record.Lane, fed *Fed) error {
	n, err := f.from(ctx, l)
	if err != nil {
		return err
	}
	var batches []index.Batch
	rows := 0
	for end := false; !end; {
		b, err := readBlock(ctx, f.cfg.Locked, l, n)
		switch {
		case errors.Is(err, worm.ErrNotFound):
			end = true
		case err != nil:
			return err
		default:
			batch, ok, err := f.block(ctx, b, fed)
			if err != nil {
				return err
			}
			if ok {
				batches, rows = append(batches, batch), rows+len(batch.Rows)
			}
			n++
		}
		if len(batches) > 0 && (end || rows >= batchRows || len(batches) >= batchBlocks) {
			if err := f.cfg.Index.Insert(ctx, batches...); err != nil {
				return err
			}
			fed.Blocks, fed.Rows = fed.Blocks+uint64(len(batches)), fed.Rows+uint64(rows)
			batches, rows = nil, 0
		}
	}
	f.next[l] = n
	return nil
}

// from is the first block to look at: the index's position, but not a gap that
// was met before.
func (f *Feeder) from(ctx context.Context, l record.Lane) (uint64, error) {
	n, err := f.cfg.Index.Position(ctx, l)
	if err != nil {
		return 0, err
	}
	for _, g := range f.gaps {
		if g.Lane == l && g.Block == n {
			return f.next[l], nil
		}
	}
	return n, nil
}

// block gives the rows of one block; ok is false for a gap.
func (f *Feeder) block(ctx context.Context, b *ledger.Block, fed *Fed) (batch index.Batch, ok bool, err error) {
	batch = index.Batch{Lane: b.Entry.Lane, Block: b.Entry.N}
	batch.Rows, err = f.outbox(ctx, b.Entry)
	if err == nil {
		return batch, true, nil
	}
	if !errors.Is(err, errOutbox) {
		return batch, false, err
	}
	if f.cfg.Source != nil {
		made, again := f.rebuild(ctx, b)
		if again != nil {
			return batch, false, again
		}
		if len(made.problems) == 0 {
			fed.Rebuilt++
			batch.Rows = made.rows
			return batch, true, nil
		}
		err = errors.Join(append([]error{err}, made.problems...)...)
	}
	f.gaps = append(f.gaps, Gap{batch.Lane, batch.Block, err})
	return batch, false, nil
}

func (f *Feeder) rebuild(ctx context.Context, b *ledger.Block) (*made, error) {
	if f.maker == nil {
		var err error
		if f.maker, err = f.cfg.Source.maker(ctx); err != nil {
			return nil, err
		}
	}
	return f.maker.block(ctx, b)
}

// outbox gives the rows of a block from its outbox; errOutbox where that is gone
// or bad. A block without records has none.
func (f *Feeder) outbox(ctx context.Context, e *ledger.Entry) ([]index.Row, error) {
	if e.Records == 0 {
		return nil, nil
	}
	if e.Outbox == nil {
		return nil, fmt.Errorf("block %d names none: %w", e.N, errOutbox)
	}
	body, err := lane.ReadNamed(ctx, f.cfg.Meta, *e.Outbox)
	if errors.Is(err, worm.ErrNotFound) || errors.Is(err, worm.ErrDamaged) {
		return nil, fmt.Errorf("%w: %w", errOutbox, err)
	}
	if err != nil {
		return nil, err
	}
	o, err := lane.DecodeOutbox(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", e.Outbox.Key, errOutbox, err)
	}
	plain, err := openRows(o.Rows, f.cfg.Indexer)
	if errors.As(err, new(*age.NoIdentityMatchError)) && f.cfg.Source == nil {
		return nil, fmt.Errorf("%s: %w", e.Outbox.Key, err) // the same for all outboxes
	}
	if err == nil {
		var rows []index.Row
		if rows, err = index.DecodeRows(plain); err == nil && belong(rows, e) {
			return rows, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("%s: %w", e.Outbox.Key, errOutbox), err)
}

// openRows opens the rows of an outbox. They are no longer than what is sealed.
func openRows(sealed []byte, ids []age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// belong says that rows are of the block whose outbox gave them.
func belong(rows []index.Row, e *ledger.Entry) bool {
	for i := range rows {
		if rows[i].Lane != e.Lane || rows[i].Block != e.N {
			return false
		}
	}
	return len(rows) > 0
}
