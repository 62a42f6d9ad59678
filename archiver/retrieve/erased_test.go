package retrieve_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
)

// erasedScene is the scene without Ada.
func erasedScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t)
	s.Erase(t, archivetest.Number, ada.BSUID, ada.Phone)
	s.lib = library(t, s.Archive)
	return s
}

func TestErasedIsShownAsErased(t *testing.T) {
	s := erasedScene(t)
	hits, sum := search(t, s.lib, retrieve.SearchQuery{People: []string{ada.Phone}})
	if len(hits) != 15 || sum.Unreadable != 0 {
		t.Fatalf("%d hits", len(hits))
	}
	for _, h := range hits {
		if !h.Erased || h.Item != nil || h.Text() != "" || h.Who() != "" || h.Problem != nil {
			t.Errorf("%s: %+v", h.Row.Item, h)
		}
	}
	if hits, _ := search(t, s.lib, retrieve.SearchQuery{Words: `"wire transfer"`}); len(hits) != 0 {
		t.Errorf("%d erased items are said to hold a phrase", len(hits))
	}
	m := show(t, s.lib, answer)[0]
	if !m.Erased || m.ID != "" || m.Decision != nil || m.Ledger.Leaf != -1 || len(m.Deliveries) != 1 || m.Ledger.Block == nil {
		t.Errorf("%+v", m)
	}
}

// Of the batch of three people the others' items are there, under their numbers.
func TestErasedInABatch(t *testing.T) {
	s := erasedScene(t)
	for _, l := range []*retrieve.Library{s.lib, s.blind(t)} {
		r := cat(t, l, s.name(9))[0]
		whole := s.records[9].Value
		if !r.Erased || r.Gone || !r.KeyHeadersErased || len(r.Value) != len(whole) || r.Key != nil || r.Headers != nil {
			t.Fatalf("%+v", r)
		}
		for _, gone := range []string{ada.Phone, ada.BSUID, ada.Name, "and the invoice"} {
			if bytes.Contains(r.Value, []byte(gone)) {
				t.Error("something of the erased person is left")
			}
		}
		for _, left := range []string{"transfer it by wire", "nothing of interest", "the invoice came", cem.Name, bea.BSUID} {
			if i := strings.Index(string(whole), left); i < 0 || string(r.Value[i:i+len(left)]) != left {
				t.Errorf("%q is not where it was", left)
			}
		}
		if m := show(t, l, s.item(9, 3))[0]; m.Erased || m.Text() != "the invoice came" || m.Decision == nil || m.Ledger.Leaf < 0 {
			t.Errorf("%+v", m)
		}
		if m := show(t, l, s.item(9, 2))[0]; !m.Erased {
			t.Errorf("%+v", m)
		}
	}
	hits, _ := search(t, s.lib, retrieve.SearchQuery{Names: []string{s.name(9)}})
	erased := []bool{}
	for _, h := range hits {
		erased = append(erased, h.Erased)
	}
	if !slices.Equal(erased, []bool{false, false, true, false}) {
		t.Errorf("%v", erased)
	}
}

func TestErasedAsAWhole(t *testing.T) {
	s := erasedScene(t)
	for _, l := range []*retrieve.Library{s.lib, s.blind(t)} {
		r := cat(t, l, s.name(0))[0]
		if !r.Gone || !r.Erased || r.Value != nil || r.Coordinates != s.records[0].Coordinates || r.Ledger.Block == nil || r.Ledger.Leaf != -1 {
			t.Errorf("%+v", r)
		}
		if m := show(t, l, s.name(0))[0]; !m.Erased || m.Row.Item.Coordinates != r.Coordinates {
			t.Errorf("%+v", m)
		}
	}
}
