package keyring

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"filippo.io/age"
)

// Ring is an opened key folder. Opening reads the list alone; secrets are read
// when asked for. Not safe for concurrent rotation: the data folder has one owner.
type Ring struct {
	dir    string
	public Public
}

// Open reads the list of the key folder and no secret. ErrNone where there is
// none; it never makes one.
func Open(dir string) (*Ring, error) {
	p, err := readList(dir)
	if err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	return &Ring{dir: dir, public: p}, nil
}

// Public gives the list. The caller may not write to its slices and maps.
func (r *Ring) Public() Public { return r.public }

// Ingest is all an archiver holds: it seals, signs and hashes with it, and opens
// nothing it sealed.
type Ingest struct {
	Segments []age.Recipient // of segments: firm and escrow
	Boxes    []age.Recipient // of key boxes
	Audit    []age.Recipient // of the bodies of acts
	Indexer  []age.Recipient // of outbox rows

	SigningN uint32 // number of the signing key, from 1
	Signing  ed25519.PrivateKey
	MLDSA44  []byte // public key, for genesis

	Subject    Key // hashes people
	State      Key // encrypts lane state
	TokenEpoch uint32
	Token      Key // hashes words in this epoch
}

// Ingest reads what an archiver needs. It opens no identity file and works
// where there is none. Recipients that cannot be sealed to together are ErrMixed.
func (r *Ring) Ingest() (*Ingest, error) {
	in := &Ingest{TokenEpoch: r.public.Token.Current}
	var err error
	lists := []struct {
		to   *[]age.Recipient
		from []string
	}{
		{&in.Segments, r.public.SegmentRecipients()},
		{&in.Boxes, r.public.BoxRecipients()},
		{&in.Audit, r.public.AuditRecipients()},
		{&in.Indexer, r.public.IndexerRecipients()},
	}
	for _, l := range lists {
		if *l.to, err = recipients(l.from); err != nil {
			return nil, fmt.Errorf("load recipients: %w", err)
		}
	}
	in.SigningN = r.public.Signing.Current
	if in.Signing, in.MLDSA44, err = r.SigningKey(in.SigningN); err != nil {
		return nil, err
	}
	if in.Subject, err = readKey(r.dir, subjectLabel, 1); err != nil {
		return nil, err
	}
	if in.State, err = readKey(r.dir, stateLabel, 1); err != nil {
		return nil, err
	}
	in.Token, err = readKey(r.dir, tokenLabel, in.TokenEpoch)
	return in, err
}

// SigningKey reads signing key n, for instance a prepared one or, for signing
// its own rotation, the one before. The private half is checked against the list.
func (r *Ring) SigningKey(n uint32) (ed25519.PrivateKey, []byte, error) {
	seed, err := readKey(r.dir, ed25519Label, n)
	if err != nil {
		return nil, nil, err
	}
	key := ed25519.NewKeyFromSeed(seed[:])
	pub, ok := r.public.Signing.Key(n)
	if !ok || !bytes.Equal(key.Public().(ed25519.PublicKey), pub.Ed25519) {
		return nil, nil, fmt.Errorf("signing key %d is not the listed one: %w", n, ErrDamaged)
	}
	return key, pub.MLDSA44, nil
}

// Subject reads the key that people and message ids are hashed with.
func (r *Ring) Subject() (Key, error) { return readKey(r.dir, subjectLabel, 1) }

// Tokens reads the token keys of all epochs that are on this host: a reader
// searches old words with old keys, an ingest host keeps the current one alone.
func (r *Ring) Tokens() (map[uint32]Key, error) {
	out := map[uint32]Key{}
	for _, n := range r.public.Token.Epochs {
		k, err := readKey(r.dir, tokenLabel, n)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[n] = k
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("read token keys: %w", ErrAbsent)
	}
	return out, nil
}

// Holding is one identity and where it stands.
type Holding struct {
	Identity
	Here      bool // its file is on this host
	Protected bool // under a passphrase
}

// Holdings tells of each identity made here whether its file still is, and
// whether a passphrase protects it. It opens none.
func (r *Ring) Holdings() ([]Holding, error) {
	out := make([]Holding, 0, len(r.public.Identities))
	for _, info := range r.public.Identities {
		h := Holding{Identity: info}
		data, err := os.ReadFile(filepath.Join(r.dir, identityFile(info.Role, info.N)))
		switch {
		case err == nil:
			h.Here, h.Protected = true, isArmored(data)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("look at %s identity %d: %w", info.Role, info.N, err)
		}
		out = append(out, h)
	}
	return out, nil
}

// Exposed names the secret files of the folder, and the folder as ".", that
// others than their owner can read. Where the system has no such modes it names none.
func (r *Ring) Exposed() ([]string, error) {
	if runtime.GOOS == "windows" {
		return nil, nil
	}
	var out []string
	if info, err := os.Stat(r.dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		out = append(out, ".")
	}
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil, fmt.Errorf("look at key files: %w", err)
	}
	for _, e := range entries {
		secret := strings.HasSuffix(e.Name(), ".key") || strings.HasSuffix(e.Name(), ".identity")
		if info, err := e.Info(); err == nil && secret && info.Mode().Perm()&0o077 != 0 {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
