package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// The first byte of what is hashed, after RFC 6962 section 2.1: a leaf can
// never be taken for a node.
const (
	leafPrefix = 0x00
	nodePrefix = 0x01
)

// leafDomain is the first byte of an encoded record leaf. Other encodings that
// ever become leaves of the same tree get another.
const leafDomain = 0x01

// ErrHash is returned for a text that is no hash.
var ErrHash = errors.New("not a hash (64 lower-case hex digits)")

// String gives 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText gives 64 lower-case hex digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText writes, and nothing else: 64 lower-case
// hex digits, else ErrHash.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return ErrHash
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ErrHash
		}
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if err := h.UnmarshalText([]byte(s)); err != nil {
		return Hash{}, fmt.Errorf("parse hash: %w", err)
	}
	return h, nil
}

// IsZero says that h is not set.
func (h Hash) IsZero() bool { return h == Hash{} }

// Sum is the SHA-256 of b, with no prefix.
func Sum(b []byte) Hash { return sha256.Sum256(b) }

// LeafHash is the RFC 6962 hash of leaf data: SHA-256(0x00 || data).
func LeafHash(data []byte) Hash {
	var small [512]byte
	if len(data) < len(small) {
		small[0] = leafPrefix
		return sha256.Sum256(small[:1+copy(small[1:], data)])
	}
	d := sha256.New()
	d.Write([]byte{leafPrefix})
	d.Write(data)
	var h Hash
	d.Sum(h[:0])
	return h
}

// NodeHash is the RFC 6962 hash of an inner node: SHA-256(0x01 || left || right).
func NodeHash(left, right Hash) Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = nodePrefix
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// EmptyRoot is the root of a tree without leaves: SHA-256 of nothing.
func EmptyRoot() Hash { return sha256.Sum256(nil) }

// Root is the RFC 6962 root over leaf hashes; EmptyRoot over none. It keeps
// nothing and changes nothing of what it is given.
func Root(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return EmptyRoot()
	case 1:
		return leaves[0]
	}
	var stack [64]Hash // complete subtrees, the largest first
	depth := 0
	for i, h := range leaves {
		for merges := bits.TrailingZeros64(^uint64(i)); merges > 0; merges-- {
			depth--
			h = NodeHash(stack[depth], h)
		}
		stack[depth] = h
		depth++
	}
	root := stack[depth-1]
	for depth -= 2; depth >= 0; depth-- {
		root = NodeHash(stack[depth], root)
	}
	return root
}

// Commit is the commitment of a piece: SHA-256(salt || b).
func Commit(salt *[32]byte, b []byte) Hash {
	var small [1024]byte
	if len(salt)+len(b) <= len(small) {
		n := copy(small[:], salt[:])
		n += copy(small[n:], b)
		return sha256.Sum256(small[:n])
	}
	d := sha256.New()
	d.Write(salt[:])
	d.Write(b)
	var h Hash
	d.Sum(h[:0])
	return h
}

// PieceHash is the leaf of one commitment in the tree of a record:
// LeafHash(type || index, 4 bytes big-endian || commitment).
func PieceHash(ref PieceRef, commitment Hash) Hash {
	var b [1 + 1 + 4 + sha256.Size]byte
	b[0] = leafPrefix
	b[1] = byte(ref.Type)
	binary.BigEndian.PutUint32(b[2:], ref.Index)
	copy(b[6:], commitment[:])
	return sha256.Sum256(b[:])
}

// PiecesRoot is the root of a record: the RFC 6962 root over the PieceHash of
// each commitment, sorted by type and then index. Both slices have one length
// and no reference stands twice. It changes neither.
func PiecesRoot(refs []PieceRef, commitments []Hash) Hash {
	var small [16]Hash
	leaves := small[:0]
	if len(refs) > len(small) {
		leaves = make([]Hash, 0, len(refs))
	}
	if slices.IsSortedFunc(refs, comparePieces) {
		for i, ref := range refs {
			leaves = append(leaves, PieceHash(ref, commitments[i]))
		}
		return Root(leaves)
	}
	order := make([]int, len(refs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return comparePieces(refs[a], refs[b]) })
	for _, i := range order {
		leaves = append(leaves, PieceHash(refs[i], commitments[i]))
	}
	return Root(leaves)
}

func comparePieces(a, b PieceRef) int {
	if a.Type != b.Type {
		return int(a.Type) - int(b.Type)
	}
	switch {
	case a.Index < b.Index:
		return -1
	case a.Index > b.Index:
		return 1
	}
	return 0
}

// Append appends the leaf's bytes to b, as drawn in FORMAT.md. The topic is at
// most 65,535 bytes long (Kafka's own bound is 249).
func (l Leaf) Append(b []byte) []byte {
	b = append(b, leafDomain)
	b = binary.BigEndian.AppendUint16(b, uint16(len(l.Topic)))
	b = append(b, l.Topic...)
	b = binary.BigEndian.AppendUint32(b, uint32(l.Era))
	b = binary.BigEndian.AppendUint32(b, uint32(l.Partition))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Offset))
	b = binary.BigEndian.AppendUint32(b, uint32(l.LeaderEpoch))
	b = binary.BigEndian.AppendUint64(b, uint64(l.Timestamp))
	return append(b, l.Root[:]...)
}

// Encode gives the leaf's bytes.
func (l Leaf) Encode() []byte { return l.Append(nil) }

// Hash is the leaf's hash as it stands in the block: LeafHash of its bytes.
func (l Leaf) Hash() Hash {
	var small [384]byte
	return LeafHash(l.Append(small[:0]))
}
