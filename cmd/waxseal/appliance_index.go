package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
)

// IndexCheck makes the rows again, as reindex does, into a file beside the data,
// and compares. What the index does not claim to have yet is told as behind.
func (a *appliance) IndexCheck(ctx context.Context, tell func(IndexDifference) error) (resp IndexCheckResponse, err error) {
	rec, err := a.recorder(ctx, false)
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, rec.Close()) }()
	r, keys, err := a.openWhole(ctx, rec, "index-check")
	if err != nil {
		return resp, err
	}
	if r.index, err = openIndexToRead(ctx, a.set); err != nil {
		return resp, err
	}
	r.closers = append(r.closers, r.index)
	defer func() { err = errors.Join(err, r.Close()) }()
	among, err := r.claimed(ctx)
	if err != nil {
		return resp, err
	}
	fresh := indexFile(a.set) + ".check"
	defer func() { err = errors.Join(err, removeIndex(fresh)) }()
	if err := removeIndex(fresh); err != nil {
		return resp, err
	}
	should, err := sqlite.Open(ctx, fresh)
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, should.Close()) }()
	result, err := reindex.Rebuild(ctx, reindex.Config{Index: should, Source: r.source(a.set, keys),
		Progress: func(done, total uint64) { a.env.Progress("blocks", int64(done), int64(total)) }})
	resp.Rows = result.Rows
	if err != nil {
		return resp, fmt.Errorf("%w: %w", err, ErrIncomplete)
	}
	err = reindex.Differences(ctx, r.index, should, among, func(d reindex.Difference) error {
		switch d.Kind {
		case reindex.Missing:
			resp.Missing++
		case reindex.Extra:
			resp.Extra++
		case reindex.Changed:
			resp.Changed++
		}
		return tell(IndexDifference{Difference: string(d.Kind), Item: d.Row.Item.String(), Lane: string(d.Row.Lane), Block: d.Row.Block, Fields: d.Fields})
	})
	if err != nil {
		return resp, err
	}
	resp.OK = resp.Missing+resp.Extra+resp.Changed == 0
	resp.Behind, err = r.behind(ctx)
	return resp, err
}

// claimed takes the rows of blocks that the index says it has, now.
func (r *reading) claimed(ctx context.Context) (func(*index.Row) bool, error) {
	lanes, err := reindex.Lanes(ctx, r.locked)
	if err != nil {
		return nil, err
	}
	next := map[record.Lane]uint64{}
	for _, l := range lanes {
		if next[l], err = r.index.Position(ctx, l); err != nil {
			return nil, err
		}
	}
	return func(row *index.Row) bool {
		n, ok := next[row.Lane]
		return !ok || row.Block < n // a lane that is not there: its rows are extra
	}, nil
}
