package reindex

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// ErrIncomplete says that an index lacks rows it should have. The error wraps
// what was in the way, the first few of it.
var ErrIncomplete = errors.New("index is incomplete")

// Config says what to rebuild.
type Config struct {
	Source
	Index    index.Index              // emptied, then filled
	Before   index.Index              // what the rows are compared with; nil none. Not Index
	Progress func(done, total uint64) // of blocks, may be nil. Called from several goroutines
	Workers  int                      // lanes at a time; 0: as many as there are processors
}

// Result is what came of a rebuilding.
type Result struct {
	Lanes, Blocks, Records, Rows uint64

	ErasedItems   uint64 // whose bytes were lawfully erased, in records of which others are left
	ErasedRecords uint64 // of which nothing is left
	Failed        uint64 // records or blocks that gave no rows, or not all

	Changed uint64 // rows that Before lacks or has otherwise
	Dropped uint64 // rows that only Before has: erased since, or never archived
}

// How much of the index is inserted at once, and how many problems are told.
const (
	batchRows   = 4000
	batchBlocks = 1000
	maxTold     = 20
)

// Rebuild fills an index from the stores and the identities alone. It goes on
// where a record gives no rows and then returns ErrIncomplete beside the Result.
// Any other error means that it stopped, and the index is not to be used.
func Rebuild(ctx context.Context, cfg Config) (Result, error) {
	r := rebuilding{cfg: &cfg}
	if err := r.all(ctx); err != nil {
		return r.result, fmt.Errorf("rebuild index: %w", err)
	}
	if cfg.Before != nil {
		var err error
		if r.result.Changed, r.result.Dropped, err = Compare(ctx, cfg.Before, cfg.Index); err != nil {
			return r.result, fmt.Errorf("rebuild index: %w", err)
		}
	}
	if r.result.Failed > 0 {
		return r.result, fmt.Errorf("rebuild index: %w: %w", ErrIncomplete, errors.Join(r.problems...))
	}
	return r.result, nil
}

// rebuilding is one Rebuild under way.
type rebuilding struct {
	cfg *Config

	mu       sync.Mutex // guards the rest
	result   Result
	total    uint64
	problems []error
}

func (r *rebuilding) all(ctx context.Context) error {
	if r.cfg.Epoch == nil {
		epoch, err := Epochs(ctx, r.cfg.Locked)
		if err != nil {
			return err
		}
		r.cfg.Epoch = epoch
	}
	lanes, err := Lanes(ctx, r.cfg.Locked)
	if err != nil {
		return err
	}
	sizes := map[record.Lane]uint64{}
	for _, l := range lanes {
		if sizes[l], err = size(ctx, r.cfg.Locked, l); err != nil {
			return err
		}
		r.total += sizes[l]
	}
	if err := r.cfg.Index.Reset(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers(r.cfg.Workers))
	for _, l := range lanes {
		g.Go(func() error { return r.lane(ctx, l, sizes[l]) })
	}
	r.result.Lanes = uint64(len(lanes))
	return g.Wait()
}

func workers(n int) int {
	if n <= 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}

// size is the number of a lane's last block plus one, as listed.
func size(ctx context.Context, locked worm.Reader, l record.Lane) (uint64, error) {
	var n uint64
	err := locked.List(ctx, ledger.BlockPrefix(l), "", func(v worm.Version) error {
		if m, ok := ledger.ParseBlockKey(l, v.Key); ok && !v.DeleteMarker {
			n = max(n, m+1)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("list blocks of lane %s: %w", l, err)
	}
	return n, nil
}

func (r *rebuilding) lane(ctx context.Context, l record.Lane, size uint64) error {
	m, err := r.cfg.maker(ctx)
	if err != nil {
		return err
	}
	var batches []index.Batch
	rows := 0
	for n := range size {
		made, err := r.block(ctx, m, l, n)
		if err != nil {
			return err
		}
		batches, rows = append(batches, index.Batch{Lane: l, Block: n, Rows: made}), rows+len(made)
		if rows < batchRows && len(batches) < batchBlocks && n+1 < size {
			continue
		}
		if err := r.cfg.Index.Insert(ctx, batches...); err != nil {
			return err
		}
		r.progress(uint64(len(batches)))
		batches, rows = nil, 0
	}
	return nil
}

// block makes the rows of one block and counts.
func (r *rebuilding) block(ctx context.Context, m *maker, l record.Lane, n uint64) ([]index.Row, error) {
	b, err := readBlock(ctx, r.cfg.Locked, l, n)
	if broken(err) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.problem(fmt.Errorf("lane %s block %d: %w: %w", l, n, ErrRecord, err))
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	made, err := m.block(ctx, b)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Records += b.Entry.Records
	r.result.Rows += uint64(len(made.rows))
	r.result.ErasedItems += made.erasedItems
	r.result.ErasedRecords += made.erasedRecords
	for _, err := range made.problems {
		r.problem(err)
	}
	return made.rows, nil
}

// problem counts what gave no rows; r.mu is held.
func (r *rebuilding) problem(err error) {
	r.result.Failed++
	if len(r.problems) < maxTold {
		r.problems = append(r.problems, err)
	}
}

func (r *rebuilding) progress(blocks uint64) {
	r.mu.Lock()
	r.result.Blocks += blocks
	done := r.result.Blocks
	r.mu.Unlock()
	if r.cfg.Progress != nil {
		r.cfg.Progress(done, r.total)
	}
}
