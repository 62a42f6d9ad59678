package retrieve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Summary ends a search.
type Summary struct {
	Items   int    // given, or counted
	Records int    // distinct ones among them
	Cursor  string // where to go on; "" at the end

	// Unreadable is how many items the search would have had to read, and could
	// not, to say whether they match. They are among the tampered.
	Unreadable int
}

// maxTold bounds how many objects a search names in its error.
const maxTold = 10

// Search calls fn for each item that matches, in order of time and item name,
// and stops at fn's first error. Items whose record contradicts the ledger are
// given with their Problem, and the search goes on; in the end it returns
// ErrTampered beside its Summary. ErrQuery, ErrCursor: it did not begin.
func (l *Library) Search(ctx context.Context, q SearchQuery, fn func(*Hit) error) (Summary, error) {
	p, err := l.plan(ctx, &q)
	if err != nil {
		return Summary{}, fmt.Errorf("search: %w", err)
	}
	r := run{l: l, q: &q, plan: p, shelf: l.shelf(), fn: fn, records: map[record.Coordinates]struct{}{}}
	if q.Count && p.words == nil && len(p.queries) == 1 {
		r.sum.Items, r.sum.Records, err = l.Index.Count(ctx, p.queries[0])
	} else {
		err = r.search(ctx)
	}
	if err != nil {
		return r.sum, fmt.Errorf("search: %w", err)
	}
	return r.sum, errors.Join(r.problems...)
}

// run is one search under way.
type run struct {
	l        *Library
	q        *SearchQuery
	plan     *plan
	shelf    *shelf
	fn       func(*Hit) error
	sum      Summary
	records  map[record.Coordinates]struct{}
	problems []error
}

func (r *run) search(ctx context.Context) error {
	key := r.q.key()
	var after *index.Place
	if r.q.Cursor != "" && !r.q.Count {
		place, _, err := key.After()
		if err != nil {
			return err
		}
		after = &place
	}
	m := r.l.merge(r.plan.queries, r.q.Newest, after)
	for {
		rows, err := m.page(ctx, r.pageSize())
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := r.page(ctx, rows); err != nil {
			return err
		}
		if !r.full() {
			continue
		}
		last := rows[len(rows)-1]
		if more, err := m.next(ctx); more == nil || err != nil {
			return err
		}
		r.sum.Cursor = index.CursorAfter(&key, last)
		return nil
	}
}

// full says that no more is wanted.
func (r *run) full() bool { return r.q.Limit > 0 && !r.q.Count && r.sum.Items >= r.q.Limit }

// pageSize is how many rows to look at next: never more than are still wanted,
// so that a page is always used up and its last row is where to go on.
func (r *run) pageSize() int {
	if r.q.Limit <= 0 || r.q.Count {
		return pageRows
	}
	return min(pageRows, r.q.Limit-r.sum.Items)
}

// page confirms a page of candidates and gives those that match.
func (r *run) page(ctx context.Context, rows []*index.Row) error {
	var hits []*Hit
	for _, row := range rows {
		if r.q.Count && r.plan.words == nil {
			r.count(row)
			continue
		}
		h, err := r.shelf.hit(ctx, row)
		if err != nil {
			return err
		}
		if h.Problem != nil {
			r.problem(h.Problem)
		}
		switch {
		case r.plan.words == nil:
		case h.Problem != nil:
			r.sum.Unreadable++
			continue
		case h.Item == nil || !r.plan.words.Confirm(h.Item.Text):
			continue
		}
		hits = append(hits, h)
		r.count(row)
	}
	if r.q.Count {
		return nil
	}
	if err := r.l.statuses(ctx, hits); err != nil {
		return err
	}
	if err := r.shelf.held(ctx, hits); err != nil {
		return err
	}
	if err := r.shelf.differ(ctx, hits); err != nil {
		return err
	}
	for _, h := range hits {
		if err := r.fn(h); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) count(row *index.Row) {
	r.sum.Items++
	r.records[row.Item.Coordinates] = struct{}{}
	r.sum.Records = len(r.records)
}

func (r *run) problem(err error) {
	if len(r.problems) < maxTold && (len(r.problems) == 0 || r.problems[len(r.problems)-1].Error() != err.Error()) {
		r.problems = append(r.problems, err)
	}
}

// key stands for the whole question where the index writes and checks a cursor:
// the index's own queries change as it learns numbers and aliases, the question
// does not.
func (q *SearchQuery) key() index.Query {
	whole := *q
	whole.Limit, whole.Cursor, whole.Count = 0, "", false
	text, _ := json.Marshal(&whole) // strings, numbers and lists always encode
	return index.Query{Templates: []string{string(text)}, Cursor: q.Cursor}
}
