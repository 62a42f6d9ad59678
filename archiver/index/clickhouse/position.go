package clickhouse

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// span is blocks [first, next) that are indexed.
type span struct{ first, next uint64 }

// claims is what the table position says of some lanes.
type claims struct {
	generation uint64
	lanes      map[record.Lane][]span
}

// reach is the first block that is missing, of spans in any order.
func reach(spans []span) uint64 {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	next := uint64(0)
	for _, s := range spans {
		if s.first > next {
			break
		}
		next = max(next, s.next)
	}
	return next
}

func lanesOf(batches []index.Batch) []record.Lane {
	lanes := map[record.Lane]bool{}
	for i := range batches {
		lanes[batches[i].Lane] = true
	}
	return slices.Sorted(maps.Keys(lanes))
}

// claims reads the newest generation's spans of lanes. Rows without a lane say
// where a generation begins.
func (x *Index) claims(ctx context.Context, lanes []record.Lane) (claims, error) {
	all := claims{lanes: map[record.Lane][]span{}}
	type claim struct {
		span
		lane       string
		generation uint64
	}
	var found []claim
	query := "SELECT lane, generation, first, max(next) FROM " + x.db + ".position WHERE lane IN (" + literals(append([]record.Lane{""}, lanes...)) + ") GROUP BY lane, generation, first"
	err := x.rows(ctx, query, func(r driver.Rows) error {
		var c claim
		err := r.Scan(&c.lane, &c.generation, &c.first, &c.next)
		found = append(found, c)
		return err
	})
	if err != nil {
		return all, fmt.Errorf("read positions: %w", err)
	}
	for _, c := range found {
		all.generation = max(all.generation, c.generation)
	}
	for _, c := range found {
		if c.generation == all.generation && c.lane != "" {
			all.lanes[record.Lane(c.lane)] = append(all.lanes[record.Lane(c.lane)], c.span)
		}
	}
	return all, nil
}

// claim moves positions over blocks whose rows are in. Blocks behind a hole have
// a span of their own, until the hole is filled.
func (x *Index) claim(ctx context.Context, was claims, batches []index.Batch) error {
	type row struct {
		lane record.Lane
		span
	}
	var rows []row
	for _, lane := range lanesOf(batches) {
		spans := was.lanes[lane]
		before := reach(spans)
		var own []span
		for i := range batches {
			if b := &batches[i]; b.Lane == lane {
				own = append(own, span{b.Block, b.Block + 1})
			}
		}
		after := reach(slices.Concat(spans, own))
		if after > before {
			rows = append(rows, row{lane, span{0, after}})
		}
		for _, s := range own {
			if s.first > after {
				rows = append(rows, row{lane, s})
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	b, err := x.conn.PrepareBatch(ctx, "INSERT INTO "+x.db+".position (lane, generation, first, next)")
	if err != nil {
		return fmt.Errorf("move positions: %w", err)
	}
	defer b.Close()
	for _, r := range rows {
		if err := b.Append(string(r.lane), was.generation, r.first, r.next); err != nil {
			return fmt.Errorf("move positions: %w", err)
		}
	}
	if err := b.Send(); err != nil {
		return fmt.Errorf("move positions: %w", err)
	}
	return nil
}

// nextGeneration makes all positions 0.
func (x *Index) nextGeneration(ctx context.Context) error {
	var highest uint64
	err := x.rows(ctx, "SELECT max(generation) FROM "+x.db+".position", func(r driver.Rows) error { return r.Scan(&highest) })
	if err != nil {
		return err
	}
	return x.conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s.position (lane, generation, first, next) VALUES ('', %d, 0, 0)", x.db, highest+1))
}

// Position is the number of the lane's first block that is missing.
func (x *Index) Position(ctx context.Context, lane record.Lane) (uint64, error) {
	c, err := x.claims(ctx, []record.Lane{lane})
	if err != nil {
		return 0, fmt.Errorf("position of lane %s at %s: %w", lane, x.name, err)
	}
	return reach(c.lanes[lane]), nil
}
