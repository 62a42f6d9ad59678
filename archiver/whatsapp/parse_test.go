package whatsapp

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

const oneText = `{"object":"whatsapp_business_account","entry":[{"id":"100000000000001","changes":[{"value":{"metadata":{"phone_number_id":"2","display_phone_number":"+1 555-010-0000"},"messages":[{"from":"15550100001","id":"wamid.x","timestamp":"1767225600","type":"text","text":{"body":"hi"}}]},"field":"messages"}]}]}`

func parse(t *testing.T, value string, headers ...string) *Parsed {
	t.Helper()
	r := &record.Record{Value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, record.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return NewParser(Options{}).Parse(RoleWebhooks, r, nil)
}

func TestHeaders(t *testing.T) {
	for want, headers := range map[record.Signature][]string{
		record.SignatureAbsent:    {},
		record.SignatureUnchecked: {"x-hub-signature-256", "sha256=00"},
		record.SignatureOK:        {"X-Hub-Signature-256", "sha256=00", "X-Waxseal-Signature", "ok"},
		record.SignatureFailed:    {"X-Waxseal-Signature", "failed"},
	} {
		if got := parse(t, oneText, headers...); got.Signature != want {
			t.Errorf("%v: %s, want %s", headers, got.Signature, want)
		}
	}
	if got := parse(t, oneText, "X-Waxseal-Signature", "perhaps"); got.Signature != record.SignatureAbsent {
		t.Errorf("an unknown word made the signature %s", got.Signature)
	}
	got := parse(t, oneText, "ce_specversion", "1.0", "ce_id", "1", "content-type", "application/json", HeaderProvider, "acme")
	if !got.CloudEvent || got.Form != FormMeta || got.Provider != "acme" || got.Items[0].Kind != record.Text {
		t.Errorf("binary CloudEvent: %+v", got)
	}
}

func TestFronts(t *testing.T) {
	plain := parse(t, oneText)
	for name, front := range map[string]string{"schema registry": "\x00\x00\x00\x00\x2a", "byte order mark": "\xef\xbb\xbf"} {
		got := parse(t, front+oneText)
		if got.Items[0].Span.Start != plain.Items[0].Span.Start+len(front) || got.Items[0].Text[0] != "hi" {
			t.Errorf("%s: item at %d", name, got.Items[0].Span.Start)
		}
		if got.Framed != (len(front) == 5) {
			t.Errorf("%s: framed is %v", name, got.Framed)
		}
	}
	if got := parse(t, "\x00\x00\x00\x00\x2a not JSON"); got.Items[0].Kind != record.Unparsed || got.Framed {
		t.Errorf("framed nonsense is %s", got.Items[0].Kind)
	}
}

func TestUnfit(t *testing.T) {
	for value, want := range map[string]record.Kind{
		"":                       record.Unparsed,
		" ":                      record.Unparsed,
		"hello":                  record.Unparsed,
		"\xff":                   record.Unparsed,
		`{"a":"` + "\xff" + `"}`: record.Unparsed,
		`{"a":1,"a":2}`:          record.Unparsed,
		oneText + "x":            record.Unparsed,
		`7`:                      record.Unknown,
		`[]`:                     record.Unknown,
		`{}`:                     record.Unknown,
		`null`:                   record.Unknown,
		`[[{"entry":[]}]]`:       record.Unknown,
		`{"entry":7}`:            record.Unknown,
		`{"entry":[]}`:           record.Unknown,
		`{"entry":[7]}`:          record.Unknown,
		`{"entry":[{"changes":[{"field":"messages"}]}]}`:                                      record.Unknown,
		`{"entry":[{"changes":[{"field":"messages","value":[]}]}]}`:                           record.Unknown,
		`{"entry":[{"changes":[{"field":"messages","value":{"messages":[]}}]}]}`:              record.Unknown,
		`{"entry":[{"changes":[{"field":"messages","value":{"messages":{}}}]}]}`:              record.Unknown,
		`{"entry":[{"changes":[{"field":"messages","value":{"contacts":[{"wa_id":"1"}]}}]}]}`: record.Unknown,
		`{"field":"history","value":{"history":[{"metadata":7}]}}`:                            record.Unknown,
		`{"field":"history","value":{"history":[{}]}}`:                                        record.Unknown,
		`{"specversion":"1.0","data_base64":"!"}`:                                             record.Unparsed,
		`{"specversion":"1.0","data_base64":"eA=="}`:                                          record.Unparsed,
		`{"specversion":"1.0","data_base64":7}`:                                               record.Unknown,
	} {
		got := parse(t, value)
		if len(got.Items) != 1 || got.Items[0].Kind != want || got.Items[0].Reason == "" {
			t.Errorf("%.60q: %d items, first %s %q", value, len(got.Items), got.Items[0].Kind, got.Items[0].Reason)
		}
	}
	p := NewParser(Options{})
	if got := p.Parse("elsewhere", &record.Record{Value: []byte(oneText)}, nil); got.Items[0].Kind != record.Unknown {
		t.Errorf("a topic of no role gave %s", got.Items[0].Kind)
	}
	if got := p.Parse(RoleWebhooks, &record.Record{}, nil); got.Items[0].Kind != record.Unparsed {
		t.Errorf("a tombstone gave %s", got.Items[0].Kind)
	}
}

// TestNoContentInReason: what a reason says, and what goes into an index in the
// clear, holds nothing a person wrote and no phone number.
func TestNoContentInReason(t *testing.T) {
	const canary = "15550109999"
	for _, value := range []string{
		`{"entry":[{"id":"1","changes":[{"field":"` + canary + `","value":{"x":1}}]}]}`,
		`{"entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{"type":"` + canary + `","id":"w"}]}}]}]}`,
		`{"entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{"type":"unsupported","unsupported":{"type":"` + canary + `"}}]}}]}]}`,
		`{"entry":[{"id":"1","changes":[{"field":"messages","value":{"statuses":[{"status":"to ` + canary + `"}]}}]}]}`,
		`{"entry":[{"id":"1","changes":[{"field":"account_update","value":{"event":"` + canary + `"}}]}]}`,
		`{"` + canary + `":[{"` + canary + `":1}]}`,
	} {
		for _, it := range parse(t, value).Items {
			for _, s := range []string{it.Sub, it.Field, it.Reason, it.Detail, it.WABA, it.Number, it.Template.Name} {
				if strings.Contains(s, canary) {
					t.Errorf("%q lets a number through: %q", value, s)
				}
			}
		}
	}
}

// TestPeople: ids named together anywhere are one person, also through others,
// also where two of a kind are; on another number they are not.
func TestPeople(t *testing.T) {
	value := func(number, members string) string {
		return `{"field":"messages","value":{"metadata":{"phone_number_id":"` + number + `"},` + members + `}}`
	}
	body := `{"entry":[{"id":"1","changes":[` +
		value("2", `"messages":[{"from":"15550100001","id":"a","type":"text"},{"from_user_id":"US.1","id":"b","type":"text"}]`) + `,` +
		value("2", `"contacts":[{"wa_id":"15550100001","user_id":"US.1","profile":{"name":"Ada","username":"ada"}},{"user_id":"US.1","profile":{"username":"ada2"}}]`) + `,` +
		value("3", `"messages":[{"from":"15550100001","id":"c","type":"text"}]`) + `]}]}`
	got := parse(t, body)
	want := []Person{
		{WaID: "15550100001", UserID: "US.1", Username: "ada", Name: "Ada", Also: []Alias{{AliasUsername, "ada2"}}},
		{WaID: "15550100001"},
	}
	if !reflect.DeepEqual(got.People, want) {
		t.Errorf("people are %+v", got.People)
	}
	var of []int
	for _, it := range got.Items {
		if it.ID != "" {
			of = append(of, it.Person)
		}
	}
	if !reflect.DeepEqual(of, []int{0, 0, 1}) {
		t.Errorf("messages are of %v", of)
	}
}

// TestManyAliases: one person under more names than anybody has is read in
// reasonable time, and alike whether few or many others are there.
func TestManyAliases(t *testing.T) {
	for _, others := range []int{0, 20} {
		var b strings.Builder
		b.WriteString(`{"field":"messages","value":{"contacts":[`)
		for i := range others {
			fmt.Fprintf(&b, `{"wa_id":"155502%05d"},`, i)
		}
		for i := range 20_000 {
			fmt.Fprintf(&b, `{"wa_id":"15550100001","user_id":"US.%d"},`, i)
		}
		b.WriteString(`{"wa_id":"15550100001"}],"messages":[{"from_user_id":"US.3","id":"w","type":"text"},{"from_user_id":"US.300","id":"w","type":"text"}]}}`)
		got := parse(t, b.String())
		last := got.Items[len(got.Items)-2:]
		if len(got.People) != others+2 || len(got.People[last[0].Person].Also) != maxAliases || got.People[last[1].Person].WaID != "" {
			t.Errorf("with %d others: %d people", others, len(got.People))
		}
	}
}

// TestAliasing: what one Parse returned does not change with the next.
func TestAliasing(t *testing.T) {
	p := NewParser(Options{})
	in := payloads(t)
	kept := make([]*Parsed, len(in))
	text := make([][]byte, len(in))
	for i := range in {
		kept[i] = p.Parse(in[i].role, &record.Record{Value: in[i].value}, nil)
		text[i] = golden(t, kept[i])
	}
	for i := range in {
		if string(golden(t, kept[i])) != string(text[i]) {
			t.Errorf("%s/%s changed under its owner", in[i].role, in[i].name)
		}
	}
}

func TestWABAOf(t *testing.T) {
	for value, want := range map[string]string{
		oneText: "100000000000001",
		`{"entry":[{"id":"5","changes":[{"field":"account_update","value":{"event":"PARTNER_REMOVED","waba_info":{"waba_id":"7"}}}]}]}`: "7",
		`{"id":"e","event":"history","data":{"id":"8","history":[]}}`:                                                                   "8",
		`{"waba_id":"9","request":{}}`:                  "9",
		`[{"waba_id":"9"}]`:                             "9",
		`{"specversion":"1.0","data":{"waba_id":"10"}}`: "10",
		`{`:  "",
		`{}`: "",
	} {
		if got := WABAOf([]byte(value)); got != want {
			t.Errorf("%.50q: %q, want %q", value, got, want)
		}
	}
}

func TestStatusRank(t *testing.T) {
	order := []string{"", "sent", "failed", "delivered", "read", "played"}
	for i := 1; i < len(order); i++ {
		if StatusRank(order[i-1]) >= StatusRank(order[i]) || StatusRank(order[i]) != StatusRank(map[string]string{
			"sent": "SENT", "failed": "ERROR", "delivered": "DELIVERED", "read": "READ", "played": "PLAYED"}[order[i]]) {
			t.Errorf("%q does not follow %q", order[i], order[i-1])
		}
	}
}

func TestBlank(t *testing.T) {
	value := []byte(`[{"a":1},{"b":2}]`)
	if got := string(Blank(value, []record.Span{{Start: 9, End: 16}})); got != `[{"a":1},{}     ]` || string(value) != `[{"a":1},{"b":2}]` {
		t.Errorf("blanked: %s", got)
	}
}
