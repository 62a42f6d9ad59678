package archiver_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

const withdrawal = `{"time":"2026-02-20T08:00:00Z","waba_id":"155501000000010","phone_number_id":"155501000000020","display_phone_number":"15550100000","person":{"wa_id":"15550100100","user_id":"US.01349120865530274000"},"business":"Example Ltd","purpose":"marketing","action":"withdrawn","text":"STOP","method":"whatsapp","evidence":"message in the chat","actor":{"kind":"bot","id":"opt-out"}}`

// marketing is send i of a template of which nothing else is known.
func marketing(i int) string {
	return fmt.Sprintf(`{"time":"2026-03-01T09:00:0%dZ","waba_id":"155501000000010","phone_number_id":"155501000000020","display_phone_number":"15550100000","actor":{"kind":"campaign","id":"spring-2026"},"request":{"messaging_product":"whatsapp","recipient_type":"individual","to":"+15550100100","type":"template","template":{"name":"spring_offer","language":{"code":"en_US"}}},"http_status":200,"response":{"messaging_product":"whatsapp","contacts":[{"input":"+15550100100","wa_id":"15550100100","user_id":"US.01349120865530274000"}],"messages":[{"id":"wamid.SEND%04d","message_status":"accepted"}]},"template_id":"1689556908129832","template_category":"MARKETING","rendered":{"body":"Everything must go."}}`, i, i)
}

var allTopics = []archiver.Topic{webhooks, {Name: "wa.sends", Role: whatsapp.RoleSends}, {Name: "wa.consent", Role: whatsapp.RoleConsent}}

// scene is an archive that has learned of a withdrawal, and then is given sends.
type scene struct {
	before   *rig // as of the withdrawal and some traffic
	fed      [][]*record.Record
	unbroken map[string]index.Row // of an archiver that saw all in one life
}

func newScene(t *testing.T) *scene {
	t.Helper()
	b := tempBroker(t, "wa.webhooks", "wa.sends", "wa.consent")
	keys := newKeys(t, nil)
	s := &scene{before: newRig(t, b, keys, allTopics...)}
	s.before.maxRecords, s.before.snapshots = 2, 3
	consent := b.feed(t, "wa.consent", today.Add(-time.Hour), withdrawal)
	hooks := b.feed(t, "wa.webhooks", today.Add(-30*time.Minute), texts(12)...)
	s.before.host(t).drain()
	sends := b.feed(t, "wa.sends", today, marketing(1), marketing(2), marketing(3))
	s.fed = [][]*record.Record{consent, hooks, sends}

	one := newRig(t, b, keys, allTopics...)
	h := one.host(t)
	h.drain()
	one.check(t, s.fed...)
	s.unbroken = byItem(h.rows)
	if row := s.unbroken[sends[0].Coordinates.String()+"#0"]; !slices.Contains(row.Findings, "marketing-after-withdrawal") {
		t.Fatalf("the scene has no finding to lose: %v", row.Findings)
	}
	return s
}

// byItem gives rows by item.
func byItem(rows []index.Row) map[string]index.Row {
	out := map[string]index.Row{}
	for _, r := range rows {
		out[r.Item.String()] = r
	}
	return out
}

// decidedAs holds rows made after a takeover to those of an unbroken life.
func (s *scene) decidedAs(t *testing.T, rows []index.Row) {
	t.Helper()
	for key, r := range byItem(rows) {
		want := s.unbroken[key]
		if r.Class != want.Class || r.Duty != want.Duty || r.Retain != want.Retain || !reflect.DeepEqual(r.Findings, want.Findings) || r.Subject != want.Subject {
			t.Errorf("%s was decided as %s %v, without a takeover as %s %v", key, r.Class, r.Findings, want.Class, want.Findings)
		}
	}
}

// TestTakeoverOfStoresAlone copies the three stores to a machine that has the
// recipients and ingest keys, which open no record, and nothing else. It goes on:
// nothing lost or twice, and what was learned before still counts.
func TestTakeoverOfStoresAlone(t *testing.T) {
	s := newScene(t)
	c := s.before.clone()
	h := c.host(t)
	h.drain()
	c.check(t, s.fed...)
	s.decidedAs(t, h.rows)
	if len(h.rows) != 3 {
		t.Errorf("%d rows after the takeover", len(h.rows))
	}
	if e := c.events(t); len(e) != 0 {
		t.Errorf("events %v", e)
	}
}

// parts lists the keys of lane 0's outboxes or snapshots, oldest first.
func (r *rig) parts(t *testing.T, name string) (keys []string) {
	t.Helper()
	ok(t, r.meta.List(t.Context(), "lanes/0/data/", "", func(v worm.Version) error {
		if strings.HasSuffix(v.Key, "/"+name) {
			keys = append(keys, v.Key)
		}
		return nil
	}))
	return keys
}

// TestDamagedState damages what the lane state is loaded from. The older snapshot
// stands in for the newest; where both are gone, or an outbox behind, the state is
// unknown, the next entry says so, and archiving goes on.
func TestDamagedState(t *testing.T) {
	s := newScene(t)
	snaps, boxes := s.before.parts(t, "snapshot"), s.before.parts(t, "outbox")
	if len(snaps) < 2 {
		t.Fatalf("%d snapshots", len(snaps))
	}
	newest, older, outbox := snaps[len(snaps)-1], snaps[len(snaps)-2], boxes[len(boxes)-1]
	if outbox < newest[:len(newest)-len("snapshot")] {
		t.Fatal("no outbox stands behind the newest snapshot")
	}
	damage := map[string]func(r *rig, key string){
		"gone": func(r *rig, key string) { r.meta.Remove(key) },
		"changed": func(r *rig, key string) {
			body, _, err := r.meta.Get(t.Context(), key)
			ok(t, err)
			body[len(body)-1] ^= 1
			r.meta.Tamper(key, body)
		},
		"empty": func(r *rig, key string) { r.meta.Tamper(key, nil) },
	}
	for how, do := range damage {
		for name, keys := range map[string][]string{"newest snapshot": {newest}, "both snapshots": {newest, older}, "outbox": {outbox}} {
			t.Run(how+" "+name, func(t *testing.T) {
				c := s.before.clone()
				for _, k := range keys {
					do(c, k)
				}
				h := c.host(t)
				h.drain()
				c.archived(t, s.fed...)
				events := c.events(t)
				if name == "newest snapshot" {
					s.decidedAs(t, h.rows)
					if len(events) != 0 {
						t.Errorf("events %v", events)
					}
					return
				}
				if !slices.Equal(events, []string{"state_unknown"}) {
					t.Errorf("events %v, want state_unknown", events)
				}
				next := c.clone().host(t) // the damage is behind a snapshot now
				next.drain()
				if strings.Contains(next.log.String(), "damaged") {
					t.Errorf("the next owner met the damage again:\n%s", next.log)
				}
			})
		}
	}
}

// TestUnreachableState lets the state be out of reach for a moment: that is no
// damage.
func TestUnreachableState(t *testing.T) {
	s := newScene(t)
	c := s.before.clone()
	h := c.host(t)
	failed := failFirst(c, s.before.parts(t, "snapshot")...)
	h.drain()
	if *failed == 0 {
		t.Fatal("nothing failed")
	}
	c.check(t, s.fed...)
	s.decidedAs(t, h.rows)
	if e := c.events(t); len(e) != 0 {
		t.Errorf("events %v", e)
	}
}

// TestHiddenBlocks puts a newer version over a block and a delete marker over the
// next: neither changes anything, and the entry says what was met.
func TestHiddenBlocks(t *testing.T) {
	s := newScene(t)
	c := s.before.clone()
	n := uint64(len(c.blocks(t)))
	c.locked.AddVersion(ledger.BlockKey("0", n-2), []byte("another"), worm.Lock{RetainUntil: today.AddDate(1, 0, 0)})
	c.locked.AddMarker(ledger.BlockKey("0", n-1))
	h := c.host(t)
	h.drain()
	c.archived(t, s.fed...)
	s.decidedAs(t, h.rows)
	if e := c.events(t); !slices.Contains(e, "delete_marker") {
		t.Errorf("events %v", e)
	}
}
