package retrieve

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Record is a record as Kafka delivered it, as far as it was not erased.
type Record struct {
	record.Record // a nil key, value or header value was null

	// Erased says that bytes are gone for lawful erasure: in their place in the
	// value stand "{}" and spaces. Of a record that is Gone as a whole nothing but
	// its coordinates are known; where KeyHeadersErased, neither key and headers
	// nor whether an empty value was null.
	Erased, Gone, KeyHeadersErased bool

	Ledger Place
}

// Cat calls fn for each record that a name stands for, in order, with the exact
// bytes that Kafka delivered, and stops at fn's first error. Names are those of
// Show. Every record was held to its leaf first: ErrTampered names lane, block
// and object of one that is not what the ledger says, and ends Cat. A RECORD is
// found without the index. ErrNone: the name stands for nothing.
func (l *Library) Cat(ctx context.Context, name string, fn func(*Record) error) error {
	s, n := l.shelf(), parseName(name)
	give := func(c record.Coordinates, f *found) error {
		r := f.record(c)
		if err := s.whole(ctx, f, r); err != nil {
			return err
		}
		return fn(r)
	}
	if err := s.cat(ctx, n, name, give); err != nil {
		return fmt.Errorf("cat: %w", err)
	}
	return nil
}

func (s *shelf) cat(ctx context.Context, n name, text string, give func(record.Coordinates, *found) error) error {
	if n.item != nil {
		n.record = &n.item.Coordinates
	}
	if n.record != nil {
		f, err := s.catRecord(ctx, *n.record)
		if err != nil {
			return err
		}
		return give(*n.record, f)
	}
	given := map[record.Coordinates]bool{}
	return s.resolve(ctx, text, func(row *index.Row) error {
		c := row.Item.Coordinates
		if given[c] {
			return nil
		}
		given[c] = true
		f, err := s.open(ctx, row)
		if err != nil {
			return err
		}
		return give(c, f)
	})
}

// catRecord opens a record where the index says that it is, and else where the
// ledger does: an index that is gone or wrong costs time alone.
func (s *shelf) catRecord(ctx context.Context, c record.Coordinates) (*found, error) {
	page, err := s.l.Index.Search(ctx, index.Query{Records: []record.Coordinates{c}, Limit: 1})
	if err == nil && len(page.Rows) > 0 {
		return s.open(ctx, &page.Rows[0])
	}
	if err != nil && ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	return s.openRecord(ctx, c)
}

func (f *found) record(c record.Coordinates) *Record {
	r := &Record{Record: f.Record, Gone: f.Gone, KeyHeadersErased: f.KeyHeadersErased, Ledger: f.place(0)}
	r.Coordinates = c
	r.Erased = f.Gone || len(f.Erased) > 0
	return r
}
