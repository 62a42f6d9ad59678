package index_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/record"
)

func TestRowsRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 2, 500} {
		rows := indextest.Rows(uint64(n), n)
		data := index.EncodeRows(rows)
		got, err := index.DecodeRows(data)
		if err != nil {
			t.Fatalf("%d rows: %v", n, err)
		}
		if len(got) != n || n > 0 && !reflect.DeepEqual(got, rows) {
			t.Errorf("%d rows come back as %d others", n, len(got))
		}
		if again := index.EncodeRows(rows); !bytes.Equal(again, data) {
			t.Error("the same rows give other bytes")
		}
	}
}

// TestRowsEveryField sets each field of a row in turn to something else: none is
// forgotten by the encoding.
func TestRowsEveryField(t *testing.T) {
	base := indextest.Rows(1, 1)[0]
	v := reflect.ValueOf(base)
	for i := range v.NumField() {
		row := base
		change(t, reflect.ValueOf(&row).Elem().Field(i))
		if reflect.DeepEqual(row, base) {
			t.Fatalf("field %s: the test does not change it", v.Type().Field(i).Name)
		}
		got, err := index.DecodeRows(index.EncodeRows([]index.Row{base, row}))
		if err != nil || !reflect.DeepEqual(got[1], row) {
			t.Errorf("field %s is lost: %v", v.Type().Field(i).Name, err)
		}
		strings := stringTable{}
		one, err := index.DecodeRow(index.NewAppender(strings.intern).Append(nil, &row), strings.lookup)
		if err != nil || !reflect.DeepEqual(one, row) {
			t.Errorf("field %s is lost in a row by itself: %v", v.Type().Field(i).Name, err)
		}
	}
}

func change(t *testing.T, f reflect.Value) {
	switch f.Kind() {
	case reflect.String:
		f.SetString(f.String() + "x")
	case reflect.Bool:
		f.SetBool(!f.Bool())
	case reflect.Int, reflect.Int64, reflect.Int32:
		f.SetInt(-f.Int() - 77)
	case reflect.Uint64, reflect.Uint32:
		f.SetUint(1<<31 + 5)
	case reflect.Array:
		f.Index(3).SetUint(f.Index(3).Uint() ^ 0xff)
	case reflect.Slice:
		elem := reflect.New(f.Type().Elem()).Elem()
		change(t, elem)
		f.Set(reflect.Append(reflect.AppendSlice(reflect.MakeSlice(f.Type(), 0, 8), f), elem))
	case reflect.Struct:
		for i := range f.NumField() {
			change(t, f.Field(i))
		}
	default:
		t.Fatalf("a field of kind %s", f.Kind())
	}
}

type stringTable struct{ list []string }

func (s *stringTable) intern(v string) uint64 {
	s.list = append(s.list, v)
	return uint64(len(s.list) - 1)
}

func (s *stringTable) lookup(n uint64) (string, bool) {
	if n >= uint64(len(s.list)) {
		return "", false
	}
	return s.list[n], true
}

// TestRowsDamage: every cut and every flipped bit is either refused or gives
// other rows, which say so when encoded again.
func TestRowsDamage(t *testing.T) {
	data := index.EncodeRows(indextest.Rows(3, 4))
	for n := range data {
		if _, err := index.DecodeRows(data[:n]); !errors.Is(err, index.ErrRows) {
			t.Fatalf("cut at %d: %v, want ErrRows", n, err)
		}
	}
	if _, err := index.DecodeRows(append(bytes.Clone(data), 0)); !errors.Is(err, index.ErrRows) {
		t.Errorf("a byte more: %v, want ErrRows", err)
	}
	refused := 0
	for i := range len(data) * 8 {
		bad := bytes.Clone(data)
		bad[i/8] ^= 1 << (i % 8)
		rows, err := index.DecodeRows(bad)
		if err != nil {
			refused++
			continue
		}
		if !bytes.Equal(index.EncodeRows(rows), bad) {
			t.Fatalf("bit %d: other bytes than were read", i)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

// TestRowsGolden reads what the first release wrote.
func TestRowsGolden(t *testing.T) {
	rows := indextest.Rows(42, 12)
	path := filepath.Join("testdata", "rows-v1.hex")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(string(bytes.ReplaceAll(text, []byte("\n"), nil)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := index.DecodeRows(data)
	if err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("rows of the first release are read otherwise: %v", err)
	}
	if !bytes.Equal(index.EncodeRows(rows), data) {
		t.Error("rows are written otherwise under the same version")
	}
}

func FuzzDecodeRows(f *testing.F) {
	f.Add(index.EncodeRows(nil))
	f.Add(index.EncodeRows(indextest.Rows(1, 2)))
	f.Add([]byte("waxrows\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := index.DecodeRows(data)
		if err != nil {
			if !errors.Is(err, index.ErrRows) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(index.EncodeRows(rows), data) {
			t.Fatal("other bytes than were read")
		}
	})
}

func FuzzDecodeRow(f *testing.F) {
	for _, r := range indextest.Rows(2, 3) {
		strings := stringTable{}
		f.Add(index.NewAppender(strings.intern).Append(nil, &r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lookup := func(n uint64) (string, bool) { return "s", n < 64 }
		if _, err := index.DecodeRow(data, lookup); err != nil && !errors.Is(err, index.ErrRows) {
			t.Fatal(err)
		}
	})
}

func TestItemKeyOrder(t *testing.T) {
	ids := []record.ItemID{}
	for _, topic := range []string{"wa", "wa.sends", "wa.webhooks"} {
		for _, era := range []record.Era{1, 2, 300} {
			for _, p := range []int32{0, 1, 300} {
				for _, offset := range []int64{0, 9, 10, 1 << 40} {
					for _, n := range []int{0, 1, 255, 256, 70000} {
						ids = append(ids, record.ItemID{Coordinates: record.Coordinates{Topic: topic, Era: era, Partition: p, Offset: offset}, N: n})
					}
				}
			}
		}
	}
	for i, a := range ids {
		for j, b := range ids {
			if got := bytes.Compare(index.ItemKey(a), index.ItemKey(b)); got != index.CompareItems(a, b) || (got < 0) != (i < j) {
				t.Fatalf("%s and %s: %d", a, b, got)
			}
		}
		if !bytes.HasPrefix(index.ItemKey(a), index.RecordKey(a.Coordinates)) {
			t.Fatalf("%s: its record's key is not in front", a)
		}
	}
}

func TestCursor(t *testing.T) {
	q := index.Query{Numbers: []string{"1"}, Limit: 3}
	row := indextest.Rows(1, 1)[0]
	q.Cursor = index.CursorAfter(&q, &row)
	place, ok, err := q.After()
	if err != nil || !ok || place.Item != row.Item || place.Time != row.Time() {
		t.Errorf("%+v, %v, %v", place, ok, err)
	}
	other := q
	other.Numbers = []string{"2"}
	if _, _, err := other.After(); !errors.Is(err, index.ErrCursor) {
		t.Errorf("another query: %v, want ErrCursor", err)
	}
	for n := range q.Cursor {
		cut := q
		if cut.Cursor = q.Cursor[:n]; n == 0 {
			continue
		}
		if _, _, err := cut.After(); !errors.Is(err, index.ErrCursor) {
			t.Errorf("cut at %d: %v, want ErrCursor", n, err)
		}
	}
}

func TestRowTime(t *testing.T) {
	for _, c := range []struct{ platform, kafka, want int64 }{
		{100, 5000, 100}, {0, 5999, 5}, {0, -1, -1}, {0, -1000, -1}, {0, 0, 0},
	} {
		r := index.Row{Platform: c.platform, Kafka: c.kafka}
		if got := r.Time(); got != c.want {
			t.Errorf("%d, %d: %d, want %d", c.platform, c.kafka, got, c.want)
		}
	}
}

func BenchmarkEncodeRows(b *testing.B) {
	rows := indextest.NewCorpus(1).Block(0, 5000).Rows
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = len(index.EncodeRows(rows))
	}
	b.ReportMetric(float64(n)/float64(len(rows)), "B/row")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(rows)), "ns/row")
}
