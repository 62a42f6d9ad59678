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

// walk gives the rows of an index one by one, those that among takes. err is what
// it ended with.
func walk(ctx context.Context, x index.Index, among func(*index.Row) bool, err *error) iter.Seq[index.Row] {
	return func(yield func(index.Row) bool) {
		*err = x.All(ctx, func(r index.Row) error {
			if (among == nil || among(&r)) && !yield(r) {
				return errStop
			}
			return nil
		})
	}
}

// Difference is an item whose row in one index is not the one it should be.
type Difference struct {
	Row    index.Row // as it should be; of an extra one, as it is
	Kind   DifferenceKind
	Fields []string // of a changed row: those that differ
}

// DifferenceKind is how a row differs.
type DifferenceKind string

// The kinds of differences.
const (
	Missing DifferenceKind = "missing" // the row is not there
	Extra   DifferenceKind = "extra"   // it should not be there
	Changed DifferenceKind = "changed" // it is there with other fields
)

// Differences holds the rows of an index to those it should have, in item order.
// Rows that among refuses are left out on both sides; nil leaves out none.
func Differences(ctx context.Context, have, want index.Index, among func(*index.Row) bool, tell func(Difference) error) error {
	var errHave, errWant error
	nextHave, stopHave := iter.Pull(walk(ctx, have, among, &errHave))
	nextWant, stopWant := iter.Pull(walk(ctx, want, among, &errWant))
	defer stopHave()
	defer stopWant()
	is, isOK := nextHave()
	should, shouldOK := nextWant()
	for isOK || shouldOK {
		var d Difference
		switch order := compareHeads(&is, isOK, &should, shouldOK); {
		case order < 0:
			d = Difference{Row: is, Kind: Extra}
			is, isOK = nextHave()
		case order > 0:
			d = Difference{Row: should, Kind: Missing}
			should, shouldOK = nextWant()
		default:
			if fields := changed(&is, &should); len(fields) > 0 {
				d = Difference{Row: should, Kind: Changed, Fields: fields}
			}
			is, isOK = nextHave()
			should, shouldOK = nextWant()
		}
		if d.Kind == "" || errHave != nil || errWant != nil {
			continue // an index that broke off lacks nothing
		}
		if err := tell(d); err != nil {
			return err
		}
	}
	if err := errors.Join(errHave, errWant); err != nil {
		return fmt.Errorf("compare indexes: %w", err)
	}
	return nil
}

// changed names the fields in which two rows differ.
func changed(a, b *index.Row) []string {
	if reflect.DeepEqual(a, b) {
		return nil
	}
	var out []string
	va, vb := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range va.NumField() {
		if !reflect.DeepEqual(va.Field(i).Interface(), vb.Field(i).Interface()) {
			out = append(out, va.Type().Field(i).Name)
		}
	}
	return out
}

// Compare tells two indexes apart: how many rows of after are not in before as
// they are, and how many items only before has.
func Compare(ctx context.Context, before, after index.Index) (changed, dropped uint64, err error) {
	err = Differences(ctx, before, after, nil, func(d Difference) error {
		if d.Kind == Extra {
			dropped++
		} else {
			changed++
		}
		return nil
	})
	if err != nil {
		return 0, 0, err
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
