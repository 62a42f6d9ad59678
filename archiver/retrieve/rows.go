package retrieve

import (
	"context"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
)

// bulkRows is how many rows are asked of the index at a time where a search is
// read to its end.
const bulkRows = 5000

// Rows calls fn for the index row of each item that a search selects, in order of
// time and item name, and stops at fn's first error. Nothing is opened but what
// the search itself must read to confirm a phrase; an item that contradicts the
// ledger there is given too, for whoever opens it to say so. Limit, Cursor and
// Count are not looked at. fn may keep the row.
func (l *Library) Rows(ctx context.Context, q SearchQuery, fn func(*index.Row) error) error {
	p, err := l.plan(ctx, &q)
	if err != nil {
		return fmt.Errorf("search: %w", err)
	}
	m, s := l.merge(p.queries, q.Newest, nil), l.shelf()
	for i := range m.streams {
		m.streams[i].query.Limit = bulkRows
	}
	for {
		row, err := m.next(ctx)
		if err != nil {
			return fmt.Errorf("search: %w", err)
		}
		if row == nil {
			return nil
		}
		if p.words != nil {
			h, err := s.hit(ctx, row)
			if err != nil {
				return fmt.Errorf("search: %w", err)
			}
			if h.Problem == nil && (h.Item == nil || !p.words.Confirm(h.Item.Text)) {
				continue
			}
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}
