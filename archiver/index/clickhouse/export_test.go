package clickhouse

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/waxseal/waxseal/archiver/index"
)

// SetFew sets how many candidates are looked up at a time.
func (x *Index) SetFew(n int) { x.few = n }

// Exec runs a statement.
func (x *Index) Exec(ctx context.Context, statement string) error { return x.conn.Exec(ctx, statement) }

// ResetShard is Reset where the cluster is one engine, which takes no statement
// for a cluster.
func (x *Index) ResetShard(ctx context.Context) error {
	if err := x.nextGeneration(ctx); err != nil {
		return err
	}
	return x.conn.Exec(ctx, "TRUNCATE TABLE "+x.db+".item_local")
}

// DB is the database, quoted.
func (x *Index) DB() string { return x.db }

// Ask gives the number in the only row of an answer.
func (x *Index) Ask(ctx context.Context, query string) (n uint64, err error) {
	err = x.rows(ctx, query, func(r driver.Rows) error { return r.Scan(&n) })
	return n, err
}

// ByHand gives a page as somebody would who writes the query: one statement that
// selects whole rows, without a thought for rows that come twice.
func (x *Index) ByHand(ctx context.Context, q index.Query) (n int, err error) {
	order := "time, " + itemColumns
	if q.Newest {
		order = "time DESC, topic DESC, era DESC, kafka_partition DESC, kafka_offset DESC, item DESC"
	}
	err = x.read(ctx, ".item"+where(filter(&q))+" ORDER BY "+order+" LIMIT 101", func(index.Row) error { n++; return nil })
	return n, err
}
