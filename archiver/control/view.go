package control

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// ErrGenesis says that control does not begin with a genesis act.
var ErrGenesis = errors.New("control does not begin with genesis")

// View is what the acts up to some block add up to. Its JSON is control's
// snapshot (ledger/FORMAT.md): like the acts' clear parts it names nobody.
type View struct {
	Fingerprint ledger.Hash                 `json:"fingerprint"`
	Genesis     ledger.Genesis              `json:"genesis"`
	Current     ed25519.PublicKey           `json:"current"`             // the signing key in force
	Keys        []ed25519.PublicKey         `json:"keys"`                // every key that ever counted, oldest first
	Rotations   []Rotated                   `json:"rotations,omitempty"` // how far each of Keys but the last counts
	Heads       map[record.Lane]ledger.Head `json:"heads"`               // last sealed head of each lane
	Boxes       map[string]ledger.ErasedBox `json:"boxes,omitempty"`     // by the key of the box it replaced
	Pending     []Erasure                   `json:"pending,omitempty"`   // erasures without a receipt
	Policy      *ledger.Policy              `json:"policy,omitempty"`
	TokenEpochs []ledger.TokenEpoch         `json:"token_epochs,omitempty"`
	Looks       uint64                      `json:"looks"`
	Alarms      uint64                      `json:"alarms"`
}

// Erasure is an erase act and its place.
type Erasure struct {
	Act   ledger.ActRef `json:"act"`
	Erase ledger.Erase  `json:"erase"`
}

func newView() *View {
	return &View{Heads: map[record.Lane]ledger.Head{}, Boxes: map[string]ledger.ErasedBox{}}
}

// apply adds the acts of a block.
func (v *View) apply(b *ledger.Block) error {
	for i, raw := range b.Events {
		a, err := ledger.DecodeAct(raw)
		if err != nil {
			return fmt.Errorf("control block %d act %d: %w", b.Entry.N, i, err)
		}
		if err := v.applyAct(ledger.ActRef{Block: b.Entry.N, Event: uint32(i)}, a, raw); err != nil {
			return fmt.Errorf("control block %d act %d: %w", b.Entry.N, i, err)
		}
	}
	if v.Current == nil {
		return ErrGenesis
	}
	return nil
}

func (v *View) applyAct(ref ledger.ActRef, a *ledger.Act, raw []byte) error {
	switch a.Type {
	case ledger.ActGenesis:
		if ref != (ledger.ActRef{}) {
			return ErrGenesis
		}
		v.Fingerprint, v.Genesis = ledger.Fingerprint(raw), *a.Genesis
		v.Current = a.Genesis.Keys.Ed25519
		v.Keys = append(v.Keys, v.Current)
	case ledger.ActRotate:
		if err := a.Rotate.Check(v.Genesis.Archive, v.Current); err != nil {
			return err
		}
		v.Current = a.Rotate.New.Ed25519
		last := Rotated{}
		for _, h := range a.Rotate.Last {
			last[h.Lane] = h.Size
		}
		v.Rotations = append(v.Rotations, last)
		v.Keys = append(v.Keys, v.Current)
	case ledger.ActHeads:
		for _, h := range a.Heads.Heads {
			v.Heads[h.Lane] = h
		}
	case ledger.ActErase:
		for _, b := range a.Erase.Boxes {
			v.Boxes[b.Old] = b
		}
		v.Pending = append(v.Pending, Erasure{ref, *a.Erase})
	case ledger.ActEraseReceipt:
		v.Pending = slices.DeleteFunc(v.Pending, func(p Erasure) bool { return p.Act == a.EraseReceipt.Act })
	case ledger.ActPolicy:
		v.Policy = a.Policy
	case ledger.ActTokenEpoch:
		v.TokenEpochs = append(v.TokenEpochs, *a.TokenEpoch)
	case ledger.ActLook:
		v.Looks++
	case ledger.ActAlarm:
		v.Alarms++
	}
	return nil
}

// Rotated says up to which size of each lane the key of before counts; in a lane
// that is not named it counts no more.
type Rotated map[record.Lane]uint64

// KeyAt is the one key that counts for the checkpoint of a lane at a size.
func (v *View) KeyAt(l record.Lane, size uint64) ed25519.PublicKey {
	for i, r := range v.Rotations {
		if size <= r[l] {
			return v.Keys[i]
		}
	}
	return v.Current
}

// VerifierAt accepts what the key signed that counts for a lane at a size: who
// only writes on must not follow what another key put there.
func (v *View) VerifierAt(l record.Lane, size uint64) (*ledger.Verifier, error) {
	return ledger.NewVerifier(v.Genesis.Archive, v.KeyAt(l, size))
}

// Verifier accepts what any key of the archive signed. Which key counts up to
// which size is for ledger/verify to judge.
func (v *View) Verifier() (*ledger.Verifier, error) {
	return ledger.NewVerifier(v.Genesis.Archive, v.Keys...)
}
