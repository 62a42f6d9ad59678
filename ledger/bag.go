package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// ErrBag is returned for a note that is not the signature of a bag by this archive.
var ErrBag = errors.New("not the archive's signature of a bag")

// BagKeyName is the name of the key that signs productions. No lane has this
// name, so that the signature can never be taken for a checkpoint.
func BagKeyName(archive string) string { return archive + "/bag" }

// bagText is what is signed of a production: whose it is, and the hash of the
// file that covers every other one.
func bagText(archive string, fingerprint, tagmanifest Hash) string {
	return fmt.Sprintf("waxseal bag v1\n%s\n%s\n%s\n", archive, fingerprint, tagmanifest)
}

// SignBag signs a production by the SHA-256 of its tagmanifest-sha256.txt: a C2SP
// signed note. Signing the same again gives the same bytes.
func (s *Signer) SignBag(fingerprint, tagmanifest Hash) []byte {
	text := bagText(s.archive, fingerprint, tagmanifest)
	return noteOf(text, BagKeyName(s.archive), s.Public(), ed25519.Sign(s.key, []byte(text)))
}

// OpenBag reads what SignBag writes with this archive, fingerprint and key, and
// nothing else. It gives the SHA-256 that was signed; errors are ErrBag.
func OpenBag(archive string, fingerprint Hash, key ed25519.PublicKey, signed []byte) (Hash, error) {
	text, line, ok := bytes.Cut(signed, []byte("\n\n"))
	lines := strings.Split(string(text), "\n")
	if !ok || len(lines) != 4 || len(key) != ed25519.PublicKeySize {
		return Hash{}, fmt.Errorf("form: %w", ErrBag)
	}
	sum, err := ParseHash(lines[3])
	if err != nil {
		return Hash{}, fmt.Errorf("hash: %w", ErrBag)
	}
	name := BagKeyName(archive)
	sig, err := signatureOf(name, line)
	if err != nil {
		return Hash{}, fmt.Errorf("signature line: %w", ErrBag)
	}
	want := bagText(archive, fingerprint, sum)
	if !bytes.Equal(noteOf(want, name, key, sig[4:]), signed) || !ed25519.Verify(key, []byte(want), sig[4:]) {
		return Hash{}, ErrBag
	}
	return sum, nil
}

// noteOf writes a signed note (C2SP signed-note) with one signature.
func noteOf(text, name string, key ed25519.PublicKey, sig []byte) []byte {
	id := keyID(name, key)
	return []byte(text + "\n— " + name + " " + base64.StdEncoding.EncodeToString(append(id[:], sig...)) + "\n")
}
