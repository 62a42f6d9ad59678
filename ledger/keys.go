package ledger

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
)

// Keys is the chain of an archive's signing keys: the one of genesis, and each
// one that a rotation put in its predecessor's place. Not safe for concurrent
// use while it grows.
type Keys struct {
	archive   string
	first     ed25519.PublicKey
	rotations []rotation
}

// rotation is one change of the signing key.
type rotation struct {
	last map[record.Lane]uint64 // up to which size the key before counts
	next ed25519.PublicKey
}

// NewKeys begins the chain with the key of genesis; ErrAct for what is no
// genesis act.
func NewKeys(genesis []byte) (*Keys, error) {
	a, err := DecodeAct(genesis)
	if err != nil {
		return nil, err
	}
	if a.Type != ActGenesis {
		return nil, fmt.Errorf("not a genesis: %w", ErrAct)
	}
	return &Keys{archive: a.Genesis.Archive, first: a.Genesis.Keys.Ed25519}, nil
}

// Archive is the name in genesis.
func (k *Keys) Archive() string { return k.archive }

// What is wrong with a rotation.
var (
	errRotationSignature = errors.New("it is not signed by the current key and the new one")
	errRotationControl   = errors.New("it does not end the old key in control at its own block")
)

// Rotate adds a change of keys. It returns the number of the control block that
// the act must stand in.
func (k *Keys) Rotate(r *Rotate) (block uint64, err error) {
	if r.Check(k.archive, k.Current()) != nil {
		return 0, errRotationSignature
	}
	i := slices.IndexFunc(r.Last, func(h Head) bool { return h.Lane == record.Control })
	if i < 0 || r.Last[i].Size == 0 || len(k.rotations) > 0 && r.Last[i].Size <= k.rotations[len(k.rotations)-1].last[record.Control] {
		return 0, errRotationControl
	}
	next := rotation{last: map[record.Lane]uint64{}, next: r.New.Ed25519}
	for _, h := range r.Last {
		next.last[h.Lane] = h.Size
	}
	k.rotations = append(k.rotations, next)
	return r.Last[i].Size, nil
}

// RotateAt is Rotate for an act that stands in a block.
func (k *Keys) RotateAt(block uint64, r *Rotate) error {
	before := k.rotations
	at, err := k.Rotate(r)
	if err == nil && at != block {
		k.rotations, err = before, errRotationControl
	}
	return err
}

// Current is the key in force behind the last rotation.
func (k *Keys) Current() ed25519.PublicKey {
	if len(k.rotations) == 0 {
		return k.first
	}
	return k.rotations[len(k.rotations)-1].next
}

// Below is the number of the control block that holds the last rotation; 0 where
// there is none.
func (k *Keys) Below() uint64 {
	if len(k.rotations) == 0 {
		return 0
	}
	return k.rotations[len(k.rotations)-1].last[record.Control]
}

// At is the one key that counts for the checkpoint of a lane at a size: with
// several rotations the last one whose size is passed counts.
func (k *Keys) At(lane record.Lane, size uint64) ed25519.PublicKey {
	key := k.first
	for _, r := range k.rotations {
		if size > r.last[lane] {
			key = r.next
		}
	}
	return key
}

// OpenAt reads a signed checkpoint of a lane, held to the key that counts at the
// size it states.
func (k *Keys) OpenAt(lane record.Lane, signed []byte) (Checkpoint, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	keys, err := NewVerifier(k.archive, k.At(lane, c.Size))
	if err != nil {
		return Checkpoint{}, err
	}
	return keys.Open(lane, signed)
}
