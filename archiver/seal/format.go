package seal

import (
	"encoding/binary"

	"github.com/waxseal/waxseal/archiver/seal/boxclear"
	"github.com/waxseal/waxseal/ledger"
)

// The magics open and close what is stored; their last byte is the version.
const (
	MagicSegment = "waxseg\x00\x01"
	MagicTrailer = "waxend\x00\x01"
	MagicBox     = boxclear.Magic
	MagicRows    = "waxrow\x00\x01"
	magicCell    = "waxcell\x01"
)

// Sizes and bounds of the format, version 1.
const (
	TrailerSize  = 72
	NonceSize    = 12
	CellOverhead = 1 + NonceSize + 16 // method, nonce, tag
	RowSize      = 1 + 16 + 32        // a row inside a box: kind, tag, key

	MaxPlain   = 1 << 28 // bytes of a cell's or directory's plaintext
	MaxRatio   = 256     // a plaintext is at most MaxRatio times the stored bytes plus RatioSlack
	RatioSlack = 1 << 16
	MaxBlock   = 1 << 40          // block numbers are below
	MaxRows    = boxclear.MaxRows // rows of one block
)

// FlagShared marks a part whose record has pieces under other rows too.
const FlagShared = 1

// Header opens a segment, inside age.
type Header struct {
	Origin     ledger.Hash // SHA-256 of the archive's origin
	Dictionary ledger.Hash // SHA-256 of the dictionary file
	Block      uint64
	Segment    uint32 // index in the entry
	Retention  Retention
	Lane       string
}

// Append appends the header's bytes.
func (h *Header) Append(b []byte) []byte {
	b = append(b, MagicSegment...)
	b = append(b, h.Origin[:]...)
	b = append(b, h.Dictionary[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Block)
	b = binary.BigEndian.AppendUint32(b, h.Segment)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Retention.Duty))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Retention.Retain))
	b = appendShort(b, h.Lane)
	return appendShort(b, h.Retention.Class)
}

// CellAAD appends the associated data that binds a cell to its segment, place and row.
func CellAAD(b []byte, header *ledger.Hash, cell uint32, row RowID, m Method) []byte {
	b = append(b, magicCell...)
	b = append(b, header[:]...)
	b = binary.BigEndian.AppendUint32(b, cell)
	b = binary.BigEndian.AppendUint64(b, uint64(row))
	return append(b, byte(m))
}

// appendShort appends a text of at most 255 bytes with its length.
func appendShort(b []byte, s string) []byte {
	b = append(b, byte(len(s)))
	return append(b, s...)
}

// AppendSigned appends an svarint.
func AppendSigned(b []byte, n int64) []byte { return binary.AppendVarint(b, n) }

func appendBytes(b, v []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}
