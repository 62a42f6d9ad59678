package exporter_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter"
	"github.com/waxseal/waxseal/ledger"
)

// inApp is a webhook with one echo of any shape.
func inApp(to archivetest.Person, id string, at int64, body string) *record.Record {
	return archivetest.Record(archivetest.Webhook("smb_message_echoes", fmt.Sprintf(
		`"message_echoes":[{"from":%q,"to":%q,"to_user_id":%q,"id":%q,"timestamp":"%d",%s}]`, archivetest.Display, to.Phone, to.BSUID, id, at, body)))
}

func edited(of, body string) string {
	return fmt.Sprintf(`"type":"edit","edit":{"original_message_id":%q,"message":{"type":"text","text":{"body":%q}}}`, of, body)
}

// shape is what a message came to, in short.
func shape(l line) string {
	get := func(m map[string]any, k string) string { s, _ := m[k].(string); return s }
	var parts []string
	for _, name := range []string{"edits", "revokes", "reactions", "statuses", "deliveries"} {
		list, _ := l[name].([]any)
		for _, x := range list {
			m := x.(map[string]any)
			switch name {
			case "edits":
				parts = append(parts, fmt.Sprintf("%q->%q missing %v", get(m, "before"), get(m, "text"), m["missing"] == true))
			case "reactions":
				parts = append(parts, "reaction "+get(m, "text"))
			case "statuses":
				parts = append(parts, get(m, "sub"))
			case "deliveries":
				parts = append(parts, get(m, "item"))
			default:
				parts = append(parts, strings.TrimSuffix(name, "s"))
			}
		}
	}
	return get(l, "text") + ": " + strings.Join(parts, ", ")
}

// TestThread: all that is known of a message is part of it, whatever the search
// asked for.
func TestThread(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 3})
	react := func(id, emoji string, at int64) string {
		return fmt.Sprintf(`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"reaction","reaction":{"message_id":"wamid.2","emoji":%q}}`, ada.Phone, ada.BSUID, id, at, emoji)
	}
	s.sealed(t,
		text(ada, "wamid.1", s.at(9, 0), "will you pay?"),
		inApp(ada, "wamid.2", s.at(9, 1), `"type":"text","text":{"body":"I promise"}`),
		text(ada, "wamid.1", s.at(9, 0), "will you pay?"), // the same again
		inApp(ada, "wamid.3", s.at(9, 2), edited("wamid.2", "I might")),
		inApp(ada, "wamid.4", s.at(9, 3), `"type":"edit","edit":{"original_message_id":"wamid.2"}`), // text not supplied
		inApp(ada, "wamid.5", s.at(9, 4), edited("wamid.2", "I will not")),
		inApp(ada, "wamid.6", s.at(9, 5), `"type":"revoke","revoke":{"original_message_id":"wamid.2"}`),
		messages([]archivetest.Person{ada}, react("wamid.7", "👍", s.at(9, 6)), react("wamid.8", "🙁", s.at(9, 7))),
		status(ada, "wamid.2", "read", s.at(9, 8)), status(ada, "wamid.2", "delivered", s.at(9, 1)),
		status(ada, "wamid.UNSEEN", "failed", s.at(9, 9)), // of a message that never came
	)
	where := func(n int) string {
		for _, r := range archivetest.Rows(t, s.Index) {
			if r.Item.Offset == int64(n) {
				return r.Item.String()
			}
		}
		t.Fatal("no such record")
		return ""
	}
	want := `I promise: "I promise"->"I might" missing false, "I might"->"" missing true, ""->"I will not" missing false, revoke, reaction 🙁, delivered, read, ` + where(1)
	b, report := s.export(t, exporter.Request{Search: words("might")})
	lines := b.lines(t, "data/messages.jsonl")
	if len(lines) != 1 || shape(lines[0]) != want || report.Counts.Records != 8 {
		t.Errorf("%d records\n got %v\nwant %s", report.Counts.Records, shape(lines[0]), want)
	}
	if len(report.Gaps) != 1 || report.Gaps[0].Record != where(4) {
		t.Errorf("%+v", report.Gaps)
	}
	b, report = s.export(t, exporter.Request{All: true})
	lines = b.lines(t, "data/messages.jsonl")
	if len(lines) != 3 {
		t.Fatalf("%d messages", len(lines))
	}
	if got, want := shape(lines[0]), "will you pay?: "+where(0)+", "+where(2); got != want {
		t.Errorf("twice delivered: %s", got)
	}
	if got := shape(lines[2]); got != ": failed" || lines[2]["reason"] == "" || len(report.Gaps) != 2 {
		t.Errorf("never came: %s, %+v", got, report.Gaps)
	}
}

// TestWithheld: of a webhook of several people one is shown; key and headers, with
// the signature over all of it, are not.
func TestWithheld(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	both := messages([]archivetest.Person{ada, bea, cem},
		archivetest.Text(ada, "wamid.A", s.at(9, 0), "only of ada"), archivetest.Text(bea, "wamid.B", s.at(9, 1), "only of bea"),
		archivetest.Text(cem, "wamid.C", s.at(9, 2), "only of cem"))
	s.sealed(t, both, text(bea, "wamid.D", s.at(9, 3), "bea alone"))
	b, report := s.export(t, exporter.Request{Search: words("bea"), Scope: "bea"})
	shown := b.proven[both.Coordinates.String()]
	// A contacts entry, a message and decisions each for Ada and Cem, and key and
	// headers; shown are the same three of Bea and the seven stretches between.
	if shown.Withheld != 7 || report.Counts.Withheld != 7 || shown.Pieces != 7+3+7 {
		t.Errorf("%d pieces, %d withheld; %d in all", shown.Pieces, shown.Withheld, report.Counts.Withheld)
	}
	for _, path := range b.paths(t) {
		body := b.read(t, path)
		for _, secret := range []string{ada.Phone, ada.BSUID, ada.Name, "only of ada", cem.Phone, cem.BSUID, "only of cem", "wamid.A"} {
			if bytes.Contains(body, []byte(secret)) {
				t.Errorf("%s holds what should be withheld", path)
			}
		}
	}
	if !bytes.Contains(bytes.Join(b.values(t, both.Coordinates), nil), []byte("only of bea")) {
		t.Error("what is in scope is not shown")
	}
	b, report = s.export(t, exporter.Request{All: true})
	if report.Counts.Withheld != 0 || !bytes.Equal(b.read(t, "data/raw/wa.webhooks/"+strings.TrimPrefix(both.Coordinates.String(), "wa.webhooks/")+".json"), both.Value) {
		t.Error("the whole record is not its exact bytes")
	}
}

// values are the raw files of a record.
func (b *bag) values(t testing.TB, c record.Coordinates) (out [][]byte) {
	t.Helper()
	for _, path := range b.paths(t) {
		if strings.HasPrefix(path, "data/raw/"+c.String()+"-") || strings.HasPrefix(path, "data/raw/"+c.String()+".") {
			out = append(out, b.read(t, path))
		}
	}
	return out
}

// TestBeyond: two messages of one person in one record are one piece with what
// stands around them; what is shown beyond the scope is said.
func TestBeyond(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	two := messages([]archivetest.Person{ada}, archivetest.Text(ada, "wamid.1", s.at(9, 0), "first"), archivetest.Text(ada, "wamid.2", s.at(9, 1), "second"))
	s.sealed(t, two)
	b, _ := s.export(t, exporter.Request{Search: words("second")})
	if got := b.exceptions(t); !slices.Equal(got, []string{two.Coordinates.String() + " beyond_scope"}) {
		t.Error(got)
	}
	if got := b.texts(t); !slices.Equal(got, []string{"second"}) {
		t.Error(got)
	}
}

// TestErased: who was erased is shown as erased, and the others' proofs hold.
func TestErased(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	both := messages([]archivetest.Person{ada, bea}, archivetest.Text(ada, "wamid.A", s.at(9, 0), "of ada"), archivetest.Text(bea, "wamid.B", s.at(9, 1), "of bea"))
	alone := text(ada, "wamid.C", s.at(9, 2), "ada alone")
	s.sealed(t, both, alone)
	s.Archive.Archive(t) // its rows are in nobody's use any more
	s.Heads(t, "0", "1")
	s.Erase(t, archivetest.Number, ada.BSUID, ada.Phone)
	b, report := s.export(t, exporter.Request{All: true})
	if got := b.texts(t); !slices.Equal(got, []string{"", "", "of bea"}) {
		t.Errorf("%q", got)
	}
	want := []string{both.Coordinates.String() + "#0 erased", alone.Coordinates.String() + "#0 erased"}
	slices.Sort(want)
	if got := b.exceptions(t); !slices.Equal(got, want) || report.Tampered {
		t.Errorf("%q", got)
	}
	if shown, ok := b.proven[both.Coordinates.String()]; !ok || shown.Withheld == 0 {
		t.Errorf("%+v", shown)
	}
	if _, ok := b.proven[alone.Coordinates.String()]; ok {
		t.Error("a record that is gone is proven")
	}
}

// TestTampered: what contradicts the ledger is an exception, and the rest goes on.
func TestTampered(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 1})
	one, two := text(ada, "wamid.1", s.at(9, 0), "untouched"), text(ada, "wamid.2", s.at(9, 1), "forged")
	s.sealed(t, one, two)
	for _, row := range archivetest.Rows(t, s.Index) {
		if row.Item.Coordinates == two.Coordinates {
			body, _, err := s.Locked.Get(t.Context(), row.Segment)
			if err != nil {
				t.Fatal(err)
			}
			body = bytes.Clone(body)
			body[len(body)/2] ^= 1
			s.Locked.Tamper(row.Segment, body)
		}
	}
	b, report := s.export(t, exporter.Request{All: true})
	if got := b.texts(t); !slices.Equal(got, []string{"untouched"}) {
		t.Errorf("%q", got)
	}
	if got := b.exceptions(t); !report.Tampered || !slices.Equal(got, []string{two.Coordinates.String() + " tampered"}) {
		t.Errorf("%q, %v", got, report.Tampered)
	}
	if !strings.Contains(report.Exceptions[0].Reason, "seg-0") {
		t.Errorf("the object is not named: %s", report.Exceptions[0].Reason)
	}
	if _, err := exporter.Export(t.Context(), s.config(t), exporter.Request{
		Search: retrieve.SearchQuery{Names: []string{two.Coordinates.String()}}, Zone: b.zone(), Unit: exporter.Days, Out: t.TempDir() + "/x",
	}); err == nil || !strings.Contains(err.Error(), "seg-0") {
		t.Errorf("nothing but tampered records: %v", err)
	}
}

// TestHistoryAndGroups: what a history sync brought is marked, a group is a
// conversation of several.
func TestHistoryAndGroups(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 50})
	old := s.at(9, 0) - 7*24*3600
	group := func(from archivetest.Person, id string, at int64, body string) *record.Record {
		m := archivetest.Text(from, id, at, body)
		return messages([]archivetest.Person{from}, strings.TrimSuffix(m, "}")+`,"group_id":"Y2FwaV9ncm91cA"}`)
	}
	s.sealed(t,
		archivetest.Record(archivetest.Webhook("history", fmt.Sprintf(
			`"history":[{"metadata":{"phase":0,"chunk_order":1,"progress":55},"threads":[{"id":%q,"context":{"user_id":%q},"messages":[`+
				`{"from":%q,"id":"wamid.H1","timestamp":"%d","type":"text","text":{"body":"long ago"},"history_context":{"status":"READ"}},`+
				`{"from":%q,"id":"wamid.H2","timestamp":"%d","type":"media_placeholder","history_context":{"status":"READ"}}]}]}]`,
			ada.Phone, ada.BSUID, ada.Phone, old, ada.Phone, old+60))),
		text(ada, "wamid.L", s.at(9, 0), "today"),
		group(ada, "wamid.G1", s.at(9, 1), "in the group"), group(bea, "wamid.G2", s.at(9, 2), "me too"),
	)
	b, report := s.export(t, exporter.Request{Search: words("today OR long"), Unit: exporter.Conversations})
	if got := b.texts(t); !slices.Equal(got, []string{"long ago", "()", "today"}) {
		t.Errorf("%q", got)
	}
	lines := b.lines(t, "data/messages.jsonl")
	if lines[0]["backfill"] != true || lines[0]["clock"] != "device" || lines[2]["backfill"] == true || len(report.Gaps) != 1 {
		t.Errorf("%v, %+v", lines, report.Gaps)
	}
	b, report = s.export(t, exporter.Request{Search: words("group"), Unit: exporter.Days})
	var c struct {
		Group   bool
		Parties []struct{ Name string }
	}
	if err := json.Unmarshal(bytes.TrimSpace(b.read(t, "data/conversations.jsonl")), &c); err != nil {
		t.Fatal(err)
	}
	if got := b.texts(t); !slices.Equal(got, []string{"in the group", "(me too)"}) || report.Counts.Conversations != 1 || !c.Group || len(c.Parties) != 3 {
		t.Errorf("%q, %+v", got, c)
	}
}

// TestMedia: archived bytes stand beside their message, whoever they name.
func TestMedia(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 50})
	picture := []byte("\x89PNG\r\n\x1a\nnot much of a picture")
	sum := sha256.Sum256(picture)
	image := func(id, mediaID string, at int64, sum [32]byte) *record.Record {
		return messages([]archivetest.Person{ada}, fmt.Sprintf(
			`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"image","image":{"id":%q,"mime_type":"image/png","sha256":%s,"caption":%q}}`,
			ada.Phone, ada.BSUID, id, at, mediaID, base64Of(sum), "caption of "+mediaID))
	}
	held := func(id string, value []byte) *record.Record {
		return &record.Record{Key: []byte(archivetest.WABA), Value: value, Headers: []record.Header{
			{Key: whatsapp.HeaderMediaID, Value: []byte(id)}, {Key: whatsapp.HeaderNumber, Value: []byte(archivetest.Number)}, {Key: whatsapp.HeaderContentType, Value: []byte("image/png")},
		}}
	}
	other := sha256.Sum256([]byte("another"))
	bytesOf := held("M1", picture)
	s.Feed(t, "wa.media", bytesOf, held("M2", []byte("\x89PNG\r\n\x1a\nforged")), held("NOBODY", []byte("of no message")))
	s.sealed(t, image("wamid.1", "M1", s.at(9, 0), sum), image("wamid.2", "M2", s.at(9, 1), other), image("wamid.3", "M3", s.at(9, 2), other))
	for name, c := range map[string]struct {
		req  exporter.Request
		held int
	}{"search": {exporter.Request{Search: words("caption")}, 2}, "all": {exporter.Request{All: true}, 3}} {
		t.Run(name, func(t *testing.T) {
			b, report := s.export(t, c.req)
			path := "data/media/" + ledger.Hash(sum).String() + ".png"
			if !bytes.Equal(b.read(t, path), picture) || !b.files[path] {
				t.Error("media is not there, or not proven")
			}
			got := b.exceptions(t)
			if len(got) != 2 || !strings.HasSuffix(got[0], "media_differs") || !strings.HasSuffix(got[1], "media_missing") {
				t.Errorf("%q", got)
			}
			first := b.lines(t, "data/messages.jsonl")[0]["media"].(map[string]any)
			if first["path"] != path || first["item"] != bytesOf.Coordinates.String()+"#0" || report.Counts.Media != c.held {
				t.Errorf("%v, %d media", first, report.Counts.Media)
			}
		})
	}
}
