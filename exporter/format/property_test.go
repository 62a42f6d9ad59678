package format

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// nasty are texts that break writers.
var nasty = []string{
	"", "x", "hello, world", "\r\n.\r\n", "--=_boundary", "From me", "=?utf-8?q?x?=", "\x00\x01\x7f", "\xff\xfe\x80", "a\u202eb\u2066c", "\u200b", strings.Repeat("w", 400), "👩‍👩‍👧‍👦 family",
	"مرحبا بالعالم", "שלום", "line\nline\n\n line", "[2026-11-24 09:00:00 +01:00] Somebody", "</script><b>", `{"a":1}`, "😀", "a, b; c", "\"quoted\" \\ back", "tab\there", "trailing ", " leading", "=", "\u2028", "日本語",
}

// random is a production of a seed.
func random(seed uint64) *scene {
	r := rand.New(rand.NewPCG(seed, 1))
	text := func() string {
		s := nasty[r.IntN(len(nasty))]
		for r.IntN(3) == 0 {
			s += nasty[r.IntN(len(nasty))]
		}
		return s
	}
	zones := []*time.Location{nil, berlin, time.FixedZone("X", -7*3600-1800)}
	s := &scene{p: &Production{Archive: text(), Fingerprint: strings.Repeat("0", 64), Generator: "waxseal", Scope: text(), Zone: zones[r.IntN(3)], Checkpoint: text()}}
	offset := 0
	for n := range 1 + r.IntN(3) {
		c := &Conversation{ID: fmt.Sprintf("c%d", n), Number: "1", Title: text(), Group: r.IntN(2) == 0}
		ids := []string{""}
		for i := range 1 + r.IntN(4) {
			id := fmt.Sprintf("p%d", i)
			c.Parties = append(c.Parties, Party{ID: id, Name: text(), Username: text(), BSUID: text(), Business: i == 0 && r.IntN(4) > 0})
			ids = append(ids, id)
		}
		who := func() string { return ids[r.IntN(len(ids))] }
		moment := func() time.Time {
			return time.Date(2026, 11, 20+r.IntN(4), r.IntN(24), r.IntN(60), 0, r.IntN(2)*1000, time.UTC)
		}
		next := func() (string, Ledger) {
			offset++
			rec := fmt.Sprintf("wa.webhooks/3/%d", offset)
			return rec + "#0", led(rec, uint64(offset))
		}
		marks := func() []Mark {
			var list []Mark
			for range r.IntN(4) {
				item, l := next()
				list = append(list, Mark{item, moment(), who(), []string{"", "sent", "delivered", "read", "played", "failed"}[r.IntN(6)], text(), text(), l})
			}
			return list
		}
		byDate := map[string][]*Message{}
		for range 1 + r.IntN(12) {
			item, l := next()
			m := &Message{
				Item: item, Time: moment(), Clock: []string{"platform", "device", "kafka"}[r.IntN(3)], Kind: record.Kinds()[r.IntN(len(record.Kinds()))], Sub: text(),
				Direction: []record.Direction{record.Inbound, record.Outbound, record.NoWay}[r.IntN(3)],
				Channel:   []record.Channel{record.ChannelUser, record.ChannelApp, record.ChannelAPI, record.ChannelAgent, record.ChannelUnknown}[r.IntN(5)],
				Backfill:  r.IntN(4) == 0, From: who(), Custodian: text(), Actor: text(), Forwarded: r.IntN(4) == 0, Template: text(), Text: text(), Reason: text(),
				Hit: r.IntN(2) == 0, Erased: r.IntN(9) == 0, Reactions: marks(), Statuses: marks(), Ledger: l,
			}
			if r.IntN(5) > 0 {
				m.ID = fmt.Sprintf("wamid.%d", r.IntN(40)) // some twice
			}
			if r.IntN(3) == 0 {
				m.ReplyTo = fmt.Sprintf("wamid.%d", r.IntN(40))
			}
			if r.IntN(4) == 0 {
				m.Revokes = marks()
			}
			for _, k := range marks() {
				m.Edits = append(m.Edits, Edit{k, text(), r.IntN(3) == 0})
			}
			if r.IntN(3) == 0 {
				m.Media = media(text(), []string{"image/png", "text/html", "audio/ogg", "", text()}[r.IntN(5)], []byte(text()+"."))
				if r.IntN(3) == 0 {
					m.Media.Beside = strings.Repeat("5", 64)
				}
				if r.IntN(3) == 0 {
					m.Media.Path, m.Media.Open, m.Media.Reason = "", nil, text()
				}
			}
			for range r.IntN(3) {
				m.Findings = append(m.Findings, Finding{"rule", text(), text()})
				m.Deliveries = append(m.Deliveries, Delivery{m.Item, moment(), m.Kind, false, l})
			}
			date := s.p.local(m.Time).Format(dateLayout)
			byDate[date] = append(byDate[date], m)
		}
		dates := make([]string, 0, len(byDate))
		for d := range byDate {
			dates = append(dates, d)
		}
		slices.Sort(dates)
		for _, d := range dates {
			c.Days = append(c.Days, Day{d, byTime(byDate[d])})
		}
		s.convs = append(s.convs, c)
		for range r.IntN(3) {
			item, l := next()
			s.events = append(s.events, &Event{Item: item, Time: moment(), Clock: "kafka", Kind: record.Consent, Sub: text(), Text: text(), Reason: text(), Ledger: l})
			s.p.Gaps = append(s.p.Gaps, Gap{moment(), text() + "!", item, "1", r.IntN(3) == 0})
			s.p.Exceptions = append(s.p.Exceptions, Exception{item, "unknown", text()})
		}
	}
	return s
}

// TestRandom holds the files of random models to their formats, and writes each
// a second time, all at once.
func TestRandom(t *testing.T) {
	n := uint64(40)
	if os.Getenv("WAXSEAL_TORTURE") != "" {
		n = 2000
	}
	for seed := range n {
		s := random(seed)
		files := s.files(t)
		checkFiles(t, files, mediaOf(s.convs))
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
		if seed%10 == 0 {
			again(t, random(seed), files)
		}
	}
}

func again(t *testing.T, s *scene, want map[string][]byte) {
	var list []File
	var sums []Summary
	for _, c := range s.convs {
		files, err := c.Files(s.p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, files...)
		sums = append(sums, c.Summary())
	}
	files, err := s.p.Files(sums, s.events)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, f := range append(list, files...) {
		wait.Go(func() {
			var b bytes.Buffer
			if err := f.Write(&b); err != nil || !bytes.Equal(b.Bytes(), want[f.Path]) {
				t.Errorf("%s: written again it differs, or %v", f.Path, err)
			}
		})
	}
	wait.Wait()
}

// TestNothingLost gives each field of the model a text of its own and looks for
// it in each format. What a format leaves out is listed here.
func TestNothingLost(t *testing.T) {
	s := newScene(t)
	m := &Message{}
	words := map[string]string{} // by field
	label(reflect.ValueOf(m).Elem(), "", words)
	m.Kind, m.Direction, m.Channel = record.Template, record.Outbound, record.ChannelAPI
	m.Edits[0].From, m.Edits[1].From, m.From = ana, ana, shop
	for _, list := range [][]Mark{m.Revokes, m.Reactions, m.Statuses} {
		list[0].From, list[1].From = ana, ana
	}
	m.Statuses[1].Sub, m.Media.Path = "failed", ""
	m.ReplyTo = words["ReplyTo"]
	c := &Conversation{ID: "c", Number: "1", Parties: []Party{parties[shop], parties[ana]}, Days: []Day{{"2026-11-24", []*Message{m}}}}
	lone := &scene{p: s.p, convs: []*Conversation{c}}
	files := lone.files(t)
	o := mustRSMF(t, "rsmf", files["data/rsmf/c_2026-11-24.rsmf"])
	rsmf := fmt.Sprintf("%+v %s", o.manifest, o.body)
	for _, data := range o.files {
		rsmf += string(data)
	}
	for name, out := range map[string]struct {
		text string
		not  []string
	}{
		"jsonl": {string(files[MessagesPath]), nil},
		// Lists of the manifest name what is here; where each mark stands is in JSON and HTML.
		"rsmf": {rsmf, []string{"Media.ID", "Deliveries", "Ledger.Record", "*.Ledger", "Edits.Sub", "Edits.Reason", "Revokes.Sub", "Revokes.Text", "Revokes.Reason", "Reactions.Sub", "Reactions.Reason", "Statuses.Item", "Statuses.Text"}},
		"html": {string(files["data/transcript/c.html"]), []string{"ID", "ReplyTo", "Class", "Policy", "Ledger.Record", "Ledger.Hash", "*.Ledger.Record", "*.Ledger.Hash", "Media.ID", "Media.SHA256", "Media.Stated", "Media.Beside",
			"Media.Item", "Edits.Sub", "Edits.Reason", "Revokes.Sub", "Revokes.Text", "Revokes.Reason", "Reactions.Sub", "Reactions.Reason", "Reactions.Item", "Reactions.Ledger", "Statuses.Item", "Statuses.Text", "Statuses.Ledger", "Reason"}},
	} {
		for field, word := range words {
			if strings.Contains(out.text, word) || slices.ContainsFunc(out.not, func(n string) bool { return left(field, n) }) {
				continue
			}
			t.Errorf("%s: %s is lost", name, field)
		}
	}
}

// left says whether a field is, or is below, one that a format leaves out.
func left(field, not string) bool {
	if rest, ok := strings.CutPrefix(not, "*."); ok {
		_, field, _ = strings.Cut(field, ".")
		not = rest
	}
	return field == not || strings.HasPrefix(field, not+".")
}

// label fills every text below v with a word of its own, and notes the word of
// the last element of each list.
func label(v reflect.Value, name string, words map[string]string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[string]() || strings.HasSuffix(name, "From") || strings.HasSuffix(name, ".Sub") && name == "Statuses.Sub" || strings.HasSuffix(name, "Media.Path") || name == "Deliveries.Kind" {
			return
		}
		word := fmt.Sprintf("zq%dzq", len(words)+1000)
		if _, ok := words[name]; ok {
			word = words[name]
		}
		words[name] = word
		v.SetString(word)
	case reflect.Slice:
		list := reflect.MakeSlice(v.Type(), 2, 2)
		for i := range 2 {
			label(list.Index(i), name, words)
		}
		v.Set(list)
	case reflect.Ptr:
		v.Set(reflect.New(v.Type().Elem()))
		label(v.Elem(), name, words)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at("24 10:00")))
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			sub := f.Name
			if f.Anonymous {
				sub = name
			} else if name != "" {
				sub = name + "." + f.Name
			}
			label(v.Field(i), sub, words)
		}
	}
}

// TestCheck refuses models that refer to nothing.
func TestCheck(t *testing.T) {
	for name, change := range map[string]func(*Conversation){
		"id with a path":    func(c *Conversation) { c.ID = "../x" },
		"no parties":        func(c *Conversation) { c.Parties = nil },
		"party twice":       func(c *Conversation) { c.Parties[1].ID = c.Parties[0].ID },
		"party without id":  func(c *Conversation) { c.Parties[1].ID = "" },
		"party unknown":     func(c *Conversation) { c.Parties[1].ID = unknownParty },
		"sender nobody":     func(c *Conversation) { c.Days[0].Messages[0].From = "x" },
		"reaction nobody":   func(c *Conversation) { c.Days[0].Messages[0].Reactions[0].From = "x" },
		"mark without time": func(c *Conversation) { c.Days[0].Messages[0].Reactions[0].Time = time.Time{} },
		"no item":           func(c *Conversation) { c.Days[0].Messages[0].Item = "" },
		"no time":           func(c *Conversation) { c.Days[0].Messages[0].Time = time.Time{} },
		"days out of order": func(c *Conversation) { c.Days[0], c.Days[1] = c.Days[1], c.Days[0] },
		"empty day":         func(c *Conversation) { c.Days[1].Messages = nil },
		"media half there":  func(c *Conversation) { c.Days[0].Messages[4].Media.Open = nil },
	} {
		s := newScene(t)
		change(s.convs[0])
		if _, err := s.convs[0].Files(s.p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, change := range map[string]func(*scene){
		"event without time": func(s *scene) { s.events[0].Time = time.Time{} },
		"gap without words":  func(s *scene) { s.p.Gaps[0].What = "" },
		"exception no code":  func(s *scene) { s.p.Exceptions[0].Code = "" },
	} {
		s := newScene(t)
		change(s)
		if _, err := s.p.Files(nil, s.events); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
