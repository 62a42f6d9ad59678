package retrieve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// openNamed finds a record by its name, in the ledger alone, and opens it.
// ErrNone where no block covers it.
func (s *shelf) openNamed(ctx context.Context, c record.Coordinates) (*found, error) {
	b, err := s.cover(ctx, c)
	if err != nil {
		return nil, err
	}
	opened, problems := s.l.Reader.Records(ctx, b.Entry)
	if opened == nil {
		return s.judge(b, ledger.BlockKey(b.Entry.Lane, b.Entry.N), nil, problems)
	}
	gone := false
	for _, o := range opened {
		gone = gone || o.Gone
		if o.Known && o.Record.Coordinates == c {
			return s.judge(b, objectOf(b.Entry, o), o, errors.Join(o.Problems...))
		}
	}
	switch {
	case problems != nil:
		return s.judge(b, ledger.DataKey(b.Entry.Lane, b.Entry.N, ""), nil, problems)
	case gone: // the block covers it, and all that is left are others
		return s.judge(b, "", &unseal.Opened{Position: -1, Gone: true}, nil)
	}
	return nil, tampered(b.Entry.Lane, b.Entry.N, ledger.BlockKey(b.Entry.Lane, b.Entry.N), fmt.Errorf("%s is covered and not there", c))
}

// objectOf names a segment that holds a part of a record.
func objectOf(e *ledger.Entry, o *unseal.Opened) string {
	if len(o.Pieces) > 0 && o.Pieces[0].Place.Segment < len(e.Segments) {
		return e.Segments[o.Pieces[0].Place.Segment].Key
	}
	return ledger.BlockKey(e.Lane, e.N)
}

// cover gives the block whose entry covers a record. The lane is the record's
// partition, in any of its lives.
func (s *shelf) cover(ctx context.Context, c record.Coordinates) (*ledger.Block, error) {
	first := record.PartitionLane(c.Partition)
	for life := 1; ; life++ {
		name := first
		if life > 1 {
			name = record.Lane(string(first) + "~" + strconv.Itoa(life))
		}
		b, empty, err := s.coverIn(ctx, name, c)
		if b != nil || err != nil {
			return b, err
		}
		if empty {
			return nil, fmt.Errorf("record %s: %w", c, ErrNone)
		}
	}
}

// coverIn looks in one lane. A lane's position in a topic never sinks, so the
// block is the first whose position lies behind the record: found by steps that
// double, then by halves.
func (s *shelf) coverIn(ctx context.Context, l record.Lane, c record.Coordinates) (b *ledger.Block, empty bool, err error) {
	behind := func(n uint64) (bool, error) {
		b, err := s.block(ctx, blockName{l, n})
		if errors.Is(err, worm.ErrNotFound) {
			return true, nil // beyond the head
		}
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(b.Entry.Source, func(src ledger.Source) bool { return passed(&src, c) }), nil
	}
	n, err := search(behind)
	if err != nil {
		return nil, false, err
	}
	b, err = s.block(ctx, blockName{l, n})
	if errors.Is(err, worm.ErrNotFound) {
		return nil, n == 0, s.end(ctx, l, n)
	}
	if err != nil {
		return nil, false, err
	}
	for i := range b.Entry.Source {
		if covers(&b.Entry.Source[i], c) {
			return b, false, nil
		}
	}
	return nil, false, nil
}

// end makes sure that a lane ends before block n, which is not there.
func (s *shelf) end(ctx context.Context, l record.Lane, n uint64) error {
	_, err := s.l.Locked.Head(ctx, ledger.BlockKey(l, n+1))
	switch {
	case errors.Is(err, worm.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("find the end of lane %s: %w", l, err)
	}
	return tampered(l, n, ledger.BlockKey(l, n), worm.ErrNotFound)
}

// search gives the smallest n for which f holds; f never holds and then not.
func search(f func(uint64) (bool, error)) (uint64, error) {
	lo, hi := uint64(0), uint64(0) // below lo it does not hold
	for {
		ok, err := f(hi)
		if err != nil {
			return 0, err
		}
		if ok {
			break
		}
		lo, hi = hi+1, 2*hi+1
	}
	for lo < hi {
		mid := lo + (hi-lo)/2
		ok, err := f(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo, nil
}

// passed says that a coverage ends behind a record.
func passed(s *ledger.Source, c record.Coordinates) bool {
	return s.Topic == c.Topic && s.Partition == c.Partition && cmp.Or(cmp.Compare(s.Era, c.Era), cmp.Compare(s.Next, c.Offset+1)) >= 0
}

// covers says that a record was archived within a coverage.
func covers(s *ledger.Source, c record.Coordinates) bool {
	if s.Topic != c.Topic || s.Partition != c.Partition || s.Era != c.Era || c.Offset < s.First || c.Offset >= s.Next {
		return false
	}
	return !slices.ContainsFunc(s.Gaps, func(g ledger.Gap) bool { return c.Offset >= g.First && c.Offset < g.Next })
}
