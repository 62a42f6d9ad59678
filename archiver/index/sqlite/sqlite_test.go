package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func open(t testing.TB, path string) *sqlite.Index {
	t.Helper()
	x, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func closed(t testing.TB, x *sqlite.Index) {
	t.Helper()
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestIndex(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Index {
		return open(t, filepath.Join(t.TempDir(), "index.db"))
	})
}

// TestIndexWalking has searches walk the rows in order, as they do where many
// rows match, give up on the way, and ask columns, as they do where a field
// selects many lines or shapes.
func TestIndexWalking(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Index {
		x := open(t, filepath.Join(t.TempDir(), "index.db"))
		x.SetFew(2)
		x.SetTerms(9)
		return x
	})
}

// TestWalkGivesUp: the rows that match stand behind all the others.
func TestWalkGivesUp(t *testing.T) {
	x := open(t, filepath.Join(t.TempDir(), "index.db"))
	defer closed(t, x)
	x.SetFew(10)
	rows := indextest.Rows(1, 2000)
	q := index.Query{Numbers: []string{"the last"}, Limit: 30}
	for i := range rows {
		rows[i].Platform, rows[i].Number = int64(i+1), "100000000000001"
		if i >= 1980 {
			rows[i].Number = "the last"
		}
	}
	if err := x.Insert(t.Context(), index.Batch{Lane: "0", Rows: rows}); err != nil {
		t.Fatal(err)
	}
	for _, q.Newest = range []bool{false, true} {
		page, err := x.Search(t.Context(), q)
		if want := indextest.Select(&q, rows); err != nil || !reflect.DeepEqual(page.Rows, want) {
			t.Errorf("newest %v: %d rows, %v; want %d", q.Newest, len(page.Rows), err, len(want))
		}
	}
}

// TestReopen: what was inserted is there after a close, and numbers given to
// strings keep their meaning.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	rows := indextest.Rows(1, 600)
	for i := range 3 {
		x := open(t, path)
		if n, err := x.Position(t.Context(), "0"); err != nil || n != uint64(i) {
			t.Fatalf("position %d, %v; want %d", n, err, i)
		}
		if err := x.Insert(t.Context(), index.Batch{Lane: "0", Block: uint64(i), Rows: rows[i*200 : i*200+200]}); err != nil {
			t.Fatal(err)
		}
		closed(t, x)
	}
	x := open(t, path)
	defer closed(t, x)
	checkAll(t, x, rows)
}

func checkAll(t *testing.T, x *sqlite.Index, rows []index.Row) {
	t.Helper()
	byName := map[string]index.Row{}
	for _, r := range rows {
		byName[r.Item.String()] = r
	}
	n := 0
	err := x.All(t.Context(), func(r index.Row) error {
		if want := byName[r.Item.String()]; !reflect.DeepEqual(r, want) {
			return fmt.Errorf("got %+v, want %+v", r, want)
		}
		n++
		return nil
	})
	if err != nil || n != len(rows) {
		t.Fatalf("%d rows, %v; want %d", n, err, len(rows))
	}
}

// TestReadOnly: a reader sees what a writer inserts after it opened, and cannot write.
func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	if _, err := sqlite.OpenReadOnly(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open of nothing: %v, want fs.ErrNotExist", err)
	}
	w := open(t, path)
	rows := indextest.Rows(1, 400)
	if err := w.Insert(t.Context(), index.Batch{Lane: "0", Block: 0, Rows: rows[:100]}); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, r, rows[:100])
	if err := w.Insert(t.Context(), index.Batch{Lane: "0", Block: 1, Rows: rows[100:]}); err != nil {
		t.Fatal(err)
	}
	checkAll(t, r, rows)
	if err := r.Insert(t.Context(), index.Batch{Lane: "0", Block: 2}); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("insert: %v, want ErrReadOnly", err)
	}
	if err := r.Reset(t.Context()); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("reset: %v, want ErrReadOnly", err)
	}
	closed(t, w)
	checkAll(t, r, rows)
	closed(t, r)

	r, err = sqlite.OpenReadOnly(t.Context(), path) // nobody else has it open now
	if err != nil {
		t.Fatal(err)
	}
	checkAll(t, r, rows)
	closed(t, r)
}

// TestResetBesideReader: numbers of strings that a reader remembers are not given again.
func TestResetBesideReader(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	w := open(t, path)
	defer closed(t, w)
	rows := indextest.Rows(1, 50)
	if err := w.Insert(t.Context(), index.Batch{Lane: "0", Rows: rows}); err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, r)
	checkAll(t, r, rows)
	if err := w.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range rows {
		rows[i].Field, rows[i].Policy, rows[i].Segment = "other", "another", "elsewhere"
	}
	if err := w.Insert(t.Context(), index.Batch{Lane: "0", Rows: rows}); err != nil {
		t.Fatal(err)
	}
	checkAll(t, r, rows)
}

func TestNewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	closed(t, open(t, path))
	setVersion(t, path, 1000)
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, sqlite.ErrVersion) {
		t.Errorf("open: %v, want ErrVersion", err)
	}
	if _, err := sqlite.OpenReadOnly(t.Context(), path); !errors.Is(err, sqlite.ErrVersion) {
		t.Errorf("open for reading: %v, want ErrVersion", err)
	}
}

func setVersion(t *testing.T, path string, v int) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(fmt.Sprintf("PRAGMA user_version = %d", v)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNotADatabase: another file is refused and left as it is.
func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	text := []byte("this is a letter to somebody, and no database of any kind at all; it is long enough to be taken for one")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); err == nil {
		t.Error("opened")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(text) {
		t.Errorf("the file was changed: %v", err)
	}
}

// TestDamagedBody: a row that does not decode is an error, not a wrong answer.
func TestDamagedBody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index.db")
	x := open(t, path)
	if err := x.Insert(t.Context(), index.Batch{Lane: "0", Rows: indextest.Rows(1, 3)}); err != nil {
		t.Fatal(err)
	}
	closed(t, x)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE item SET body = substr(body, 1, length(body) - 1) WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	x = open(t, path)
	defer closed(t, x)
	if _, err := x.Search(t.Context(), index.Query{}); !errors.Is(err, index.ErrRows) {
		t.Errorf("search: %v, want ErrRows", err)
	}
}

// TestManyNames: a query may name many items.
func TestManyNames(t *testing.T) {
	x := open(t, filepath.Join(t.TempDir(), "index.db"))
	defer closed(t, x)
	rows := indextest.Rows(1, 3000)
	if err := x.Insert(t.Context(), index.Batch{Lane: "0", Rows: rows}); err != nil {
		t.Fatal(err)
	}
	q := index.Query{Limit: len(rows)}
	for _, r := range rows {
		q.Items = append(q.Items, r.Item)
	}
	page, err := x.Search(t.Context(), q)
	if err != nil || len(page.Rows) != len(rows) {
		t.Errorf("%d rows, %v; want %d", len(page.Rows), err, len(rows))
	}
}

// TestNoCanary feeds text, a phone number and a message id through the builder
// and looks for them in every file the index has, as they are and in base64.
func TestNoCanary(t *testing.T) {
	const phone, word, wamid = "15550100001", "quillfeather", "wamid.HBgLMTU1NTAxMDAwMDEVAgASGA"
	parsed := &whatsapp.Parsed{
		People: []whatsapp.Person{{WaID: phone, Name: word}},
		Items: []whatsapp.Item{{Kind: record.Text, Number: "100000000000001", Display: phone + "9", ID: wamid,
			Target: wamid + "x", ReplyTo: wamid + "y", Text: []string{word + " " + phone}}},
	}
	keys := &index.Keys{Subject: [16]byte{1}, Token: map[uint32][16]byte{1: {2}}}
	row, err := index.NewBuilder(keys).Row(index.Source{
		Record: &record.Record{Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1}},
		Parsed: parsed, Item: &parsed.Items[0], Rule: []byte("{}"), Epoch: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "index.db")
	x := open(t, path)
	if err := x.Insert(t.Context(), index.Batch{Lane: "0", Rows: []index.Row{row}}); err != nil {
		t.Fatal(err)
	}
	if page, err := x.Search(t.Context(), index.Query{IDs: []index.Tag{keys.MessageTag(wamid)}}); err != nil || len(page.Rows) != 1 {
		t.Fatalf("the row is not found: %v", err)
	}
	look := func() {
		files, err := os.ReadDir(filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		var stored []byte
		for _, f := range files {
			data, err := os.ReadFile(filepath.Join(filepath.Dir(path), f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			stored = append(stored, data...)
		}
		if !bytes.Contains(stored, []byte("100000000000001")) {
			t.Fatal("the search would not find anything")
		}
		for _, canary := range []string{phone, word, "HBgLMTU1NTAxMDAwMDE", "MTU1NTAxMDAwMD", "xdWlsbGZlYXRoZX", "1aWxsZmVhdGhlc", "VpbGxmZWF0aG"} {
			if bytes.Contains(stored, []byte(canary)) {
				t.Errorf("%q stands in the index", canary)
			}
		}
	}
	look() // with the write-ahead log
	closed(t, x)
	look()
}
