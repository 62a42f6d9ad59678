package whatsapp

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// fuzzRole holds every rule against whatever the fuzzer makes of that role's payloads.
func fuzzRole(f *testing.F, role Role) {
	for _, in := range payloads(f) {
		if in.role == role {
			f.Add(in.value)
		}
	}
	p := NewParser(Options{})
	f.Fuzz(func(t *testing.T, value []byte) { checkAll(t, p, role, &record.Record{Value: value}) })
}

func FuzzWebhook(f *testing.F)   { fuzzRole(f, RoleWebhooks) }
func FuzzSends(f *testing.F)     { fuzzRole(f, RoleSends) }
func FuzzConsent(f *testing.F)   { fuzzRole(f, RoleConsent) }
func FuzzTemplates(f *testing.F) { fuzzRole(f, RoleTemplates) }
func FuzzDirectory(f *testing.F) { fuzzRole(f, RoleDirectory) }

// FuzzCloudEvent wraps a body in each of the ways an event can carry it, and
// expects the same items as from the body alone.
func FuzzCloudEvent(f *testing.F) {
	for _, in := range payloads(f) {
		if in.role == RoleWebhooks {
			f.Add(in.value)
		}
	}
	p := NewParser(Options{})
	f.Fuzz(func(t *testing.T, body []byte) {
		plain := p.Parse(RoleWebhooks, &record.Record{Value: body}, nil)
		if plain.CloudEvent || plain.Form == FormOpaque || len(body) == 0 || body[0] == '[' || front(body) > 0 {
			return
		}
		head := `{"specversion":"1.0","id":"1","source":"/g","type":"t",`
		text, err := json.Marshal(string(body))
		if err != nil {
			t.Fatal(err)
		}
		for way, value := range map[string]string{
			"data":        head + `"data":` + string(body) + `}`,
			"data_base64": head + `"data_base64":"` + base64.StdEncoding.EncodeToString(body) + `"}`,
			"string":      head + `"data":` + string(text) + `}`,
		} {
			got := checkAll(t, p, RoleWebhooks, &record.Record{Value: []byte(value)})
			if got.Items[0].Kind == record.Unparsed {
				continue // one level deeper may be too deep
			}
			if !got.CloudEvent || got.Form != FormStructured || len(got.Items) != len(plain.Items) {
				t.Fatalf("%s: form %s with %d items, plain has %d", way, got.Form, len(got.Items), len(plain.Items))
			}
			for i, it := range got.Items {
				if want := plain.Items[i]; it.Kind != want.Kind || it.Sub != want.Sub || it.ID != want.ID || len(it.Text) != len(want.Text) {
					t.Fatalf("%s: item %d is %s, plain has %s", way, i, it.Kind, want.Kind)
				}
			}
		}
	})
}

// FuzzHoles erases a set of people, and also claims holes that are none: those
// may hide items, but never break anything.
func FuzzHoles(f *testing.F) {
	for i, in := range payloads(f) {
		if in.role == RoleWebhooks {
			f.Add(in.value, uint64(i), uint16(i), uint16(3))
		}
	}
	p := NewParser(Options{})
	f.Fuzz(func(t *testing.T, value []byte, people uint64, start, items uint16) {
		r := &record.Record{Value: value}
		got := p.Parse(RoleWebhooks, r, nil)
		checkGone(t, p, RoleWebhooks, r, got, func(i int) bool { return people>>(i%64)&1 == 1 })
		at := record.Span{Start: int(start), End: int(start) + 2}
		false1 := []Hole{{at, 0, int(items)}, {record.Span{Start: int(start) / 2, End: int(start)/2 + 9}, 1, 0}}
		last := -1
		for _, it := range p.Parse(RoleWebhooks, r, false1).Items {
			if it.N <= last || it.Span.End > len(value) {
				t.Fatalf("item %d after %d, to %d", it.N, last, it.Span.End)
			}
			last = it.N
		}
	})
}
