package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// A rotation has two halves around the act in the ledger that makes it so:
// Prepare makes the new key's files and lists its public half; then the act is
// committed; then Use makes it the current one. A crash between them leaves a
// prepared key, which the next Prepare finds and takes up again. The ledger is
// the truth about which key counts; Use only follows it.

// PrepareSigning makes the signing key behind the current one, or finds it made.
func (r *Ring) PrepareSigning() (SigningKey, error) {
	n := r.public.Signing.Current + 1
	key, err := makeSigning(r.dir, n)
	if err != nil {
		return SigningKey{}, fmt.Errorf("prepare signing key: %w", err)
	}
	p := r.copy()
	if _, ok := p.Signing.Key(n); !ok {
		p.Signing.Keys = append(p.Signing.Keys, key)
	}
	return key, r.save(p)
}

// UseSigning makes a listed signing key the current one.
func (r *Ring) UseSigning(n uint32) error {
	if _, _, err := r.SigningKey(n); err != nil {
		return fmt.Errorf("use signing key: %w", err)
	}
	p := r.copy()
	p.Signing.Current = n
	return r.save(p)
}

// PrepareToken makes the token key of the epoch behind the current one, or finds it made.
func (r *Ring) PrepareToken() (uint32, Key, error) {
	n := r.public.Token.Current + 1
	if err := createOnce(r.dir, keyFile(tokenLabel, n), encodeKey(tokenLabel, n, newKey())); err != nil {
		return 0, Key{}, fmt.Errorf("prepare token key: %w", err)
	}
	k, err := readKey(r.dir, tokenLabel, n)
	if err != nil {
		return 0, Key{}, fmt.Errorf("prepare token key: %w", err)
	}
	p := r.copy()
	if !slices.Contains(p.Token.Epochs, n) {
		p.Token.Epochs = append(p.Token.Epochs, n)
	}
	return n, k, r.save(p)
}

// UseToken makes a listed epoch the current one. Older keys stay: readers need them.
func (r *Ring) UseToken(n uint32) error {
	if _, err := readKey(r.dir, tokenLabel, n); err != nil {
		return fmt.Errorf("use token key: %w", err)
	}
	p := r.copy()
	if !slices.Contains(p.Token.Epochs, n) {
		return fmt.Errorf("use token key %d: %w", n, ErrNone)
	}
	p.Token.Current = n
	return r.save(p)
}

// PrepareIdentity makes a further identity of a role, or finds the one an
// interrupted rotation prepared. Nothing is sealed to it before UseRecipients
// says so.
func (r *Ring) PrepareIdentity(role Role, o Options) (Identity, error) {
	if !role.Valid() {
		return Identity{}, fmt.Errorf("prepare identity: no role %q", role)
	}
	var n uint32
	for _, id := range r.public.Identities {
		if id.Role == role && id.Prepared {
			return id, nil
		}
		if id.Role == role {
			n = max(n, id.N)
		}
	}
	if err := r.dropUnlisted(role, n+1); err != nil {
		return Identity{}, fmt.Errorf("prepare %s identity: %w", role, err)
	}
	id, err := makeIdentity(r.dir, r.public.Kind, role, n+1, o)
	if err != nil {
		return Identity{}, fmt.Errorf("prepare %s identity: %w", role, err)
	}
	id.Prepared = true
	p := r.copy()
	p.Identities = append(p.Identities, id)
	return id, r.save(p)
}

// dropUnlisted removes an identity file that a crash left before it was listed:
// its recipient was never told to anybody.
func (r *Ring) dropUnlisted(role Role, n uint32) error {
	err := os.Remove(filepath.Join(r.dir, identityFile(role, n)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// UseRecipients makes list what is sealed to for a role from now on; what was
// sealed before keeps its recipients. ErrRecipient, ErrMixed as in Create.
func (r *Ring) UseRecipients(role Role, list []string) error {
	if !role.Valid() || len(list) == 0 {
		return fmt.Errorf("use recipients of role %q: %w", role, ErrRecipient)
	}
	p := r.copy()
	p.Recipients[role] = slices.Clone(list)
	for i, id := range p.Identities {
		if id.Role == role && slices.Contains(list, id.Recipient) {
			p.Identities[i].Prepared = false
		}
	}
	if err := sealable(p); err != nil {
		return fmt.Errorf("use %s recipients: %w", role, err)
	}
	return r.save(p)
}

// copy gives a list that can be changed without touching the ring's.
func (r *Ring) copy() Public {
	p := r.public
	p.Recipients = maps.Clone(p.Recipients)
	p.Identities = slices.Clone(p.Identities)
	p.Signing.Keys = slices.Clone(p.Signing.Keys)
	p.Token.Epochs = slices.Clone(p.Token.Epochs)
	return p
}

func (r *Ring) save(p Public) error {
	data, err := p.encode()
	if err != nil {
		return err
	}
	if err := replace(r.dir, listName, data); err != nil {
		return err
	}
	r.public = p
	return nil
}
