package archiver_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// secondLife gives records the coordinates of era 2.
func secondLife(records []*record.Record) []*record.Record {
	for _, r := range records {
		r.Era = 2
	}
	return records
}

// TestRemadeTopic archives a topic, makes it again on an empty broker with other
// content, shorter, as long and longer, and archives that: a new era is entered,
// the records of both lives are kept, and those of the second are named ~2.
func TestRemadeTopic(t *testing.T) {
	for _, c := range []struct {
		name   string
		n      int
		reason string
	}{
		{"shorter", 2, "rewound"},
		{"as long", 5, "remade"},
		{"longer", 9, "remade"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			first := startBroker(t, filepath.Join(root, "1"), webhooks.Name)
			r := newRig(t, first, newKeys(t, nil), webhooks)
			fed := first.feed(t, webhooks.Name, today, texts(5)...)
			r.host(t).drain()
			first.stop(t)

			second := startBroker(t, filepath.Join(root, "2"), webhooks.Name)
			defer second.stop(t)
			var bodies []string
			for i := range c.n {
				bodies = append(bodies, textOf(i, "another life"))
			}
			again := secondLife(second.feed(t, webhooks.Name, today.Add(time.Minute), bodies...))
			r.source = second.source
			h := r.host(t)
			h.drain()
			r.check(t, append(slices.Clone(fed), again...))
			r.hasEra(t, c.reason)
			if name := h.rows[0].Item.Coordinates.String(); name != "wa.webhooks~2/0/0" {
				t.Errorf("the first record of the second life is %s", name)
			}

			more := secondLife(second.feed(t, webhooks.Name, today.Add(time.Hour), textOf(1, "and on it goes")))
			r.host(t).drain()
			r.check(t, append(slices.Clone(fed), append(again, more...)...))
			if e := r.events(t); len(e) != 1 {
				t.Errorf("events %v after going on", e)
			}
		})
	}
}

// hasEra holds that exactly one era change is entered, with that reason.
func (r *rig) hasEra(t *testing.T, reason string) {
	t.Helper()
	n := 0
	for _, b := range r.blocks(t) {
		for _, raw := range b.Events {
			a, err := ledger.DecodeAct(raw)
			ok(t, err)
			if a.Type != ledger.ActEra {
				t.Errorf("event %s", a.Type)
				continue
			}
			n++
			if a.Era.From != 1 || a.Era.To != 2 || a.Era.Reason != reason || a.Era.Topic != webhooks.Name {
				t.Errorf("era %+v, want reason %s", a.Era, reason)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d era changes", n)
	}
}

// TestRestoredTopic makes a topic again with the records it had: the same log, no
// era, and nothing is archived again.
func TestRestoredTopic(t *testing.T) {
	root := t.TempDir()
	first := startBroker(t, filepath.Join(root, "1"), webhooks.Name)
	r := newRig(t, first, newKeys(t, nil), webhooks)
	first.feed(t, webhooks.Name, today, texts(5)...)
	r.host(t).drain()
	first.stop(t)
	second := startBroker(t, filepath.Join(root, "2"), webhooks.Name)
	defer second.stop(t)
	fed := second.feed(t, webhooks.Name, today, texts(7)...)
	r.source = second.source
	r.host(t).drain()
	r.check(t, fed)
	if e := r.events(t); len(e) != 0 {
		t.Errorf("events %v", e)
	}
}

// TestExpired lets Kafka's retention overtake the archiver: the hole is stated,
// what cannot be compared any more is said, and lost records are an alarm.
func TestExpired(t *testing.T) {
	for _, c := range []struct {
		name   string
		before int64 // what is archived first
		trim   int64
		events []string
		gap    *ledger.Gap
	}{
		{"all that is archived", 4, 4, []string{"last_record_expired"}, nil},
		{"more than is archived", 4, 6, []string{"last_record_expired", "lost_records"}, &ledger.Gap{First: 4, Next: 6, Cause: record.GapExpired}},
		{"before anything is", 0, 3, []string{"expired_before_start"}, &ledger.Gap{First: 0, Next: 3, Cause: record.GapExpired}},
		{"less than is archived", 4, 2, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := tempBroker(t, webhooks.Name)
			r := newRig(t, b, newKeys(t, nil), webhooks)
			bodies := texts(8)
			var fed []*record.Record
			if c.before > 0 {
				fed = b.feed(t, webhooks.Name, today, bodies[:c.before]...)
				r.host(t).drain()
			}
			rest := b.feed(t, webhooks.Name, today.Add(time.Minute), bodies[c.before:]...)
			ok(t, b.broker.Trim(webhooks.Name, 0, c.trim))
			h := r.host(t)
			h.drain()
			for _, w := range rest {
				if w.Offset >= c.trim {
					fed = append(fed, w)
				}
			}
			r.check(t, fed)
			if e := r.events(t); !slices.Equal(e, c.events) {
				t.Errorf("events %v, want %v", e, c.events)
			}
			var gaps []ledger.Gap
			for _, bl := range r.blocks(t) {
				gaps = append(gaps, bl.Entry.Source[0].Gaps...)
			}
			if c.gap == nil && len(gaps) > 0 || c.gap != nil && !slices.Equal(gaps, []ledger.Gap{*c.gap}) {
				t.Errorf("gaps %v, want %v", gaps, c.gap)
			}
			if lost := strings.Contains(h.log.String(), "records are lost"); lost != slices.Contains(c.events, "lost_records") {
				t.Errorf("the log says of lost records: %v", lost)
			}
			r.host(t).drain() // says nothing twice
			if e := r.events(t); len(e) > len(c.events)+1 || len(e) > 0 && len(c.events) == 0 {
				t.Errorf("events %v after another start, before %v", e, c.events)
			}
		})
	}
}
