package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
)

// fewRows is how many matching rows are fetched and sorted. Where more match,
// the rows are walked in order instead, and the walk soon has its page full.
// Walking past a row costs a tenth of fetching one, so that at a million rows
// both cost the same where 3,200 match.
const (
	fewRows  = 4000
	walkCost = 10 // steps of a walk for the price of a fetched row
)

// Search gives a page.
func (x *Index) Search(ctx context.Context, q index.Query) (index.Page, error) {
	page, err := x.search(ctx, &q)
	if err != nil {
		return index.Page{}, fmt.Errorf("search: %w", err)
	}
	return page, nil
}

func (x *Index) search(ctx context.Context, q *index.Query) (index.Page, error) {
	s := selection{x: x, ctx: ctx, newest: q.Newest, limit: q.PageSize() + 1}
	after, ok, err := q.After()
	if err != nil {
		return index.Page{}, err
	}
	if err := s.prepare(q); err != nil {
		return index.Page{}, err
	}
	if ok {
		than := ">"
		if q.Newest {
			than = "<"
		}
		s.where.add("(i.time, i.key) "+than+" (?, ?)", after.Time, index.ItemKey(after.Item))
	}
	bodies, err := s.run()
	if err != nil {
		return index.Page{}, err
	}
	more := len(bodies) == s.limit
	if more {
		bodies = bodies[:s.limit-1]
	}
	page := index.Page{Rows: make([]index.Row, len(bodies))}
	for i, body := range bodies {
		if page.Rows[i], err = x.decode(ctx, body); err != nil {
			return index.Page{}, err
		}
	}
	if more {
		page.Cursor = index.CursorAfter(q, &page.Rows[len(page.Rows)-1])
	}
	return page, nil
}

// selection is a query as statements need it.
type selection struct {
	x      *Index
	ctx    context.Context
	ranges []keyRange // of item keys; nil where the query names no item
	named  bool       // the query names items or records
	match  string     // FTS5 expression, "" none
	where  conditions // on item i
	newest bool
	limit  int
}

// keyRange is the item keys in [from, to).
type keyRange struct{ from, to []byte }

func (s *selection) prepare(q *index.Query) (err error) {
	s.ranges, s.named = named(q)
	if q.From != 0 {
		s.where.add("i.time >= ?", q.From)
	}
	if q.To != 0 {
		s.where.add("i.time < ?", q.To)
	}
	s.match, err = s.x.match(s.ctx, q, &s.where)
	return err
}

// named gives the ranges of the items that a query names by item and record.
func named(q *index.Query) ([]keyRange, bool) {
	if len(q.Items) == 0 && len(q.Records) == 0 {
		return nil, false
	}
	var keys []string
	if len(q.Items) == 0 {
		for _, c := range q.Records {
			keys = append(keys, string(index.RecordKey(c)))
		}
	}
	for _, id := range q.Items {
		if len(q.Records) == 0 || slices.Contains(q.Records, id.Coordinates) {
			keys = append(keys, string(index.ItemKey(id)))
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	ranges := make([]keyRange, len(keys))
	for i, k := range keys {
		ranges[i] = keyRange{[]byte(k), upTo([]byte(k))}
	}
	return ranges, true
}

// upTo is the first key behind all that begin with prefix. The end of a topic
// name keeps it from being all 0xff.
func upTo(prefix []byte) []byte {
	end := slices.Clone(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}

// run gives the bodies of the first rows, in order.
func (s *selection) run() ([][]byte, error) {
	switch {
	case s.named:
		return s.byKey()
	case s.match == "":
		return s.bodies("item i", s.where)
	}
	var n int
	err := s.x.read.QueryRowContext(s.ctx, "SELECT count(*) FROM (SELECT 1 FROM term WHERE term MATCH ? LIMIT ?)", s.match, s.x.few+1).Scan(&n)
	if err != nil {
		return nil, err
	}
	if n > s.x.few {
		bodies, err := s.walk()
		if !errors.Is(err, errFar) {
			return bodies, err
		}
	}
	return s.fetch()
}

// bodies selects from tables, which name item as i, in order. Before are the
// arguments of tables.
func (s *selection) bodies(tables string, where conditions, before ...any) ([][]byte, error) {
	query := "SELECT i.body FROM " + tables + where.sql() + s.order() + " LIMIT ?"
	args := append(append(slices.Clone(before), where.args...), s.limit)
	var out [][]byte
	err := each(s.ctx, s.x.read, query, args, func(rows *sql.Rows) error {
		var body []byte
		err := rows.Scan(&body)
		out = append(out, body)
		return err
	})
	return out, err
}

func (s *selection) order() string {
	if s.newest {
		return " ORDER BY i.time DESC, i.key DESC"
	}
	return " ORDER BY i.time, i.key"
}

// fetch looks all rows up that match, sorts them and reads the first ones.
func (s *selection) fetch() ([][]byte, error) {
	where := conditions{[]string{"term MATCH ?"}, []any{s.match}}
	where.add("i.id = term.rowid")
	where.parts = append(where.parts, s.where.parts...)
	where.args = append(where.args, s.where.args...)
	query := "SELECT i.id FROM term CROSS JOIN item i" + where.sql() + s.order() + " LIMIT ?"
	var ids []int64
	err := each(s.ctx, s.x.read, query, append(where.args, s.limit), func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.byID(ids)
}

// maxRanges is how many ranges of keys one statement looks up.
const maxRanges = 4000

// byKey takes the rows the query names, then asks whether they match.
func (s *selection) byKey() ([][]byte, error) {
	if len(s.ranges) == 0 {
		return nil, nil
	}
	if len(s.ranges) > maxRanges {
		return nil, fmt.Errorf("a query names at most %d items or records", maxRanges)
	}
	tables, args := s.keyTables()
	return s.bodies(tables, s.keyWhere(), args...)
}

func (s *selection) keyTables() (string, []any) {
	args := make([]any, 0, 2*len(s.ranges))
	for _, r := range s.ranges {
		args = append(args, r.from, r.to)
	}
	values := "(?, ?)" + strings.Repeat(", (?, ?)", len(s.ranges)-1)
	return "(VALUES " + values + ") v CROSS JOIN item i ON i.key >= v.column1 AND i.key < v.column2", args
}

func (s *selection) keyWhere() conditions {
	where := conditions{slices.Clone(s.where.parts), slices.Clone(s.where.args)}
	if s.match != "" {
		where.add("i.id IN (SELECT rowid FROM term WHERE term MATCH ?)", s.match)
	}
	return where
}

// errFar ends a walk that passes too many rows that do not match.
var errFar = errors.New("the matching rows are far from where the walk began")

// walk goes through the rows in order and takes those that match, until the page
// is full. It gives up with errFar once fetching them all would have cost less.
func (s *selection) walk() ([][]byte, error) {
	set, n, err := s.ids()
	if err != nil {
		return nil, err
	}
	steps := walkCost * n
	var hits []int64
	query := "SELECT i.id FROM item i INDEXED BY item_time" + s.where.sql() + s.order()
	err = each(s.ctx, s.x.read, query, s.where.args, func(rows *sql.Rows) error {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if set.has(id) {
			if hits = append(hits, id); len(hits) == s.limit {
				return errFull
			}
		}
		if steps--; steps == 0 {
			return errFar
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, err
	}
	return s.byID(hits)
}

// errFull ends a walk whose page is full.
var errFull = errors.New("page is full")

// ids gives the set of the rows that match, and their number.
func (s *selection) ids() (set bits, n int, err error) {
	err = each(s.ctx, s.x.read, "SELECT rowid FROM term WHERE term MATCH ?", []any{s.match}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		set.add(id)
		n++
		return err
	})
	return set, n, err
}

// byID gives the bodies of rows by their ids, in the ids' order.
func (s *selection) byID(ids []int64) ([][]byte, error) {
	stmt, err := s.x.read.PrepareContext(s.ctx, "SELECT body FROM item WHERE id = ?")
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	bodies := make([][]byte, len(ids))
	for i, id := range ids {
		if err := stmt.QueryRowContext(s.ctx, id).Scan(&bodies[i]); err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

// bits is a set of small numbers.
type bits []uint64

func (b *bits) add(n int64) {
	for int(n/64) >= len(*b) {
		*b = append(*b, make([]uint64, max(64, len(*b)))...)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bits) has(n int64) bool {
	return int(n/64) < len(b) && b[n/64]&(1<<(n%64)) != 0
}

// Count gives the number of rows and of records that a query selects.
func (x *Index) Count(ctx context.Context, q index.Query) (rows, records int, err error) {
	if rows, records, err = x.count(ctx, &q); err != nil {
		return 0, 0, fmt.Errorf("count: %w", err)
	}
	return rows, records, nil
}

func (x *Index) count(ctx context.Context, q *index.Query) (rows, records int, err error) {
	s := selection{x: x, ctx: ctx}
	if err := s.prepare(q); err != nil {
		return 0, 0, err
	}
	tables, where := "item i", s.where
	var args []any
	switch {
	case s.named && len(s.ranges) == 0:
		return 0, 0, nil
	case s.named:
		tables, args = s.keyTables()
		where = s.keyWhere()
	case s.match != "":
		tables = "term CROSS JOIN item i ON i.id = term.rowid"
		where.add("term MATCH ?", s.match)
	}
	query := fmt.Sprintf("SELECT count(*), count(DISTINCT substr(i.key, 1, length(i.key) - %d)) FROM ", index.RecordKeyTail) + tables + where.sql()
	err = x.read.QueryRowContext(ctx, query, append(args, where.args...)...).Scan(&rows, &records)
	return rows, records, err
}

// Tags gives the tags and those seen beside one of them.
func (x *Index) Tags(ctx context.Context, people []index.Tag) ([]index.Tag, error) {
	tags := slices.Clone(people)
	for _, p := range people {
		err := each(ctx, x.read, "SELECT other FROM alias WHERE tag = ?", []any{p[:]}, func(rows *sql.Rows) error {
			var other []byte
			if err := rows.Scan(&other); err != nil {
				return err
			}
			if len(other) != len(index.Tag{}) {
				return errors.New("an alias of another length than a tag")
			}
			tags = append(tags, index.Tag(other))
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look up aliases: %w", err)
		}
	}
	slices.SortFunc(tags, index.CompareTags)
	return slices.Compact(tags), nil
}

// Numbers lists the phone_number_ids.
func (x *Index) Numbers(ctx context.Context) ([]string, error) {
	var out []string
	err := each(ctx, x.read, "SELECT DISTINCT number FROM line WHERE number <> '' ORDER BY number", nil, func(rows *sql.Rows) error {
		var n string
		err := rows.Scan(&n)
		out = append(out, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list numbers: %w", err)
	}
	return out, nil
}

// allChunk is how many rows All reads at a time.
const allChunk = 1000

// All gives every row in item order. Rows inserted meanwhile may be among them.
func (x *Index) All(ctx context.Context, fn func(index.Row) error) error {
	after := []byte{}
	for {
		rows, last, err := x.chunk(ctx, after)
		if err != nil {
			return fmt.Errorf("read all rows: %w", err)
		}
		for _, r := range rows {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(rows) < allChunk {
			return nil
		}
		after = last
	}
}

// chunk gives the next rows behind a key, and the last one's key.
func (x *Index) chunk(ctx context.Context, after []byte) (out []index.Row, last []byte, err error) {
	var bodies [][]byte
	query := "SELECT key, body FROM item WHERE key > ? ORDER BY key LIMIT ?"
	err = each(ctx, x.read, query, []any{after, allChunk}, func(rows *sql.Rows) error {
		var body []byte
		err := rows.Scan(&last, &body)
		bodies = append(bodies, body)
		return err
	})
	for _, body := range bodies {
		row, derr := x.decode(ctx, body)
		if err = errors.Join(err, derr); err != nil {
			return nil, nil, err
		}
		out = append(out, row)
	}
	return out, last, err
}
