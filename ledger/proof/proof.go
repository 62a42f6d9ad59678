// Package proof says what a production shows of a record, and checks it without
// an archive: these bytes are what Kafka delivered at this offset, complete or
// with pieces withheld, and the ledger under this signed checkpoint contains
// them.
//
// The way leads from a piece's bytes over its commitment to the record's leaf,
// to the block's records_root, its entry, the lane's root in a heads act, that
// act's block in control, and control's checkpoint in that same block. The
// package is pure: it reads no file and knows no store. FORMAT.md has the bytes.
package proof

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// File proves records of one block. It stands alone: everything but the archive's
// fingerprint and the bytes of pieces that it names by file is in it.
type File struct {
	V           int         `json:"v"` // 1
	Archive     string      `json:"archive"`
	Fingerprint ledger.Hash `json:"fingerprint"`
	Keys        Keys        `json:"keys"`
	Control     Control     `json:"control"`
	Lane        Lane        `json:"lane"`
	Records     []Record    `json:"records"` // by position
}

// Keys shows which key signs, from the fingerprint on.
type Keys struct {
	Genesis   []byte   `json:"genesis"`             // the act's bytes; their SHA-256 is the fingerprint
	Rotations [][]byte `json:"rotations,omitempty"` // rotate acts up to the checkpoint, in order
}

// Control shows that a heads act stands in the control lane under its checkpoint.
type Control struct {
	Checkpoint string        `json:"checkpoint"` // signed note of the act's own block
	Entry      []byte        `json:"entry"`      // the last under it
	EntryPath  []ledger.Hash `json:"entry_path"` // inclusion of the entry in the checkpoint's root
	Event      []byte        `json:"event"`      // the heads act
	EventIndex int           `json:"event_index"`
	EventPath  []ledger.Hash `json:"event_path"` // inclusion in the entry's events_root
}

// Lane shows that an entry stands in a lane under the head that the act sealed.
type Lane struct {
	Name      record.Lane   `json:"name"`
	Entry     []byte        `json:"entry"`
	EntryPath []ledger.Hash `json:"entry_path"` // inclusion in the head's root
}

// Record shows that a record's leaf stands in the entry's records_root.
type Record struct {
	Record      string        `json:"record"` // topic/partition/offset
	LeaderEpoch int32         `json:"leader_epoch"`
	Timestamp   int64         `json:"timestamp,string"` // Kafka's, Unix milliseconds
	Position    int           `json:"position"`
	Path        []ledger.Hash `json:"path"`
	Pieces      []Piece       `json:"pieces"` // all of the record, by type, then index
}

// Piece is a piece of a record: disclosed (Salt, and Data or File), or withheld
// (Commitment alone).
type Piece struct {
	Type       ledger.PieceType `json:"type"`
	Index      uint32           `json:"index"`
	Commitment *ledger.Hash     `json:"commitment,omitempty"` // withheld, or erased
	Salt       *ledger.Hash     `json:"salt,omitempty"`
	Data       []byte           `json:"data,omitempty"`
	File       string           `json:"file,omitempty"` // path in the bag
	Offset     int64            `json:"offset,omitempty"`
	Bytes      int64            `json:"bytes,omitempty"` // length in the file
}
