// Package traffic makes the records that speed is measured with: webhooks in
// Meta's own shapes, as a provider of many businesses in Coexistence receives
// them. All of it is fictional and every body is different.
package traffic

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// The firm: 20,000 people write to the numbers of 200 business accounts, each
// person to one of them.
const (
	People   = 20_000
	Accounts = 200
)

// Traffic makes records. The same seed, start and people give the same records.
type Traffic struct {
	rng    *rand.Rand
	n      int
	time   int64 // Unix seconds of the first record
	people int
}

// New starts at a time, Unix seconds; a thousand records come a second, from so
// many people, People at most.
func New(seed uint64, start int64, people int) *Traffic {
	return &Traffic{rng: rand.New(rand.NewPCG(seed, 1)), time: start, people: people}
}

// Next makes one record: keyed by account, with the platform's signature in a
// header. Every fourth is a status, the others are texts of 5 to 40 words; values
// have 670 bytes on average. Timestamp is left to the producer.
func (t *Traffic) Next() *record.Record {
	person := t.rng.IntN(t.people)
	account := person % Accounts
	value := t.body(person, account)
	t.n++
	sum := make([]byte, 32)
	t.fill(sum)
	return &record.Record{
		Key: fmt.Appendf(nil, "1020%011d", account), Value: value,
		Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: hex.AppendEncode([]byte("sha256="), sum)}},
	}
}

func (t *Traffic) body(person, account int) []byte {
	wa, user := fmt.Sprintf("155501%05d", person), fmt.Sprintf("US.%d", 1_349_120_865_530_274+7919*int64(person))
	number := fmt.Sprintf("155501%05d", 90_000+account)
	b := fmt.Appendf(make([]byte, 0, 1024), `{"object":"whatsapp_business_account","entry":[{"id":"1020%011d","changes":[{"value":{"messaging_product":"whatsapp",`+
		`"metadata":{"display_phone_number":%q,"phone_number_id":"1065%011d"},"contacts":[{"profile":{"name":"%s %s"},"wa_id":%q,"user_id":%q}],`,
		account, number, account, first[person%len(first)], last[person/len(first)%len(last)], wa, user)
	at := t.time + int64(t.n/1000)
	if t.n%4 == 0 {
		return fmt.Appendf(b, `"statuses":[{"id":%q,"status":%q,"timestamp":"%d","recipient_id":%q,"recipient_user_id":%q,`+
			`"pricing":{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}}]},"field":"messages"}]}]}`,
			t.wamid(wa, "\x11\x18\x12", 18), states[t.rng.IntN(len(states))], at, wa, user)
	}
	b = fmt.Appendf(b, `"messages":[{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":"`, wa, user, t.wamid(wa, "\x12\x18\x14", 20), at)
	for i := range 5 + t.rng.IntN(36) {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, words[t.rng.IntN(len(words))]...)
	}
	return append(b, `"}}]},"field":"messages"}]}]}`...)
}

// wamid is a message id as the platform makes it: the person's number and some
// random hexadecimal digits, in base64.
func (t *Traffic) wamid(wa, kind string, digits int) string {
	b := append([]byte{0x1c, 0x04, byte(len(wa))}, wa...)
	b = append(b, 0x15, 2, 0)
	b = append(b, kind...)
	id := make([]byte, digits/2)
	t.fill(id)
	b = append(b, strings.ToUpper(hex.EncodeToString(id))...)
	return "wamid." + base64.StdEncoding.EncodeToString(append(b, 0))
}

func (t *Traffic) fill(b []byte) {
	for i := range b {
		b[i] = byte(t.rng.Uint32())
	}
}
