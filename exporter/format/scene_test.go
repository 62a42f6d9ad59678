package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

var berlin = func() *time.Location {
	l, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic(err)
	}
	return l
}()

// scene is a small production in which everything happens once: two
// conversations over two days, a group, events, gaps, exceptions. Numbers are
// fictional.
type scene struct {
	p      *Production
	convs  []*Conversation
	events []*Event
}

const (
	shop = "p-0001"
	ana  = "p-0002"
	omar = "p-0003"
	lina = "p-0004"
)

var parties = map[string]Party{
	shop: {ID: shop, Name: "Kestrel Home, Furniture", Phone: "15550100001", Business: true},
	ana:  {ID: ana, Name: "Ana Example", Phone: "15550100002", Username: "ana.example"},
	omar: {ID: omar, Name: "عمر مثال", Phone: "15550100003"},
	lina: {ID: lina, BSUID: "US.13491208655302741918"},
}

func newScene(t testing.TB) *scene {
	s := &scene{p: &Production{
		Archive: "kestrel/archive", Fingerprint: strings.Repeat("ab", 32), Generator: "waxseal 0.2.0", Scope: "--person 15550100002", Zone: berlin, Unit: "day",
		Checkpoint: "kestrel/archive/control\n12\n" + "qUjTzmmTt0qFN9bfr0FFI9kWyo4P6uLjaHq5Q4jRa0M=" + "\n\n— kestrel/archive AAAA\n",
		Sealed:     time.Date(2026, 11, 25, 18, 0, 0, 0, berlin),
		Counts:     Counts{Conversations: 3, Days: 4, Messages: 30, Events: 3, Media: 2, Records: 41, Withheld: 1},
		Gaps: []Gap{
			{at("24 11:30"), "Kafka no longer had offsets 120 to 124: compacted", "wa.webhooks/3/120-125", "", false},
			{at("25 09:00"), "The number was disconnected for 40 minutes: what was written then was not mirrored", "wa.webhooks/3/140#0", "155501000000020", false},
			{at("24 12:10"), "the platform supplies no content", "wa.webhooks/3/11#0", "155501000000020", true},
		},
		Exceptions: []Exception{
			{"wa.webhooks/3/12#0", "media_missing", "the platform's link had expired before the bytes were fetched"},
			{"wa.webhooks/3/77", "unparsed", "not JSON at byte 12"},
		},
	}}
	s.convs = []*Conversation{anaTalk(t), omarTalk(), groupTalk()}
	s.events = []*Event{
		{Item: "wa.consent/3/0#0", Time: at("24 08:00"), Clock: "platform", Kind: record.Consent, Sub: "given", Number: "155501000000020", Person: ptr(parties[ana]),
			Text: "I agree to offers by WhatsApp", Hit: true, Class: "consent", Policy: "7f10bf0b", Ledger: led("wa.consent/3/0", 1)},
		{Item: "wa.templates/3/4#0", Time: at("24 08:30"), Clock: "kafka", Kind: record.TemplateStatus, Sub: "PAUSED", Template: "spring_offer", Hit: true,
			Findings: []Finding{{"template-paused", "info", "the platform paused it"}}, Ledger: led("wa.templates/3/4", 1)},
		{Item: "wa.webhooks/3/77#0", Time: at("24 08:45"), Clock: "kafka", Kind: record.Unparsed, Reason: "not JSON at byte 12", Hit: true, Ledger: led("wa.webhooks/3/77", 2)},
		{Item: "wa.webhooks/3/78#0", Time: at("24 08:46"), Clock: "kafka", Kind: record.ContactSync, Erased: true, Ledger: led("wa.webhooks/3/78", 2)},
	}
	return s
}

func ptr[T any](v T) *T { return &v }

// at is a time in November 2026, Berlin: "24 11:30" or "24 11:30:05".
func at(s string) time.Time {
	for _, layout := range []string{"2006-01 2 15:04:05", "2006-01 2 15:04"} {
		if t, err := time.ParseInLocation(layout, "2026-11 "+s, berlin); err == nil {
			return t
		}
	}
	panic(s)
}

func led(rec string, block uint64) Ledger {
	sum := sha256.Sum256([]byte(rec))
	return Ledger{Record: rec, Lane: "3", Block: block, Leaf: int(sum[0]) % 7, Hash: hex.EncodeToString(sum[:]),
		Proof: fmt.Sprintf("proofs/3-%012d.json", block), Raw: "data/raw/" + rec + ".json"}
}

// msg is a text; n is its offset in lane 3.
func msg(n int, when, from, text string) *Message {
	rec := fmt.Sprintf("wa.webhooks/3/%d", n)
	m := &Message{Item: rec + "#0", ID: fmt.Sprintf("wamid.TEST%06d", n), Time: at(when), Clock: "platform", Kind: record.Text, From: from, Text: text, Hit: true,
		Direction: record.Inbound, Channel: record.ChannelUser, Class: "communication", Policy: "7f10bf0b", Ledger: led(rec, uint64(n/4+1))}
	if from == shop {
		m.Direction, m.Channel, m.Custodian = record.Outbound, record.ChannelApp, "e.example"
	}
	m.Deliveries = []Delivery{{m.Item, m.Time.Add(time.Second), m.Kind, false, m.Ledger}}
	return m
}

func mark(n int, when, from, sub, text string) Mark {
	rec := fmt.Sprintf("wa.webhooks/3/%d", n)
	return Mark{Item: rec + "#0", Time: at(when), From: from, Sub: sub, Text: text, Ledger: led(rec, uint64(n/4+1))}
}

func media(name, mime string, data []byte) *Media {
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	return &Media{ID: "1234567890", MIME: mime, Name: name, Size: int64(len(data)), SHA256: hash, Stated: hash, Path: MediaPath(hash, mime), Item: "wa.media/3/1#0",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
}

func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 320, 200))
	for y := range 200 {
		for x := range 320 {
			img.Set(x, y, color.RGBA{uint8(60 + x/2), uint8(90 + y/2), 150, 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// tone is half a second of silence as WAV.
func tone() []byte {
	head := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\xa0\x0f\x00\x00")
	head[4], head[5] = 0xC4, 0x0F
	return append(head, bytes.Repeat([]byte{0x80}, 4000)...)
}

func anaTalk(t testing.TB) *Conversation {
	t.Helper()
	asks := msg(1, "24 09:12:33", ana, "Good morning! Is the oak table <still> on sale? See https://example.com/?a=1&b=2")
	asks.Reactions = []Mark{mark(21, "24 09:20", shop, "", "👍"), mark(22, "24 09:21", shop, "", ""), mark(23, "24 09:22", shop, "", "❤️")}
	asks.Deliveries = append(asks.Deliveries, Delivery{"wa.webhooks/3/31#0", at("24 09:13"), record.Text, false, led("wa.webhooks/3/31", 8)},
		Delivery{"wa.webhooks/3/32#7", at("25 06:00"), record.Text, true, led("wa.webhooks/3/32", 8)})

	promise := msg(2, "24 09:14:05", shop, "Yes, and delivery is free.")
	promise.ReplyTo = asks.ID
	promise.Edits = []Edit{{mark(24, "24 09:16:40", shop, "", "Yes, and delivery is €40."), "Yes, and delivery is free.", false},
		{Mark: mark(25, "24 09:18:02", shop, "", "Yes. Delivery is €40, free from €500.")}}
	promise.Statuses = []Mark{mark(26, "24 09:14:06", "", "sent", ""), mark(27, "24 09:14:09", ana, "delivered", ""), mark(28, "24 09:15:00", ana, "read", "")}

	unknownEdit := msg(3, "24 09:30", ana, "I will take two.")
	unknownEdit.Edits = []Edit{{Mark: mark(29, "24 09:31", ana, "", ""), Before: "I will take two.", Missing: true}}

	gone := msg(4, "24 09:40", shop, "Between us: the manager would never notice.")
	gone.Revokes = []Mark{mark(30, "24 09:41:10", shop, "", "")}

	photo := msg(5, "24 10:02", ana, "This is my living room\nwith the old one")
	photo.Kind, photo.Media = record.Image, media("room.png", "image/png", picture())

	voice := msg(6, "24 10:05", ana, "")
	voice.Kind, voice.Media = record.Audio, media("", "audio/wav", tone())

	evil := msg(7, "24 10:06", ana, "")
	evil.Kind, evil.Media = record.Document, media("invoice.html", "text/html", []byte("<script>alert(1)</script>"))

	fake := msg(8, "24 10:07", ana, "")
	fake.Kind, fake.Media = record.Image, media("cat.jpg", "image/jpeg", []byte("<svg onload=alert(1)>"))
	fake.Media.Stated = strings.Repeat("0", 64)

	lost := msg(9, "24 10:08", ana, "The floor plan")
	lost.Kind = record.Document
	lost.Media = &Media{ID: "99", MIME: "application/pdf", Name: "plan.pdf", SHA256: strings.Repeat("1", 64), Stated: strings.Repeat("1", 64), Reason: "the platform's link had expired"}

	campaign := msg(10, "24 12:00", shop, "Spring is here, Ana: 10% off until Sunday.")
	campaign.Kind, campaign.Channel, campaign.Actor, campaign.Template, campaign.Custodian = record.Template, record.ChannelAPI, "campaign:spring-2026", "spring_offer", ""
	campaign.Findings = []Finding{{"marketing-after-withdrawal", "high", "marketing was sent although the person had withdrawn consent"}}
	campaign.Statuses = []Mark{mark(33, "24 12:00:01", "", "sent", ""), {Item: "wa.webhooks/3/34#0", Time: at("24 12:00:03"), Sub: "failed", Reason: "131050: the person stopped marketing", Ledger: led("wa.webhooks/3/34", 9)}}

	hole := msg(11, "24 12:10", ana, "")
	hole.Kind, hole.Sub, hole.Reason = record.Unsupported, "poll_creation", "131051: message type unknown"
	call := msg(12, "24 12:20", ana, "")
	call.Kind, call.Sub = record.Call, "connect"

	late := msg(13, "25 08:00", ana, "An \u202Eelbat\u202C and\u200B more\x00\x07. Emoji 👩‍👩‍👧 🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F "+strings.Repeat("long", 60))
	late.ReplyTo, late.Forwarded = promise.ID, true
	old := msg(14, "25 08:30", shop, "From the history")
	old.Backfill, old.Clock = true, "device"
	erased := msg(15, "25 10:00", ana, "")
	erased.Erased = true
	lonely := msg(16, "25 10:10", ana, "")
	lonely.Kind, lonely.Text, lonely.ID = record.Reaction, "😮", ""
	unsent := msg(17, "25 10:20", "", "Who wrote this is not told")
	unsent.Direction, unsent.Channel = record.Outbound, record.ChannelUnknown
	beside := msg(18, "25 10:30", ana, "Thank you")
	beside.Hit = false
	return &Conversation{ID: strings.Repeat("a1", 16), Number: "155501000000020", Parties: []Party{parties[shop], parties[ana]}, Days: []Day{
		{"2026-11-24", []*Message{asks, promise, unknownEdit, gone, photo, voice, evil, fake, lost, campaign, hole, call}},
		{"2026-11-25", []*Message{late, old, erased, lonely, unsent, beside}},
	}}
}

func omarTalk() *Conversation {
	a := msg(50, "24 13:00", omar, "مرحبا، هل الطاولة متوفرة؟ السعر 499€ فقط؟")
	b := msg(51, "24 13:01", shop, "نعم، متوفرة.\nΚαι στα ελληνικά: ναι. И по-русски: да. 日本語でも：はい。")
	b.ReplyTo = a.ID
	c := msg(52, "24 13:02", omar, "")
	c.Kind, c.Text = record.Location, "Warehouse 7\n52.52, 13.40"
	return &Conversation{ID: strings.Repeat("b2", 16), Number: "155501000000020", Parties: []Party{parties[shop], parties[omar]},
		Days: []Day{{"2026-11-24", []*Message{a, b, c}}}}
}

func groupTalk() *Conversation {
	a := msg(60, "24 14:00", ana, "Who has the keys?")
	b := msg(61, "24 14:01", lina, "I do")
	b.ReplyTo = "wamid.NOTHERE"
	c := msg(62, "24 14:02", shop, "Great")
	c.Statuses = []Mark{mark(63, "24 14:03", ana, "read", ""), mark(64, "24 14:04", lina, "delivered", ""), mark(65, "24 14:05", "", "read", "")}
	c.Reactions = []Mark{mark(66, "24 14:06", ana, "", "🎉"), mark(67, "24 14:07", lina, "", "🎉"), mark(68, "24 14:08", "", "", "🎉")}
	return &Conversation{ID: strings.Repeat("c3", 16), Number: "155501000000020", Title: "Site <b>7</b>", Group: true,
		Parties: []Party{parties[shop], parties[ana], parties[lina]}, Days: []Day{{"2026-11-24", []*Message{a, b, c}}}}
}

// files writes all files of the scene into memory, by path.
func (s *scene) files(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	put := func(list []File, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			var b bytes.Buffer
			if err := f.Write(&b); err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			if _, twice := out[f.Path]; twice {
				t.Fatalf("%s twice", f.Path)
			}
			out[f.Path] = b.Bytes()
		}
	}
	var sums []Summary
	var messages bytes.Buffer
	for _, c := range s.convs {
		put(c.Files(s.p))
		sums = append(sums, c.Summary())
		if err := WriteMessages(&messages, s.p, c); err != nil {
			t.Fatal(err)
		}
	}
	put(s.p.Files(sums, s.events))
	out[MessagesPath] = messages.Bytes()
	return out
}
