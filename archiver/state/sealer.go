package state

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// Kind says what a sealed part of the lane state is. It is a stored byte.
type Kind byte

// The kinds.
const (
	KindDelta    Kind = 1 // a block's delta, in its outbox
	KindSnapshot Kind = 2
)

// Sealer encrypts deltas and snapshots under the archive's state key, bound to
// the place they are written for. Safe for concurrent use.
type Sealer struct {
	aead   cipher.AEAD
	origin string
}

// NewSealer makes a sealer for the archive of that origin.
func NewSealer(key Key, origin string) (*Sealer, error) {
	block, err := aes.NewCipher(key.derive("seal", 32))
	if err != nil {
		return nil, fmt.Errorf("lane state sealer: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("lane state sealer: %w", err)
	}
	return &Sealer{aead, origin}, nil
}

const sealVersion = 1

// Seal gives version byte, nonce and ciphertext with tag. The nonce is random, so
// a retry must send the bytes of the first try: keep them.
func (e *Sealer) Seal(lane record.Lane, block uint64, kind Kind, plain []byte) []byte {
	out := make([]byte, 1+e.aead.NonceSize(), 1+e.aead.NonceSize()+len(plain)+e.aead.Overhead())
	out[0] = sealVersion
	rand.Read(out[1:]) // never fails since Go 1.24
	return e.aead.Seal(out, out[1:], plain, e.place(lane, block, kind))
}

// Open is Seal backwards; ErrDamaged where the bytes are not what Seal gave for
// that place.
func (e *Sealer) Open(lane record.Lane, block uint64, kind Kind, sealed []byte) ([]byte, error) {
	n := 1 + e.aead.NonceSize()
	if len(sealed) < n || sealed[0] != sealVersion {
		return nil, fmt.Errorf("open lane state: no version %d: %w", sealVersion, ErrDamaged)
	}
	plain, err := e.aead.Open(nil, sealed[1:n], sealed[n:], e.place(lane, block, kind))
	if err != nil {
		return nil, fmt.Errorf("open lane state of lane %s block %d: %w", lane, block, ErrDamaged)
	}
	return plain, nil
}

// place is the associated data: each text behind its length, the block as 8 bytes.
func (e *Sealer) place(lane record.Lane, block uint64, kind Kind) []byte {
	b := append([]byte("waxseal lane state\x00"), sealVersion, byte(kind))
	b = binary.AppendUvarint(b, uint64(len(e.origin)))
	b = append(b, e.origin...)
	b = binary.AppendUvarint(b, uint64(len(lane)))
	b = append(b, lane...)
	return binary.BigEndian.AppendUint64(b, block)
}
