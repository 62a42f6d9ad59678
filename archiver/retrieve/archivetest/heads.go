package archivetest

import (
	"crypto/ed25519"
	"testing"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Signer signs as the archive does.
func (a *Archive) Signer() *ledger.Signer { return a.signer }

// SignerAt signs with the key that counts for a lane at a size.
func (a *Archive) SignerAt(t testing.TB, l record.Lane, size uint64) *ledger.Signer {
	t.Helper()
	var want ed25519.PublicKey
	a.Log.View(func(v *control.View) { want = v.KeyAt(l, size) })
	for _, k := range a.keys {
		if want.Equal(k.Public()) {
			s, err := ledger.NewSigner(origin, k)
			must(t, err)
			return s
		}
	}
	t.Fatal("no such key")
	return nil
}

// Heads seals the heads of these lanes as they are, in one act.
func (a *Archive) Heads(t testing.TB, lanes ...record.Lane) []ledger.Head {
	t.Helper()
	heads := a.heads(t, lanes...)
	_, err := a.Log.Commit(t.Context(), control.Draft{Act: ledger.Act{Type: ledger.ActHeads, Actor: "test", Heads: &ledger.Heads{Heads: heads}}})
	must(t, err)
	return heads
}

func (a *Archive) heads(t testing.TB, lanes ...record.Lane) (heads []ledger.Head) {
	t.Helper()
	for _, l := range lanes {
		b, err := lane.Last(t.Context(), a.Locked, l, 0)
		must(t, err)
		tree, err := b.Tree()
		must(t, err)
		heads = append(heads, ledger.Head{Lane: l, Size: tree.Size(), Root: tree.Root()})
	}
	return heads
}

// Look enters a look, so that control grows by a block.
func (a *Archive) Look(t testing.TB) {
	t.Helper()
	_, err := a.Log.Commit(t.Context(), control.Draft{Act: ledger.Act{Type: ledger.ActLook, Actor: "test", Look: &ledger.Look{Kind: "search"}}})
	must(t, err)
}

// Rotate replaces the signing key by the one of a seed.
func (a *Archive) Rotate(t testing.TB, seed byte, lanes ...record.Lane) {
	t.Helper()
	next := ed25519.NewKeyFromSeed(append([]byte{seed}, make([]byte, ed25519.SeedSize-1)...))
	a.Log.Close()
	_, err := control.Rotate(t.Context(), a.controlConfig(), control.Rotation{
		Reason: ledger.Planned, Old: a.keys[len(a.keys)-1], New: next, Lanes: a.heads(t, lanes...), Actor: "test",
	})
	must(t, err)
	a.keys = append(a.keys, next)
	a.signer, err = ledger.NewSigner(origin, next)
	must(t, err)
	a.Log, err = control.Open(t.Context(), a.controlConfig())
	must(t, err)
}
