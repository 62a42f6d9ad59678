package clickhouse_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/record"
)

func insert(t *testing.T, x index.Index, b ...index.Batch) {
	t.Helper()
	if err := x.Insert(t.Context(), b...); err != nil {
		t.Fatal(err)
	}
}

func ask(t *testing.T, x *clickhouse.Index, query string) uint64 {
	t.Helper()
	n, err := x.Ask(t.Context(), strings.ReplaceAll(query, "@", x.DB()))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func run(t *testing.T, x *clickhouse.Index, statement string) {
	t.Helper()
	if err := x.Exec(t.Context(), strings.ReplaceAll(statement, "@", x.DB())); err != nil {
		t.Fatal(err)
	}
}

// TestLikeSQLite asks both engines the same of a corpus with a language's words,
// also where ClickHouse has each row twice in parts of their own.
func TestLikeSQLite(t *testing.T) {
	x := open(t, address(t))
	defer x.Close()
	x.SetFew(3)
	run(t, x, "SYSTEM STOP MERGES @.item")
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "index.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	corpus := indextest.NewCorpus(7)
	for n := range uint64(4) {
		b := corpus.Block(n, 1500)
		insert(t, s, b)
		insert(t, x, b)
		insert(t, x, index.Batch{Lane: b.Lane, Block: b.Block, Rows: b.Rows[:1000]}) // another insert: it is stored
	}
	if n := ask(t, x, "SELECT count() FROM @.item"); n != 4*2500 {
		t.Fatalf("%d rows are stored, want each of 4000 twice", n)
	}
	word := func(n int) *index.Expr { return &index.Expr{Any: []index.Token{indextest.CorpusWord(n)}} }
	for name, q := range map[string]index.Query{
		"all": {}, "newest": {Newest: true}, "word": {Words: word(20)}, "rare word": {Words: word(3000)},
		"not": {Words: &index.Expr{And: []*index.Expr{word(10), {Not: word(0)}}}}, "or": {Words: &index.Expr{Or: []*index.Expr{word(100), word(200)}}, Newest: true},
		"person": {People: []index.Tag{indextest.CorpusPerson(1)}}, "number": {Numbers: []string{indextest.CorpusNumber(3)}, Kinds: []record.Kind{record.Text}},
		"hour": {From: indextest.CorpusStart + 1000, To: indextest.CorpusStart + 4600}, "findings": {Findings: []string{"*"}},
	} {
		t.Run(name, func(t *testing.T) {
			q.Limit = 700
			want, got := pages(t, s, q), pages(t, x, q)
			if len(want) == 0 || !reflect.DeepEqual(got, want) {
				t.Errorf("%d rows, SQLite %d, or others", len(got), len(want))
			}
			n, m, err := s.Count(t.Context(), q)
			if a, b, xerr := x.Count(t.Context(), q); err != nil || xerr != nil || a != n || b != m {
				t.Errorf("count %d and %d, SQLite %d and %d; %v, %v", a, b, n, m, xerr, err)
			}
		})
	}
}

func pages(t *testing.T, x index.Index, q index.Query) []index.Row {
	t.Helper()
	var rows []index.Row
	for {
		page, err := x.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, page.Rows...)
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return rows
		}
	}
}

// TestSameInsertOnce: an insert that comes again, as after a late answer, is not
// stored again; after a reset it is.
func TestSameInsertOnce(t *testing.T) {
	x := open(t, address(t))
	defer x.Close()
	run(t, x, "SYSTEM STOP MERGES @.item")
	b := indextest.NewCorpus(1).Block(0, 100)
	insert(t, x, b)
	insert(t, x, b)
	if n := ask(t, x, "SELECT count() FROM @.item"); n != 100 {
		t.Errorf("%d rows are stored, want 100", n)
	}
	if err := x.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, x, b)
	if n := ask(t, x, "SELECT count() FROM @.item"); n != 100 {
		t.Errorf("%d rows are stored after a reset, want 100", n)
	}
}

// TestReplacedAfterMerge: which row of an item counts does not depend on merges.
func TestReplacedAfterMerge(t *testing.T) {
	x := open(t, address(t))
	defer x.Close()
	run(t, x, "SYSTEM STOP MERGES @.item")
	b := indextest.NewCorpus(1).Block(0, 50)
	for _, class := range []string{"first", "second", "third"} {
		for i := range b.Rows {
			b.Rows[i].Class = class
		}
		insert(t, x, b)
	}
	look := func() {
		t.Helper()
		for class, want := range map[string]int{"first": 0, "second": 0, "third": 50} {
			page, err := x.Search(t.Context(), index.Query{Classes: []string{class}})
			if n, _, cerr := x.Count(t.Context(), index.Query{Classes: []string{class}}); err != nil || cerr != nil || len(page.Rows) != want || n != want {
				t.Errorf("class %s: %d rows, count %d, want %d; %v, %v", class, len(page.Rows), n, want, err, cerr)
			}
		}
	}
	look()
	run(t, x, "SYSTEM START MERGES @.item")
	run(t, x, "OPTIMIZE TABLE @.item FINAL")
	if n := ask(t, x, "SELECT count() FROM @.item"); n != 50 {
		t.Fatalf("%d rows after a merge, want 50", n)
	}
	look()
}

// TestWrongClocks: rows of any time go in and come out, in one insert.
func TestWrongClocks(t *testing.T) {
	x := open(t, address(t))
	defer x.Close()
	b := indextest.NewCorpus(1).Block(0, 400)
	for i := range b.Rows {
		b.Rows[i].Kafka = int64(i-3) * 31 * 86400 * 1000 // each another month
	}
	b.Rows[0].Kafka, b.Rows[1].Kafka, b.Rows[2].Kafka = -1, 1<<62, -1<<62
	b.Rows[3].Platform, b.Rows[4].Platform, b.Rows[5].Duty = 1<<62, -1<<40, -1<<62
	insert(t, x, b)
	q := index.Query{Limit: 1000}
	if got := pages(t, x, q); !reflect.DeepEqual(got, indextest.Select(&q, b.Rows)) {
		t.Errorf("%d rows, want %d, or others", len(got), len(b.Rows))
	}
}

// TestHostileStrings: what stands in a row or a query is never taken for SQL.
func TestHostileStrings(t *testing.T) {
	x := open(t, address(t))
	defer x.Close()
	b := indextest.NewCorpus(1).Block(0, 7)
	hostile := []string{`'; DROP TABLE item; --`, `\'`, "a\x00b", "\n", `{x:String}`, "\xff\xfe", `"` + "`" + `?`}
	for i, s := range hostile {
		b.Rows[i].Custodian, b.Rows[i].Template, b.Rows[i].Item.Topic, b.Rows[i].Findings = s, s, "t"+strings.ReplaceAll(s, "\x00", ""), []string{s}
	}
	insert(t, x, b)
	for i, s := range hostile {
		for _, q := range []index.Query{{Custodians: []string{s}}, {Templates: []string{s}}, {Findings: []string{s}}, {Items: []record.ItemID{b.Rows[i].Item}}, {Records: []record.Coordinates{b.Rows[i].Item.Coordinates}}} {
			page, err := x.Search(t.Context(), q)
			if err != nil || len(page.Rows) != 1 || !reflect.DeepEqual(page.Rows[0], b.Rows[i]) {
				t.Errorf("%q: %d rows, %v", s, len(page.Rows), err)
			}
		}
	}
}

func TestNewerVersion(t *testing.T) {
	at := address(t)
	x := open(t, at)
	defer x.Close()
	run(t, x, "INSERT INTO @.migration (version) VALUES (1000)")
	for name, open := range map[string]func() (*clickhouse.Index, error){
		"writing": func() (*clickhouse.Index, error) { return clickhouse.Open(t.Context(), at) },
		"reading": func() (*clickhouse.Index, error) { return clickhouse.OpenExisting(t.Context(), at) },
	} {
		if _, err := open(); !errors.Is(err, clickhouse.ErrVersion) {
			t.Errorf("%s: %v, want ErrVersion", name, err)
		}
	}
}

func TestNoTables(t *testing.T) {
	if _, err := clickhouse.OpenExisting(t.Context(), address(t)); !errors.Is(err, clickhouse.ErrTables) {
		t.Errorf("%v, want ErrTables", err)
	}
}

// TestIngestUser: with the rights that are printed a user feeds the index, and
// reads no row of it, empties nothing, makes nothing.
func TestIngestUser(t *testing.T) {
	s := start(t)
	u, err := url.Parse(s.at("waxseal_ingest"))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	all := u.String()
	u.User = url.UserPassword("ingest", password)
	if _, err := clickhouse.Open(t.Context(), u.String()); !errors.Is(err, clickhouse.ErrTables) {
		t.Fatalf("open without tables: %v, want ErrTables", err)
	}
	owner := open(t, all)
	defer owner.Close()
	x := open(t, u.String())
	defer x.Close()
	b := indextest.NewCorpus(1).Block(0, 100)
	insert(t, x, b)
	if n, err := x.Position(t.Context(), "0"); n != 1 || err != nil {
		t.Errorf("position %d, %v", n, err)
	}
	if _, err := x.Search(t.Context(), index.Query{}); err == nil {
		t.Error("it reads rows")
	}
	if _, _, err := x.Count(t.Context(), index.Query{}); err == nil {
		t.Error("it counts rows")
	}
	if err := x.Reset(t.Context()); err == nil {
		t.Error("it empties the index")
	}
	if n, _, err := owner.Count(t.Context(), index.Query{}); n != 100 || err != nil {
		t.Errorf("%d rows, %v, want 100", n, err)
	}
}

// TestKilled: an engine that is killed between inserts and comes back has what it
// acknowledged, and the index goes on without being opened again.
func TestKilled(t *testing.T) {
	s := start(t)
	x := open(t, s.at("killed"))
	defer x.Close()
	corpus := indextest.NewCorpus(1)
	var rows []index.Row
	for n := range uint64(5) {
		b := corpus.Block(n, 200)
		insert(t, x, b)
		rows = append(rows, b.Rows...)
		s.kill()
		if err := x.Insert(t.Context(), corpus.Block(n+1, 0)); err == nil {
			t.Fatal("an insert into nothing")
		}
		s.up()
		for range 20 { // connections of before are found dead one by one
			if _, err := x.Position(t.Context(), "0"); err == nil {
				break
			}
		}
		if next, err := x.Position(t.Context(), "0"); err != nil || next != n+1 {
			t.Fatalf("position %d, %v, want %d", next, err, n+1)
		}
		q := index.Query{Limit: 2000}
		if got := pages(t, x, q); !reflect.DeepEqual(got, indextest.Select(&q, rows)) {
			t.Fatalf("%d rows, want %d, or others", len(got), len(rows))
		}
	}
}

// TestDDL: the engine parses what is printed for a cluster, and runs what is
// printed for a server, twice.
func TestDDL(t *testing.T) {
	at := address(t)
	x := open(t, at)
	defer x.Close()
	db := clickhouse.Database(at)
	for _, s := range clickhouse.DDL(db, "") {
		run(t, x, s)
		run(t, x, s)
	}
	parsed := 0
	for _, s := range append(clickhouse.DDL(db, "firm"), append(clickhouse.Grants(db, "u", "firm"), clickhouse.Grants(db, "u", "")...)...) {
		run(t, x, "EXPLAIN AST "+s)
		parsed++
	}
	if parsed < 12 {
		t.Errorf("%d statements: too few", parsed)
	}
	if err := x.Exec(t.Context(), "EXPLAIN AST CREATE TABL x"); err == nil {
		t.Error("the engine parses anything")
	}
}

// distributed is an index over a Distributed table of one shard, the engine itself.
type distributed struct{ *clickhouse.Index }

func (d distributed) Reset(ctx context.Context) error { return d.ResetShard(ctx) }

// TestDistributed: over Distributed tables the contract holds too. Replication, and
// statements for a whole cluster, take several servers and are not tried.
func TestDistributed(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Index {
		at := address(t)
		db := clickhouse.Database(at)
		first := open(t, strings.Replace(at, db, db+"x", 1))
		for _, s := range clickhouse.DDL(db, "firm") {
			s = strings.ReplaceAll(s, " ON CLUSTER `firm`", "")
			s = strings.ReplaceAll(s, "Replicated", "")
			s = strings.ReplaceAll(s, "'/clickhouse/tables/{uuid}/{shard}', '{replica}', ", "")
			s = strings.ReplaceAll(s, "'/clickhouse/tables/{uuid}/{shard}', '{replica}'", "")
			s = strings.ReplaceAll(s, "replicated_deduplication_window", "non_replicated_deduplication_window")
			run(t, first, s)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		x, err := clickhouse.OpenExisting(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		return distributed{x}
	})
}

func TestAddress(t *testing.T) {
	for _, bad := range []string{"", "clickhouse://", "http://a/b", "clickhouse://u:secret@h:1/", "clickhouse://u:secret@h:1/a-b", "clickhouse://u:secret@h:1/d?protocol=smoke",
		"clickhouse://h:1/d?password=secret", "clickhouse://u:se%zzcret@h/d"} {
		if err := clickhouse.Check(bad); err == nil || strings.Contains(err.Error(), "cret") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"clickhouse://u:secret@h:9440/d?secure=true", "clickhouse://u:secret@h:8123/d?protocol=http", "clickhouse://h:8443/d?protocol=http&secure=true"} {
		if err := clickhouse.Check(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
		if strings.Contains(clickhouse.Redact(good), "secret") {
			t.Error("a password is shown")
		}
	}
}
