// Package sealtest makes fictional records, cut into pieces as the archiver cuts
// them, and small archives of them in memory, for the tests of sealing, reading
// and erasing.
package sealtest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// Retentions of the fictional firm: with a duty, and without.
var (
	Duty = seal.Retention{Class: "communication", Duty: 1924992000, Retain: 2019686400}
	Free = seal.Retention{Class: "contact", Retain: 1924992000}
)

// Tag is person n's keyed tag.
func Tag(n int) (t [16]byte) {
	binary.BigEndian.PutUint64(t[8:], uint64(n)+1)
	return t
}

// Person owns rows by person n's tag.
func Person(n int) seal.Owner { return seal.Owner{Kind: seal.OwnerSubject, Tag: Tag(n)} }

// Rule is a fictional decision, numbered.
func Rule(n int) *seal.Rule {
	j := fmt.Appendf(nil, `{"in":{"kind":"text","channel":"user","direction":"in","provenance":"live","waba":"102290129340398","number":"106540352242922","day":"2026-11-%02d","marketing":"unknown","window":"open","messaged":"yes"},"out":{"class":"communication","duty":"2031-01-01","retain":"2034-01-01","scope":"business","revision":"7"}}`, n%30+1)
	return &seal.Rule{JSON: j, Hash: ledger.Sum(j)}
}

// Traffic makes records. The same seed gives the same records.
type Traffic struct {
	rng    *rand.Rand
	rules  []*seal.Rule
	offset int64
}

// NewTraffic starts at offset 0.
func NewTraffic(seed uint64) *Traffic {
	t := &Traffic{rng: rand.New(rand.NewPCG(seed, 1))}
	for n := range 4 {
		t.rules = append(t.rules, Rule(n))
	}
	return t
}

// phone is person n's fictional number.
func phone(n int) string { return fmt.Sprintf("1555010%04d", n%10000) }

func (t *Traffic) wamid(n int) string {
	b := append([]byte{0x1d, 0x04, 0x0b}, phone(n)...)
	b = append(b, 0x15, 2, 0, 0x12, 0x18, 0x14)
	for range 20 {
		b = append(b, "0123456789ABCDEF"[t.rng.IntN(16)])
	}
	return "wamid." + base64.StdEncoding.EncodeToString(append(b, 0))
}

var words = []string{"the", "order", "arrives", "on", "Tuesday", "please", "confirm", "invoice", "I", "have", "not", "received", "yet", "could", "you", "check",
	"thank", "very", "much", "account", "number", "meeting", "moved", "to", "next", "week", "and", "we", "sign", "contract", "tomorrow", "morning"}

func (t *Traffic) text(n int) string {
	var s string
	for range n {
		s += words[t.rng.IntN(len(words))] + " "
	}
	return s[:len(s)-1]
}

func (t *Traffic) message(person, length int) string {
	return fmt.Sprintf(`{"from":"%s","from_user_id":"US.%020d","id":"%s","timestamp":"%d","type":"text","text":{"body":"%s"}}`,
		phone(person), person*7919, t.wamid(person), 1764000000+t.offset, t.text(length))
}

func (t *Traffic) contact(person int) string {
	return fmt.Sprintf(`{"profile":{"name":"Person %d"},"wa_id":"%s","user_id":"US.%020d"}`, person, phone(person), person*7919)
}

const (
	head = `{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"106540352242922"},"contacts":[`
	mid  = `],"messages":[`
	tail = `]},"field":"messages"}]}]}`
)

// record makes the Kafka record around a value, with a signature header.
func (t *Traffic) record(value string) *record.Record {
	sig := make([]byte, 0, 71)
	sig = append(sig, "sha256="...)
	for range 64 {
		sig = append(sig, "0123456789abcdef"[t.rng.IntN(16)])
	}
	r := &record.Record{
		Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1, Partition: 0, Offset: t.offset},
		LeaderEpoch: 3, Timestamp: 1764000000000 + 17*t.offset, Key: []byte("102290129340398"), Value: []byte(value),
		Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: sig}, {Key: "Content-Type", Value: []byte("application/json")}},
	}
	t.offset++
	return r
}

// Message is a webhook of some 630 bytes about one person: one row.
func (t *Traffic) Message(person int, ret seal.Retention) *seal.Cut {
	r := t.record(head + t.contact(person) + mid + t.message(person, 4+t.rng.IntN(16)) + tail)
	return Whole(r, Person(person), ret, t.rules[t.rng.IntN(len(t.rules))])
}

// Whole cuts a record into pieces of one row.
func Whole(r *record.Record, o seal.Owner, ret seal.Retention, rule *seal.Rule) *seal.Cut {
	cut := &seal.Cut{Record: r}
	if len(r.Value) > 0 {
		cut.Pieces = append(cut.Pieces, seal.Piece{Type: ledger.PieceValue, Owner: o, Retention: ret, Bytes: r.Value, Items: 1})
	}
	cut.Pieces = append(cut.Pieces,
		seal.Piece{Type: ledger.PieceKeyHeaders, Owner: o, Retention: ret, Bytes: seal.EncodeKeyHeaders(r)},
		seal.Piece{Type: ledger.PieceDecision, Owner: o, Retention: ret, Rulings: []seal.Ruling{{Item: 0, Rule: rule}}})
	return cut
}

// Batch is one webhook with a message of each of the people, cut by person: an
// envelope, key and headers with a row of their own, each person their own. ret
// gives each person's retention; the envelope has the first's.
func (t *Traffic) Batch(people []int, ret func(person int) seal.Retention) *seal.Cut {
	type region struct{ start, end, person, first, items int }
	var regions []region
	v := head
	element := func(s string, person, first, items int) {
		regions = append(regions, region{len(v), len(v) + len(s), person, first, items})
		v += s
	}
	for i, p := range people {
		if i > 0 {
			v += ","
		}
		element(t.contact(p), p, 0, 0)
	}
	v += mid
	for i, p := range people {
		if i > 0 {
			v += ","
		}
		element(t.message(p, 6), p, i, 1)
	}
	v += tail
	cut := &seal.Cut{Record: t.record(v)}
	value, at := cut.Record.Value, 0
	envelope := seal.Owner{Kind: seal.OwnerRecord}
	for _, g := range regions {
		cut.Pieces = append(cut.Pieces,
			seal.Piece{Type: ledger.PieceValue, Owner: envelope, Retention: ret(people[0]), Bytes: value[at:g.start]},
			seal.Piece{Type: ledger.PieceValue, Owner: Person(g.person), Retention: ret(g.person), Bytes: value[g.start:g.end], FirstItem: g.first, Items: g.items})
		at = g.end
	}
	cut.Pieces = append(cut.Pieces, seal.Piece{Type: ledger.PieceValue, Owner: envelope, Retention: ret(people[0]), Bytes: value[at:]})
	shortest := ret(people[0])
	for _, p := range people {
		if r := ret(p); r.Duty < shortest.Duty {
			shortest = r
		}
	}
	cut.Pieces = append(cut.Pieces, seal.Piece{Type: ledger.PieceKeyHeaders, Owner: seal.Owner{Kind: seal.OwnerHeaders}, Retention: shortest, Bytes: seal.EncodeKeyHeaders(cut.Record)})
	for i, p := range people {
		saw := fmt.Appendf(nil, `{"consent":"wa.consent/0/%d#0"}`, i)
		cut.Pieces = append(cut.Pieces, seal.Piece{Type: ledger.PieceDecision, Owner: Person(p), Retention: ret(p),
			Rulings: []seal.Ruling{{Item: i, Rule: t.rules[i%len(t.rules)], Saw: saw}}, FirstItem: i, Items: 1})
	}
	return cut
}

// Media is a record of n bytes of media, one row, cut as the archiver cuts it.
func Media(offset int64, n int, o seal.Owner, ret seal.Retention) *seal.Cut {
	value := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(offset)}).Read(value) // never fails
	cut := Whole(&record.Record{
		Coordinates: record.Coordinates{Topic: "wa.media", Era: 1, Partition: 3, Offset: offset}, Timestamp: 1764000000000 + offset,
		Key: []byte("102290129340398"), Value: value, Headers: []record.Header{{Key: "content-type", Value: []byte("image/jpeg")}},
	}, o, ret, Rule(1))
	p := cut.Pieces[0]
	p.Type = ledger.PieceMedia
	cut.Pieces = append(cut.Pieces[1:], p)
	return cut
}
