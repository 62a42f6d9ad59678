package ledger

import (
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

func seedKey(b byte) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	seed[0] = b
	return ed25519.NewKeyFromSeed(seed)
}

func testGenesis(t *testing.T, key ed25519.PrivateKey) []byte {
	t.Helper()
	a := Act{V: 1, Type: ActGenesis, Time: "2026-01-02T03:04:05.678Z", Actor: "test", Genesis: &Genesis{
		Archive: "archive.example/keys", Mode: Production, Created: "2026-01-02T03:04:05.678Z",
		Keys: PublicKeys{Ed25519: key.Public().(ed25519.PublicKey)}, Recipients: Recipients{Firm: []string{"age1test"}},
	}}
	b, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testRotate(t *testing.T, old, next ed25519.PrivateKey, last ...Head) *Rotate {
	t.Helper()
	r := &Rotate{Reason: Planned, Last: last}
	if err := r.Sign("archive.example/keys", old, next); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeys(t *testing.T) {
	one, two, three := seedKey(1), seedKey(2), seedKey(3)
	k, err := NewKeys(testGenesis(t, one))
	if err != nil {
		t.Fatal(err)
	}
	control := func(n uint64) Head { return Head{Lane: record.Control, Size: n} }
	for name, r := range map[string]*Rotate{
		"signed by a stranger":        testRotate(t, two, three, control(5)),
		"without control":             testRotate(t, one, two, Head{Lane: "0", Size: 3}),
		"before anything was written": testRotate(t, one, two, control(0)),
	} {
		if _, err := k.Rotate(r); err == nil {
			t.Errorf("accepted a rotation %s", name)
		}
	}
	if err := k.RotateAt(6, testRotate(t, one, two, control(5))); err == nil {
		t.Error("accepted a rotation in another block")
	}
	if !k.Current().Equal(one.Public()) {
		t.Error("a refused rotation changed the key")
	}
	if err := k.RotateAt(5, testRotate(t, one, two, control(5), Head{Lane: "0", Size: 7})); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(testRotate(t, two, three, control(5))); err == nil {
		t.Error("accepted a second rotation in the same block")
	}
	if at, err := k.Rotate(testRotate(t, two, three, control(9), Head{Lane: "0", Size: 7})); err != nil || at != 9 {
		t.Fatal(at, err)
	}
	for _, c := range []struct {
		lane record.Lane
		size uint64
		want ed25519.PrivateKey
	}{
		{record.Control, 5, one}, {record.Control, 6, two}, {record.Control, 9, two}, {record.Control, 10, three},
		{"0", 7, one}, {"0", 8, three}, {"1", 1, three},
	} {
		if !k.At(c.lane, c.size).Equal(c.want.Public()) {
			t.Errorf("lane %s size %d: another key", c.lane, c.size)
		}
	}
	s, err := NewSigner("archive.example/keys", one)
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[uint64]error{5: nil, 6: ErrSignature} {
		note, err := s.Checkpoint(record.Control, size, Hash{1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.OpenAt(record.Control, note); !errors.Is(err, want) {
			t.Errorf("size %d: %v", size, err)
		}
	}
}
