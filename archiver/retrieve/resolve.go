package retrieve

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
)

// resolve gives the rows of the items that a name stands for, in order. A record
// that the index does not have is looked for in the ledger. ErrNone: nothing.
func (s *shelf) resolve(ctx context.Context, text string, fn func(*index.Row) error) error {
	n := parseName(text)
	queries, err := s.l.queries(ctx, n, text)
	if err != nil {
		return err
	}
	some := false
	m := s.l.merge(queries, false, nil)
	for {
		row, err := m.next(ctx)
		if err != nil {
			return err
		}
		if row == nil {
			break
		}
		some = true
		if err := fn(row); err != nil {
			return err
		}
	}
	switch {
	case some:
		return nil
	case n.item != nil:
		return s.resolveRecord(ctx, n.item.Coordinates, n.item, fn)
	case n.record != nil:
		return s.resolveRecord(ctx, *n.record, nil, fn)
	}
	return ErrNone
}

// queries gives what to ask the index about a name.
func (l *Library) queries(ctx context.Context, n name, text string) ([]index.Query, error) {
	switch {
	case n.item != nil:
		return []index.Query{{Items: []record.ItemID{*n.item}}}, nil
	case n.record != nil:
		return []index.Query{{Records: []record.Coordinates{*n.record}}}, nil
	case n.person != "":
		tags, err := l.people(ctx, []string{n.person})
		if err != nil || len(tags) == 0 {
			return nil, err
		}
		return []index.Query{{People: tags}}, nil
	}
	id := []index.Tag{l.Keys.MessageTag(text)}
	return []index.Query{{IDs: id}, {Targets: id}}, nil
}

// resolveRecord makes the rows of a record, or of one item of it, that the index
// lacks.
func (s *shelf) resolveRecord(ctx context.Context, c record.Coordinates, only *record.ItemID, fn func(*index.Row) error) error {
	f, err := s.openRecord(ctx, c)
	if err != nil {
		return err
	}
	rows, err := s.rows(f, c, only)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("%s: %w", only, ErrNone)
	}
	for i := range rows {
		if err := fn(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

// openRecord opens a record by its name, remembered or from the ledger.
func (s *shelf) openRecord(ctx context.Context, c record.Coordinates) (*found, error) {
	return s.records.get(c, func() (*found, error) { return s.openNamed(ctx, c) })
}

// rows makes the rows of a record. What was erased of it is one row that says no
// more than where it was.
func (s *shelf) rows(f *found, c record.Coordinates, only *record.ItemID) ([]index.Row, error) {
	e := f.block.Entry
	var rows []index.Row
	if f.Known {
		var err error
		rows, err = reread.NewMaker(s.l.Keys).Rows(e, s.l.epoch(), f.Reading)
		if err != nil && !errors.Is(err, reread.ErrDiffers) {
			return nil, err
		}
	}
	var left []index.Row
	for _, row := range rows {
		if only == nil || row.Item == *only {
			left = append(left, row)
		}
	}
	erased := index.Row{Item: record.ItemID{Coordinates: c}, Lane: e.Lane, Block: e.N, Kafka: f.Record.Timestamp}
	if only != nil {
		erased.Item = *only
	}
	if len(left) == 0 && (f.Gone || f.gone(erased.Item.N)) {
		left = append(left, erased)
	}
	return left, nil
}

// gone says that item n lies in an erased part of the record.
func (f *found) gone(n int) bool {
	for _, h := range f.Holes {
		if n >= h.FirstItem && n < h.FirstItem+h.Items {
			return true
		}
	}
	return false
}

// epoch is a token epoch whose key is held: rows made to be shown are not
// searched.
func (l *Library) epoch() uint32 {
	var last uint32
	for e := range l.Keys.Token {
		last = max(last, e)
	}
	return last
}
