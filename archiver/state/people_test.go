package state

import (
	"math/rand/v2"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// TestAliases is a table: these people seen in order, the first with consent
// given or withdrawn before, then the answer for the last.
func TestAliases(t *testing.T) {
	for name, c := range map[string]struct {
		consents *whatsapp.Person
		seen     []*whatsapp.Person
		asked    *whatsapp.Person
		given    string // the answer where consent was given
		refused  string // the answer where it was withdrawn
	}{
		"same phone":                       {phone(1), nil, phone(1), "given", "withdrawn"},
		"another phone":                    {phone(1), nil, phone(2), "never", "never"},
		"BSUID learned by a message":       {phone(1), []*whatsapp.Person{both(1, 1)}, bsuid(1), "given", "withdrawn"},
		"BSUID in the item itself":         {phone(1), nil, both(1, 1), "given", "withdrawn"},
		"phone learned by a message":       {bsuid(1), []*whatsapp.Person{both(1, 1)}, phone(1), "given", "withdrawn"},
		"BSUID never seen with the phone":  {phone(1), nil, bsuid(1), "never", "never"},
		"two people turn out to be one":    {phone(1), []*whatsapp.Person{bsuid(1), both(1, 1)}, bsuid(1), "given", "withdrawn"},
		"one, asked by both":               {phone(1), []*whatsapp.Person{bsuid(1)}, both(1, 1), "given", "withdrawn"},
		"changed number, same BSUID":       {both(1, 1), []*whatsapp.Person{both(2, 1)}, both(2, 1), "never", "withdrawn"},
		"changed number, by phone":         {both(1, 1), []*whatsapp.Person{both(2, 1)}, phone(2), "never", "withdrawn"},
		"changed number, not yet seen":     {both(1, 1), nil, both(2, 1), "never", "withdrawn"},
		"the old number still has it":      {both(1, 1), []*whatsapp.Person{both(2, 1)}, phone(1), "given", "withdrawn"},
		"recycled number, by both":         {both(1, 1), []*whatsapp.Person{both(1, 2)}, both(1, 2), "never", "withdrawn"},
		"recycled number, by phone":        {both(1, 1), []*whatsapp.Person{both(1, 2)}, phone(1), "never", "withdrawn"},
		"recycled number, by the new user": {both(1, 1), []*whatsapp.Person{both(1, 2)}, bsuid(2), "never", "withdrawn"},
		"recycled number, by the old user": {both(1, 1), []*whatsapp.Person{both(1, 2)}, bsuid(1), "given", "withdrawn"},
		"both known, of others":            {both(1, 1), []*whatsapp.Person{both(2, 2)}, both(2, 1), "never", "withdrawn"},
		"both known, of others, and seen":  {both(1, 1), []*whatsapp.Person{both(2, 2), both(2, 1)}, phone(2), "never", "withdrawn"},
		"to a phone that was known alone":  {both(1, 1), []*whatsapp.Person{phone(2), both(2, 1)}, phone(2), "never", "withdrawn"},
		"BSUID known alone takes a phone":  {both(1, 1), []*whatsapp.Person{bsuid(2), both(1, 2)}, phone(1), "never", "withdrawn"},
		"there and back":                   {both(1, 1), []*whatsapp.Person{both(1, 2), both(1, 1)}, both(1, 1), "given", "withdrawn"},
		"user name":                        {&whatsapp.Person{Username: "Ada"}, nil, &whatsapp.Person{Username: "ada"}, "given", "withdrawn"},
		"user name is no identity":         {&whatsapp.Person{WaID: phone(1).WaID, Username: "ada"}, nil, &whatsapp.Person{Username: "ada"}, "never", "never"},
	} {
		for _, given := range []bool{true, false} {
			for _, scope := range []string{"number", "account"} {
				f := &feed{State: New(testKey)}
				f.apply(inbound("100", "900"), phone(9), 1)
				it := consent("100", "marketing", given)
				if scope == "account" {
					it = accountConsent("900", given)
				}
				f.apply(it, c.consents, 1000)
				for i, p := range c.seen {
					f.apply(inbound("100", "900"), p, int64(2000+i))
				}
				want := c.refused
				if given {
					want = c.given
				}
				if facts, _ := f.Facts(outbound("100", "900"), c.asked, 3000); facts.Marketing != want {
					t.Errorf("%s, at the %s, given %v: %s, want %s", name, scope, given, facts.Marketing, want)
				}
				checkTables(t, f.State)
			}
		}
	}
}

// TestLearningChangesNoAnswer: what an item itself teaches about identities is
// already in the answer given for it, so Facts before and after Apply agree. Only
// the effects of the item are left out, with a kind that has none.
func TestLearningChangesNoAnswer(t *testing.T) {
	learned := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		f := &feed{State: New(testKey)}
		for range 300 {
			it, p := randomItem(r)
			f.apply(it, p, int64(1+r.IntN(1<<20)))
			ask, p := outbound([]string{"100", "101", "102"}[r.IntN(3)], "900"), both(r.IntN(12), r.IntN(12))
			at := int64(1 + r.IntN(1<<20))
			before, saw := f.Facts(ask, p, at)
			f.Delta()
			f.apply(whatsapp.Item{Kind: record.ContactSync, Number: ask.Number, WABA: "900"}, p, at)
			if f.count > 0 {
				learned++
			}
			after, again := f.Facts(ask, p, at)
			if before != after || string(saw) != string(again) {
				t.Fatalf("seed %d: before %+v %s, after %+v %s", seed, before, saw, after, again)
			}
		}
		checkTables(t, f.State)
	}
	if learned < 1000 {
		t.Fatalf("only %d items taught anything", learned)
	}
}

// checkTables holds the maps to the people they point at.
func checkTables(t *testing.T, s *State) {
	t.Helper()
	for key, p := range s.ids {
		who := s.people[p]
		if key != who.phone.within(who.scope) && key != who.bsuid.within(who.scope) {
			t.Errorf("identity of person %d is not theirs", p)
		}
	}
	counts := make([]uint32, len(s.places))
	for _, p := range s.people {
		counts[p.scope]++
	}
	for i, n := range counts {
		if s.places[i].people != n {
			t.Errorf("scope %d counts %d people, has %d", i, s.places[i].people, n)
		}
	}
}

// TestChangeOfNumberMessage: the platform's own notice names old and new. They
// become no aliases: a permission stays with the old, a refusal goes along.
func TestChangeOfNumberMessage(t *testing.T) {
	for _, kind := range []record.Kind{record.System, record.Identity} {
		for _, scope := range []string{"number", "account"} {
			for _, given := range []bool{true, false} {
				f := &feed{State: New(testKey)}
				f.apply(inbound("100", "900"), both(1, 1), 1)
				said := consent("100", "marketing", given)
				if scope == "account" {
					said = accountConsent("900", given)
				}
				f.apply(said, phone(1), 1000)
				it := whatsapp.Item{Kind: kind, Sub: "user_changed_number", Number: "100", WABA: "900", Direction: record.NoWay}
				it.Change = whatsapp.IdentityChange{WaID: phone(2).WaID, UserID: bsuid(2).UserID, OldUserID: bsuid(1).UserID}
				f.apply(it, bsuid(1), 2000)
				want := map[bool][2]string{true: {"never", "given"}, false: {"withdrawn", "withdrawn"}}[given]
				for i, p := range []*whatsapp.Person{phone(2), phone(1)} {
					facts, _ := f.Facts(outbound("100", ""), p, 3000)
					if facts.Marketing != want[i] {
						t.Errorf("%s, %s, given %v: person %d is %s, want %s", kind, scope, given, i, facts.Marketing, want[i])
					}
				}
				if facts, _ := f.Facts(outbound("100", ""), bsuid(2), 3000); facts.Messaged != "no" {
					t.Errorf("%+v", facts)
				}
				checkTables(t, f.State)
			}
		}
	}
}

// TestAddressBook: a contact nobody wrote to is not kept, one that is known teaches.
func TestAddressBook(t *testing.T) {
	f := &feed{State: New(testKey)}
	sync := whatsapp.Item{Kind: record.ContactSync, Sub: "add", Number: "100", Direction: record.NoWay}
	if facts, _ := f.Facts(&sync, phone(1), 1000); facts.Messaged != "no" {
		t.Errorf("%+v", facts)
	}
	f.apply(sync, both(1, 1), 1000)
	if f.People() != 0 {
		t.Error("an address book fills the state")
	}
	f.apply(inbound("100", ""), phone(2), 1000)
	f.apply(sync, both(2, 2), 1000)
	if facts, _ := f.Facts(&sync, bsuid(2), 1000); facts.Messaged != "yes" {
		t.Errorf("%+v", facts)
	}
}

func TestMessaged(t *testing.T) {
	for name, c := range map[string]struct {
		it   whatsapp.Item
		want string
	}{
		"text":            {whatsapp.Item{Kind: record.Text, Direction: record.Inbound}, "yes"},
		"echo":            {whatsapp.Item{Kind: record.Image, Direction: record.Outbound, Channel: record.ChannelApp}, "yes"},
		"history":         {whatsapp.Item{Kind: record.Text, Direction: record.Inbound, Provenance: record.Backfill}, "yes"},
		"placeholder":     {whatsapp.Item{Kind: record.MediaPlaceholder, Provenance: record.Backfill}, "yes"},
		"reaction":        {whatsapp.Item{Kind: record.Reaction, Direction: record.Inbound}, "yes"},
		"delivered":       {whatsapp.Item{Kind: record.Status, Sub: "delivered"}, "yes"},
		"failed":          {whatsapp.Item{Kind: record.Status, Sub: "failed"}, "no"},
		"sent":            {whatsapp.Item{Kind: record.Template, Direction: record.Outbound, HTTP: 200}, "yes"},
		"refused send":    {whatsapp.Item{Kind: record.Template, Direction: record.Outbound, HTTP: 400}, "no"},
		"read receipt":    {whatsapp.Item{Kind: record.Send, Direction: record.Outbound, HTTP: 200}, "no"},
		"contact sync":    {whatsapp.Item{Kind: record.ContactSync}, "no"},
		"consent":         {consent("100", "marketing", true), "no"},
		"identity change": {whatsapp.Item{Kind: record.System, Direction: record.Inbound}, "no"},
	} {
		f := &feed{State: New(testKey)}
		c.it.Number = "100"
		f.apply(c.it, phone(1), 1000)
		if facts, _ := f.Facts(outbound("100", ""), phone(1), 1000); facts.Messaged != c.want {
			t.Errorf("%s: %s, want %s", name, facts.Messaged, c.want)
		}
		if facts, _ := f.Facts(outbound("101", ""), phone(1), 1000); facts.Messaged != "no" {
			t.Errorf("%s: another number says %s", name, facts.Messaged)
		}
	}
}

// TestHiddenPast: what fell off a person's lists is unknown, not never and not
// closed, also of whom they turn out to be or become.
func TestHiddenPast(t *testing.T) {
	const day = windowLength
	for name, c := range map[string]struct {
		first, seen, asked *whatsapp.Person
		window             string
	}{
		"the person":     {phone(1), nil, phone(1), "unknown"},
		"merged":         {phone(1), both(1, 1), bsuid(1), "unknown"},
		"changed number": {both(1, 1), both(2, 1), phone(2), "closed"}, // another person, who never wrote
	} {
		f := &feed{State: New(testKey)}
		for i := range 3 {
			f.apply(inbound("100", ""), c.first, int64(day+4*day*i))
		}
		for i := range maxEvents + 1 {
			f.apply(consent("100", "utility", i%2 == 0), c.first, int64(1000+i))
		}
		if c.seen != nil {
			it := whatsapp.Item{Kind: record.Status, Sub: "read", Number: "100"}
			f.apply(it, &whatsapp.Person{UserID: c.seen.UserID}, 20*day)
			f.apply(it, c.seen, 20*day)
		}
		facts, _ := f.Facts(outbound("100", ""), c.asked, day+10)
		if facts.Window != c.window {
			t.Errorf("%s: window %s, want %s", name, facts.Window, c.window)
		}
		if facts, _ := f.Facts(outbound("100", ""), c.asked, 21*day); facts.Marketing != "unknown" {
			t.Errorf("%s: marketing %s", name, facts.Marketing)
		}
	}
}
