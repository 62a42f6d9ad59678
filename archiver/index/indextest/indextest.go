// Package indextest holds every index.Index to the contract.
package indextest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Run runs the suite. Open gives an empty index; the test closes it.
func Run(t *testing.T, open func(t *testing.T) index.Index) {
	for _, c := range []struct {
		name string
		test func(*testing.T, index.Index)
	}{
		{"answers", testAnswers},
		{"empty", testEmpty},
		{"pages", testPages},
		{"cursors survive inserts", testCursorInserts},
		{"foreign cursors", testForeignCursors},
		{"again", testAgain},
		{"replaced", testReplaced},
		{"position", testPosition},
		{"tags", testTags},
		{"numbers", testNumbers},
		{"whole rows", testWholeRows},
		{"reset", testReset},
		{"deep", testDeep},
		{"at once", testAtOnce},
		{"cancelled", testCancelled},
		{"failed", testFailed},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := open(t)
			defer func() {
				if err := x.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			}()
			c.test(t, x)
		})
	}
}

// batches puts rows into blocks of lane 0.
func batches(rows []index.Row, size int) []index.Batch {
	var out []index.Batch
	for chunk := range slices.Chunk(rows, size) {
		out = append(out, index.Batch{Lane: "0", Block: uint64(len(out)), Rows: chunk})
	}
	return out
}

func insert(t *testing.T, x index.Index, b ...index.Batch) {
	t.Helper()
	if err := x.Insert(t.Context(), b...); err != nil {
		t.Fatalf("insert: %v", err)
	}
}

func search(t *testing.T, x index.Index, q index.Query) index.Page {
	t.Helper()
	page, err := x.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("search: %v", err)
	}
	return page
}

// same fails the test where two lists of rows differ, naming the first.
func same(t *testing.T, got, want []index.Row) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("row %d of %d:\n got %+v\nwant %+v", i, len(want), got[i], want[i])
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
}

// testAnswers compares every query with the plain filter.
func testAnswers(t *testing.T, x index.Index) {
	rows := Rows(1, 600)
	insert(t, x, batches(rows, 300)...)
	selected := 0
	for _, q := range queries(1, rows) {
		t.Run(q.name, func(t *testing.T) {
			want := Select(&q.Query, rows)
			selected += len(want)
			q.Limit = len(rows)
			page := search(t, x, q.Query)
			same(t, page.Rows, want)
			if page.Cursor != "" {
				t.Error("a cursor at the end")
			}
			testCount(t, x, q.Query, want)
		})
	}
	if selected < 10*len(rows) {
		t.Errorf("the queries select %d rows in all: too few to tell anything", selected)
	}
}

func testCount(t *testing.T, x index.Index, q index.Query, want []index.Row) {
	t.Helper()
	records := map[record.Coordinates]bool{}
	for _, r := range want {
		records[r.Item.Coordinates] = true
	}
	q.Limit, q.Cursor = 1, "ignored"
	n, m, err := x.Count(t.Context(), q)
	if err != nil || n != len(want) || m != len(records) {
		t.Errorf("count: %d rows, %d records, %v; want %d and %d", n, m, err, len(want), len(records))
	}
}

func testEmpty(t *testing.T, x index.Index) {
	not := &index.Expr{Not: &index.Expr{Any: []index.Token{1}}}
	for _, q := range []index.Query{{}, {Words: not}, {Numbers: []string{"1"}}} {
		if page := search(t, x, q); len(page.Rows) != 0 || page.Cursor != "" {
			t.Errorf("an empty index answers %d rows and cursor %q", len(page.Rows), page.Cursor)
		}
	}
	if n, m, err := x.Count(t.Context(), index.Query{}); n != 0 || m != 0 || err != nil {
		t.Errorf("count: %d, %d, %v", n, m, err)
	}
	if n, err := x.Position(t.Context(), "0"); n != 0 || err != nil {
		t.Errorf("position: %d, %v", n, err)
	}
}

// pageThrough follows cursors to the end.
func pageThrough(t *testing.T, x index.Index, q index.Query) []index.Row {
	t.Helper()
	var rows []index.Row
	for {
		page := search(t, x, q)
		if len(page.Rows) > q.Limit || len(page.Rows) < q.Limit && page.Cursor != "" {
			t.Fatalf("a page of %d rows with limit %d and cursor %q", len(page.Rows), q.Limit, page.Cursor)
		}
		rows = append(rows, page.Rows...)
		if page.Cursor == "" {
			return rows
		}
		q.Cursor = page.Cursor
	}
}

// testPages: pages to the end are one big page, whatever their size.
func testPages(t *testing.T, x index.Index) {
	rows := Rows(2, 250)
	insert(t, x, batches(rows, 50)...)
	for i, q := range queries(2, rows) {
		if i%10 != 0 {
			continue
		}
		for _, limit := range []int{3, 100} {
			t.Run(fmt.Sprint(q.name, " by ", limit), func(t *testing.T) {
				q.Limit = limit
				same(t, pageThrough(t, x, q.Query), Select(&q.Query, rows))
			})
		}
	}
	if page := search(t, x, index.Query{}); len(page.Rows) != index.DefaultLimit {
		t.Errorf("a page without limit has %d rows, want %d", len(page.Rows), index.DefaultLimit)
	}
}

// testCursorInserts: what is inserted behind the cursor comes, what is inserted
// before it does not, and nothing comes twice.
func testCursorInserts(t *testing.T, x index.Index) {
	rows := Rows(3, 600)
	early, late := rows[:300], rows[300:]
	insert(t, x, index.Batch{Lane: "0", Block: 0, Rows: early})
	q := index.Query{Limit: 120}
	first := search(t, x, q)
	insert(t, x, index.Batch{Lane: "0", Block: 1, Rows: late})
	q.Cursor = first.Cursor
	rest := pageThrough(t, x, q)

	last := first.Rows[len(first.Rows)-1].Item
	all := Select(&index.Query{}, rows)
	at := slices.IndexFunc(all, func(r index.Row) bool { return r.Item == last })
	same(t, first.Rows, Select(&index.Query{}, early)[:120])
	same(t, rest, all[at+1:])
}

func testForeignCursors(t *testing.T, x index.Index) {
	insert(t, x, batches(Rows(4, 300), 300)...)
	page := search(t, x, index.Query{Limit: 3})
	if page.Cursor == "" {
		t.Fatal("no cursor")
	}
	for _, q := range []index.Query{
		{Cursor: page.Cursor, Kinds: []record.Kind{record.Text}},
		{Cursor: page.Cursor, Newest: true},
		{Cursor: page.Cursor[:len(page.Cursor)-2]},
		{Cursor: "not a cursor"},
	} {
		if _, err := x.Search(t.Context(), q); !errors.Is(err, index.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", q.Cursor, err)
		}
	}
	if _, err := x.Search(t.Context(), index.Query{Cursor: page.Cursor, Limit: 50}); err != nil {
		t.Errorf("another limit must not spoil a cursor: %v", err)
	}
}

// testAgain: the same blocks again change nothing.
func testAgain(t *testing.T, x index.Index) {
	rows := Rows(5, 300)
	all := batches(rows, 40)
	insert(t, x, all...)
	insert(t, x, all[3], all[1])
	insert(t, x, all...)
	same(t, allRows(t, x), byItem(rows))
	testSome(t, x, 5, rows)
}

// testReplaced: another row of the same item takes the old one's place entirely.
func testReplaced(t *testing.T, x index.Index) {
	old, other := Rows(6, 200), Rows(60, 200)
	insert(t, x, batches(old, 50)...)
	rows := slices.Clone(old)
	for i := range rows {
		if i%3 == 0 {
			name := rows[i].Item
			rows[i] = other[i]
			rows[i].Item = name
		}
	}
	insert(t, x, batches(rows, 50)...)
	same(t, allRows(t, x), byItem(rows))
	testSome(t, x, 6, rows)
}

// testPosition: it moves over blocks without a hole only.
func testPosition(t *testing.T, x index.Index) {
	rows := Rows(7, 100)
	block := func(lane record.Lane, n uint64) index.Batch {
		return index.Batch{Lane: lane, Block: n, Rows: rows[n*10 : n*10+10]}
	}
	at := func(lane record.Lane, want uint64) {
		t.Helper()
		if n, err := x.Position(t.Context(), lane); n != want || err != nil {
			t.Fatalf("position of lane %s: %d, %v; want %d", lane, n, err, want)
		}
	}
	insert(t, x, block("0", 2))
	at("0", 0)
	insert(t, x, block("0", 0))
	at("0", 1)
	insert(t, x, block("0", 4), block("0", 5))
	at("0", 1)
	insert(t, x, block("0", 1))
	at("0", 3)
	insert(t, x, index.Batch{Lane: "0", Block: 3}) // an empty block counts
	at("0", 6)
	insert(t, x, block("0", 0))
	at("0", 6)
	at("1", 0)
	insert(t, x, block("control", 1), block("1", 0))
	at("1", 1)
	at("control", 0)
}

func testTags(t *testing.T, x index.Index) {
	rows := Rows(8, 500)
	insert(t, x, batches(rows, 100)...)
	for n := range people * 2 {
		asked := []index.Tag{tag(tagPerson, n), tag(tagPerson, 0)}
		want := slices.Clone(asked)
		for _, r := range rows {
			if slices.Contains(r.Aliases, asked[0]) || slices.Contains(r.Aliases, asked[1]) {
				want = append(want, r.Aliases...)
			}
		}
		slices.SortFunc(want, index.CompareTags)
		want = slices.Compact(want)
		if got, err := x.Tags(t.Context(), asked); err != nil || !slices.Equal(got, want) {
			t.Errorf("tags beside %d: %v, %v; want %v", n, got, err, want)
		}
	}
}

func testNumbers(t *testing.T, x index.Index) {
	insert(t, x, batches(Rows(9, 100), 100)...)
	want := slices.DeleteFunc(slices.Clone(numbers), func(n string) bool { return n == "" })
	if got, err := x.Numbers(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("numbers: %v, %v; want %v", got, err, want)
	}
}

func allRows(t *testing.T, x index.Index) []index.Row {
	t.Helper()
	var rows []index.Row
	if err := x.All(t.Context(), func(r index.Row) error { rows = append(rows, r); return nil }); err != nil {
		t.Fatalf("all: %v", err)
	}
	return rows
}

func byItem(rows []index.Row) []index.Row {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b index.Row) int { return index.CompareItems(a.Item, b.Item) })
	return rows
}

// testWholeRows: All gives back what went in, in item order, and stops where it
// is told to.
func testWholeRows(t *testing.T, x index.Index) {
	rows := Rows(10, 2500)
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	insert(t, x, batches(rows, 700)...)
	same(t, allRows(t, x), byItem(rows))
	stop := errors.New("stop")
	seen := 0
	err := x.All(t.Context(), func(index.Row) error { seen++; return stop })
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("stopped after %d rows with %v", seen, err)
	}
}

func testReset(t *testing.T, x index.Index) {
	rows := Rows(11, 200)
	insert(t, x, batches(rows, 100)...)
	if err := x.Reset(t.Context()); err != nil {
		t.Fatalf("reset: %v", err)
	}
	testEmpty(t, x)
	if got, err := x.Tags(t.Context(), []index.Tag{tag(tagPerson, 1)}); err != nil || len(got) != 1 {
		t.Errorf("tags after a reset: %v, %v", got, err)
	}
	if got, err := x.Numbers(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("numbers after a reset: %v, %v", got, err)
	}
	rows = Rows(12, 200)
	insert(t, x, batches(rows, 100)...)
	same(t, allRows(t, x), byItem(rows))
	testSome(t, x, 12, rows)
}

// testSome asks some queries.
func testSome(t *testing.T, x index.Index, seed uint64, rows []index.Row) {
	t.Helper()
	for i, q := range queries(seed, rows) {
		if i%8 == 0 {
			q.Limit = len(rows)
			same(t, search(t, x, q.Query).Rows, Select(&q.Query, rows))
			testCount(t, x, q.Query, Select(&q.Query, rows))
		}
	}
}

// testDeep: an expression as deep as the contract allows is answered.
func testDeep(t *testing.T, x index.Index) {
	rows := Rows(15, 100)
	insert(t, x, batches(rows, 100)...)
	i := slices.IndexFunc(rows, func(r index.Row) bool { return len(r.Tokens) > 0 })
	e := &index.Expr{Any: rows[i].Tokens[:1]}
	for depth := 1; depth < index.MaxExprDepth; depth++ {
		other := &index.Expr{Any: []index.Token{word(depth)}}
		switch depth % 3 {
		case 0:
			e = &index.Expr{Not: e}
		case 1:
			e = &index.Expr{Or: []*index.Expr{e, other}}
		case 2:
			e = &index.Expr{And: []*index.Expr{{Not: other}, e}}
		}
	}
	q := index.Query{Words: e, Limit: 100}
	want := Select(&q, rows)
	if len(want) == 0 || len(want) == len(rows) {
		t.Fatalf("the expression selects %d of %d rows: it tells nothing", len(want), len(rows))
	}
	same(t, search(t, x, q).Rows, want)
}

// testAtOnce: searches go on while rows are inserted, and see blocks whole.
func testAtOnce(t *testing.T, x index.Index) {
	rows := Rows(13, 1000)
	blocks := batches(rows, 20)
	done := make(chan error, 4)
	for range 4 {
		go func() {
			for {
				n, _, err := x.Count(t.Context(), index.Query{})
				if err == nil && n%20 != 0 {
					err = fmt.Errorf("%d rows: a block in parts", n)
				}
				if err != nil || n == len(rows) {
					done <- err
					return
				}
			}
		}()
	}
	for _, b := range blocks {
		insert(t, x, b)
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func testCancelled(t *testing.T, x index.Index) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Insert(ctx, batches(Rows(14, 10), 10)...); !errors.Is(err, context.Canceled) {
		t.Errorf("insert: %v, want a cancellation", err)
	}
	if rows := allRows(t, x); len(rows) != 0 {
		t.Errorf("a cancelled insert left %d rows", len(rows))
	}
	if n, err := x.Position(t.Context(), "0"); n != 0 || err != nil {
		t.Errorf("a cancelled insert moved the position to %d, %v", n, err)
	}
	if _, err := x.Search(ctx, index.Query{}); !errors.Is(err, context.Canceled) {
		t.Errorf("search: %v, want a cancellation", err)
	}
}

// dying is a context that is cancelled after so many looks at it.
type dying struct {
	context.Context
	looks int
}

func (d *dying) Err() error {
	if d.looks--; d.looks < 0 {
		return context.Canceled
	}
	return d.Context.Err()
}

// testFailed: an insert that fails half-way leaves nothing, and spoils nothing
// for the next.
func testFailed(t *testing.T, x index.Index) {
	rows := Rows(16, 200)
	all := batches(rows, 20)
	failed := 0
	for looks := range 8 {
		err := x.Insert(&dying{t.Context(), looks}, all...)
		if err == nil {
			break
		}
		failed++
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("insert: %v, want a cancellation", err)
		}
		if got := allRows(t, x); len(got) != 0 {
			t.Fatalf("a failed insert left %d rows", len(got))
		}
	}
	if failed == 0 {
		t.Error("no insert failed")
	}
	insert(t, x, all...)
	same(t, allRows(t, x), byItem(rows))
	testSome(t, x, 16, rows)
	if n, err := x.Position(t.Context(), "0"); err != nil || n != uint64(len(all)) {
		t.Errorf("position %d, %v; want %d", n, err, len(all))
	}
}
