package state

import (
	"fmt"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func consent(number, purpose string, given bool) whatsapp.Item {
	it := whatsapp.Item{Kind: record.Consent, Sub: "withdrawn", Number: number, Direction: record.NoWay}
	it.Consent = whatsapp.Consent{Purpose: purpose, Given: given}
	if given {
		it.Sub = "given"
	}
	return it
}

func preference(number, waba, value string) whatsapp.Item {
	it := whatsapp.Item{Kind: record.Preference, Number: number, WABA: waba, Direction: record.NoWay}
	it.PrefCategory, it.PrefValue = "marketing_messages", value
	return it
}

func outbound(number, waba string) *whatsapp.Item {
	return &whatsapp.Item{Kind: record.Text, Number: number, WABA: waba, Direction: record.Outbound, Channel: record.ChannelAPI, Provenance: record.Live}
}

func inbound(number, waba string) whatsapp.Item {
	return whatsapp.Item{Kind: record.Text, Number: number, WABA: waba, Direction: record.Inbound, Channel: record.ChannelUser}
}

func phone(n int) *whatsapp.Person { return &whatsapp.Person{WaID: fmt.Sprintf("1555010%04d", n)} }
func bsuid(n int) *whatsapp.Person { return &whatsapp.Person{UserID: fmt.Sprintf("US.%d", n)} }

func both(p, b int) *whatsapp.Person {
	return &whatsapp.Person{WaID: phone(p).WaID, UserID: bsuid(b).UserID}
}

func (f *feed) wantMarketing(t *testing.T, it *whatsapp.Item, p *whatsapp.Person, at int64, want, saw string) {
	t.Helper()
	facts, got := f.Facts(it, p, at)
	if facts.Marketing != want || string(got) != saw {
		t.Errorf("marketing at %d: %s %s, want %s %s", at, facts.Marketing, got, want, saw)
	}
}

func TestConsentAsOf(t *testing.T) {
	f := &feed{State: New(testKey)}
	send := outbound("100", "900")
	f.apply(consent("100", "marketing", true), phone(1), 1000)
	f.apply(consent("100", "marketing", true), phone(1), 3000)  // evidence #1
	f.apply(consent("100", "marketing", false), phone(1), 2000) // arrives late, is in force between
	f.wantMarketing(t, send, phone(1), 999, "never", "")
	f.wantMarketing(t, send, phone(1), 1000, "given", `{"marketing":"wa.consent/0/0#0"}`)
	f.wantMarketing(t, send, phone(1), 2500, "withdrawn", `{"marketing":"wa.consent/0/2#0"}`)
	f.wantMarketing(t, send, phone(1), 3000, "given", `{"marketing":"wa.consent/0/1#0"}`)
	f.wantMarketing(t, send, phone(2), 3000, "never", "")
	f.wantMarketing(t, outbound("101", "900"), phone(1), 3000, "never", "")

	in := inbound("100", "900")
	f.wantMarketing(t, &in, phone(1), 3000, "given", "") // no evidence on what the person says
	past := outbound("100", "900")
	past.Provenance = record.Backfill
	f.wantMarketing(t, past, phone(1), 3000, "unknown", "")
	f.wantMarketing(t, send, nil, 3000, "unknown", "")
}

// TestConsentPurposes is a table: these events in order of time, then this answer.
func TestConsentPurposes(t *testing.T) {
	yes := func(p string) whatsapp.Item { return consent("100", p, true) }
	no := func(p string) whatsapp.Item { return consent("100", p, false) }
	pref := func(v string) whatsapp.Item { return preference("100", "900", v) }
	for name, c := range map[string]struct {
		events []whatsapp.Item
		want   string
	}{
		"nothing":                             {nil, "never"},
		"another purpose":                     {[]whatsapp.Item{yes("utility")}, "never"},
		"another purpose withdrawn":           {[]whatsapp.Item{yes("marketing"), no("utility")}, "given"},
		"capitals":                            {[]whatsapp.Item{yes(" Marketing ")}, "given"},
		"general":                             {[]whatsapp.Item{yes("")}, "given"},
		"all":                                 {[]whatsapp.Item{yes("all")}, "given"},
		"all withdrawn":                       {[]whatsapp.Item{yes("marketing"), no("all")}, "withdrawn"},
		"all withdrawn, marketing given":      {[]whatsapp.Item{no("all"), yes("marketing")}, "given"},
		"marketing withdrawn, general given":  {[]whatsapp.Item{no("marketing"), yes("")}, "withdrawn"},
		"stop":                                {[]whatsapp.Item{yes("marketing"), pref("stop")}, "withdrawn"},
		"stop and opt-in":                     {[]whatsapp.Item{pref("stop"), yes("marketing")}, "withdrawn"},
		"stop and resume":                     {[]whatsapp.Item{yes("marketing"), pref("stop"), pref("resume")}, "given"},
		"resume permits nothing":              {[]whatsapp.Item{pref("stop"), pref("resume")}, "never"},
		"resume lifts no withdrawal":          {[]whatsapp.Item{no("marketing"), pref("stop"), pref("resume")}, "withdrawn"},
		"signup":                              {[]whatsapp.Item{pref("signup")}, "given"},
		"signup after stop":                   {[]whatsapp.Item{pref("stop"), pref("signup")}, "given"},
		"signup lifts no withdrawal":          {[]whatsapp.Item{no("marketing"), pref("signup")}, "withdrawn"},
		"a preference nobody has documented":  {[]whatsapp.Item{yes("marketing"), pref("pause")}, "given"},
		"consent for the account":             {[]whatsapp.Item{accountConsent("900", true)}, "given"},
		"consent for everything":              {[]whatsapp.Item{accountConsent("", true)}, "given"},
		"account withdrawn, then number gave": {[]whatsapp.Item{accountConsent("900", false), yes("marketing")}, "given"},
		"number gave, then account withdrawn": {[]whatsapp.Item{yes("marketing"), accountConsent("900", false)}, "withdrawn"},
		"another account":                     {[]whatsapp.Item{accountConsent("901", false), yes("marketing")}, "given"},
	} {
		f := &feed{State: New(testKey)}
		f.apply(inbound("100", "900"), phone(1), 1) // teaches whose number 100 is
		for i, it := range c.events {
			f.apply(it, phone(1), int64(1000+i))
		}
		for _, waba := range []string{"900", ""} { // a send journal may not name the account
			if facts, _ := f.Facts(outbound("100", waba), phone(1), 5000); facts.Marketing != c.want {
				t.Errorf("%s: %s, want %s", name, facts.Marketing, c.want)
			}
		}
	}
}

func accountConsent(waba string, given bool) whatsapp.Item {
	it := consent("", "marketing", given)
	it.WABA = waba
	return it
}

func TestConsentAtOneTime(t *testing.T) {
	for _, first := range []bool{true, false} {
		f := &feed{State: New(testKey)}
		f.apply(consent("100", "marketing", first), phone(1), 1000)
		f.apply(consent("100", "marketing", !first), phone(1), 1000)
		if facts, _ := f.Facts(outbound("100", ""), phone(1), 1000); facts.Marketing != "withdrawn" {
			t.Errorf("of two words at one time %s counts", facts.Marketing)
		}
	}
}

// TestConsentRedelivered: the same word again is no change and keeps its evidence.
func TestConsentRedelivered(t *testing.T) {
	f := &feed{State: New(testKey)}
	f.apply(consent("100", "marketing", true), phone(1), 1000)
	f.Delta()
	f.apply(consent("100", "marketing", true), phone(1), 1000)
	if f.count != 0 {
		t.Errorf("%d changes", f.count)
	}
	f.wantMarketing(t, outbound("100", ""), phone(1), 1000, "given", `{"marketing":"wa.consent/0/0#0"}`)
}

// TestConsentBound: a person who changes their mind without end costs a bounded
// list, and what fell off it is unknown, not never.
func TestConsentBound(t *testing.T) {
	f := &feed{State: New(testKey)}
	for i := range 3 * maxEvents {
		f.apply(consent("100", "marketing", i%2 == 0), phone(1), int64(1000+i))
	}
	for p, list := range f.State.consent {
		if len(list) != maxEvents {
			t.Errorf("person %d has %d events", p, len(list))
		}
	}
	f.wantMarketing(t, outbound("100", ""), phone(1), 1001, "unknown", "")
	f.wantMarketing(t, outbound("100", ""), phone(1), 1000+2*maxEvents, "given", fmt.Sprintf(`{"marketing":"wa.consent/0/%d#0"}`, 2*maxEvents))
}

// TestUnknownIsNotNever: a state whose history is lost says so.
func TestUnknownIsNotNever(t *testing.T) {
	f := &feed{State: NewUnknown(testKey, 100_000)}
	in := inbound("100", "900")
	facts, saw := f.Facts(outbound("100", "900"), phone(1), 150_000)
	if facts.Marketing != "unknown" || facts.Window != "unknown" || facts.Messaged != "unknown" || saw != nil {
		t.Errorf("%+v %s", facts, saw)
	}
	f.apply(in, phone(1), 150_000)
	f.apply(consent("100", "marketing", true), phone(1), 150_000)
	facts, _ = f.Facts(outbound("100", "900"), phone(1), 150_001)
	if facts.Marketing != "given" || facts.Window != "open" || facts.Messaged != "yes" {
		t.Errorf("%+v", facts)
	}
	// A day after its birth it has seen every message that could hold a window open.
	facts, _ = f.Facts(outbound("100", "900"), phone(2), 100_000+windowLength)
	if facts.Marketing != "unknown" || facts.Window != "closed" || facts.Messaged != "unknown" {
		t.Errorf("%+v", facts)
	}
}
