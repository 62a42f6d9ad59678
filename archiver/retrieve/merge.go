package retrieve

import (
	"cmp"
	"context"

	"github.com/waxseal/waxseal/archiver/index"
)

// pageRows is how many rows are asked of the index, and opened, at a time.
const pageRows = 100

// merged gives the rows of several queries in one order, each row once.
type merged struct {
	l       *Library
	newest  bool
	streams []*stream
	last    *index.Row
}

// stream is one query, page by page.
type stream struct {
	query index.Query
	rows  []index.Row // of the page in hand, not given yet
	done  bool        // no page follows
}

// merge begins behind a place, which is nil for the beginning.
func (l *Library) merge(queries []index.Query, newest bool, after *index.Place) *merged {
	m := &merged{l: l, newest: newest}
	for i := range queries {
		q := queries[i]
		q.Limit = pageRows
		if after != nil {
			q.Cursor = index.CursorAfter(&q, &index.Row{Item: after.Item, Platform: after.Time})
		}
		m.streams = append(m.streams, &stream{query: q})
	}
	return m
}

// next gives the next row, nil at the end.
func (m *merged) next(ctx context.Context) (*index.Row, error) {
	for {
		var best *stream
		for _, s := range m.streams {
			if err := s.fill(ctx, m.l.Index); err != nil {
				return nil, err
			}
			if len(s.rows) > 0 && (best == nil || m.before(&s.rows[0], &best.rows[0])) {
				best = s
			}
		}
		if best == nil {
			return nil, nil
		}
		row := &best.rows[0]
		best.rows = best.rows[1:]
		if m.last != nil && m.last.Item == row.Item {
			continue
		}
		m.last = row
		return row, nil
	}
}

// page gives up to n rows more.
func (m *merged) page(ctx context.Context, n int) ([]*index.Row, error) {
	var rows []*index.Row
	for len(rows) < n {
		row, err := m.next(ctx)
		if row == nil || err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (m *merged) before(a, b *index.Row) bool {
	c := cmp.Or(cmp.Compare(a.Time(), b.Time()), index.CompareItems(a.Item, b.Item))
	if m.newest {
		return c > 0
	}
	return c < 0
}

func (s *stream) fill(ctx context.Context, x index.Index) error {
	if len(s.rows) > 0 || s.done {
		return nil
	}
	page, err := x.Search(ctx, s.query)
	if err != nil {
		return err
	}
	s.rows, s.query.Cursor = page.Rows, page.Cursor
	s.done = page.Cursor == ""
	return nil
}
