package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Passphrase gives the passphrase of an identity, named in its prompt. It is
// called once for each call of Identities that meets a protected file.
type Passphrase func(prompt string) (string, error)

// maxIdentityFile bounds what is read of an identity file, in bytes.
const maxIdentityFile = 1 << 16

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
		if data, err = protect(data, o.Passphrase, o.WorkFactor); err != nil {
			return Identity{}, fmt.Errorf("protect %s identity: %w", role, err)
		}
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

// protect encrypts an identity file as age itself does: armored, scrypt.
func protect(text []byte, passphrase string, work int) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	if work != 0 {
		r.SetWorkFactor(work)
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), a.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
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
	if isArmored(data) {
		if data, err = unprotect(data, string(info.Role), ask); err != nil {
			return nil, err
		}
	}
	ids, err := age.ParseIdentities(bytes.NewReader(data))
	if err != nil || len(ids) != 1 || recipientOf(ids[0]) != info.Recipient {
		return nil, ErrDamaged // err may quote the secret
	}
	return ids[0], nil
}

func unprotect(data []byte, what string, ask Passphrase) ([]byte, error) {
	if ask == nil {
		return nil, fmt.Errorf("protected by a passphrase and nobody to ask: %w", ErrPassphrase)
	}
	pass, err := ask(fmt.Sprintf("Passphrase of the %s identity", what))
	if err != nil {
		return nil, err
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, ErrPassphrase
	}
	plain, err := age.Decrypt(armor.NewReader(bytes.NewReader(data)), id)
	if errors.As(err, new(*age.NoIdentityMatchError)) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(plain, maxIdentityFile))
	if err != nil {
		return nil, errors.Join(ErrDamaged, err)
	}
	return text, nil
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
