package seal

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// RowID names a row within a lane: the block that first used it and its index
// in that block.
type RowID uint64

// MakeRowID gives block << 24 | index.
func MakeRowID(block uint64, index uint32) RowID { return RowID(block<<24 | uint64(index)) }

// Block is the block that first used the row; its boxes hold the row.
func (id RowID) Block() uint64 { return uint64(id) >> 24 }

// Index is the row's index within its block, over all its boxes.
func (id RowID) Index() uint32 { return uint32(id) & (MaxRows - 1) }

// Row is a secret and whose it is.
type Row struct {
	ID        RowID
	Owner     Owner
	Retention Retention
	Key       [32]byte
}

// Hash is the row's hash, which stands in the clear in its box: the RFC 6962
// leaf hash of the whole row with the lane it belongs to. It hides the row
// because the key has 256 random bits.
func (r *Row) Hash(origin *ledger.Hash, lane record.Lane) ledger.Hash {
	var buf [512]byte
	b := append(buf[:0], MagicRows...)
	b = append(b, origin[:]...)
	b = appendShort(b, string(lane))
	b = appendShort(b, r.Retention.Class)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Retention.Duty))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Retention.Retain))
	b = binary.BigEndian.AppendUint64(b, uint64(r.ID))
	b = r.append(b)
	return ledger.LeafHash(b)
}

// append appends the row as it stands inside a box.
func (r *Row) append(b []byte) []byte {
	b = append(b, byte(r.Owner.Kind))
	b = append(b, r.Owner.Tag[:]...)
	return append(b, r.Key[:]...)
}

// The labels under which the subkeys of a row are derived.
const (
	labelEnc  = "waxseal cell key v1"
	labelSalt = "waxseal salt key v1"
)

// Subkeys derives the key of the row's cells and the key of its salts.
func (r *Row) Subkeys() (enc, salt [32]byte) {
	return expand(&r.Key, labelEnc), expand(&r.Key, labelSalt)
}

// expand is HKDF-Expand (RFC 5869) with SHA-256 for 32 bytes: one HMAC.
func expand(key *[32]byte, label string) [32]byte {
	var buf [64]byte
	return hmac256(key, append(append(buf[:0], label...), 1))
}

// Salt is the salt of one piece: HMAC-SHA-256 with the row's salt key over the
// record's coordinates and the piece's name.
func Salt(key *[32]byte, c *record.Coordinates, ref ledger.PieceRef) [32]byte {
	var buf [256]byte
	b := binary.BigEndian.AppendUint32(buf[:0], uint32(c.Era))
	b = binary.BigEndian.AppendUint32(b, uint32(c.Partition))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Offset))
	b = append(b, byte(ref.Type))
	b = binary.BigEndian.AppendUint32(b, ref.Index)
	b = append(b, c.Topic...)
	return hmac256(key, b)
}

// hmac256 is HMAC-SHA-256 (RFC 2104) with a 32-byte key and a short message.
// It stays on the stack: it runs for every piece of every record, where
// crypto/hmac would allocate.
func hmac256(key *[32]byte, msg []byte) [32]byte {
	const block = 64
	var inner [block + 256]byte
	var outer [block + sha256.Size]byte
	for i := range block {
		inner[i], outer[i] = 0x36, 0x5c
	}
	for i, k := range key {
		inner[i] ^= k
		outer[i] ^= k
	}
	var sum [sha256.Size]byte
	if len(msg) <= 256 {
		sum = sha256.Sum256(inner[:block+copy(inner[block:], msg)])
	} else {
		sum = sha256.Sum256(append(append(make([]byte, 0, block+len(msg)), inner[:block]...), msg...))
	}
	copy(outer[block:], sum[:])
	return sha256.Sum256(outer[:])
}
