package index_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/policy"
)

func keys() *index.Keys {
	return &index.Keys{
		Subject: [16]byte([]byte("the subject key.")),
		Token:   map[uint32][16]byte{1: [16]byte([]byte("token key one...")), 2: [16]byte([]byte("token key two..."))},
	}
}

// rule makes a rule as the policy engine does: from its own types.
func rule(t testing.TB, in policy.Input, out policy.Decision) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"in": in, "out": out})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The canaries, none of which may stand in a row. A wamid holds the phone number in
// base64, as a real one does.
var (
	phone = "15550100001"
	name  = "Zoe Quillfeather"
	text  = "the violet walrus sings at midnight"
	wamid = "wamid." + base64.StdEncoding.EncodeToString([]byte("HBgL"+phone+"FQIAEhg"))
)

func source(t testing.TB) index.Source {
	t.Helper()
	parsed := &whatsapp.Parsed{
		Form: whatsapp.FormMeta, Provider: "360dialog", Signature: record.SignatureUnchecked,
		People: []whatsapp.Person{{WaID: phone, UserID: "US.13491208655302741918", Username: "zoe.q", Name: name}},
		Items: []whatsapp.Item{{
			N: 4, Kind: record.Edit, Sub: "edit", Detail: "d", Span: record.Span{Start: 10, End: 90},
			Channel: record.ChannelUser, Direction: record.Inbound, Provenance: record.Live,
			WABA: "200000000000001", Field: "messages", Number: "100000000000001", Display: "15550109999",
			ID: wamid, Target: wamid + "2", ReplyTo: wamid + "3", Time: 1_800_000_000, Device: true,
			Codes: []int{131051, 131060}, Reason: "edited, new text not supplied",
			Template: whatsapp.Template{Name: "late_fee", ID: "700000000000001"},
			Actor:    whatsapp.Actor{Kind: "bot", ID: "b1"}, Text: []string{text, name},
		}},
	}
	return index.Source{
		Record: &record.Record{
			Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 2, Partition: 3, Offset: 99}, Timestamp: 1_800_000_001_500,
		},
		Parsed: parsed, Item: &parsed.Items[0],
		Lane: "3", Block: 7, Sealed: 1_800_000_002_000, Segment: "lanes/3/data/000000000007/seg-0", Cell: 5,
		Class: "communication", Duty: 1_900_000_000, Retain: 2_000_000_000, Epoch: 2,
		Rule: rule(t, policy.Input{Facts: policy.Facts{Custodian: "ann", Department: "desk"}}, policy.Decision{
			Class: "not this one", Revision: "rev", Provisional: true, Findings: []policy.Finding{
				{Rule: "b-rule", Severity: "low"}, {Rule: "a-rule", Severity: "high"}, {Rule: "a-rule", Severity: "info"},
			}}),
	}
}

func TestBuilderRow(t *testing.T) {
	k := keys()
	got, err := index.NewBuilder(k).Row(source(t))
	if err != nil {
		t.Fatal(err)
	}
	const number = "100000000000001"
	subject := k.PersonTag(number, "US.13491208655302741918")
	aliases := []index.Tag{subject, k.PersonTag(number, phone), k.PersonTag(number, "@zoe.q")}
	slices.SortFunc(aliases, index.CompareTags)
	tokens, err := k.Tokens(2, []string{text, name})
	if err != nil {
		t.Fatal(err)
	}
	want := index.Row{
		Item: record.ItemID{Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 2, Partition: 3, Offset: 99}, N: 4},
		Lane: "3", Block: 7, Segment: "lanes/3/data/000000000007/seg-0", Cell: 5, Span: record.Span{Start: 10, End: 90},
		Platform: 1_800_000_000, Device: true, Kafka: 1_800_000_001_500, Sealed: 1_800_000_002_000,
		Kind: record.Edit, Sub: "edit", Detail: "d", Channel: record.ChannelUser, Direction: record.Inbound, Provenance: record.Live,
		Provider: "360dialog", Signature: record.SignatureUnchecked, Field: "messages",
		WABA: "200000000000001", Number: number, Display: k.DisplayTag("15550109999"),
		Subject: subject, Aliases: aliases, Conversation: k.ConversationTag(number, subject),
		ID: k.MessageTag(wamid), Target: k.MessageTag(wamid + "2"), ReplyTo: k.MessageTag(wamid + "3"),
		Custodian: "ann", Department: "desk", Actor: "bot:b1", Template: "late_fee", TemplateID: "700000000000001",
		Codes: []int{131051, 131060}, Reason: "edited, new text not supplied",
		Class: "communication", Duty: 1_900_000_000, Retain: 2_000_000_000,
		Findings: []string{"a-rule", "b-rule"}, Severity: "high", Provisional: true, Policy: "rev",
		TokenEpoch: 2, Tokens: tokens,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// TestBuilderEveryField: the source above reaches every field of a row but the group.
func TestBuilderEveryField(t *testing.T) {
	got, err := index.NewBuilder(keys()).Row(source(t))
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if field := v.Type().Field(i).Name; v.Field(i).IsZero() != (field == "Group") {
			t.Errorf("field %s is %v", field, v.Field(i))
		}
	}
}

func TestBuilderVariants(t *testing.T) {
	k := keys()
	b := index.NewBuilder(k)
	build := func(change func(*index.Source, *whatsapp.Item)) index.Row {
		t.Helper()
		s := source(t)
		change(&s, s.Item)
		row, err := b.Row(s)
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	const number = "100000000000001"
	row := build(func(_ *index.Source, it *whatsapp.Item) { it.Group = "g1" })
	if row.Group != k.GroupTag(number, "g1") || row.Conversation != k.ConversationTag(number, row.Group) {
		t.Error("a group's message is not in the group's conversation")
	}
	row = build(func(_ *index.Source, it *whatsapp.Item) { it.Person, it.Text, it.ID = -1, nil, "" })
	if row.Subject != (index.Tag{}) || row.Aliases != nil || row.Conversation != (index.Tag{}) || row.Tokens != nil || row.ID != (index.Tag{}) {
		t.Errorf("an item of nobody, without words: %+v", row)
	}
	row = build(func(_ *index.Source, it *whatsapp.Item) { it.Change.UserID, it.Change.WaID = "US.new", "15550100002" })
	if len(row.Aliases) != 5 || !slices.Contains(row.Aliases, k.PersonTag(number, "US.new")) || row.Subject != k.PersonTag(number, "US.13491208655302741918") {
		t.Error("an identity change is not found by the new identity")
	}
	row = build(func(s *index.Source, it *whatsapp.Item) {
		it.Kind, it.Dir = record.Directory, whatsapp.DirectoryEntry{Employee: "eve", Department: "back"}
		s.Rule = rule(t, policy.Input{}, policy.Decision{})
	})
	if row.Custodian != "eve" || row.Department != "back" || row.Findings != nil || row.Severity != "" {
		t.Errorf("a directory entry: %q, %q, %v", row.Custodian, row.Department, row.Findings)
	}
	row = build(func(_ *index.Source, it *whatsapp.Item) {
		it.Field, it.Codes = strings.Repeat("é", 1000), make([]int, 1000)
	})
	if len(row.Field) > 256 || len(row.Codes) > 16 {
		t.Errorf("a row keeps %d bytes and %d codes", len(row.Field), len(row.Codes))
	}
}

func TestBuilderErrors(t *testing.T) {
	s := source(t)
	s.Epoch = 9
	if _, err := index.NewBuilder(keys()).Row(s); !errors.Is(err, index.ErrEpoch) {
		t.Errorf("an epoch without key: %v, want ErrEpoch", err)
	}
	s = source(t)
	s.Rule = []byte("{")
	if _, err := index.NewBuilder(keys()).Row(s); err == nil {
		t.Error("a broken rule is taken")
	}
}

// TestBuilderForgets: what a Builder made before does not change what it makes,
// also after its memory overflowed.
func TestBuilderForgets(t *testing.T) {
	want, err := index.NewBuilder(keys()).Row(source(t))
	if err != nil {
		t.Fatal(err)
	}
	b := index.NewBuilder(keys())
	for i := range 20000 {
		s := source(t)
		s.Item.Field = fmt.Sprint("field ", i)
		s.Rule = rule(t, policy.Input{Day: fmt.Sprint(i % 5000)}, policy.Decision{Revision: "r"})
		if _, err := b.Row(s); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Row(source(t))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("another row after others: %v", err)
	}
}

// TestBuilderCopies: a row stays as it is when the record's memory is used again.
func TestBuilderCopies(t *testing.T) {
	memory := []byte("wa.webhooks messages edit late_fee")
	alias := func(from, to int) string { return unsafe.String(&memory[from], to-from) }
	s := source(t)
	s.Record.Topic, s.Item.Field, s.Item.Sub, s.Item.Template.Name = alias(0, 11), alias(12, 20), alias(21, 25), alias(26, 34)
	got, err := index.NewBuilder(keys()).Row(s)
	if err != nil {
		t.Fatal(err)
	}
	clear(memory)
	want, err := index.NewBuilder(keys()).Row(source(t))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the row changed with the record's memory: %v\n got %+v\nwant %+v", err, got, want)
	}
}

// TestNoCanary looks for text, name, phone number and message id in a row's
// encoding and its printed form, as they are, in base64 and in hex.
func TestNoCanary(t *testing.T) {
	row, err := index.NewBuilder(keys()).Row(source(t))
	if err != nil {
		t.Fatal(err)
	}
	stored := string(index.EncodeRows([]index.Row{row})) + fmt.Sprintf("%+v %x", row, index.EncodeRows([]index.Row{row}))
	if !strings.Contains(stored, "200000000000001") {
		t.Fatal("the search would not find anything")
	}
	for _, canary := range canaries() {
		if strings.Contains(stored, canary) {
			t.Errorf("%q stands in a row", canary)
		}
	}
}

// canaries gives each secret of the source as it is, in hex, and in base64 at
// each of the three alignments.
func canaries() []string {
	var out []string
	secrets := append(strings.Fields(text+" "+name), phone, "15550109999", "US.13491208655302741918", "zoe.q", wamid)
	for _, s := range secrets {
		if len(s) < 5 {
			continue // "the", "at" prove nothing
		}
		out = append(out, s, fmt.Sprintf("%x", s))
		for shift := range 3 {
			enc := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
			if inner := enc[4 : len(enc)-4]; len(inner) >= 5 {
				out = append(out, inner)
			}
		}
	}
	return out
}

func BenchmarkBuilderRow(b *testing.B) {
	builder := index.NewBuilder(keys())
	s := source(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := builder.Row(s); err != nil {
			b.Fatal(err)
		}
	}
}
