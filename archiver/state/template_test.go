package state

import (
	"fmt"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func templateItem(kind record.Kind, t whatsapp.Template) whatsapp.Item {
	return whatsapp.Item{Kind: kind, WABA: "900", Template: t, Direction: record.NoWay}
}

func send(t whatsapp.Template) *whatsapp.Item {
	it := outbound("100", "900")
	it.Kind, it.Template = record.Template, t
	return it
}

func TestTemplateAsOf(t *testing.T) {
	f := &feed{State: New(testKey)}
	id := whatsapp.Template{ID: "7001", Name: "sale", Language: "en-US"}
	say := func(kind record.Kind, at int64, change func(*whatsapp.Template)) {
		x := id
		change(&x)
		f.apply(templateItem(kind, x), nil, at)
	}
	say(record.TemplateStatus, 1000, func(x *whatsapp.Template) { x.Event = "APPROVED" })
	say(record.TemplateShot, 1500, func(x *whatsapp.Template) { x.Category = "utility"; x.Hash = strings.Repeat("ab", 32) })
	say(record.TemplateStatus, 3000, func(x *whatsapp.Template) { x.Event = "PAUSED" })
	say(record.TemplateChange, 2000, func(x *whatsapp.Template) { x.Category = "MARKETING" })
	byName := whatsapp.Template{Name: "sale", Language: "en_US"}
	for _, c := range []struct {
		at                    int64
		status, category, saw string
	}{
		{999, "unknown", "unknown", ``},
		{1000, "APPROVED", "unknown", `{"template":"wa.webhooks/0/0#0"}`},
		{1500, "APPROVED", "UTILITY", `{"category":"wa.templates/0/1#0","snapshot":"wa.templates/0/1#0","template":"wa.webhooks/0/0#0"}`},
		{2999, "APPROVED", "MARKETING", `{"category":"wa.webhooks/0/3#0","snapshot":"wa.templates/0/1#0","template":"wa.webhooks/0/0#0"}`},
		{3000, "PAUSED", "MARKETING", `{"category":"wa.webhooks/0/3#0","snapshot":"wa.templates/0/1#0","template":"wa.webhooks/0/2#0"}`},
	} {
		for _, by := range []whatsapp.Template{byName, {ID: "7001"}} {
			facts, saw := f.Facts(send(by), nil, c.at)
			if facts.Template != c.status || facts.Category != c.category || string(saw) != c.saw {
				t.Errorf("at %d: %s %s %s", c.at, facts.Template, facts.Category, saw)
			}
		}
	}
	for name, it := range map[string]*whatsapp.Item{
		"other language": send(whatsapp.Template{Name: "sale", Language: "de"}),
		"other name":     send(whatsapp.Template{Name: "sales", Language: "en_US"}),
		"nothing said":   send(whatsapp.Template{}),
	} {
		if facts, _ := f.Facts(it, nil, 5000); facts.Template != "unknown" || facts.Category != "unknown" {
			t.Errorf("%s: %+v", name, facts)
		}
	}
	other := send(byName)
	other.WABA = "901"
	if facts, _ := f.Facts(other, nil, 5000); facts.Template != "unknown" {
		t.Errorf("another account's template: %+v", facts)
	}
	if facts, _ := f.Facts(outbound("100", "900"), nil, 5000); facts.Template != "" || facts.Category != "" {
		t.Errorf("no template was sent: %+v", facts)
	}
	past := send(byName)
	past.Provenance = record.Backfill
	if facts, _ := f.Facts(past, nil, 5000); facts.Template != "" {
		t.Errorf("history is not judged: %+v", facts)
	}
}

// TestTemplateAccount: a send journal that names only the number is understood
// once a webhook has told whose number it is.
func TestTemplateAccount(t *testing.T) {
	f := &feed{State: New(testKey)}
	f.apply(templateItem(record.TemplateStatus, whatsapp.Template{ID: "7001", Event: "APPROVED"}), nil, 1000)
	it := send(whatsapp.Template{ID: "7001"})
	it.WABA = ""
	if facts, _ := f.Facts(it, nil, 2000); facts.Template != "unknown" {
		t.Errorf("%+v", facts)
	}
	f.apply(inbound("100", "900"), phone(1), 2000)
	if facts, _ := f.Facts(it, nil, 2000); facts.Template != "APPROVED" {
		t.Errorf("%+v", facts)
	}
}

// TestTemplateNames: a snapshot may come before the id is known, and a name may
// be deleted and made again under another id.
func TestTemplateNames(t *testing.T) {
	f := &feed{State: New(testKey)}
	named := whatsapp.Template{Name: "sale", Language: "en_US"}
	first, second := named, named
	first.ID, second.ID = "7001", "7002"
	with := func(x whatsapp.Template, event string) whatsapp.Item {
		x.Event = event
		return templateItem(record.TemplateStatus, x)
	}
	f.apply(with(whatsapp.Template{ID: "7001"}, "PENDING"), nil, 900)
	f.apply(with(named, "APPROVED"), nil, 1000)
	f.apply(with(first, "DELETED"), nil, 2000)
	f.apply(with(second, "PENDING"), nil, 3000)
	for _, c := range []struct {
		by   whatsapp.Template
		at   int64
		want string
	}{
		{whatsapp.Template{ID: "7001"}, 1500, "APPROVED"},
		{whatsapp.Template{ID: "7001"}, 5000, "DELETED"},
		{whatsapp.Template{ID: "7002"}, 5000, "PENDING"},
		{whatsapp.Template{ID: "7002"}, 2500, "unknown"},
		{named, 5000, "PENDING"},
	} {
		if facts, _ := f.Facts(send(c.by), nil, c.at); facts.Template != c.want {
			t.Errorf("%+v at %d: %s, want %s", c.by, c.at, facts.Template, c.want)
		}
	}
}

func TestTemplateBound(t *testing.T) {
	f := &feed{State: New(testKey)}
	for i := range 3 * maxTemplateEvents {
		f.apply(templateItem(record.TemplateStatus, whatsapp.Template{ID: "7001", Event: []string{"APPROVED", "PAUSED"}[i%2]}), nil, int64(1000+i))
	}
	if n := len(f.shelf[0].events); n != maxTemplateEvents {
		t.Errorf("%d events", n)
	}
	if facts, _ := f.Facts(send(whatsapp.Template{ID: "7001"}), nil, 1001); facts.Template != "unknown" {
		t.Errorf("what fell off: %+v", facts)
	}
}

// TestPlatformWord: no digits, nothing long, so that no number gets in.
func TestPlatformWord(t *testing.T) {
	for in, want := range map[string]string{
		"APPROVED": "APPROVED", "Pending_Deletion": "PENDING_DELETION", "": "",
		"15550100001": "", "A1": "", "A B": "", "É": "", strings.Repeat("A", 33): "",
	} {
		if got := platformWord(in); got != want {
			t.Errorf("%q gives %q", in, got)
		}
	}
}

func TestDirectory(t *testing.T) {
	f := &feed{State: New(testKey)}
	say := func(employee, role, department string, from, to int64) {
		f.apply(whatsapp.Item{Kind: record.Directory, Number: "100", Direction: record.NoWay,
			Dir: whatsapp.DirectoryEntry{Employee: employee, Role: role, Department: department, From: from, To: to}}, nil, 9000)
	}
	say("e-1", "adviser", "sales", 1000, 0)
	say("e-2", "", "loans", 2000, 3000)
	say("e-1", "adviser", "sales", 1000, 5000) // closes the first
	say("", "nobody", "", 2500, 0)
	for _, c := range []struct {
		at                         int64
		who, role, department, saw string
	}{
		{999, "", "", "", ``},
		{1000, "e-1", "adviser", "sales", `{"custodian":"wa.directory/0/2#0"}`},
		{2000, "e-2", "", "loans", `{"custodian":"wa.directory/0/1#0"}`},
		{2999, "e-2", "", "loans", `{"custodian":"wa.directory/0/1#0"}`},
		{3000, "e-1", "adviser", "sales", `{"custodian":"wa.directory/0/2#0"}`},
		{5000, "", "", "", ``},
	} {
		in := inbound("100", "")
		facts, saw := f.Facts(&in, phone(1), c.at)
		if facts.Custodian != c.who || facts.Role != c.role || facts.Department != c.department || string(saw) != c.saw {
			t.Errorf("at %d: %+v %s", c.at, facts, saw)
		}
	}
	in := inbound("101", "")
	if facts, _ := f.Facts(&in, phone(1), 2000); facts.Custodian != "" {
		t.Errorf("another number: %+v", facts)
	}
	for i := range int64(maxEntries + 10) {
		say(fmt.Sprint("e-", i), "", "", 10_000+i, 0)
	}
	if n := len(f.places[0].directory); n != maxEntries {
		t.Errorf("%d entries", n)
	}
}
