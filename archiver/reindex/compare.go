package reindex

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// errStop ends a walk that nobody follows any more.
var errStop = errors.New("stopped")

// walk gives the rows of an index one by one. err is what it ended with.
func walk(ctx context.Context, x index.Index, err *error) iter.Seq[index.Row] {
	return func(yield func(index.Row) bool) {
		*err = x.All(ctx, func(r index.Row) error {
			if !yield(r) {
				return errStop
			}
			return nil
		})
	}
}

// Compare tells two indexes apart: how many rows of after are not in before as
// they are, and how many items only before has.
func Compare(ctx context.Context, before, after index.Index) (changed, dropped uint64, err error) {
	var errBefore, errAfter error
	nextOld, stopOld := iter.Pull(walk(ctx, before, &errBefore))
	nextNew, stopNew := iter.Pull(walk(ctx, after, &errAfter))
	defer stopOld()
	defer stopNew()
	old, isOld := nextOld()
	row, isNew := nextNew()
	for isOld || isNew {
		switch order := compareHeads(&old, isOld, &row, isNew); {
		case order < 0:
			dropped++
			old, isOld = nextOld()
		case order > 0:
			changed++
			row, isNew = nextNew()
		default:
			if !reflect.DeepEqual(old, row) {
				changed++
			}
			old, isOld = nextOld()
			row, isNew = nextNew()
		}
	}
	if err := errors.Join(errBefore, errAfter); err != nil {
		return 0, 0, fmt.Errorf("compare indexes: %w", err)
	}
	return changed, dropped, nil
}

func compareHeads(old *index.Row, isOld bool, row *index.Row, isNew bool) int {
	switch {
	case !isNew:
		return -1
	case !isOld:
		return 1
	}
	return index.CompareItems(old.Item, row.Item)
}

// Move empties an index and fills it with the rows and positions of another, for
// an index that cannot change places with it as a file.
func Move(ctx context.Context, from, to index.Index, lanes []record.Lane) error {
	if err := to.Reset(ctx); err != nil {
		return fmt.Errorf("move index: %w", err)
	}
	var batches []index.Batch
	rows := 0
	flush := func() error {
		err := to.Insert(ctx, batches...)
		batches, rows = nil, 0
		return err
	}
	err := from.All(ctx, func(r index.Row) error {
		if n := len(batches); n == 0 || batches[n-1].Lane != r.Lane || batches[n-1].Block != r.Block {
			batches = append(batches, index.Batch{Lane: r.Lane, Block: r.Block})
		}
		last := &batches[len(batches)-1]
		last.Rows = append(last.Rows, r)
		if rows++; rows < batchRows {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	for _, l := range lanes {
		if err != nil {
			break
		}
		err = positions(ctx, from, to, l)
	}
	if err != nil {
		return fmt.Errorf("move index: %w", err)
	}
	return nil
}

// positions moves a lane's position as far as it is in from.
func positions(ctx context.Context, from, to index.Index, l record.Lane) error {
	end, err := from.Position(ctx, l)
	if err != nil {
		return err
	}
	for n := uint64(0); n < end; {
		var batches []index.Batch
		for ; n < end && len(batches) < batchBlocks; n++ {
			batches = append(batches, index.Batch{Lane: l, Block: n})
		}
		if err := to.Insert(ctx, batches...); err != nil {
			return err
		}
	}
	return nil
}
