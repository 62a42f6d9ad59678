package retrieve_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
)

func TestSearch(t *testing.T) {
	s := newScene(t)
	r := s.item
	aboutAda := []string{
		r(0, 0), r(2, 0), r(1, 0), r(7, 1), r(7, 2), r(7, 0), r(3, 0), r(4, 0), r(5, 0), r(6, 0), r(7, 3), r(8, 0), r(8, 1), r(9, 2), r(10, 0),
	}
	api := "wa.sends" + strings.TrimPrefix(s.item(0, 0), "wa.webhooks")
	for name, c := range map[string]struct {
		q    retrieve.SearchQuery
		want []string
	}{
		"words":                      {retrieve.SearchQuery{Words: "wire transfer"}, []string{r(0, 0), r(2, 0), r(9, 0)}},
		"phrase":                     {retrieve.SearchQuery{Words: `"wire transfer"`}, []string{r(0, 0), r(2, 0)}},
		"phrase or word":             {retrieve.SearchQuery{Words: `"wire transfer" OR bye`}, []string{r(0, 0), r(2, 0), r(11, 0)}},
		"not a phrase":               {retrieve.SearchQuery{Words: `wire NOT "wire transfer"`}, []string{r(9, 0)}},
		"no such word":               {retrieve.SearchQuery{Words: "zebra"}, nil},
		"phone number":               {retrieve.SearchQuery{People: []string{"+1 (555) 010-0001"}}, aboutAda},
		"bsuid":                      {retrieve.SearchQuery{People: []string{ada.BSUID}}, aboutAda},
		"two people":                 {retrieve.SearchQuery{People: []string{bea.BSUID, cem.Phone}}, []string{r(9, 0), r(9, 1), r(9, 3), r(11, 0), api}},
		"nobody":                     {retrieve.SearchQuery{People: []string{"15550109999"}}, nil},
		"person and words":           {retrieve.SearchQuery{People: []string{bea.Phone}, Words: "invoice"}, []string{r(9, 3)}},
		"number":                     {retrieve.SearchQuery{Numbers: []string{archivetest.Number}, Words: "bye"}, []string{r(11, 0)}},
		"phone number of the firm":   {retrieve.SearchQuery{Numbers: []string{"+1 555 010 0000"}, Words: "bye OR api"}, []string{r(11, 0), api}},
		"both":                       {retrieve.SearchQuery{Numbers: []string{"+1 555 010 0000", archivetest.Number}, Words: "bye"}, []string{r(11, 0)}},
		"another number":             {retrieve.SearchQuery{Numbers: []string{"15550108888"}}, nil},
		"names of every kind":        {retrieve.SearchQuery{Names: []string{s.name(11), r(9, 1), mistake}}, []string{r(5, 0), r(6, 0), r(9, 1), r(11, 0)}},
		"a record, named twice":      {retrieve.SearchQuery{Names: []string{s.name(11), r(11, 0), "wamid.BEA3"}}, []string{r(11, 0)}},
		"names and words":            {retrieve.SearchQuery{Names: []string{s.name(9), answer}, Words: "invoice"}, []string{r(9, 2), r(9, 3)}},
		"kind":                       {retrieve.SearchQuery{Kinds: []record.Kind{record.Status}}, []string{r(7, 1), r(7, 2), r(7, 0), r(7, 3)}},
		"channel":                    {retrieve.SearchQuery{Channels: []record.Channel{record.ChannelAPI}}, []string{api}},
		"time":                       {retrieve.SearchQuery{From: s.Now().Unix() + 90, To: s.Now().Unix() + 93}, []string{r(9, 0), r(9, 1), r(9, 2)}},
		"newest first, of several":   {retrieve.SearchQuery{Newest: true, Names: []string{s.name(11), r(9, 1), mistake}}, []string{r(11, 0), r(9, 1), r(6, 0), r(5, 0)}},
		"limit":                      {retrieve.SearchQuery{People: []string{ada.Phone}, Limit: 2}, aboutAda[:2]},
		"limit beyond what there is": {retrieve.SearchQuery{Words: "bye", Limit: 50}, []string{r(11, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			hits, sum := search(t, s.lib, c.q)
			if got := items(hits); !slices.Equal(got, c.want) {
				t.Errorf("\n got %v\nwant %v", got, c.want)
			}
			if sum.Items != len(c.want) || (sum.Cursor != "") != (name == "limit") {
				t.Errorf("%+v", sum)
			}
			count := c.q
			count.Count, count.Limit = true, 0
			_, counted := search(t, s.lib, count)
			all := c.q
			all.Limit = 0
			_, sum = search(t, s.lib, all)
			if counted != sum {
				t.Errorf("counted %+v, found %+v", counted, sum)
			}
		})
	}
}

func TestSearchGoesOnWhereItEnded(t *testing.T) {
	s := newScene(t)
	for name, q := range map[string]retrieve.SearchQuery{
		"all":     {},
		"newest":  {Newest: true},
		"confirm": {Words: `"wire transfer" OR "the invoice" OR bye`},
		"merged":  {Names: []string{s.name(9), answer, mistake}},
	} {
		t.Run(name, func(t *testing.T) {
			whole, _ := search(t, s.lib, q)
			for size := 1; size <= 3; size++ {
				var got []string
				for q.Limit, q.Cursor = size, ""; ; {
					hits, sum := search(t, s.lib, q)
					got = append(got, items(hits)...)
					if q.Cursor = sum.Cursor; q.Cursor == "" {
						break
					}
				}
				if want := items(whole); !slices.Equal(got, want) || len(want) < 4 {
					t.Errorf("by %d\n got %v\nwant %v", size, got, want)
				}
				q.Limit = 0
			}
		})
	}
}

func TestHit(t *testing.T) {
	s := newScene(t)
	one := func(name string) *retrieve.Hit {
		t.Helper()
		hits, _ := search(t, s.lib, retrieve.SearchQuery{Names: []string{name}})
		if len(hits) != 1 {
			t.Fatalf("%d hits", len(hits))
		}
		return hits[0]
	}
	h := one(s.item(1, 0))
	if h.Text() != "I will call you at noon" || h.Who() != ada.Phone || h.State != index.StateRead || !h.Edited || h.Revoked || h.Erased || h.Problem != nil {
		t.Errorf("answer: %q of %q, %q, %+v", h.Text(), h.Who(), h.State, h)
	}
	if h = one(s.item(5, 0)); h.State != index.StateUnknown || !h.Revoked || h.Edited {
		t.Errorf("mistake: %+v", h)
	}
	if h = one(s.item(0, 0)); h.State != "" || h.Name() != ada.Name || h.Clock() != "platform" || h.Time() != s.Now().UTC() {
		t.Errorf("question: %q, %q, %s, %s", h.State, h.Name(), h.Clock(), h.Time())
	}
	if h = one(s.item(10, 0)); h.Who() != ada.BSUID {
		t.Errorf("without a phone number: %q", h.Who())
	}
	if h = one(s.item(7, 3)); h.State != "" || h.Edited || h.Revoked {
		t.Errorf("status: %+v", h)
	}
}

func TestSearchRefuses(t *testing.T) {
	s := newScene(t)
	_, sum := search(t, s.lib, retrieve.SearchQuery{Limit: 1})
	for name, c := range map[string]struct {
		q    retrieve.SearchQuery
		want error
	}{
		"words":             {retrieve.SearchQuery{Words: `"open`}, index.ErrWords},
		"words as a query":  {retrieve.SearchQuery{Words: `"open`}, retrieve.ErrQuery},
		"person":            {retrieve.SearchQuery{People: []string{"Ada"}}, retrieve.ErrQuery},
		"conversation":      {retrieve.SearchQuery{Conversations: []string{"xx"}}, retrieve.ErrQuery},
		"cursor of another": {retrieve.SearchQuery{Newest: true, Cursor: sum.Cursor}, retrieve.ErrCursor},
		"no cursor":         {retrieve.SearchQuery{Cursor: "xx"}, retrieve.ErrCursor},
	} {
		_, err := s.lib.Search(t.Context(), c.q, func(*retrieve.Hit) error { return nil })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && strings.Contains(err.Error(), "Ada") {
			t.Errorf("%s: the error repeats what was asked: %v", name, err)
		}
	}
	stop := errors.New("stop")
	if _, err := s.lib.Search(t.Context(), retrieve.SearchQuery{}, func(*retrieve.Hit) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error: %v", err)
	}
}

// An event of the account names a phone number of the firm and no id: it is
// found by that number.
func TestSearchByTheFirmsPhoneNumber(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	a.FeedSamples(t, root)
	a.Archive(t)
	hits, _ := search(t, library(t, a), retrieve.SearchQuery{Numbers: []string{"+" + archivetest.Display}})
	with, without := 0, 0
	for _, h := range hits {
		switch h.Row.Number {
		case archivetest.Number:
			with++
		case "":
			without++
		default:
			t.Errorf("%s is on another number", h.Row.Item)
		}
	}
	if with < 50 || without == 0 {
		t.Errorf("%d items of the number, %d of the account", with, without)
	}
}

// Words are found under every key they were hashed with.
func TestSearchOverTokenEpochs(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{})
	for _, id := range []string{"wamid.OLD", "wamid.NEW"} {
		a.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages",
			archivetest.Contacts(ada)+`,"messages":[`+archivetest.Text(ada, id, a.Now().Unix(), "the same words")+`]`)))
		a.Archive(t)
		a.NewEpoch(t)
	}
	hits, _ := search(t, library(t, a), retrieve.SearchQuery{Words: "words"})
	if len(hits) != 2 || hits[0].Row.TokenEpoch == hits[1].Row.TokenEpoch {
		t.Errorf("%d hits", len(hits))
	}
}

// A page of hits in one segment opens it once.
func TestSearchOpensASegmentOnce(t *testing.T) {
	a := archivetest.New(t, archivetest.Options{MaxRecords: 50})
	for range 40 {
		a.Feed(t, "wa.webhooks", archivetest.Record(archivetest.Webhook("messages",
			archivetest.Contacts(ada)+`,"messages":[`+archivetest.Text(ada, "wamid.M", a.Now().Unix(), "again and again")+`]`)))
	}
	a.Archive(t)
	lib := library(t, a)
	search(t, lib, retrieve.SearchQuery{Limit: 1}) // boxes are remembered by the Reader
	few := countReads(a, func() { search(t, lib, retrieve.SearchQuery{Limit: 1}) })
	many := countReads(a, func() { search(t, lib, retrieve.SearchQuery{Words: "again"}) })
	if many != few || few == 0 {
		t.Errorf("%d reads for one hit, %d for forty", few, many)
	}
}
