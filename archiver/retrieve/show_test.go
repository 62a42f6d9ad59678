package retrieve_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/ledger"
)

func names(hits []*retrieve.Hit) (out []string) {
	for _, h := range hits {
		out = append(out, h.Row.Item.String())
	}
	return out
}

func TestShowMessage(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{answer, s.item(1, 0), s.item(3, 0), s.item(7, 1), s.item(8, 1), s.name(1)} {
		all := show(t, s.lib, name)
		if len(all) != 1 {
			t.Fatalf("%s: %d messages", name, len(all))
		}
		m := all[0]
		if m.ID != answer || m.State != index.StateRead && m.Row.Item.String() == s.item(1, 0) {
			t.Errorf("%s: id %q, state %q", name, m.ID, m.State)
		}
		if got := names(m.Deliveries); !slices.Equal(got, []string{s.item(1, 0)}) {
			t.Errorf("%s: deliveries %v", name, got)
		}
		if got := names(m.Statuses); !slices.Equal(got, []string{s.item(7, 1), s.item(7, 2), s.item(7, 0)}) {
			t.Errorf("%s: statuses %v", name, got)
		}
		if got := names(m.Reactions); !slices.Equal(got, []string{s.item(8, 1)}) || m.Reactions[0].Text() != "❤" {
			t.Errorf("%s: reactions %v", name, got)
		}
		if len(m.Edits) != 2 || m.Edits[0].Before != "I will call you at noon" || m.Edits[0].Text() != "I will call you at one" ||
			m.Edits[1].Before != "I will call you at one" || m.Edits[1].Text() != "I will call you at two" {
			t.Errorf("%s: %d edits", name, len(m.Edits))
		}
		if item := m.Row.Item.String(); strings.Contains(name, "#") && item != name || !strings.Contains(name, "#") && item != s.item(1, 0) {
			t.Errorf("%s: shown by %s", name, item)
		}
	}
	m := show(t, s.lib, mistake)[0]
	if !m.Revoked || len(m.Revokes) != 1 || m.Text() != "not meant for you" {
		t.Errorf("revoked: %+v", m)
	}
	m = show(t, s.lib, question)[0]
	if got := names(m.Deliveries); !slices.Equal(got, []string{s.item(0, 0), s.item(2, 0)}) {
		t.Errorf("deliveries %v", got)
	}
	m = show(t, s.lib, forgotten)[0]
	if len(m.Deliveries) != 0 || len(m.Statuses) != 1 || m.ID != forgotten || m.Row.Kind != record.Status {
		t.Errorf("a message of which only a status came: %+v", m)
	}
}

func TestShowPlaceAndDecision(t *testing.T) {
	s := newScene(t)
	for i := range s.records {
		for _, m := range show(t, s.lib, s.name(i)) {
			row := &m.Row
			b, err := lane.ReadBlock(t.Context(), s.Locked, row.Lane, row.Block)
			if err != nil {
				t.Fatal(err)
			}
			p := m.Ledger
			if p.Entry != ledger.Sum(b.EntryBytes) || p.Block.Entry.RecordsRoot != b.Entry.RecordsRoot || p.Hash != b.Leaves[p.Leaf] ||
				p.Segment != row.Segment || p.Cell != row.Cell || p.RetainUntil == "" {
				t.Errorf("%s: place %+v", row.Item, p)
			}
			if m.Decision == nil || m.Decision.Facts["kind"] != string(row.Kind) {
				t.Fatalf("%s: decision %+v", row.Item, m.Decision)
			}
			var out struct{ Class, Revision string }
			if err := json.Unmarshal(m.Decision.Out, &out); err != nil || out.Class != row.Class || out.Revision != row.Policy {
				t.Errorf("%s: %s, %v", row.Item, m.Decision.Out, err)
			}
		}
	}
}

func TestShowEvidence(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	consent := a.Feed(t, "wa.consent", &record.Record{Key: []byte(archivetest.WABA), Value: []byte(
		`{"time":"2026-02-01T08:00:00Z","waba_id":"` + archivetest.WABA + `","phone_number_id":"` + archivetest.Number + `","person":{"wa_id":"` + ada.Phone +
			`"},"purpose":"marketing","action":"given","text":"Send me offers","method":"web","actor":{"kind":"human","id":"e.example"}}`)})
	a.Archive(t)
	send := a.Feed(t, "wa.sends", &record.Record{Key: []byte(archivetest.WABA), Value: []byte(
		`{"time":"2026-03-01T09:00:00Z","waba_id":"` + archivetest.WABA + `","phone_number_id":"` + archivetest.Number + `","actor":{"kind":"campaign","id":"c"},"http_status":200,` +
			`"request":{"to":"` + ada.Phone + `","type":"template","template":{"name":"offer","language":{"code":"en_US"}}},"template_category":"MARKETING",` +
			`"response":{"contacts":[{"wa_id":"` + ada.Phone + `"}],"messages":[{"id":"wamid.OFFER"}]}}`)})
	a.Archive(t)
	m := show(t, library(t, a), send[0].String())[0]
	if m.Decision.Facts["marketing"] != "given" {
		t.Errorf("facts %v", m.Decision.Facts)
	}
	if !slices.ContainsFunc(m.Decision.Evidence, func(e retrieve.Evidence) bool { return e.Item == consent[0].String()+"#0" && e.What != "" }) {
		t.Errorf("evidence %v", m.Decision.Evidence)
	}
}

func TestShowPerson(t *testing.T) {
	s := newScene(t)
	for _, who := range []string{ada.Phone, ada.BSUID} {
		var got []string
		for _, m := range show(t, s.lib, who) {
			got = append(got, m.ID)
		}
		want := []string{question, answer, mistake, forgotten, "wamid.ADA2", "wamid.ADA3"}
		if !slices.Equal(got, want) {
			t.Errorf("%v\nwant %v", got, want)
		}
	}
}

func TestShowNothing(t *testing.T) {
	s := newScene(t)
	for _, name := range []string{"wa.webhooks/0/999", "wa.nowhere/0/0", s.item(0, 7), "wamid.NOBODY", "15550109999", "hello", "", "wa.webhooks~2" + strings.TrimPrefix(s.name(0), "wa.webhooks")} {
		err := s.lib.Show(t.Context(), name, func(*retrieve.Message) error { t.Errorf("%q shows something", name); return nil })
		if !errors.Is(err, retrieve.ErrNone) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What is known by its name is shown without an index, by itself.
func TestShowWithoutAnIndex(t *testing.T) {
	s := newScene(t)
	l := s.blind(t)
	all := show(t, l, s.name(9))
	if len(all) != 4 {
		t.Fatalf("%d messages", len(all))
	}
	for i, m := range all {
		want := show(t, s.lib, s.item(9, i))[0]
		if m.Text() != want.Text() || m.Text() == "" || m.Ledger.Hash != want.Ledger.Hash || m.Decision == nil || len(m.Deliveries) != 1 {
			t.Errorf("%+v", m)
		}
	}
	if m := show(t, l, s.item(9, 2))[0]; m.Text() != "and the invoice" {
		t.Errorf("%q", m.Text())
	}
	if err := l.Show(t.Context(), s.item(9, 4), nil); !errors.Is(err, retrieve.ErrNone) {
		t.Errorf("an item too many: %v", err)
	}
}
