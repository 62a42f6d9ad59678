// Package index is the search index: a row an item, metadata and keyed hashes
// only. It is a cache: reindex rebuilds it row for row from the stores and the
// identities. No message text and no phone number stands in it, not as a wamid
// either (a wamid contains the phone number) and not in base64.
package index

import (
	"cmp"
	"context"
	"errors"

	"github.com/waxseal/waxseal/archiver/record"
)

// Tag is a keyed hash of an identity or a message id.
type Tag [16]byte

// Token is a keyed hash of a word, with the key of its epoch.
type Token uint64

// Row is what the index knows of an item. Everything in it is a function of the
// record's bytes, the sealed decision, the ledger entry and the archive's keys,
// so that a rebuilt row is equal field for field.
type Row struct {
	Item  record.ItemID
	Lane  record.Lane
	Block uint64

	Segment string // object key of the segment that holds the item
	Cell    int
	Span    record.Span // of the item in the record's value

	Platform int64 // platform clock, Unix seconds, 0 not told
	Device   bool  // Platform is a device's clock
	Kafka    int64 // Unix milliseconds
	Sealed   int64 // the entry's time, Unix milliseconds

	Kind       record.Kind
	Sub        string
	Detail     string // a second word of the platform, as a history message's status
	Channel    record.Channel
	Direction  record.Direction
	Provenance record.Provenance
	Provider   string // "" raw from Meta
	Signature  record.Signature
	Field      string

	WABA    string
	Number  string // phone_number_id
	Display Tag    // of the business's own phone number; zero not told

	Subject      Tag   // the person on that number; zero none
	Aliases      []Tag // of each identity the item names the person by (Subject among them; a changed one too), sorted
	Group        Tag   // zero for 1:1
	Conversation Tag   // of number and group, or number and subject; zero where neither

	ID      Tag // of the message id; of media bytes by what messages name them by (Keys.MediaTag); zero none
	Target  Tag // of the id an edit, revoke, reaction, status, media is about
	ReplyTo Tag

	Custodian  string
	Department string
	Actor      string // kind:id of an API send's actor
	Template   string // name
	TemplateID string
	Codes      []int
	Reason     string

	Class       string
	Duty        int64 // Unix seconds, 0 none
	Retain      int64
	Findings    []string // rule names, sorted
	Severity    string   // the highest
	Provisional bool
	Policy      string // bundle revision

	TokenEpoch uint32
	Tokens     []Token // of the item's words, each once, sorted
}

// Time is the clock a row is ordered and searched by: the platform's where it
// is told, else Kafka's. Unix seconds.
func (r *Row) Time() int64 {
	if r.Platform != 0 {
		return r.Platform
	}
	s := r.Kafka / 1000
	if r.Kafka%1000 < 0 {
		s--
	}
	return s
}

// CompareItems orders item names: topic, era, partition, offset, number.
func CompareItems(a, b record.ItemID) int {
	return cmp.Or(
		cmp.Compare(a.Topic, b.Topic),
		cmp.Compare(a.Era, b.Era),
		cmp.Compare(a.Partition, b.Partition),
		cmp.Compare(a.Offset, b.Offset),
		cmp.Compare(a.N, b.N),
	)
}

// Batch is the rows of one block. Inserting it again changes nothing.
type Batch struct {
	Lane  record.Lane
	Block uint64
	Rows  []Row
}

// Query selects rows. Zero fields do not restrict. Within a list any may match
// (OR); lists restrict together (AND).
type Query struct {
	// Words is a boolean expression over tokens: Or of And of (possibly negated) alternatives.
	Words *Expr

	Items         []record.ItemID
	Records       []record.Coordinates
	People        []Tag // matches Subject or any alias
	Numbers       []string
	Displays      []Tag
	Groups        []Tag
	Conversations []Tag
	IDs           []Tag // message ids: rows with this ID
	Targets       []Tag // rows about these ids
	WABAs         []string
	Custodians    []string
	Departments   []string
	Kinds         []record.Kind
	Channels      []record.Channel
	Directions    []record.Direction
	Provenances   []record.Provenance
	Templates     []string // name or id
	Classes       []string
	Findings      []string // rule names; "*" any finding
	Lanes         []record.Lane
	From, To      int64 // Unix seconds, [From, To), on the platform clock, else Kafka's

	Newest bool   // order: by time, then by item name; newest first is that order backwards
	Limit  int    // 0 is DefaultLimit; at most MaxLimit
	Cursor string // from a previous Page
}

// MaxExprDepth is how deep an expression may be nested: a single Any is one deep.
const MaxExprDepth = 24

// Expr is a boolean expression over tokens. Exactly one of its fields is used.
type Expr struct {
	Any []Token // one word: its token in each key epoch
	And []*Expr
	Or  []*Expr
	Not *Expr
}

// Page is one page of an answer.
type Page struct {
	Rows   []Row
	Cursor string // "" at the end
}

// ErrCursor is returned for a cursor this query did not give.
var ErrCursor = errors.New("not a cursor of this query")

// Index is the store of rows. Safe for concurrent use.
type Index interface {
	// Insert adds the rows of blocks and moves each lane's position behind them, in
	// one step. Blocks may come again, in any order; a row that comes again
	// replaces the row of the same item. A power cut may take the last inserts
	// back, with the positions: whoever feeds the index goes on from Position.
	Insert(ctx context.Context, batches ...Batch) error
	// Position is the number of the first block of the lane that is not indexed
	// with all blocks below it.
	Position(ctx context.Context, lane record.Lane) (uint64, error)
	// Search gives a page in stable order.
	Search(ctx context.Context, q Query) (Page, error)
	// Count gives the number of rows and of distinct records a query selects, ignoring Limit and Cursor.
	Count(ctx context.Context, q Query) (rows, records int, err error)
	// Tags gives the person tags asked about and every tag seen as an alias beside
	// one of them, sorted, each once: so a search by phone number also finds rows
	// that name only the BSUID. One step, not the closure.
	Tags(ctx context.Context, people []Tag) ([]Tag, error)
	// Numbers lists the distinct phone_number_ids, sorted.
	Numbers(ctx context.Context) ([]string, error)
	// All gives every row in item order, for comparing two indexes.
	All(ctx context.Context, fn func(Row) error) error
	// Reset empties the index.
	Reset(ctx context.Context) error
	Close() error
}
