package archivetest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// The business number of the payloads that are made here.
const (
	WABA    = "100000000000001"
	Number  = "200000000000001" // phone_number_id
	Display = "15550100000"
)

// FeedSamples feeds the project's sample payloads, each to its topic, and
// records that are odd as Kafka records. root is the module's folder as seen
// from the test.
func (a *Archive) FeedSamples(t testing.TB, root string) []*record.Record {
	t.Helper()
	var all []*record.Record
	for _, topic := range topics {
		dir := filepath.Join(root, "testdata", "whatsapp", strings.TrimPrefix(topic.Name, "wa."))
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		must(t, err)
		var records []*record.Record
		for _, f := range files {
			value, err := os.ReadFile(f)
			must(t, err)
			records = append(records, &record.Record{Key: []byte(WABA), Value: value})
		}
		if topic.Name == "wa.webhooks" && len(records) < 50 {
			t.Fatalf("%d sample webhooks: they have moved", len(records))
		}
		records = append(records, odd()...)
		a.Feed(t, topic.Name, records...)
		all = append(all, records...)
	}
	return all
}

// odd are records that differ in what Kafka tells apart: null from empty, one
// header from its repetition.
func odd() []*record.Record {
	signature := []byte("sha256=00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff")
	return []*record.Record{
		{Key: nil, Value: nil},
		{Key: []byte{}, Value: []byte{}},
		{Key: nil, Value: []byte{}, Headers: []record.Header{{Key: "", Value: nil}}},
		{Key: []byte("k"), Value: []byte("{}"), Headers: []record.Header{
			{Key: "h", Value: nil}, {Key: "h", Value: []byte{}}, {Key: "h", Value: []byte{0}}, {Key: "H", Value: []byte("again")}, {Key: "h", Value: nil},
		}},
		{Key: []byte{0, 255}, Value: []byte{0xff, 0xfe, 0}, Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: signature}}},
		{Key: []byte(WABA), Value: []byte(`{"object":`), Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: []byte("sha256=zz")}}},
	}
}

// Person is somebody who writes in the payloads made here.
type Person struct{ Phone, BSUID, Name string }

// People that tests speak of.
var (
	Ada = Person{"15550100001", "US.13491208655302741918", "Ada Example"}
	Bea = Person{"15550100002", "US.24602319766413852029", "Bea Example"}
	Cem = Person{"15550100003", "US.35713420877524963130", "Cem Example"}
)

// Webhook wraps values of one field as Meta does, one change each.
func Webhook(field string, values ...string) []byte {
	var changes []string
	for _, v := range values {
		changes = append(changes, fmt.Sprintf(`{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":%q,"phone_number_id":%q},%s},"field":%q}`, Display, Number, v, field))
	}
	return fmt.Appendf(nil, `{"object":"whatsapp_business_account","entry":[{"id":%q,"changes":[%s]}]}`, WABA, strings.Join(changes, ","))
}

// Contacts is the contacts member that names people.
func Contacts(people ...Person) string {
	var out []string
	for _, p := range people {
		out = append(out, fmt.Sprintf(`{"profile":{"name":%q},"wa_id":%q,"user_id":%q}`, p.Name, p.Phone, p.BSUID))
	}
	return `"contacts":[` + strings.Join(out, ",") + `]`
}

// Text is a message of a person at a time.
func Text(from Person, id string, at int64, body string) string {
	return fmt.Sprintf(`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}`, from.Phone, from.BSUID, id, at, body)
}

// Record is a record of the webhooks topic.
func Record(value []byte) *record.Record {
	return &record.Record{Key: []byte(WABA), Value: value, Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: []byte("sha256=11ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff")}}}
}
