package retrieve

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/ledger"
)

// Opening is a record, opened, held to its leaf and read.
type Opening struct {
	*reread.Reading // nil where Problem; without bytes where it is Gone

	Coordinates record.Coordinates
	Block       *ledger.Block // that proves it; nil where Problem
	Problem     error         // ErrTampered: what is stored is not what the ledger says
}

// dense is how many of a block's records make it cheaper to open all of it: one
// in so many.
const dense = 4

// Block gives a block whose parts agree with each other. ErrTampered where they
// do not.
func (l *Library) Block(ctx context.Context, lane record.Lane, n uint64) (*ledger.Block, error) {
	b, err := readBlock(ctx, l, blockName{lane, n})
	if err != nil {
		return nil, fmt.Errorf("block %d of lane %s: %w", n, lane, err)
	}
	return b, nil
}

// Open opens the records of rows that name one block, each once, in the rows'
// order. Of a row only Item, Lane, Block, Segment and Cell are looked at. Where
// the rows are wrong about the place, the ledger tells it, so that an Opening's
// block may be another. An error ends it; what the ledger contradicts does not.
func (l *Library) Open(ctx context.Context, rows []index.Row) ([]Opening, error) {
	s := l.shelf()
	var out []Opening
	at := map[record.Coordinates]bool{}
	var first []*index.Row
	for i := range rows {
		if c := rows[i].Item.Coordinates; !at[c] {
			at[c] = true
			first = append(first, &rows[i])
		}
	}
	whole, err := s.dense(ctx, first)
	if err != nil {
		return nil, fmt.Errorf("open block %d of lane %s: %w", rows[0].Block, rows[0].Lane, err)
	}
	for _, row := range first {
		f := whole[row.Item.Coordinates]
		if f == nil {
			f, err = s.open(ctx, row)
		}
		switch {
		case err == nil:
			out = append(out, Opening{Reading: f.Reading, Coordinates: row.Item.Coordinates, Block: f.block})
		case errors.Is(err, ErrTampered):
			out = append(out, Opening{Coordinates: row.Item.Coordinates, Problem: err})
		default:
			return nil, fmt.Errorf("open %s: %w", row.Item.Coordinates, err)
		}
	}
	return out, nil
}

// dense opens all of a block where many of its records are asked for, and gives
// those that are sound. What it does not give is for open to judge.
func (s *shelf) dense(ctx context.Context, rows []*index.Row) (map[record.Coordinates]*found, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	b, err := s.block(ctx, blockName{rows[0].Lane, rows[0].Block})
	if err != nil || uint64(len(rows)) < b.Entry.Records/dense {
		return nil, nil
	}
	opened, err := s.l.Reader.Records(ctx, b.Entry)
	if opened == nil {
		return nil, err
	}
	want := make(map[record.Coordinates]bool, len(rows))
	for _, row := range rows {
		want[row.Item.Coordinates] = true
	}
	out := make(map[record.Coordinates]*found, len(rows))
	for _, o := range opened {
		if !o.Known || len(o.Problems) > 0 || !want[o.Record.Coordinates] {
			continue
		}
		if f, err := s.judge(b, objectOf(b.Entry, o), o, nil); err == nil {
			out[o.Record.Coordinates] = f
		}
	}
	return out, nil
}
