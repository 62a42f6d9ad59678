package whatsapp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// checkAll holds every rule Parse promises against one record.
func checkAll(t *testing.T, p *Parser, role Role, r *record.Record) *Parsed {
	t.Helper()
	got := p.Parse(role, r, nil)
	checkShape(t, r.Value, got)
	checkErasure(t, p, role, r, got)
	return got
}

// checkShape: items numbered in order of appearance; regions disjoint, in order,
// JSON of their own, each with exactly the items in it, all its person's; cut
// out and put together again they are the value.
func checkShape(t *testing.T, value []byte, got *Parsed) {
	t.Helper()
	if len(got.Items) == 0 {
		t.Fatal("no item")
	}
	at := 0
	for i, it := range got.Items {
		if it.N != i || it.Span.Start < at || it.Span.End < it.Span.Start || it.Span.End > len(value) || it.Person < -1 || it.Person >= len(got.People) {
			t.Fatalf("item %d: number %d, [%d,%d), person %d of %d", i, it.N, it.Span.Start, it.Span.End, it.Person, len(got.People))
		}
		if it.Kind == "" || it.Channel == "" || it.Direction == "" || it.Provenance == "" {
			t.Fatalf("item %d lacks a kind, channel, direction or provenance", i)
		}
		if (it.Kind == record.Unknown || it.Kind == record.Unparsed) && it.Reason == "" {
			t.Fatalf("item %d is %s without a reason", i, it.Kind)
		}
		at = it.Span.Start
	}
	for i, who := range got.People {
		if who.WaID == "" && who.UserID == "" && who.ParentID == "" && who.Username == "" {
			t.Fatalf("person %d has no id", i)
		}
	}
	var glued []byte
	at = 0
	for i, g := range got.Regions {
		if g.Start < at || g.End <= g.Start || g.End > len(value) || g.Person < 0 || g.Person >= len(got.People) {
			t.Fatalf("region %d: [%d,%d) after %d, person %d", i, g.Start, g.End, at, g.Person)
		}
		if b := g.Of(value); !json.Valid(b) || b[0] != '{' && b[0] != '"' {
			t.Fatalf("region %d is no object", i)
		}
		for _, it := range got.Items {
			in := it.Span.Start >= g.Start && it.Span.Start < g.End
			if in != (it.N >= g.FirstItem && it.N < g.FirstItem+g.Items) {
				t.Fatalf("region %d and item %d disagree", i, it.N)
			}
			if in && (it.Person != g.Person || it.Span.End > g.End) {
				t.Fatalf("item %d of person %d in a region of person %d", it.N, it.Person, g.Person)
			}
		}
		glued = append(append(glued, value[at:g.Start]...), g.Of(value)...)
		at = g.End
	}
	if !bytes.Equal(append(glued, value[at:]...), value) {
		t.Fatal("regions and envelope are not the value")
	}
}

// resolved is an item with what Person points to.
type resolved struct {
	Item
	Who Person
}

// rest is what must be left of got when the people in gone are erased.
func rest(got *Parsed, gone func(int) bool) (items []resolved, regions []Region) {
	for _, it := range got.Items {
		if it.Person >= 0 && gone(it.Person) {
			continue
		}
		full := resolved{Item: it}
		if it.Person >= 0 {
			full.Who = got.People[it.Person]
		}
		full.Person = 0
		items = append(items, full)
	}
	for _, g := range got.Regions {
		if !gone(g.Person) {
			g.Person = 0
			regions = append(regions, g)
		}
	}
	return items, regions
}

// checkErasure: with any person's regions blanked, everybody else's items and
// regions are what they were. Then with every second person's.
func checkErasure(t *testing.T, p *Parser, role Role, r *record.Record, got *Parsed) {
	t.Helper()
	for who := range min(len(got.People), 6) {
		checkGone(t, p, role, r, got, func(i int) bool { return i == who })
	}
	if len(got.People) > 1 {
		checkGone(t, p, role, r, got, func(i int) bool { return i%2 == 1 })
		checkGone(t, p, role, r, got, func(int) bool { return true })
	}
}

func checkGone(t *testing.T, p *Parser, role Role, r *record.Record, got *Parsed, gone func(int) bool) {
	t.Helper()
	var spans []record.Span
	var holes []Hole
	for _, g := range got.Regions {
		if gone(g.Person) {
			spans = append(spans, g.Span)
			holes = append(holes, Hole{g.Span, g.FirstItem, g.Items})
		}
	}
	left := *r
	left.Value = Blank(r.Value, spans)
	if len(left.Value) != len(r.Value) || !json.Valid(r.Value[front(r.Value):]) && len(spans) > 0 {
		t.Fatal("blanked value has another length, or regions in what is not JSON")
	}
	again := p.Parse(role, &left, holes)
	wantItems, wantRegions := rest(got, gone)
	// An erased person's items without a region are theirs, and may have changed.
	theirs := map[int]bool{}
	for _, it := range got.Items {
		if it.Person >= 0 && gone(it.Person) {
			theirs[it.N] = true
		}
	}
	former := map[int]bool{}
	for _, it := range again.Items {
		if theirs[it.N] && it.Person >= 0 {
			former[it.Person] = true
		}
	}
	haveItems, haveRegions := rest(again, func(i int) bool { return former[i] })
	for i := range max(len(wantItems), len(haveItems)) {
		if i >= len(wantItems) || i >= len(haveItems) || !reflect.DeepEqual(wantItems[i], haveItems[i]) {
			t.Fatalf("after an erasure item %d changed:\n%s\n%s", i, pick(wantItems, i), pick(haveItems, i))
		}
	}
	if !slices.Equal(wantRegions, haveRegions) {
		t.Fatalf("after an erasure the others' regions changed: %v, %v", wantRegions, haveRegions)
	}
	if again.Form != got.Form || again.Provider != got.Provider || again.Signature != got.Signature {
		t.Fatal("after an erasure the form changed")
	}
}

func pick(items []resolved, i int) string {
	if i >= len(items) {
		return "none"
	}
	return fmt.Sprintf("%+v", items[i])
}
