package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// layout is where the tables are: in one server, or on the shards of a cluster.
type layout struct{ database, cluster string }

// migrations lead from one version of the tables to the next; the table
// migration holds those that were run. A statement may have been run before a
// crash, so each is one that may come again. A released migration is never edited.
var migrations = []func(layout) []string{firstTables}

// DDL gives the statements that make the tables, for a server, or with a cluster's
// name for its shards and replicas (it must define the macros shard and replica).
func DDL(database, cluster string) []string {
	l := layout{database, cluster}
	out := []string{"CREATE DATABASE IF NOT EXISTS `" + database + "`" + l.on()}
	for i, m := range migrations {
		out = append(append(out, m(l)...), l.migrated(i+1))
	}
	return out
}

// Grants gives the rights of the user that feeds the index: it cannot read a row.
// It reads positions, to know where to go on, and which tables there are.
func Grants(database, user, cluster string) []string {
	l := layout{database, cluster}
	var out []string
	for _, g := range []struct{ rights, table string }{{"INSERT", "item"}, {"INSERT, SELECT", "position"}, {"SELECT", "migration"}} {
		out = append(out, "GRANT"+l.on()+" "+g.rights+" ON "+l.name(g.table)+" TO `"+user+"`")
		if cluster != "" {
			out = append(out, "GRANT"+l.on()+" "+g.rights+" ON "+l.name(g.table+"_local")+" TO `"+user+"`")
		}
	}
	return out
}

func (l layout) on() string {
	if l.cluster == "" {
		return ""
	}
	return " ON CLUSTER `" + l.cluster + "`"
}

func (l layout) name(table string) string { return "`" + l.database + "`." + table }

// table gives the statements of one table. On a cluster it is a table of each
// shard, and one over all of them under its own name.
func (l layout) table(name, body, engine, args, clauses, shard string) []string {
	const create = "CREATE TABLE IF NOT EXISTS "
	if l.cluster == "" {
		return []string{create + l.name(name) + " (\n" + body + "\n) ENGINE = " + engine + "(" + args + ")\n" + clauses}
	}
	local := name + "_local"
	path := "'/clickhouse/tables/{uuid}/{shard}', '{replica}'"
	if args != "" {
		path += ", " + args
	}
	return []string{
		create + l.name(local) + l.on() + " (\n" + body + "\n) ENGINE = Replicated" + engine + "(" + path + ")\n" +
			strings.ReplaceAll(clauses, "non_replicated_deduplication_window", "replicated_deduplication_window"),
		create + l.name(name) + l.on() + " AS " + l.name(local) + fmt.Sprintf(" ENGINE = Distributed('%s', '%s', '%s', %s)", l.cluster, l.database, local, shard),
	}
}

func (l layout) migrated(version int) string {
	return fmt.Sprintf("INSERT INTO %s (version) VALUES (%d)", l.name("migration"), version)
}

// firstTables is version 1.
func firstTables(l layout) []string {
	var body strings.Builder
	for _, c := range columns {
		fmt.Fprintf(&body, "  %s %s", c.name, c.kind)
		if c.note != "" {
			body.WriteString(" COMMENT '" + strings.ReplaceAll(c.note, "'", "''") + "'")
		}
		if codec := codecs[c.name]; codec != "" {
			body.WriteString(" CODEC(" + codec + ")")
		}
		body.WriteString(",\n")
	}
	// What reads better than numbers; it is not stored.
	body.WriteString(`  at DateTime64(0, 'UTC') ALIAS fromUnixTimestamp64Second(time, 'UTC'),
  kafka_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(kafka, 'UTC'),
  sealed_at DateTime64(3, 'UTC') ALIAS fromUnixTimestamp64Milli(sealed, 'UTC'),
  duty_until DateTime64(0, 'UTC') ALIAS fromUnixTimestamp64Second(duty, 'UTC'),
  retain_until DateTime64(0, 'UTC') ALIAS fromUnixTimestamp64Second(retain, 'UTC'),
`)
	body.WriteString(indexes)
	return concat(
		l.table("migration", "  version UInt32,\n  at DateTime DEFAULT now()", "ReplacingMergeTree", "", "ORDER BY version", "rand()"),
		l.table("position", "  lane LowCardinality(String) COMMENT '\"\" where the generation begins',\n"+
			"  generation UInt64 COMMENT 'steps when the index is emptied',\n"+
			"  first UInt64 COMMENT 'the blocks from this one',\n  next UInt64 COMMENT 'up to and without this one are indexed'",
			"ReplacingMergeTree", "next", "ORDER BY (lane, generation, first)", "sipHash64(lane)"),
		l.table("item", body.String(), "ReplacingMergeTree", "block", itemClauses, "sipHash64(lane, block)"),
	)
}

func concat(lists ...[]string) []string {
	var out []string
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// A record's Kafka time never changes, so its rows stay in one partition, where
// the last replaces the others; no clock is too wrong for that. Rows are on disk
// before a position says so.
const itemClauses = `PARTITION BY toYYYYMM(toDateTime(greatest(0, least(4294967295, intDiv(kafka, 1000))), 'UTC'))
ORDER BY (topic, era, kafka_partition, kafka_offset, item)
SETTINGS index_granularity = 256, non_replicated_deduplication_window = 1000, fsync_after_insert = 1, fsync_part_directory = 1`

// Codecs of columns that are worth one.
var codecs = map[string]string{
	"kafka_offset": "Delta, ZSTD(1)", "time": "Delta, ZSTD(1)", "platform": "Delta, ZSTD(1)", "kafka": "Delta, ZSTD(1)", "sealed": "Delta, ZSTD(1)",
	"segment": "ZSTD(1)", "reason": "ZSTD(1)",
}

const indexes = `  INDEX by_time time TYPE minmax GRANULARITY 8,
  INDEX by_token tokens TYPE text(tokenizer = 'array'),
  INDEX by_alias aliases TYPE text(tokenizer = 'array'),
  INDEX by_subject subject TYPE bloom_filter(0.01) GRANULARITY 8,
  INDEX by_conversation conversation TYPE bloom_filter(0.01) GRANULARITY 8,
  INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 8,
  INDEX by_target target TYPE bloom_filter(0.001) GRANULARITY 8`

// Codes of ClickHouse's errors.
const (
	unknownTable    = 60
	unknownDatabase = 81
	accessDenied    = 497
)

func code(err error) int32 {
	if e := new(ch.Exception); errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// migrate brings the tables up to date, or says why it does not.
func (x *Index) migrate(ctx context.Context) error {
	v, err := x.version(ctx)
	if err != nil {
		return err
	}
	switch {
	case v > len(migrations):
		return fmt.Errorf("version %d, this release knows %d: %w", v, len(migrations), ErrVersion)
	case v == len(migrations):
		return nil
	case !x.create:
		return fmt.Errorf("version %d, this release needs %d: %w", v, len(migrations), ErrTables)
	}
	l := layout{database: x.database}
	if v > 0 {
		if l.cluster, err = x.cluster(ctx); err != nil {
			return err
		}
	}
	if l.cluster != "" {
		return fmt.Errorf("version %d on cluster %s, this release needs %d: %w", v, l.cluster, len(migrations), ErrTables)
	}
	statements := []string{"CREATE DATABASE IF NOT EXISTS " + x.db}
	for ; v < len(migrations); v++ {
		statements = append(append(statements, migrations[v](l)...), l.migrated(v+1))
	}
	for _, s := range statements {
		if err := x.conn.Exec(ctx, s); code(err) == accessDenied {
			return fmt.Errorf("%w, and this user may not make them: %w", ErrTables, err)
		} else if err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	}
	return nil
}

// version is the number of migrations that were run, 0 where there are no tables.
func (x *Index) version(ctx context.Context) (int, error) {
	var v uint32
	err := x.ask(ctx, "SELECT max(version) FROM "+x.db+".migration", func(r driver.Rows) error { return r.Scan(&v) })
	if c := code(err); c == unknownTable || c == unknownDatabase {
		return 0, nil
	}
	return int(v), err
}

// cluster is the name of the cluster the tables are on, "" none.
func (x *Index) cluster(ctx context.Context) (name string, err error) {
	err = x.ask(ctx, "SELECT extract(engine_full, '^Distributed\\\\(\\'([^\\']+)') FROM system.tables WHERE name = 'item' AND database = "+literal(x.database),
		func(r driver.Rows) error { return r.Scan(&name) })
	return name, err
}
