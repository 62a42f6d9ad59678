package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Search gives a page.
func (x *Index) Search(ctx context.Context, q index.Query) (index.Page, error) {
	page, err := x.search(ctx, &q)
	if err != nil {
		return index.Page{}, fmt.Errorf("search %s: %w", x.name, err)
	}
	return page, nil
}

// fewCandidates is how many candidates are looked up at least at a time, so that
// rows that fell away do not make many small steps.
const fewCandidates = 16

func (x *Index) search(ctx context.Context, q *index.Query) (index.Page, error) {
	after, ok, err := q.After()
	if err != nil {
		return index.Page{}, err
	}
	if named := len(q.Items) + len(q.Records); named > maxNames {
		return index.Page{}, fmt.Errorf("a query names at most %d items and records", maxNames)
	}
	conditions := filter(q)
	limit := q.PageSize() + 1
	var rows []index.Row
	for len(rows) < limit {
		ask := max(limit-len(rows), x.few)
		found, err := x.candidates(ctx, q, conditions, after, ok, ask)
		if err != nil {
			return index.Page{}, err
		}
		if len(found) == 0 {
			break
		}
		whole, err := x.whole(ctx, conditions, found)
		if err != nil {
			return index.Page{}, err
		}
		rows = append(rows, whole...)
		if len(found) < ask {
			break
		}
		after, ok = found[len(found)-1], true
	}
	page := index.Page{Rows: rows[:min(len(rows), limit-1)]}
	if len(rows) >= limit {
		page.Cursor = index.CursorAfter(q, &page.Rows[limit-2])
	}
	return page, nil
}

// maxNames is how many items and records a query may name.
const maxNames = 4000

// candidates looks through the columns that the conditions ask about, and gives
// where the rows that match stand. Rows that were replaced are among them, and rows
// that came twice.
func (x *Index) candidates(ctx context.Context, q *index.Query, conditions []string, after index.Place, ok bool, n int) ([]index.Place, error) {
	than, bound, direction := ">", ">=", ""
	if q.Newest {
		than, bound, direction = "<", "<=", " DESC"
	}
	if ok {
		conditions = append(slices.Clone(conditions), fmt.Sprintf("time %s %d", bound, after.Time),
			fmt.Sprintf("(time, %s) %s (%d, %s", itemColumns, than, after.Time, strings.TrimPrefix(itemLiteral(after.Item), "(")))
	}
	columns := "time, " + itemColumns
	query := "SELECT " + columns + " FROM " + x.db + ".item" + where(conditions) +
		" ORDER BY " + strings.ReplaceAll(columns, ", ", direction+", ") + direction + fmt.Sprintf(" LIMIT %d", n)
	out := make([]index.Place, 0, n)
	err := x.rows(ctx, query, func(r driver.Rows) error {
		var c index.Place
		var item int64
		err := r.Scan(&c.Time, &c.Item.Topic, (*uint32)(&c.Item.Era), &c.Item.Partition, &c.Item.Offset, &item)
		c.Item.N = int(item)
		out = append(out, c)
		return err
	})
	return out, err
}

// whole reads the rows of candidates, in their order, as they stand after
// replacement: those that still match, and still stand where they stood. It picks
// the row that FINAL would, which would read all columns to find the few rows.
func (x *Index) whole(ctx context.Context, conditions []string, found []index.Place) ([]index.Row, error) {
	matches := "true"
	if len(conditions) > 0 {
		matches = strings.Join(conditions, " AND ")
	}
	query := selectRow + ", _part, toBool(" + matches + ") FROM " + x.db + ".item" +
		" WHERE " + itemKey + " IN (" + join(found, func(p index.Place) string { return itemLiteral(p.Item) }) + ")"
	type version struct {
		row     index.Row
		part    uint64
		matches bool
	}
	newest := make(map[record.ItemID]version, len(found))
	err := x.rows(ctx, query, func(rows driver.Rows) error {
		var v version
		var part string
		if err := scan(rows, &v.row, &part, &v.matches); err != nil {
			return err
		}
		v.part = inserted(part)
		if old, ok := newest[v.row.Item]; !ok || cmp.Or(cmp.Compare(v.row.Block, old.row.Block), cmp.Compare(v.part, old.part)) > 0 {
			newest[v.row.Item] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rows := make([]index.Row, 0, len(found))
	for _, c := range found {
		v, ok := newest[c.Item]
		if !ok || !v.matches || v.row.Time() != c.Time {
			continue
		}
		delete(newest, c.Item) // a row that came twice stands twice among the candidates
		rows = append(rows, v.row)
	}
	return rows, nil
}

// inserted orders the parts of a partition by when their rows came: a part is
// called PARTITION_FIRST_LAST_LEVEL by the inserts it is made of. Within a part
// each item stands once.
func inserted(part string) uint64 {
	f := strings.Split(part, "_")
	if len(f) < 4 {
		return 0
	}
	n, _ := strconv.ParseUint(f[1], 10, 64)
	return n
}

// selectRow selects whole rows.
var selectRow = func() string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return "SELECT " + strings.Join(names, ", ")
}()

// scan reads a row that selectRow selected, and what stands behind it.
func scan(rows driver.Rows, r *index.Row, others ...any) error {
	dests := make([]any, 0, len(columns)+len(others))
	var last []func() error
	for _, c := range columns {
		dest, done := c.into(r)
		dests = append(dests, dest)
		if done != nil {
			last = append(last, done)
		}
	}
	if err := rows.Scan(append(dests, others...)...); err != nil {
		return err
	}
	for _, done := range last {
		if err := done(); err != nil {
			return err
		}
	}
	return nil
}

// read gives whole rows of a table expression and what stands behind it.
func (x *Index) read(ctx context.Context, from string, fn func(index.Row) error) error {
	return x.rows(ctx, selectRow+" FROM "+x.db+from, func(rows driver.Rows) error {
		var r index.Row
		if err := scan(rows, &r); err != nil {
			return err
		}
		return fn(r)
	})
}

// Count gives the number of rows and of records that a query selects.
func (x *Index) Count(ctx context.Context, q index.Query) (rows, records int, err error) {
	query := "SELECT count(), uniqExact(" + recordColumns + ") FROM " + x.db + ".item FINAL" + where(filter(&q))
	var n, m uint64
	if err := x.rows(ctx, query, func(r driver.Rows) error { return r.Scan(&n, &m) }); err != nil {
		return 0, 0, fmt.Errorf("count in %s: %w", x.name, err)
	}
	return int(n), int(m), nil
}

// Tags gives the tags and those seen beside one of them.
func (x *Index) Tags(ctx context.Context, people []index.Tag) ([]index.Tag, error) {
	tags := slices.Clone(people)
	if len(people) > 0 {
		query := "SELECT DISTINCT arrayJoin(aliases) FROM " + x.db + ".item WHERE hasAny(aliases, [" + join(people, tagLiteral) + "])"
		err := x.rows(ctx, query, func(r driver.Rows) error {
			var t index.Tag
			err := r.Scan(&t)
			tags = append(tags, t)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("look up aliases in %s: %w", x.name, err)
		}
	}
	slices.SortFunc(tags, index.CompareTags)
	return slices.Compact(tags), nil
}

// Numbers lists the phone_number_ids.
func (x *Index) Numbers(ctx context.Context) ([]string, error) {
	var out []string
	err := x.rows(ctx, "SELECT DISTINCT number FROM "+x.db+".item FINAL WHERE number <> '' ORDER BY number", func(r driver.Rows) error {
		var n string
		err := r.Scan(&n)
		out = append(out, n)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list numbers in %s: %w", x.name, err)
	}
	return out, nil
}

// allChunk is how many rows All reads at a time.
const allChunk = 20000

// All gives every row in item order, partition by partition. Rows inserted
// meanwhile may be among them.
func (x *Index) All(ctx context.Context, fn func(index.Row) error) error {
	var logs []record.Coordinates
	err := x.rows(ctx, "SELECT DISTINCT topic, era, kafka_partition FROM "+x.db+".item ORDER BY topic, era, kafka_partition", func(r driver.Rows) error {
		var c record.Coordinates
		err := r.Scan(&c.Topic, (*uint32)(&c.Era), &c.Partition)
		logs = append(logs, c)
		return err
	})
	for _, l := range logs {
		if err != nil {
			break
		}
		err = x.log(ctx, l, fn)
	}
	if err != nil {
		return fmt.Errorf("read all rows of %s: %w", x.name, err)
	}
	return nil
}

// log gives the rows of one Kafka log in order.
func (x *Index) log(ctx context.Context, l record.Coordinates, fn func(index.Row) error) error {
	head := fmt.Sprintf(" WHERE topic = %s AND era = %d AND kafka_partition = %d", literal(l.Topic), l.Era, l.Partition)
	behind := ""
	for {
		var chunk []index.Row
		err := x.read(ctx, ".item FINAL"+head+behind+fmt.Sprintf(" ORDER BY %s LIMIT %d", itemColumns, allChunk), func(r index.Row) error {
			chunk = append(chunk, r)
			return nil
		})
		if err != nil {
			return err
		}
		for _, r := range chunk {
			if err := fn(r); err != nil {
				return err
			}
		}
		if len(chunk) < allChunk {
			return nil
		}
		last := chunk[len(chunk)-1].Item
		behind = fmt.Sprintf(" AND kafka_offset >= %d AND (kafka_offset, item) > (%d, %d)", last.Offset, last.Offset, last.N)
	}
}
