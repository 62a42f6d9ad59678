package retrieve_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
)

// All that Kafka delivered comes back byte for byte, null apart from empty,
// repeated headers in their order; with the index, without it, and with one that
// cannot be read.
func TestCatIsExact(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{Regulated: true})
	records := a.FeedSamples(t, root)
	a.Archive(t)
	lib := library(t, a)
	blind := &scene{Archive: a, lib: lib}
	l := blind.blind(t)
	for i, want := range records {
		from := lib
		if i%3 == 0 {
			from = l
		}
		got := cat(t, from, want.Coordinates.String())
		if len(got) != 1 || got[0].Erased || got[0].Gone {
			t.Fatalf("%s: %d records", want.Coordinates, len(got))
		}
		r := got[0].Record
		r.LeaderEpoch = want.LeaderEpoch // Kafka gives it
		if !reflect.DeepEqual(&r, want) {
			t.Errorf("%s\n got %#v\nwant %#v", want.Coordinates, r, want)
		}
	}
}

func TestCatByOtherNames(t *testing.T) {
	s := newScene(t)
	for name, want := range map[string][]string{
		s.item(9, 2): {s.name(9)},
		answer:       {s.name(1), s.name(7), s.name(3), s.name(4), s.name(8)},
		cem.Phone:    {s.name(9)},
		cem.BSUID:    {s.name(9)},
	} {
		var got []string
		for _, r := range cat(t, s.lib, name) {
			got = append(got, r.Coordinates.String())
			if i := slices.IndexFunc(s.records, func(w *record.Record) bool { return w.Coordinates == r.Coordinates }); string(r.Value) != string(s.records[i].Value) {
				t.Errorf("%s: another value", r.Coordinates)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{"wa.webhooks/0/999", "wa.webhooks/7/0", "wamid.NOBODY", "15550109999"} {
		if err := s.lib.Cat(t.Context(), name, nil); !errors.Is(err, retrieve.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An index that is wrong about the place of a record costs time alone.
func TestCatDoesNotBelieveTheIndex(t *testing.T) {
	s := newScene(t)
	rows := archivetest.Rows(t, s.Index)
	for name, lie := range map[string]func(r *index.Row){
		"segment":  func(r *index.Row) { r.Segment = "lanes/0/data/000000000099/seg-0" },
		"cell":     func(r *index.Row) { r.Cell = 99 },
		"block":    func(r *index.Row) { r.Block = 99 },
		"takeover": func(r *index.Row) { r.Block = 0 },
		"lane":     func(r *index.Row) { r.Lane = "9" },
	} {
		l := s.blind(t)
		lies := slices.Clone(rows)
		for i := range lies {
			lie(&lies[i])
		}
		if err := l.Index.Insert(t.Context(), index.Batch{Lane: "0", Block: 1, Rows: lies}); err != nil {
			t.Fatal(err)
		}
		for i, want := range s.records {
			if got := cat(t, l, s.name(i)); len(got) != 1 || string(got[0].Value) != string(want.Value) {
				t.Errorf("%s: record %d is not what it was", name, i)
			}
		}
	}
	l := *s.lib
	l.Index = broken{}
	if got := cat(t, &l, s.name(4)); string(got[0].Value) != string(s.records[4].Value) {
		t.Error("without a readable index")
	}
}

// segmentOf is the segment that holds a record.
func (s *scene) segmentOf(t *testing.T, i int) string {
	t.Helper()
	for _, r := range archivetest.Rows(t, s.Index) {
		if r.Item.Coordinates == s.records[i].Coordinates {
			return r.Segment
		}
	}
	t.Fatal("no row")
	return ""
}

func TestTamperedBytesAreNotGivenOut(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, s *scene, segment string, body []byte){
		"a bit of a segment": func(_ *testing.T, s *scene, segment string, body []byte) {
			body[len(body)/2] ^= 1
			s.Locked.Tamper(segment, body)
		},
		"another segment": func(_ *testing.T, s *scene, segment string, _ []byte) { s.Locked.Tamper(segment, []byte("x")) },
		"no segment":      func(_ *testing.T, s *scene, segment string, _ []byte) { s.Locked.Remove(segment) },
		"the block's leaf": func(t *testing.T, s *scene, segment string, _ []byte) {
			l, _, _ := strings.Cut(strings.TrimPrefix(segment, "lanes/"), "/")
			s.Forge(t, record.Lane(l), 2, archivetest.ForgeLeaves)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			segment := s.segmentOf(t, 4)
			body, _, err := s.Locked.Get(t.Context(), segment)
			if err != nil {
				t.Fatal(err)
			}
			damage(t, s, segment, body)
			given := func(*retrieve.Record) error { t.Error("bytes were given out"); return nil }
			for _, l := range []*retrieve.Library{s.lib, s.blind(t)} {
				err := l.Cat(t.Context(), s.name(4), given)
				if !errors.Is(err, retrieve.ErrTampered) || !strings.Contains(err.Error(), "lanes/") || !strings.Contains(err.Error(), "block 2") {
					t.Errorf("cat: %v", err)
				}
			}
			problems := 0
			_, err = s.lib.Search(t.Context(), retrieve.SearchQuery{}, func(h *retrieve.Hit) error {
				if h.Problem != nil {
					problems++
				}
				if (h.Problem != nil) != (h.Item == nil) {
					t.Errorf("%s: %v", h.Row.Item, h.Problem)
				}
				return nil
			})
			if !errors.Is(err, retrieve.ErrTampered) || problems == 0 {
				t.Errorf("search: %d problems, %v", problems, err)
			}
			sum, err := s.lib.Search(t.Context(), retrieve.SearchQuery{Words: `"call you"`}, func(*retrieve.Hit) error { return nil })
			if !errors.Is(err, retrieve.ErrTampered) || sum.Unreadable == 0 {
				t.Errorf("search for a phrase: %+v, %v", sum, err)
			}
			shown := 0
			err = s.lib.Show(t.Context(), answer, func(m *retrieve.Message) error { shown++; return nil })
			if !errors.Is(err, retrieve.ErrTampered) || shown != 1 {
				t.Errorf("show: %d, %v", shown, err)
			}
		})
	}
}
