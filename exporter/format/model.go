// Package format writes the readable files of a production: RSMF 2.0, an HTML
// transcript and JSON Lines, all from one model and each the same byte for byte
// when written again.
//
// It knows no store and no key: what it writes is what the model says, in the
// order the model has it.
package format

import (
	"io"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// Production is what one export is about.
type Production struct {
	Archive     string // origin of the archive
	Fingerprint string // hex
	Generator   string // tool and version
	Scope       string // what was asked for, as flags
	Zone        *time.Location
	Unit        string    // message, day or conversation
	Context     int       // messages of context around each hit
	Checkpoint  string    // signed checkpoint of control that the proofs end in
	Sealed      time.Time // of that checkpoint's block: nothing in the production is later
	Counts      Counts
	Gaps        []Gap
	Exceptions  []Exception
}

// Counts is how much a production holds.
type Counts struct {
	Conversations, Days, Messages, Events, Media, Records, Withheld int
}

// Gap is something the channel or Kafka did not deliver: the archive says that it
// is not there.
type Gap struct {
	Time   time.Time // of the block or item that states it
	What   string    // in words
	Record string    // ITEM, or topic/partition/first-next
	Number string    // phone_number_id that it concerns, "" not known
	Shown  bool      // a message says it in its own place: transcripts do not say it again
}

// Exception is something in scope that the production cannot show as it is:
// erased, malformed, unreadable, media not held.
type Exception struct {
	Item   string // ITEM or RECORD
	Code   string // erased, unparsed, unknown, tampered, media_missing, …
	Reason string // in words, without content
}

// Party is someone who takes part in a conversation.
type Party struct {
	ID       string // stable within an archive; the same person has the same id in every production
	Name     string // as the records name them, "" none
	Phone    string // digits, "" none
	Username string
	BSUID    string
	Business bool // the firm's own number
}

// Conversation is one person, or one group, and one business number.
type Conversation struct {
	ID      string  // keyed hash in hex, as search prints it
	Number  string  // phone_number_id of the business
	Title   string  // "" none: of a group
	Group   bool    // may have several outside parties
	Parties []Party // the business first, then the others in order of first appearance
	Days    []Day   // in order
}

// Day is one conversation on one day in the production's zone.
type Day struct {
	Date     string // 2026-11-24
	Messages []*Message
}

// Message is one logical message, or an event that stands in a conversation: a
// call, a system notice, or an edit, revoke, reaction or status whose message
// the archive does not have.
type Message struct {
	Item      string // ITEM: of the delivery that is shown
	ID        string // wamid, "" none
	Time      time.Time
	Clock     string // platform, device or kafka: whose clock Time is
	Kind      record.Kind
	Sub       string
	Direction record.Direction
	Channel   record.Channel
	Backfill  bool   // from a history sync
	From      string // Party.ID of who wrote it, "" unknown
	Custodian string // employee who answered on the number then, "" unknown
	Actor     string // who or what sent it through the API: kind:id
	ReplyTo   string // Message.ID
	Forwarded bool
	Template  string
	Text      string // the first text the archive has of it; "" none
	Reason    string // why there is no content, in words
	Hit       bool   // matched the search; false: stands beside a hit
	Erased    bool   // its bytes were lawfully erased

	Edits      []Edit // oldest first
	Revokes    []Mark // one is enough to make it revoked; Text stays
	Reactions  []Mark // Text is the emoji, "" a reaction taken back; oldest first, the latest of a person counts
	Statuses   []Mark // sent, delivered, read, played, failed: in Sub; oldest first
	Deliveries []Delivery
	Media      *Media // nil none
	Findings   []Finding
	Class      string // of retention
	Policy     string // revision that decided
	Ledger     Ledger // of the delivery that is shown
}

// Revoked says that somebody took the message back.
func (m *Message) Revoked() bool { return len(m.Revokes) > 0 }

// Edit is a change of a message's text.
type Edit struct {
	Mark
	Before  string // "" where the archive does not have it
	Missing bool   // the platform did not supply the new text
}

// Mark is something that happened to a message.
type Mark struct {
	Item   string // ITEM
	Time   time.Time
	From   string // Party.ID, "" unknown
	Sub    string
	Text   string
	Reason string // why it failed, or why there is no content, in words
	Ledger Ledger
}

// Delivery is one arrival of a message: the same one may come many times.
type Delivery struct {
	Item     string
	Time     time.Time // Kafka's
	Kind     record.Kind
	Backfill bool
	Ledger   Ledger
}

// Finding is what a policy rule observed.
type Finding struct{ Rule, Severity, Reason string }

// Ledger says where a record stands and which file of the bag proves it.
type Ledger struct {
	Record string // topic/partition/offset
	Lane   string
	Block  uint64
	Leaf   int    // of the block; -1 erased as a whole
	Hash   string // of the leaf, hex
	Proof  string // path in the bag, "" none
	Raw    string // path in the bag of its bytes, or of the piece that holds the item; "" none
}

// Media is the content of a message that came apart from it.
type Media struct {
	ID     string
	MIME   string // as the platform or middleware says; never trusted for rendering
	Name   string // file name as sent, "" none
	Size   int64
	SHA256 string                        // hex, of the bytes where they are here, else as it was stated, "" unknown
	Stated string                        // hex, as the message states it, "" not stated; another one than SHA256 is said
	Beside string                        // hex, as stated beside the bytes when they arrived, likewise
	Reason string                        // why there are no bytes, in words
	Path   string                        // in the bag, as MediaPath gives it; "" where the archive has no bytes
	Item   string                        // ITEM of the archived bytes, "" none
	Open   func() (io.ReadCloser, error) // the bytes; nil where Path is ""
}

// Event is an item that stands in no conversation: consent, templates, accounts,
// contacts, and what could not be understood.
type Event struct {
	Item     string
	Time     time.Time
	Clock    string
	Kind     record.Kind
	Sub      string
	Number   string
	Person   *Party
	Text     string
	Template string
	Reason   string
	Erased   bool
	Hit      bool
	Findings []Finding
	Class    string
	Policy   string
	Ledger   Ledger
}
