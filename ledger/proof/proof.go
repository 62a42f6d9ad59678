// Package proof says what a production shows of a record, and checks it without
// an archive: these bytes are what Kafka delivered at this offset, complete or
// with pieces withheld, and the ledger under this signed checkpoint contains
// them.
//
// The way leads from a piece's bytes over its commitment to the record's leaf,
// to the block's records_root, its entry, the lane's root in a heads act, that
// act's block in control, and control's signed checkpoint. What is common to a
// whole production stands once, in its Anchor; a File holds the records of one
// block. The package is pure: it reads no file and knows no store. FORMAT.md has
// the bytes.
package proof

import (
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Version is the version of the documents this package writes.
const Version = 1

// ErrProof is in every error of this package.
var ErrProof = errors.New("not proven")

// Anchor is what all proofs of a production end in: the archive's keys, control's
// checkpoint, and the acts under it that seal the heads of the lanes.
type Anchor struct {
	V           int         `json:"v"`
	Archive     string      `json:"archive"`
	Fingerprint ledger.Hash `json:"fingerprint"`
	Genesis     []byte      `json:"genesis"`             // the act's bytes; their SHA-256 is the fingerprint
	Rotations   [][]byte    `json:"rotations,omitempty"` // rotate acts below the checkpoint, in order
	Checkpoint  string      `json:"checkpoint"`          // signed note of control
	Heads       []Heads     `json:"heads,omitempty"`     // in the order of control
}

// Heads shows that a heads act stands in control under the checkpoint.
type Heads struct {
	Entry      []byte        `json:"entry"`
	EntryPath  []ledger.Hash `json:"entry_path,omitempty"` // inclusion of the entry in the checkpoint's root
	Event      []byte        `json:"event"`                // the act
	EventIndex int           `json:"event_index"`
	EventPath  []ledger.Hash `json:"event_path,omitempty"` // inclusion in the entry's events_root
}

// File proves records of one block, together with the Anchor it names and the
// bytes of pieces that it names by file.
type File struct {
	V           int         `json:"v"`
	Archive     string      `json:"archive"`
	Fingerprint ledger.Hash `json:"fingerprint"`
	Anchor      ledger.Hash `json:"anchor"` // SHA-256 of the anchor's bytes
	Lane        Lane        `json:"lane"`
	Records     []Record    `json:"records,omitempty"` // by position
}

// Lane shows that an entry stands in a lane under a head that the anchor seals.
type Lane struct {
	Name      record.Lane   `json:"name"`
	Head      uint64        `json:"head,string"` // size of the head
	Entry     []byte        `json:"entry"`
	EntryPath []ledger.Hash `json:"entry_path,omitempty"` // inclusion in the head's root
}

// Record shows that a record's leaf stands in the entry's records_root.
type Record struct {
	Record      string        `json:"record"` // topic/partition/offset
	LeaderEpoch int32         `json:"leader_epoch"`
	Timestamp   int64         `json:"timestamp,string"` // Kafka's, Unix milliseconds
	Position    int           `json:"position"`
	Path        []ledger.Hash `json:"path,omitempty"`
	Pieces      []Piece       `json:"pieces,omitempty"` // all of the record, by type, then index
}

// Piece is a piece of a record: disclosed (Salt, and its bytes as Data or in
// File), or withheld (Commitment alone).
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

// Disclosed says that the piece's bytes are shown.
func (p *Piece) Disclosed() bool { return p.Salt != nil }

// Consistency shows that a checkpoint of control that somebody kept and the one
// of a production are of one history: the smaller log is the beginning of the
// larger one.
type Consistency struct {
	V           int           `json:"v"`
	Archive     string        `json:"archive"`
	Fingerprint ledger.Hash   `json:"fingerprint"`
	Rotations   [][]byte      `json:"rotations,omitempty"` // rotate acts below the larger checkpoint, in order
	Checkpoint  string        `json:"checkpoint"`          // the signed note that was kept
	Path        []ledger.Hash `json:"path,omitempty"`      // RFC 6962 consistency proof, the smaller to the larger; empty where they are equal
}

// Encode gives the document's bytes: canonical JSON (ledger/FORMAT.md) and a line
// feed.
func (a *Anchor) Encode() ([]byte, error) { return encode(a) }

// Encode gives the document's bytes.
func (f *File) Encode() ([]byte, error) { return encode(f) }

// Encode gives the document's bytes.
func (c *Consistency) Encode() ([]byte, error) { return encode(c) }

func encode(v any) ([]byte, error) {
	b, err := ledger.EncodeCanonical(v)
	if err != nil {
		return nil, fmt.Errorf("encode proof: %w", err)
	}
	return append(b, '\n'), nil
}

// DecodeAnchor reads what Encode writes, and nothing else.
func DecodeAnchor(b []byte) (*Anchor, error) {
	a := new(Anchor)
	return a, decode(b, a, &a.V)
}

// DecodeFile reads what Encode writes, and nothing else.
func DecodeFile(b []byte) (*File, error) {
	f := new(File)
	return f, decode(b, f, &f.V)
}

// DecodeConsistency reads what Encode writes, and nothing else.
func DecodeConsistency(b []byte) (*Consistency, error) {
	c := new(Consistency)
	return c, decode(b, c, &c.V)
}

func decode(b []byte, v any, version *int) error {
	if len(b) == 0 || b[len(b)-1] != '\n' {
		return fmt.Errorf("no line feed at the end: %w", ErrProof)
	}
	if err := ledger.DecodeCanonical(b[:len(b)-1], v); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	if *version != Version {
		return fmt.Errorf("version %d is not known: %w", *version, ErrProof)
	}
	return nil
}
