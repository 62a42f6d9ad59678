package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// What callers branch on.
var (
	ErrCheckpoint = errors.New("not a checkpoint of this log")
	ErrSignature  = errors.New("checkpoint is not signed by a key of this archive")
	ErrArchive    = errors.New("not an archive name (1 to 200 of a-z 0-9 . - /, no empty part)")
)

// Checkpoint is what a log says of itself: that many entries, with that root.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   Hash
}

// Origin is the name of a lane's log and of the key that signs it.
func Origin(archive string, lane record.Lane) string { return archive + "/" + string(lane) }

// ValidArchive says whether s can name an archive.
func ValidArchive(s string) bool {
	if len(s) > 200 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" {
			return false
		}
	}
	return true
}

// Text is the signed text: C2SP tlog-checkpoint, without extension lines.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// parseCheckpoint reads what Text writes, and nothing else.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 {
		return Checkpoint{}, ErrCheckpoint
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("size: %w", ErrCheckpoint)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return Checkpoint{}, fmt.Errorf("root: %w", ErrCheckpoint)
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: Hash(root)}
	if c.Text() != text {
		return Checkpoint{}, ErrCheckpoint
	}
	return c, nil
}

// ReadCheckpoint reads the text of a signed checkpoint and believes it. Open is
// what checks.
func ReadCheckpoint(signed []byte) (Checkpoint, error) {
	text, _, ok := bytes.Cut(signed, []byte("\n\n"))
	if !ok {
		return Checkpoint{}, ErrCheckpoint
	}
	return parseCheckpoint(string(text) + "\n")
}

// Signer signs the checkpoints of an archive's lanes with one Ed25519 key. Safe
// for concurrent use.
type Signer struct {
	archive string
	key     ed25519.PrivateKey
}

// NewSigner makes a signer; ErrArchive for a name that cannot be one.
func NewSigner(archive string, key ed25519.PrivateKey) (*Signer, error) {
	if !ValidArchive(archive) {
		return nil, fmt.Errorf("new signer: %w", ErrArchive)
	}
	if len(key) != ed25519.PrivateKeySize {
		return nil, errors.New("new signer: not an Ed25519 private key")
	}
	return &Signer{archive: archive, key: key}, nil
}

// Archive is the archive's name.
func (s *Signer) Archive() string { return s.archive }

// Public is the public key.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// Verifier accepts what this signer signs.
func (s *Signer) Verifier() *Verifier {
	return &Verifier{archive: s.archive, keys: []ed25519.PublicKey{s.Public()}}
}

// Checkpoint gives the signed note for a lane of that size and root. Signing
// the same again gives the same bytes.
func (s *Signer) Checkpoint(lane record.Lane, size uint64, root Hash) ([]byte, error) {
	if !ValidLane(lane) {
		return nil, fmt.Errorf("sign checkpoint: lane name: %w", ErrCheckpoint)
	}
	c := Checkpoint{Origin: Origin(s.archive, lane), Size: size, Root: root}
	return formatNote(c, s.Public(), ed25519.Sign(s.key, []byte(c.Text()))), nil
}

// Verifier accepts checkpoints signed by one of an archive's keys. Safe for
// concurrent use.
type Verifier struct {
	archive string
	keys    []ed25519.PublicKey
}

// NewVerifier makes a verifier for the keys, the newest first where several
// count.
func NewVerifier(archive string, keys ...ed25519.PublicKey) (*Verifier, error) {
	if !ValidArchive(archive) {
		return nil, fmt.Errorf("new verifier: %w", ErrArchive)
	}
	for _, k := range keys {
		if len(k) != ed25519.PublicKeySize {
			return nil, errors.New("new verifier: not an Ed25519 public key")
		}
	}
	return &Verifier{archive: archive, keys: keys}, nil
}

// Archive is the archive's name.
func (v *Verifier) Archive() string { return v.archive }

// Open reads the signed checkpoint of a lane. It accepts the one form that
// Signer writes: exactly one signature, by one of the keys, in canonical base64.
// ErrSignature where no key fits, ErrCheckpoint for anything else.
func (v *Verifier) Open(lane record.Lane, signed []byte) (Checkpoint, error) {
	c, err := ReadCheckpoint(signed)
	if err != nil {
		return Checkpoint{}, err
	}
	_, lines, _ := bytes.Cut(signed, []byte("\n\n"))
	if c.Origin != Origin(v.archive, lane) {
		return Checkpoint{}, fmt.Errorf("of another log: %w", ErrCheckpoint)
	}
	sig, err := signatureOf(c.Origin, lines)
	if err != nil {
		return Checkpoint{}, err
	}
	for _, key := range v.keys {
		if keyID(c.Origin, key) == [4]byte(sig) && ed25519.Verify(key, []byte(c.Text()), sig[4:]) {
			if !bytes.Equal(formatNote(c, key, sig[4:]), signed) {
				return Checkpoint{}, fmt.Errorf("form: %w", ErrCheckpoint)
			}
			return c, nil
		}
	}
	return Checkpoint{}, ErrSignature
}

// signatureOf reads the one signature line of a note: 4 bytes of key id and the
// signature.
func signatureOf(name string, line []byte) ([]byte, error) {
	b64, ok := bytes.CutPrefix(line, []byte("— "+name+" "))
	if !ok {
		return nil, fmt.Errorf("signature line: %w", ErrCheckpoint)
	}
	sig, err := base64.StdEncoding.DecodeString(string(bytes.TrimSuffix(b64, []byte("\n"))))
	if err != nil || len(sig) != 4+ed25519.SignatureSize {
		return nil, fmt.Errorf("signature line: %w", ErrCheckpoint)
	}
	return sig, nil
}

// formatNote writes a signed checkpoint.
func formatNote(c Checkpoint, key ed25519.PublicKey, sig []byte) []byte {
	return noteOf(c.Text(), c.Origin, key, sig)
}

// keyID is the key id of C2SP signed-note for an Ed25519 key.
func keyID(name string, key ed25519.PublicKey) [4]byte {
	sum := Sum([]byte(name + "\n\x01" + string(key)))
	return [4]byte(sum[:])
}

// VerifierKey is the lane's key in the form of C2SP signed-note: name, key id
// and public key, for tools that are not ours.
func (v *Verifier) VerifierKey(lane record.Lane) (string, error) {
	if len(v.keys) == 0 {
		return "", errors.New("verifier has no key")
	}
	name := Origin(v.archive, lane)
	id := keyID(name, v.keys[0])
	return fmt.Sprintf("%s+%x+%s", name, id[:], base64.StdEncoding.EncodeToString(append([]byte{1}, v.keys[0]...))), nil
}
