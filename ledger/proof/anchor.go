package proof

import (
	"crypto/ed25519"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// ErrFingerprint says that the genesis is not the one of the fingerprint that is
// expected: the proof is of another archive, or somebody made one up.
var ErrFingerprint = fmt.Errorf("genesis is not that of the given fingerprint: %w", ErrProof)

// Anchored is an anchor that has been checked: what Files end in.
type Anchored struct {
	Archive     string
	Fingerprint ledger.Hash
	Pinned      bool // the fingerprint was given from outside
	Checkpoint  ledger.Checkpoint
	Signed      []byte            // the checkpoint's note
	Signer      ed25519.PublicKey // of the checkpoint
	Genesis     []byte
	Rotations   [][]byte

	sum   ledger.Hash // of the anchor's bytes
	heads map[headName]ledger.Hash
}

type headName struct {
	lane record.Lane
	size uint64
}

// Check reads an anchor's bytes and checks them: genesis against the fingerprint
// (nil: whatever it is, integrity only), the chain of keys, the checkpoint's
// signature by the key that counts at its size, and each heads act in it.
func Check(anchor []byte, fingerprint *ledger.Hash) (*Anchored, error) {
	a, err := DecodeAnchor(anchor)
	if err != nil {
		return nil, err
	}
	keys, err := checkKeys(a.Archive, a.Fingerprint, a.Genesis, a.Rotations, fingerprint)
	if err != nil {
		return nil, err
	}
	cp, err := keys.OpenAt(record.Control, []byte(a.Checkpoint))
	if err != nil {
		return nil, fmt.Errorf("checkpoint of control: %w: %w", err, ErrProof)
	}
	if keys.Below() >= cp.Size {
		return nil, fmt.Errorf("a rotation stands above the checkpoint: %w", ErrProof)
	}
	out := &Anchored{
		Archive: a.Archive, Fingerprint: a.Fingerprint, Pinned: fingerprint != nil, Checkpoint: cp, Signed: []byte(a.Checkpoint),
		Signer: keys.At(record.Control, cp.Size), Genesis: a.Genesis, Rotations: a.Rotations, sum: ledger.Sum(anchor), heads: map[headName]ledger.Hash{},
	}
	for i := range a.Heads {
		if err := out.add(&a.Heads[i]); err != nil {
			return nil, fmt.Errorf("heads act %d: %w: %w", i, err, ErrProof)
		}
	}
	return out, nil
}

// CheckKeys checks a genesis and the rotations behind it, and gives the keys.
func CheckKeys(archive string, fingerprint ledger.Hash, genesis []byte, rotations [][]byte) (*ledger.Keys, error) {
	return checkKeys(archive, fingerprint, genesis, rotations, nil)
}

func checkKeys(archive string, stated ledger.Hash, genesis []byte, rotations [][]byte, want *ledger.Hash) (*ledger.Keys, error) {
	if ledger.Fingerprint(genesis) != stated {
		return nil, fmt.Errorf("genesis does not hash to the fingerprint stated beside it: %w", ErrProof)
	}
	if want != nil && stated != *want {
		return nil, ErrFingerprint
	}
	keys, err := ledger.NewKeys(genesis)
	if err != nil {
		return nil, fmt.Errorf("genesis: %w: %w", err, ErrProof)
	}
	if keys.Archive() != archive {
		return nil, fmt.Errorf("genesis is of another archive's name: %w", ErrProof)
	}
	for i, raw := range rotations {
		act, err := ledger.DecodeAct(raw)
		if err == nil && act.Type != ledger.ActRotate {
			err = ledger.ErrAct
		}
		if err == nil {
			_, err = keys.Rotate(act.Rotate)
		}
		if err != nil {
			return nil, fmt.Errorf("rotation %d: %w: %w", i, err, ErrProof)
		}
	}
	return keys, nil
}

// add checks a heads act and takes up what it seals.
func (a *Anchored) add(h *Heads) error {
	e, err := ledger.DecodeEntry(h.Entry)
	if err != nil {
		return err
	}
	if e.Lane != record.Control {
		return fmt.Errorf("its entry is of lane %s", e.Lane)
	}
	if err := included(h.EntryPath, a.Checkpoint.Size, a.Checkpoint.Root, e.N, ledger.LeafHash(h.Entry)); err != nil {
		return fmt.Errorf("its entry is not in the checkpoint: %w", err)
	}
	if h.EventIndex < 0 {
		return errSize
	}
	if err := included(h.EventPath, e.Events, e.EventsRoot, uint64(h.EventIndex), ledger.LeafHash(h.Event)); err != nil {
		return fmt.Errorf("it is not in its entry: %w", err)
	}
	act, err := ledger.DecodeAct(h.Event)
	if err != nil {
		return err
	}
	if act.Type != ledger.ActHeads {
		return fmt.Errorf("it is of type %s", act.Type)
	}
	for _, head := range act.Heads.Heads {
		name := headName{head.Lane, head.Size}
		if root, ok := a.heads[name]; ok && root != head.Root {
			return fmt.Errorf("lane %s has two roots at size %d", head.Lane, head.Size)
		}
		a.heads[name] = head.Root
	}
	return nil
}
