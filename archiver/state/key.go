package state

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/dchest/siphash"
)

// Key is the archive's state key. Two keys are derived from it: one for the
// hashes in the state, one for the encryption of what leaves memory.
type Key [32]byte

// derive is HKDF-SHA256 without salt.
func (k Key) derive(info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, k[:], nil, "waxseal lane state v1 "+info, n)
	if err != nil { // only for lengths beyond 255 hashes
		panic(err)
	}
	return b
}

// tag is a keyed hash: SipHash-2-4-128.
type tag [16]byte

// within gives the tag of an identity inside a scope. XOR keeps the map key at
// 16 bytes; a tag is pseudo-random to who lacks the key, so it stays unique.
func (t tag) within(scope uint32) tag {
	x := binary.LittleEndian.Uint32(t[:4]) ^ (scope + 1)
	binary.LittleEndian.PutUint32(t[:4], x)
	return t
}

// hasher makes tags. Each has a domain, and each part stands behind its length.
type hasher struct {
	k0, k1 uint64
	buf    []byte
}

func newHasher(key Key) hasher {
	b := key.derive("hash", 16)
	return hasher{k0: binary.LittleEndian.Uint64(b), k1: binary.LittleEndian.Uint64(b[8:])}
}

// Domains of tags.
const (
	ofPhone        = 'p'
	ofBSUID        = 'b'
	ofUsername     = 'u'
	ofNumber       = 'n'
	ofWABA         = 'w'
	ofAll          = 'a'
	ofTemplate     = 't'
	ofTemplateName = 'l'
	ofPurpose      = 'c'
	ofKey          = 'k'
)

func (h *hasher) tag(domain byte, parts ...string) (t tag) {
	h.buf = append(h.buf[:0], domain)
	for _, p := range parts {
		h.buf = binary.AppendUvarint(h.buf, uint64(len(p)))
		h.buf = append(h.buf, p...)
	}
	a, b := siphash.Hash128(h.k0, h.k1, h.buf)
	binary.LittleEndian.PutUint64(t[:8], a)
	binary.LittleEndian.PutUint64(t[8:], b)
	if t == (tag{}) { // zero means none
		t[0] = 1
	}
	return t
}

// check tells a snapshot made under another key.
func (h *hasher) check() []byte {
	t := h.tag(ofKey)
	return t[:8]
}
