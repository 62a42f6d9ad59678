package state

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

var testKey = Key{1, 2, 3}

// feed is a little lane: it names items in order and applies them.
type feed struct {
	*State
	next int64
}

func (f *feed) apply(it whatsapp.Item, p *whatsapp.Person, at int64) record.ItemID {
	id := record.ItemID{Coordinates: record.Coordinates{Topic: topicOf(it.Kind), Era: 1, Offset: f.next}}
	f.next++
	if it.Provenance == "" {
		it.Provenance = record.Live
	}
	f.Apply(id, &it, p, at)
	return id
}

func topicOf(k record.Kind) string {
	switch k {
	case record.Consent:
		return "wa.consent"
	case record.TemplateShot:
		return "wa.templates"
	case record.Directory:
		return "wa.directory"
	}
	return "wa.webhooks"
}

// randomItem makes items from few people, numbers and templates, so that they
// meet often, in ways that also make no sense.
func randomItem(r *rand.Rand) (whatsapp.Item, *whatsapp.Person) {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	it := whatsapp.Item{
		Number: pick("", "100", "101", "102"), WABA: pick("", "900", "901"),
		Provenance: record.Live, Direction: record.Inbound, Channel: record.ChannelUser,
	}
	if r.IntN(6) == 0 {
		it.Provenance = record.Backfill
	}
	var p *whatsapp.Person
	if r.IntN(10) > 0 {
		p = &whatsapp.Person{}
		if r.IntN(3) > 0 {
			p.WaID = fmt.Sprintf("1555010%04d", r.IntN(12))
		}
		if r.IntN(3) > 0 {
			p.UserID = fmt.Sprintf("US.%d", r.IntN(12))
		}
		if r.IntN(10) == 0 {
			p.Username = fmt.Sprintf("name%d", r.IntN(4))
		}
	}
	it.Kind = record.Kind(pick("text", "image", "reaction", "status", "consent", "preference", "template_status",
		"template_snapshot", "template_category", "directory", "contact_sync", "system", "call", "template", "unsupported"))
	switch it.Kind {
	case record.Consent:
		it.Consent.Purpose = pick("", "marketing", "Marketing", "utility", "recording_notice")
		it.Sub = pick("given", "withdrawn")
		it.Consent.Given = it.Sub == "given"
	case record.Preference:
		it.PrefValue = pick("stop", "resume", "signup", "?")
	case record.System:
		it.Change = whatsapp.IdentityChange{WaID: fmt.Sprintf("1555010%04d", r.IntN(12)), UserID: pick("", fmt.Sprintf("US.%d", r.IntN(12)))}
	case record.Call:
		it.Sub = pick("connect", "terminate")
	case record.Status:
		it.Sub = pick("sent", "failed", "read")
	case record.Directory:
		it.Dir = whatsapp.DirectoryEntry{Employee: pick("", "e1", "e2", "e3"), Role: pick("", "adviser"), Department: pick("", "sales"),
			From: int64(r.IntN(1 << 20)), To: int64(r.IntN(1 << 20))}
	}
	it.Template = whatsapp.Template{ID: pick("", "7001", "7002"), Name: pick("", "sale", "otp"), Language: pick("en_US", "en-US", "de"),
		Category: pick("", "MARKETING", "UTILITY", "5"), Event: pick("", "APPROVED", "PAUSED"), Hash: pick("", "zz", fmt.Sprintf("%064x", r.IntN(4)+1))}
	return it, p
}

// TestReplay is the property a takeover stands on: at every block, the older
// snapshot and the deltas since give the live state, byte for byte.
func TestReplay(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		live := &feed{State: New(testKey)}
		if seed%3 == 0 {
			live = &feed{State: NewUnknown(testKey, 1<<19)}
		}
		taken := mustLoad(t, mustSnapshot(t, live.State))
		for range 60 {
			for range r.IntN(40) {
				it, p := randomItem(r)
				at := int64(r.IntN(1 << 21))
				before := live.count
				live.Facts(&it, p, at)
				if live.count != before {
					t.Fatal("Facts changed the state")
				}
				live.apply(it, p, at)
			}
			delta := live.Delta()
			if err := taken.ApplyDelta(delta); err != nil {
				t.Fatal(err)
			}
			snap := mustSnapshot(t, live.State)
			if !bytes.Equal(snap, mustSnapshot(t, taken)) {
				t.Fatalf("seed %d: the replayed state differs", seed)
			}
			if r.IntN(4) == 0 {
				taken = mustLoad(t, snap)
			}
			sameFacts(t, r, live.State, taken)
		}
	}
}

func sameFacts(t *testing.T, r *rand.Rand, a, b *State) {
	t.Helper()
	for range 20 {
		it, p := randomItem(r)
		at := int64(r.IntN(1 << 21))
		fa, sa := a.Facts(&it, p, at)
		fb, sb := b.Facts(&it, p, at)
		if fa != fb || !bytes.Equal(sa, sb) {
			t.Fatalf("facts differ: %+v %s, %+v %s", fa, sa, fb, sb)
		}
	}
}

func mustSnapshot(t *testing.T, s *State) []byte {
	t.Helper()
	b, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func mustLoad(t *testing.T, b []byte) *State {
	t.Helper()
	s, err := Load(testKey, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSnapshotPending(t *testing.T) {
	f := &feed{State: New(testKey)}
	f.apply(whatsapp.Item{Kind: record.Text, Number: "100", Direction: record.Inbound}, &whatsapp.Person{WaID: "15550100001"}, 1000)
	if _, err := f.Snapshot(); !errors.Is(err, ErrPending) {
		t.Fatalf("snapshot before the delta: %v", err)
	}
	if err := f.ApplyDelta(New(testKey).Delta()); !errors.Is(err, ErrPending) {
		t.Fatalf("foreign delta over pending changes: %v", err)
	}
	f.Delta()
	mustSnapshot(t, f.State)
}

func TestDeltaOrder(t *testing.T) {
	f := &feed{State: New(testKey)}
	taken := New(testKey)
	first, second := f.Delta(), f.Delta()
	if err := taken.ApplyDelta(second); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a delta too far: %v", err)
	}
	taken = New(testKey)
	for _, d := range [][]byte{first, second} {
		if err := taken.ApplyDelta(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := taken.ApplyDelta(second); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a delta twice: %v", err)
	}
}
