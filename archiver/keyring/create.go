package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options say what keys to make.
type Options struct {
	// Classic makes X25519 identities in place of post-quantum hybrid ones.
	Classic bool
	// Recipients of a role that the firm brings itself. No identity of that role
	// is made, so none is ever on this host.
	Recipients map[Role][]string
	// Passphrase, where not "", protects every identity made.
	Passphrase string
	// WorkFactor is scrypt's log2 N for the passphrase; 0 is age's own choice
	// (about a second to open).
	WorkFactor int
	// Now is the time to write down.
	Now time.Time
}

func (o Options) kind() Kind {
	if o.Classic {
		return Classic
	}
	return PostQuantum
}

// Create makes all keys of a new archive in dir, which must not exist or be
// empty, and opens it. The folder is made beside dir and moved there in one
// step, files 0600 and folder 0700, all on the disk: after a crash there is a
// whole keyring or none. ErrExists where dir has keys or anything else in it;
// ErrRecipient or ErrMixed for recipients that cannot be sealed to.
func Create(dir string, o Options) (*Ring, error) {
	if _, err := readList(dir); !errors.Is(err, ErrNone) {
		return nil, fmt.Errorf("create keys: %w", ErrExists)
	}
	dir = filepath.Clean(dir)
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".keys-*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	defer os.RemoveAll(tmp) // no longer there once it was moved
	if err := fill(tmp, o); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil { // refuses a folder with anything in it
		return nil, fmt.Errorf("create keys: %w", errors.Join(ErrExists, err))
	}
	if err := syncDir(parent); err != nil {
		return nil, fmt.Errorf("create keys: %w", err)
	}
	return Open(dir)
}

// fill makes the files of a keyring, the list last.
func fill(dir string, o Options) error {
	p := Public{
		V: 1, Created: o.Now.UTC().Format(time.RFC3339), Kind: o.kind(),
		Recipients: map[Role][]string{}, Identities: []Identity{},
		Token: Token{Current: 1, Epochs: []uint32{1}},
	}
	for role, list := range o.Recipients {
		if !role.Valid() {
			return fmt.Errorf("recipients of %q: no such role", role)
		}
		for _, r := range list {
			p.Recipients[role] = append(p.Recipients[role], strings.TrimSpace(r))
		}
	}
	for _, role := range made() {
		if len(p.Recipients[role]) > 0 {
			continue
		}
		id, err := makeIdentity(dir, p.Kind, role, 1, o)
		if err != nil {
			return err
		}
		p.Identities = append(p.Identities, id)
		p.Recipients[role] = []string{id.Recipient}
	}
	if err := sealable(p); err != nil {
		return err
	}
	key, err := makeSigning(dir, 1)
	if err != nil {
		return err
	}
	p.Signing = Signing{Current: 1, Keys: []SigningKey{key}}
	for _, label := range []string{subjectLabel, tokenLabel, stateLabel} {
		if err := create(dir, keyFile(label, 1), encodeKey(label, 1, newKey())); err != nil {
			return err
		}
	}
	data, err := p.encode()
	if err != nil {
		return err
	}
	return create(dir, listName, data)
}

// sealable proves that each list of recipients that a file is sealed to can be.
func sealable(p Public) error {
	for _, list := range [][]string{p.SegmentRecipients(), p.BoxRecipients(), p.AuditRecipients(), p.IndexerRecipients()} {
		if _, err := recipients(list); err != nil {
			return err
		}
	}
	return nil
}

// newKey draws 32 random bytes. crypto/rand never fails: it ends the process instead.
func newKey() (k Key) {
	rand.Read(k[:])
	return k
}

// makeSigning makes signing key n, or finds it made already.
func makeSigning(dir string, n uint32) (SigningKey, error) {
	for _, label := range []string{ed25519Label, mldsa44Label} {
		if err := createOnce(dir, keyFile(label, n), encodeKey(label, n, newKey())); err != nil {
			return SigningKey{}, err
		}
	}
	ed, err := readKey(dir, ed25519Label, n)
	if err != nil {
		return SigningKey{}, err
	}
	ml, err := readKey(dir, mldsa44Label, n)
	if err != nil {
		return SigningKey{}, err
	}
	pub := ed25519.NewKeyFromSeed(ed[:]).Public().(ed25519.PublicKey)
	return SigningKey{N: n, Ed25519: slices.Clone(pub), MLDSA44: mldsa44Public(ml)}, nil
}
