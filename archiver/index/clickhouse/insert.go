package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/waxseal/waxseal/archiver/index"
)

// Insert adds the rows of blocks, then the lanes' positions. All rows go in one
// statement, and those of one month in one part: a search sees them all or none.
// A crash between rows and positions leaves rows whose blocks come again; where
// they are in already, the same statement changes nothing.
func (x *Index) Insert(ctx context.Context, batches ...index.Batch) error {
	var rows []*index.Row
	for i := range batches {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("insert rows: %w", err)
		}
		for j := range batches[i].Rows {
			rows = append(rows, &batches[i].Rows[j])
		}
	}
	x.reset.RLock()
	defer x.reset.RUnlock()
	// An answer that nobody waits for is a late one: the caller could not tell.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	was, err := x.claims(ctx, lanesOf(batches))
	if err == nil && len(rows) > 0 {
		err = x.insertRows(ctx, token(batches, was.generation), rows)
	}
	if err == nil {
		err = x.claim(ctx, was, batches)
	}
	if err != nil {
		return fmt.Errorf("insert rows into %s: %w", x.name, err)
	}
	return nil
}

// token names an insert by its content, so that the engine knows one it has. It
// keeps the last thousand of a partition.
func token(batches []index.Batch, generation uint64) string {
	h := sha256.New()
	fmt.Fprintf(h, "waxseal index rows\n%d\n", generation)
	for i := range batches {
		fmt.Fprintf(h, "%s %d\n", batches[i].Lane, batches[i].Block)
		h.Write(index.EncodeRows(batches[i].Rows))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Over HTTP strings of which there are few go as plain ones: the engine is quicker
// at finding the few than the driver.
var lowCardinality = regexp.MustCompile(`LowCardinality\((\w+)\)`)

// insertStatement and insertColumns are how a block of rows is sent.
var insertColumns, insertStatement = func() ([]ch.ColumnNameAndType, string) {
	names, types := make([]string, len(columns)), make([]ch.ColumnNameAndType, len(columns))
	for i, c := range columns {
		names[i], types[i] = c.name, ch.ColumnNameAndType{Name: c.name, Type: lowCardinality.ReplaceAllString(c.kind, "$1")}
	}
	return types, ".item (" + strings.Join(names, ", ") + ")"
}()

func (x *Index) insertRows(ctx context.Context, token string, rows []*index.Row) error {
	ctx = ch.Context(ctx, ch.WithColumnNamesAndTypes(insertColumns), ch.WithSettings(ch.Settings{"insert_deduplication_token": token}))
	b, err := x.conn.PrepareBatch(ctx, "INSERT INTO "+x.db+insertStatement)
	if err != nil {
		return err
	}
	defer b.Close()
	for i, c := range columns {
		if err := b.Column(i).Append(c.take(rows)); err != nil {
			return fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	return b.Send()
}

// Reset empties the index. A new generation of positions begins first, so that
// whoever inserts meanwhile, elsewhere, claims nothing in it.
func (x *Index) Reset(ctx context.Context) error {
	x.reset.Lock()
	defer x.reset.Unlock()
	err := x.nextGeneration(ctx)
	if err == nil {
		err = x.truncate(ctx)
	}
	if err != nil {
		return fmt.Errorf("empty the index at %s: %w", x.name, err)
	}
	return nil
}

func (x *Index) truncate(ctx context.Context) error {
	cluster, err := x.cluster(ctx)
	if err != nil {
		return err
	}
	if cluster == "" {
		return x.conn.Exec(ctx, "TRUNCATE TABLE "+x.db+".item")
	}
	return x.conn.Exec(ctx, "TRUNCATE TABLE "+x.db+".item_local ON CLUSTER `"+cluster+"`")
}
