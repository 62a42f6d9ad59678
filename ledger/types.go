package ledger

import "github.com/waxseal/waxseal/archiver/record"

// Hash is a SHA-256, in JSON as 64 lower-case hex digits.
type Hash [32]byte

// PieceType says what a commitment commits to. It is part of the committed bytes.
type PieceType byte

// The types of pieces.
const (
	PieceValue      PieceType = 0 // a byte range of the record's value; in order they are the value
	PieceKeyHeaders PieceType = 1 // key, headers and whether the value is null (seal/FORMAT.md)
	PieceDecision   PieceType = 2 // what was decided for the items of one row in the record
	PieceBody       PieceType = 3 // the sealed body of an act
	PieceMedia      PieceType = 4 // a media object
)

// PieceRef names one commitment of a record: the index counts from 0 within the type.
type PieceRef struct {
	Index uint32
	Type  PieceType
}

// Leaf is what a record leaf says in the clear to whoever is shown it. Its hash
// stands in the block; its fields are disclosed with a production.
type Leaf struct {
	record.Coordinates
	LeaderEpoch int32
	Timestamp   int64 // Kafka's clock, Unix milliseconds
	Root        Hash  // RFC 6962 root over the record's commitments, sorted by type and then index
}

// Entry is the one ledger entry of a block, in this field order, as compact
// JSON without HTML escaping. A verifier hashes the stored bytes and never
// re-encodes. Offsets, times in milliseconds and counts that may pass 2^53 are strings.
type Entry struct {
	V           int         `json:"v"` // 1
	Lane        record.Lane `json:"lane"`
	N           uint64      `json:"n,string"`
	Time        string      `json:"time"`             // RFC 3339, UTC, milliseconds, the writer's clock
	Prev        Hash        `json:"prev"`             // SHA-256 of the previous entry's bytes; zero in block 0
	Writer      Hash        `json:"writer"`           // SHA-256 of the writer's start act; zero in genesis
	RowsFrom    uint64      `json:"rows_from,string"` // oldest block whose rows this writer may still use
	Published   uint64      `json:"published,string"` // size of the live checkpoint its writer knows to be stored, with all its tiles
	Takeover    bool        `json:"takeover,omitempty"`
	Source      []Source    `json:"source,omitempty"`
	Records     uint64      `json:"records"`
	RecordsRoot Hash        `json:"records_root"` // RFC 6962 root over the record leaves; SHA-256("") when there is none
	Segments    []Segment   `json:"segments,omitempty"`
	Media       []Segment   `json:"media,omitempty"`
	Boxes       []Box       `json:"boxes,omitempty"`
	Outbox      *Object     `json:"outbox,omitempty"`
	Snapshot    *Snapshot   `json:"snapshot,omitempty"`
	Policy      string      `json:"policy,omitempty"` // bundle revision
	Events      uint64      `json:"events"`           // in control: acts; elsewhere typed events (alarms, era changes)
	EventsRoot  Hash        `json:"events_root"`      // RFC 6962 root over the events' bytes
	Repairs     uint64      `json:"repairs,omitempty"`
}

// Source is the coverage of one topic in a block: of all offsets from First up
// to, not including, Next, Records were archived and the rest are stated in Gaps.
// Every topic of the lane stands in every entry, also with no record.
type Source struct {
	Topic     string     `json:"topic"`
	Era       record.Era `json:"era"`
	Partition int32      `json:"partition"`
	First     int64      `json:"first,string"`
	Next      int64      `json:"next,string"`
	Records   uint64     `json:"records"`
	Gaps      []Gap      `json:"gaps,omitempty"`
	Epoch     int32      `json:"epoch"`          // leader epoch of the last archived record, -1 none
	Last      string     `json:"last,omitempty"` // keyed hash of the last archived record ever, hex; "" none yet
}

// Gap is a stated hole in the coverage.
type Gap struct {
	First int64           `json:"first,string"`
	Next  int64           `json:"next,string"`
	Cause record.GapCause `json:"cause"`
}

// Object names a stored object by key and content.
type Object struct {
	Key    string `json:"key"`
	SHA256 Hash   `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Segment is a sealed object in the locked store.
type Segment struct {
	Object
	Class       string `json:"class"`
	DutyUntil   string `json:"duty_until,omitempty"` // RFC 3339, UTC, seconds
	RetainUntil string `json:"retain_until"`
}

// Box is a key box. With a duty it lies in the locked store, else in both
// copies of the unlocked one.
type Box struct {
	Object
	Class       string `json:"class"`
	Rows        uint32 `json:"rows"`
	RowsRoot    Hash   `json:"rows_root"` // RFC 6962 root over the row hashes
	DutyUntil   string `json:"duty_until,omitempty"`
	RetainUntil string `json:"retain_until,omitempty"` // set where locked
}

// Snapshot names a lane state: of the lane after block At.
type Snapshot struct {
	Object
	At uint64 `json:"at,string"`
}
