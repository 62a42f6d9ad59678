package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/unseal"
)

// Passphrase gives the passphrase of an identity, named in its prompt. It is
// called once for each call of Identities that meets a protected file.
type Passphrase func(prompt string) (string, error)

// makeIdentity makes identity n of a role and writes its file, under the
// passphrase where there is one.
func makeIdentity(dir string, kind Kind, role Role, n uint32, o Options) (Identity, error) {
	secret, recipient, err := generate(kind)
	if err != nil {
		return Identity{}, err
	}
	text := fmt.Sprintf("# waxseal %s identity %d, created %s\n# public key: %s\n%s\n",
		role, n, o.Now.UTC().Format("2006-01-02"), recipient, secret)
	data := []byte(text)
	if o.Passphrase != "" {
		var out bytes.Buffer
		if err := unseal.Protect(&out, data, o.Passphrase, o.WorkFactor); err != nil {
			return Identity{}, fmt.Errorf("%s identity: %w", role, err)
		}
		data = out.Bytes()
	}
	if err := create(dir, identityFile(role, n), data); err != nil {
		return Identity{}, err
	}
	return Identity{Role: role, N: n, Recipient: recipient}, nil
}

func generate(kind Kind) (secret, recipient string, err error) {
	if kind == Classic {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return "", "", fmt.Errorf("generate identity: %w", err)
		}
		return id.String(), id.Recipient().String(), nil
	}
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return "", "", fmt.Errorf("generate identity: %w", err)
	}
	return id.String(), id.Recipient().String(), nil
}

// Identities opens every identity of the roles that is on this host, newest
// first. Where none is, ErrAbsent; a passphrase that opens nothing is
// ErrPassphrase, as is a protected file where ask is nil. A file whose identity
// is not the one listed is ErrDamaged.
func (r *Ring) Identities(ask Passphrase, roles ...Role) ([]age.Identity, error) {
	var out []age.Identity
	ask = once(ask)
	for i := len(r.public.Identities) - 1; i >= 0; i-- {
		info := r.public.Identities[i]
		if !has(roles, info.Role) {
			continue
		}
		id, err := r.openIdentity(info, ask)
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open %s identity %d: %w", info.Role, info.N, err)
		}
		out = append(out, id)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("open identities of %s: %w", join(roles), ErrAbsent)
	}
	return out, nil
}

func (r *Ring) openIdentity(info Identity, ask Passphrase) (age.Identity, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, identityFile(info.Role, info.N)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrAbsent
	}
	if err != nil {
		return nil, err
	}
	ids, err := unseal.ParseIdentities(bytes.NewReader(data), ask.about(info.Role), nil)
	if errors.Is(err, unseal.ErrIdentityFile) {
		return nil, errors.Join(ErrDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	if len(ids) != 1 || recipientOf(ids[0]) != info.Recipient {
		return nil, ErrDamaged
	}
	return ids[0], nil
}

// about asks for the passphrase of a role's identity; nil where nobody is there.
func (ask Passphrase) about(role Role) func() (string, error) {
	if ask == nil {
		return nil
	}
	return func() (string, error) { return ask(fmt.Sprintf("Passphrase of the %s identity", role)) }
}

func recipientOf(id age.Identity) string {
	switch id := id.(type) {
	case *age.HybridIdentity:
		return id.Recipient().String()
	case *age.X25519Identity:
		return id.Recipient().String()
	}
	return ""
}

// once asks the first time and then gives the same answer: a person who opens
// firm and audit identity types one passphrase.
func once(ask Passphrase) Passphrase {
	if ask == nil {
		return nil
	}
	var pass string
	var err error
	asked := false
	return func(prompt string) (string, error) {
		if !asked {
			pass, err = ask(prompt)
			asked = true
		}
		return pass, err
	}
}

func has(roles []Role, r Role) bool {
	for _, x := range roles {
		if x == r {
			return true
		}
	}
	return false
}

func join(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
