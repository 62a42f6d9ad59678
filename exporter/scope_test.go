package exporter_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/exporter"
)

func words(w string) retrieve.SearchQuery { return retrieve.SearchQuery{Words: w} }

// TestScope asks for one message in each way, and looks at what comes along.
func TestScope(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	day := int64(24 * 3600)
	s.sealed(t,
		text(ada, "wamid.A1", s.at(9, 0), "good morning"),
		text(bea, "wamid.B1", s.at(9, 1), "somebody else"),
		text(ada, "wamid.A2", s.at(9, 2), "the kettle"),
		echo(ada, "wamid.A3", s.at(9, 3), "which kettle"),
		status(ada, "wamid.A3", "read", s.at(9, 4)),
		text(ada, "wamid.A4", s.at(10, 0)+day, "next day"),
		text(ada, "wamid.A5", s.at(10, 1)+day, "and the blue one"),
	)
	for name, c := range map[string]struct {
		req  exporter.Request
		want []string
	}{
		"message":       {exporter.Request{Search: words("blue")}, []string{"and the blue one"}},
		"day":           {exporter.Request{Search: words("blue"), Unit: exporter.Days}, []string{"(next day)", "and the blue one"}},
		"conversation":  {exporter.Request{Search: words("blue"), Unit: exporter.Conversations}, []string{"(good morning)", "(the kettle)", "(which kettle)", "(next day)", "and the blue one"}},
		"all":           {exporter.Request{All: true}, []string{"good morning", "the kettle", "which kettle", "next day", "and the blue one", "somebody else"}},
		"context":       {exporter.Request{Search: words("which"), Context: 1}, []string{"(the kettle)", "which kettle", "(next day)"}},
		"context, long": {exporter.Request{Search: words("which"), Context: 10}, []string{"(good morning)", "(the kettle)", "which kettle", "(next day)", "(and the blue one)"}},
		"a status":      {exporter.Request{Search: retrieve.SearchQuery{Kinds: []record.Kind{record.Status}}}, []string{"which kettle"}},
		"two":           {exporter.Request{Search: words("kettle OR somebody"), Unit: exporter.Days}, []string{"(good morning)", "the kettle", "which kettle", "somebody else"}},
		"a phrase":      {exporter.Request{Search: words(`"the kettle"`)}, []string{"the kettle"}},
		"a person":      {exporter.Request{Search: retrieve.SearchQuery{People: []string{bea.Phone}}, Unit: exporter.Conversations}, []string{"somebody else"}},
		"a time":        {exporter.Request{Search: retrieve.SearchQuery{From: s.at(9, 2), To: s.at(9, 3)}}, []string{"the kettle"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, report := s.export(t, c.req)
			if got := b.texts(t); !slices.Equal(got, c.want) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
			if report.Counts.Messages != len(c.want) || report.Tampered || len(report.Exceptions) > 0 {
				t.Errorf("%+v", report)
			}
		})
	}
}

// TestDays: a day is a day in the production's zone, also the one with 25 hours.
func TestDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	santiago, err := time.LoadLocation("America/Santiago") // its clocks jump at midnight
	if err != nil {
		t.Fatal(err)
	}
	utc := func(month time.Month, day, hour, minute int) int64 {
		return time.Date(2026, month, day, hour, minute, 0, 0, time.UTC).Unix()
	}
	s := newScene(t, archivetest.Options{MaxRecords: 50})
	s.sealed(t,
		text(ada, "wamid.1", utc(10, 24, 21, 59), "the day before"),
		text(ada, "wamid.2", utc(10, 24, 22, 0), "first minute"),
		text(ada, "wamid.3", utc(10, 25, 12, 0), "noon"),
		text(ada, "wamid.4", utc(10, 25, 22, 59), "last minute"),
		text(ada, "wamid.5", utc(10, 25, 23, 0), "the day after"),
		text(bea, "wamid.6", utc(9, 6, 3, 59), "before the jump"),
		text(bea, "wamid.7", utc(9, 6, 4, 0), "right behind the jump"),
		text(bea, "wamid.8", utc(9, 7, 2, 59), "end of the short day"),
		text(bea, "wamid.9", utc(9, 7, 3, 0), "a new day"),
	)
	for name, c := range map[string]struct {
		word string
		zone *time.Location
		want []string
	}{
		"25 hours":    {"noon", berlin, []string{"(first minute)", "noon", "(last minute)"}},
		"utc":         {"noon", time.UTC, []string{"noon", "(last minute)", "(the day after)"}},
		"no midnight": {"short", santiago, []string{"(right behind the jump)", "end of the short day"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := s.export(t, exporter.Request{Search: words(c.word), Unit: exporter.Days, Zone: c.zone})
			if got := b.texts(t); !slices.Equal(got, c.want) {
				t.Errorf("\n got %q\nwant %q", got, c.want)
			}
		})
	}
}

// TestWhoIsWho: one person is named by phone number here and by BSUID there, and a
// phone number passes on to somebody else.
func TestWhoIsWho(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 50})
	phone, user := archivetest.Person{Phone: ada.Phone}, archivetest.Person{BSUID: ada.BSUID, Name: ada.Name}
	s.sealed(t,
		text(ada, "wamid.1", s.at(9, 0), "both names"),
		echo(phone, "wamid.2", s.at(9, 1), "to the number"),
		echo(user, "wamid.3", s.at(9, 2), "to the id"),
		text(bea, "wamid.4", s.at(9, 3), "of bea"),
		text(archivetest.Person{Phone: bea.Phone, BSUID: cem.BSUID, Name: cem.Name}, "wamid.5", s.at(9, 4), "who has the number now"),
	)
	b, report := s.export(t, exporter.Request{Search: words("both"), Unit: exporter.Days})
	if got := b.texts(t); !slices.Equal(got, []string{"both names", "(to the number)", "(to the id)"}) || report.Counts.Conversations != 1 {
		t.Errorf("%q in %d", got, report.Counts.Conversations)
	}
	b, report = s.export(t, exporter.Request{Search: words("bea"), Unit: exporter.Conversations})
	if got := b.texts(t); !slices.Equal(got, []string{"of bea"}) || report.Counts.Conversations != 1 {
		t.Errorf("a passed on number: %q in %d", got, report.Counts.Conversations)
	}
}

// TestNothing: no folder is made where there is nothing, or only an estimate is
// asked for, or a folder is there.
func TestNothing(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	s.sealed(t, text(ada, "wamid.1", s.at(9, 0), "hello"))
	out := filepath.Join(t.TempDir(), "bag")
	req := exporter.Request{Search: words("zebra"), Zone: time.UTC, Unit: exporter.Days, Out: out}
	if _, err := exporter.Export(t.Context(), s.config(t), req); !errors.Is(err, exporter.ErrNothing) {
		t.Error(err)
	}
	req.Search, req.Estimate = words("hello"), true
	r, err := exporter.Export(t.Context(), s.config(t), req)
	if err != nil || r.Estimate.Messages != 1 || r.Estimate.Days != 1 || r.Estimate.Bytes == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, path := range []string{out, out + ".partial"} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(s.looks) != 2 {
		t.Errorf("%d looks", len(s.looks))
	}
	for _, bad := range []exporter.Request{
		{All: true, Zone: time.UTC, Unit: "week", Out: out}, {All: true, Unit: exporter.Days, Out: out}, {All: true, Zone: time.UTC, Unit: exporter.Days},
		{Zone: time.UTC, Unit: exporter.Days, Context: 1, Out: out}, {Zone: time.UTC, Unit: exporter.Messages, Context: -1, Out: out},
	} {
		if _, err := exporter.Export(t.Context(), s.config(t), bad); !errors.Is(err, exporter.ErrRequest) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
