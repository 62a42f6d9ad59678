// Package boxclear reads the clear part of a key box: the hashes of its rows and
// which of them are removed. It stands apart from the rest of seal so that a
// verifier without identities reaches no encryption and no plugin.
package boxclear

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/ledger"
)

// ErrBox is returned for bytes that are no key box.
var ErrBox = errors.New("not a key box")

// Magic opens a box; its last byte is the version.
const Magic = "waxbox\x00\x01"

// MaxRows bounds the rows of one block, and so of a box.
const MaxRows = 1 << 24

// Clear is what a box says to anybody.
type Clear struct {
	Hashes  []ledger.Hash // of the rows it was made with, in order
	Removed []bool        // whether the row was erased
	Sealed  []byte        // the age file behind
}

// Append writes the box to out, the sealed part behind the clear one.
func (c *Clear) Append(out []byte) []byte {
	n := len(c.Hashes)
	out = append(out, Magic...)
	out = binary.BigEndian.AppendUint32(out, uint32(n))
	for i := range c.Hashes {
		out = append(out, c.Hashes[i][:]...)
	}
	at := len(out)
	out = append(out, make([]byte, (n+7)/8)...)
	for i, gone := range c.Removed {
		if gone {
			out[at+i/8] |= 1 << (i % 8)
		}
	}
	return append(out, c.Sealed...)
}

// Decode reads a box; Sealed is a part of b. It allocates at most twice the
// length of b.
func Decode(b []byte) (*Clear, error) {
	if len(b) < len(Magic)+4 || string(b[:len(Magic)]) != Magic {
		return nil, fmt.Errorf("magic: %w", ErrBox)
	}
	n := int(binary.BigEndian.Uint32(b[len(Magic):]))
	b = b[len(Magic)+4:]
	if n == 0 || n > MaxRows || len(b) < n*32+(n+7)/8 {
		return nil, fmt.Errorf("%d rows: %w", n, ErrBox)
	}
	c := &Clear{Hashes: make([]ledger.Hash, n), Removed: make([]bool, n)}
	for i := range c.Hashes {
		copy(c.Hashes[i][:], b[i*32:])
	}
	bits := b[n*32 : n*32+(n+7)/8]
	for i := range c.Removed {
		c.Removed[i] = bits[i/8]>>(i%8)&1 == 1
	}
	if n%8 != 0 && bits[n/8]>>(n%8) != 0 {
		return nil, fmt.Errorf("padding of the removed bits: %w", ErrBox)
	}
	c.Sealed = b[n*32+(n+7)/8:]
	return c, nil
}

// RowHashes gives the row hashes of a box and which rows were removed.
func RowHashes(box []byte) (rows []ledger.Hash, removed []bool, err error) {
	c, err := Decode(box)
	if err != nil {
		return nil, nil, err
	}
	return c.Hashes, c.Removed, nil
}
