package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Public is keyring.json: everything about the keys that is no secret.
type Public struct {
	V          int               `json:"v"`       // 1
	Created    string            `json:"created"` // RFC 3339, UTC, seconds
	Kind       Kind              `json:"kind"`
	Recipients map[Role][]string `json:"recipients"` // what is sealed to, now
	Identities []Identity        `json:"identities"` // made here, oldest first, also where the file was moved away since
	Signing    Signing           `json:"signing"`
	Token      Token             `json:"token"`
}

// Identity is one age identity that was made in this folder.
type Identity struct {
	Role      Role   `json:"role"`
	N         uint32 `json:"n"` // from 1
	Recipient string `json:"recipient"`
	Prepared  bool   `json:"prepared,omitempty"` // made by a rotation, not sealed to yet
}

// Signing lists the signing keys of the archive's logs.
type Signing struct {
	Current uint32       `json:"current"`
	Keys    []SigningKey `json:"keys"`
}

// SigningKey is the public half of a pair of signing keys: Ed25519 signs today;
// ML-DSA-44 stands in genesis for the day Ed25519 no longer does.
type SigningKey struct {
	N       uint32 `json:"n"`
	Ed25519 []byte `json:"ed25519"` // 32 bytes
	MLDSA44 []byte `json:"mldsa44"` // 1,312 bytes
}

// Token lists the epochs of the key that words are hashed with.
type Token struct {
	Current uint32   `json:"current"`
	Epochs  []uint32 `json:"epochs"`
}

// Key gives the public half with that number.
func (s Signing) Key(n uint32) (SigningKey, bool) {
	i := slices.IndexFunc(s.Keys, func(k SigningKey) bool { return k.N == n })
	if i < 0 {
		return SigningKey{}, false
	}
	return s.Keys[i], true
}

// SegmentRecipients are those of every segment: the firm's and the escrow's.
func (p Public) SegmentRecipients() []string {
	return slices.Concat(p.Recipients[Firm], p.Recipients[Escrow])
}

// BoxRecipients are those of every key box: by default the segments', better others.
func (p Public) BoxRecipients() []string {
	if b := p.Recipients[Boxes]; len(b) > 0 {
		return slices.Clone(b)
	}
	return p.SegmentRecipients()
}

// AuditRecipients are those of the bodies of acts: the auditor's and the escrow's.
func (p Public) AuditRecipients() []string {
	return slices.Concat(p.Recipients[Audit], p.Recipients[Escrow])
}

// IndexerRecipients are those of the outbox rows.
func (p Public) IndexerRecipients() []string { return slices.Clone(p.Recipients[Indexer]) }

// check refuses a list this release cannot have written.
func (p Public) check() error {
	if p.V != 1 {
		return fmt.Errorf("version %d: %w", p.V, ErrDamaged)
	}
	for _, role := range made() {
		if len(p.Recipients[role]) == 0 {
			return fmt.Errorf("no %s recipient: %w", role, ErrDamaged)
		}
	}
	cur, ok := p.Signing.Key(p.Signing.Current)
	if !ok || len(cur.Ed25519) != 32 || len(cur.MLDSA44) != 1312 {
		return fmt.Errorf("signing key %d: %w", p.Signing.Current, ErrDamaged)
	}
	if !slices.Contains(p.Token.Epochs, p.Token.Current) {
		return fmt.Errorf("token epoch %d: %w", p.Token.Current, ErrDamaged)
	}
	return nil
}

func (p Public) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(p); err != nil {
		return nil, fmt.Errorf("encode %s: %w", listName, err)
	}
	return b.Bytes(), nil
}

func readList(dir string) (Public, error) {
	var p Public
	data, err := os.ReadFile(filepath.Join(dir, listName))
	if errors.Is(err, fs.ErrNotExist) {
		return p, ErrNone
	}
	if err != nil {
		return p, fmt.Errorf("read %s: %w", listName, err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return p, fmt.Errorf("read %s: %w", listName, errors.Join(ErrDamaged, err))
	}
	if err := p.check(); err != nil {
		return p, fmt.Errorf("read %s: %w", listName, err)
	}
	return p, nil
}
