package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"image"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

var now = time.Date(2026, 11, 24, 17, 30, 12, 345, time.UTC)

// read parses every record of the day.
func read(t *testing.T, all []Record) []*whatsapp.Parsed {
	t.Helper()
	p := whatsapp.NewParser(whatsapp.Options{})
	out := make([]*whatsapp.Parsed, len(all))
	for i := range all {
		out[i] = p.Parse(all[i].Role, all[i].Kafka("e"), nil)
	}
	return out
}

func TestSameNowSameDay(t *testing.T) {
	a, b := Day(now), Day(now)
	if Edition(a) != Edition(b) || Edition(a) == Edition(Day(now.Add(time.Minute))) {
		t.Errorf("editions %s, %s", Edition(a), Edition(b))
	}
	if len(a) < 280 || len(a) > 340 {
		t.Errorf("%d records", len(a))
	}
	for i, r := range a {
		if r.Number != i || i > 0 && r.Time.Before(a[i-1].Time) {
			t.Errorf("record %d at %v is out of order", r.Number, r.Time)
		}
		if r.Time.After(now) || r.Time.Before(now.Add(-10*time.Hour)) {
			t.Errorf("record %d comes in at %v", i, r.Time)
		}
	}
}

func TestNumberOfARecord(t *testing.T) {
	for _, r := range Day(now)[:3] {
		if n, edition, ok := Number(r.Kafka("abc")); n != r.Number || edition != "abc" || !ok {
			t.Errorf("record %d reads back as %d, %q, %v", r.Number, n, edition, ok)
		}
	}
	for _, h := range []string{"", "1", "-1/x", "01/x", "1x/x", "a/x"} {
		r := &record.Record{Headers: []record.Header{{Key: HeaderNumber, Value: []byte(h)}}}
		if _, _, ok := Number(r); ok {
			t.Errorf("%q numbers a record", h)
		}
	}
	if _, _, ok := Number(&record.Record{}); ok {
		t.Error("a record without the header has a number")
	}
}

// The parser understands every record but the malformed one, and what the day
// says is not supplied.
func TestUnderstood(t *testing.T) {
	all := Day(now)
	for i, p := range read(t, all) {
		for _, it := range p.Items {
			bad := it.Kind == record.Unparsed || it.Kind == record.Unknown
			if bad != (all[i].Mark == MarkMalformed) {
				t.Errorf("record %d (%s, %q): %s, %s", i, all[i].Role, all[i].Mark, it.Kind, it.Reason)
			}
			if it.Kind != record.Unparsed && it.WABA != string(all[i].Key) {
				t.Errorf("record %d of account %q has the key %q", i, it.WABA, all[i].Key)
			}
			if it.Time != 0 && it.Provenance == record.Live && all[i].Role != whatsapp.RoleConsent {
				if d := all[i].Time.Sub(time.Unix(it.Time, 0)); d < 0 || d > 10*time.Minute {
					t.Errorf("record %d (%s) comes %v behind its own time", i, it.Kind, d)
				}
			}
		}
	}
}

// The day holds each thing that it is to show.
func TestHoldsEachThing(t *testing.T) {
	all := Day(now)
	parsed := read(t, all)
	seen := map[string]int{}
	ids, values := map[string]int{}, map[string]int{}
	shown := map[string]bool{} // scripts
	order := map[string][]string{}
	for i, p := range parsed {
		seen["topic "+string(all[i].Role)]++
		seen["signature "+string(p.Signature)]++
		values[string(all[i].Value)]++
		if len(p.People) > 10 {
			seen["batch"]++
		}
		for _, it := range p.Items {
			seen[string(it.Kind)]++
			seen[string(it.Kind)+" "+it.Sub]++
			seen[string(it.Channel)+" "+string(it.Kind)]++
			seen[string(it.Provenance)]++
			if it.ID != "" {
				ids[it.ID]++
			}
			if it.Kind == record.Status {
				order[it.Target] = append(order[it.Target], it.Sub)
			}
			for _, text := range it.Text {
				for _, r := range text {
					for _, s := range []string{"Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Han", "Hiragana", "Hangul", "Devanagari"} {
						shown[s] = shown[s] || unicode.Is(unicode.Scripts[s], r)
					}
					shown["emoji"] = shown["emoji"] || r > 0x1F300
					shown["ZWJ"] = shown["ZWJ"] || r == 0x200D
				}
			}
		}
		if all[i].Mark != "" {
			seen["mark "+all[i].Mark]++
		}
	}
	for _, what := range []string{
		"topic webhooks", "topic sends", "topic consent", "topic templates", "topic directory", "topic media", "signature ok", "signature failed", "batch",
		"app text", "app edit", "app revoke", "app image", "app document", "app audio", "user edit", "user revoke", "reaction", "api template", "api text",
		"edit not_supplied", "unsupported", "unparsed", "history_chunk", "backfill", "media_placeholder", "contact_sync add", "contact_sync remove", "consent given",
		"consent withdrawn", "preference stop", "template_status APPROVED", "template_status PAUSED", "template_content", "template_snapshot PAUSED",
		"account ACCOUNT_OFFBOARDED", "directory", "system", "request_welcome", "handover", "status failed", "status read", "button", "location", "contacts",
	} {
		if seen[what] == 0 {
			t.Errorf("the day has no %s", what)
		}
	}
	for _, mark := range []string{MarkPromise, MarkEdited, MarkAfterStop, MarkReply, MarkPaused, MarkNoText, MarkUnavailable, MarkMalformed, MarkPhoto, MarkFive} {
		if seen["mark "+mark] != 1 {
			t.Errorf("%d records are marked %q", seen["mark "+mark], mark)
		}
	}
	for _, script := range []string{"Latin", "Greek", "Cyrillic", "Arabic", "Hebrew", "Han", "Hiragana", "Hangul", "Devanagari", "emoji", "ZWJ"} {
		if !shown[script] {
			t.Errorf("nobody writes %s", script)
		}
	}
	five := at(t, all, parsed, MarkFive).Items[0].ID
	if ids[five] != 5 {
		t.Errorf("one message comes %d ways", ids[five])
	}
	twice, disorder := 0, 0
	for _, n := range values {
		if n > 1 {
			twice++
		}
	}
	for _, s := range order {
		if slices.Index(s, "sent") > 0 {
			disorder++
		}
	}
	if twice != 1 || disorder < 3 {
		t.Errorf("%d bodies come twice, %d sends have a status before sent", twice, disorder)
	}
}

func at(t *testing.T, all []Record, parsed []*whatsapp.Parsed, mark string) *whatsapp.Parsed {
	t.Helper()
	i := slices.IndexFunc(all, func(r Record) bool { return r.Mark == mark })
	if i < 0 {
		t.Fatalf("no record is marked %q", mark)
	}
	return parsed[i]
}

// Stories are true: the edit is about the promise, the send is marketing to the
// person who withdrew.
func TestStoriesAreTrue(t *testing.T) {
	all := Day(now)
	parsed := read(t, all)
	promise, edited := at(t, all, parsed, MarkPromise).Items[0], at(t, all, parsed, MarkEdited).Items[0]
	if edited.Target != promise.ID || !strings.Contains(promise.Text[0], "guarantee") || strings.Contains(edited.Text[0], "guarantee") {
		t.Errorf("%q becomes %q", promise.Text, edited.Text)
	}
	offer, reply := at(t, all, parsed, MarkAfterStop), at(t, all, parsed, MarkReply)
	if offer.Items[0].Template.Category != "MARKETING" || offer.People[0].WaID != ben.phone || reply.People[0].WaID != ben.phone {
		t.Errorf("a send of category %q", offer.Items[0].Template.Category)
	}
	for _, s := range Stories(func(mark string) string { return mark }) {
		if n := strings.Count(s.Text, "\n") + 1; n < 2 || n > 4 || len(s.Show) < 2 {
			t.Errorf("%s: %d lines", s.Name, n)
		}
	}
}

// Media are what their headers and their messages say.
func TestMedia(t *testing.T) {
	all := Day(now)
	parsed := read(t, all)
	named := map[string]whatsapp.Item{}
	for _, p := range parsed {
		for _, it := range p.Items {
			if it.Media.ID != "" && it.Kind != record.MediaBytes {
				named[it.Media.ID] = it
			}
		}
	}
	n := 0
	for i, p := range parsed {
		if all[i].Role != whatsapp.RoleMedia {
			continue
		}
		n++
		it := p.Items[0]
		message, ok := named[it.Media.ID]
		if !ok || message.ID != it.Target || it.Media.SHA256 != sha256.Sum256(all[i].Value) || message.Media.SHA256 != it.Media.SHA256 {
			t.Errorf("record %d: media that no message names, or with another hash", i)
		}
		kind, _, _ := strings.Cut(it.Media.MIME, "/")
		switch {
		case kind == "image":
			if _, _, err := image.Decode(bytes.NewReader(all[i].Value)); err != nil {
				t.Errorf("record %d: %v", i, err)
			}
		case it.Media.MIME == "application/pdf" && bytes.HasPrefix(all[i].Value, []byte("%PDF-")):
		case kind == "audio" && bytes.HasPrefix(all[i].Value, []byte("OggS")):
		default:
			t.Errorf("record %d: %s with other bytes", i, it.Media.MIME)
		}
	}
	if n < 8 {
		t.Errorf("%d media", n)
	}
}

var numberLike = regexp.MustCompile(`\d{7,}`)

// No phone number and no id lies outside the ranges for fiction, also not within
// message ids.
func TestNumbersAreFictional(t *testing.T) {
	for _, r := range Day(now) {
		texts := []string{string(r.Key)}
		for _, h := range r.Headers {
			if h.Key != whatsapp.HeaderMetaSignature && h.Key != whatsapp.HeaderSHA256 {
				texts = append(texts, string(h.Value))
			}
		}
		if r.Role != whatsapp.RoleMedia && r.Mark != MarkMalformed {
			var v any
			d := json.NewDecoder(bytes.NewReader(r.Value))
			d.UseNumber()
			if err := d.Decode(&v); err != nil {
				t.Fatalf("record %d: %v", r.Number, err)
			}
			texts = append(texts, naming(v, "")...)
		}
		for _, text := range texts {
			if id, ok := strings.CutPrefix(text, "wamid."); ok {
				raw, err := base64.StdEncoding.DecodeString(id)
				if err != nil || len(raw) < 15 {
					t.Fatalf("record %d: a message id that is none", r.Number)
				}
				text = string(raw[3:14])
			}
			for _, n := range numberLike.FindAllString(text, -1) {
				if !strings.HasPrefix(n, "155501") || len(n) == 11 && !strings.HasPrefix(n, "1555010") {
					t.Errorf("record %d (%s): a number outside the fictional ranges: %s", r.Number, r.Role, n)
				}
			}
		}
	}
}

// naming gives the texts and numbers of a value that name somebody or
// something: not times and hashes.
func naming(v any, name string) (out []string) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			out = append(out, naming(e, k)...)
		}
	case []any:
		for _, e := range v {
			out = append(out, naming(e, name)...)
		}
	case json.Number:
		out = append(out, naming(v.String(), name)...)
	case string:
		switch name {
		case "timestamp", "time", "sha256", "template_hash":
		default:
			out = append(out, v)
		}
	}
	return out
}

// A body is signed as the platform signs: over its very bytes.
func TestSignatures(t *testing.T) {
	for _, r := range Day(now) {
		if r.Role != whatsapp.RoleWebhooks {
			continue
		}
		h, _ := r.Kafka("e").Header(whatsapp.HeaderMetaSignature)
		if _, err := hex.DecodeString(strings.TrimPrefix(string(h), "sha256=")); err != nil || string(h) == signature(r.Value) == (r.Mark == MarkMalformed) {
			t.Errorf("record %d: signature %q", r.Number, h)
		}
		for _, b := range r.Value {
			if b >= 0x80 {
				t.Fatalf("record %d is no ASCII, as the platform's bodies are", r.Number)
			}
		}
	}
}
