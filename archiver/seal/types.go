package seal

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Retention is what a row, a segment and a box belong to: one class, one duty,
// one retention. Times are Unix seconds, already clamped and rounded to their
// grain; Duty 0 is none.
type Retention struct {
	Class        string
	Duty, Retain int64
}

// OwnerKind says whose a row is.
type OwnerKind byte

// The kinds of row owners.
const (
	OwnerSubject OwnerKind = 1 // a person, by keyed tag
	OwnerRecord  OwnerKind = 2 // the envelope of one record, or a record without a person
	OwnerHeaders OwnerKind = 3 // key and headers of one record of several people
	OwnerAct     OwnerKind = 4 // the body of one act
	OwnerMedia   OwnerKind = 5 // one record of media that names no person, by keyed tag of what messages name it by
)

// tagged says that an owner of this kind has a tag.
func (k OwnerKind) tagged() bool { return k == OwnerSubject || k == OwnerMedia }

// Owner is whose row a piece goes to. Tag is the keyed hash of the person for
// OwnerSubject and of the media for OwnerMedia, zero for the others. But for
// OwnerSubject the row is the record's own, never reused.
type Owner struct {
	Kind OwnerKind
	Tag  [16]byte
}

// Piece is a part of a record that goes to one row.
type Piece struct {
	Type      ledger.PieceType
	Owner     Owner
	Retention Retention
	Bytes     []byte // PieceValue: a range of the value, no copy. PieceMedia: the value. PieceKeyHeaders and PieceBody: as encoded. PieceDecision: nil, see Rulings
	FirstItem int    // number of the first item that lies in it
	Items     int
	Rulings   []Ruling // PieceDecision only
}

// Ruling is what was decided for one item.
type Ruling struct {
	Item int
	Rule *Rule
	Saw  []byte // canonical JSON of the evidence this decision rests on, as item names; personal, nil where none
}

// Rule is a distinct (input, decision) pair: JSON {"in":…,"out":…}. Few exist, so
// its bytes are stored once a segment and its hash is computed once.
type Rule struct {
	JSON []byte
	Hash ledger.Hash // SHA-256 of JSON
}

// Cut is a record cut into pieces: value pieces in order and covering the value
// exactly, then key and headers, then decisions. Or, where the value is media to
// be sealed as an object of its own: key and headers, decisions, the media, all
// of one owner and retention.
type Cut struct {
	Record *record.Record
	Pieces []Piece
}

// Place says where a piece was sealed: the segment's index in the entry and the
// cell's number in the segment.
type Place struct {
	Segment, Cell int
}
