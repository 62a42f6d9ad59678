package ledger

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestBagSignature(t *testing.T) {
	s, err := NewSigner("archive.example/bags", seedKey(4))
	if err != nil {
		t.Fatal(err)
	}
	fp, sum := Hash{1}, Hash{2}
	signed := s.SignBag(fp, sum)
	got, err := OpenBag("archive.example/bags", fp, s.Public(), signed)
	if err != nil || got != sum {
		t.Fatal(got, err)
	}
	// The reference implementation of signed notes reads it under the same key.
	vkey, err := note.NewEd25519VerifierKey(BagKeyName("archive.example/bags"), s.Public())
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(signed, note.VerifierList(v)); err != nil || !strings.HasPrefix(n.Text, "waxseal bag v1\n") {
		t.Errorf("note.Open: %v", err)
	}
	refused := func(name, archive string, fp Hash, note []byte) {
		if _, err := OpenBag(archive, fp, s.Public(), note); !errors.Is(err, ErrBag) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range signed {
		bad := append([]byte(nil), signed...)
		bad[i] ^= 1
		refused("a changed byte", "archive.example/bags", fp, bad)
	}
	refused("another archive", "archive.example/other", fp, signed)
	refused("another fingerprint", "archive.example/bags", Hash{9}, signed)
	refused("a line more", "archive.example/bags", fp, append(append([]byte(nil), signed...), '\n'))
	cp, err := s.Checkpoint("0", 1, sum)
	if err != nil {
		t.Fatal(err)
	}
	refused("a checkpoint", "archive.example/bags", fp, cp)
	if _, err := s.Verifier().Open("0", signed); err == nil {
		t.Error("a bag's signature was taken for a checkpoint")
	}
}
