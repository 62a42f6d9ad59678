package unseal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
)

// What is wrong with an identity file. Errors never quote it.
var (
	ErrIdentityFile = errors.New("not a file of age identities")
	ErrPassphrase   = errors.New("wrong passphrase")
)

// maxIdentityFile bounds an identity file.
const maxIdentityFile = 1 << 20

// ParseIdentities reads age identities, one a line, # comments: post-quantum,
// classic, plugin (AGE-PLUGIN-…, asking through ui). A file under a passphrase
// (binary or armored) is opened with what ask gives; a nil ask refuses it.
func ParseIdentities(f io.Reader, ask func() (string, error), ui *plugin.ClientUI) ([]age.Identity, error) {
	b, err := io.ReadAll(io.LimitReader(f, maxIdentityFile+1))
	if err != nil {
		return nil, fmt.Errorf("read identities: %w", err)
	}
	if len(b) > maxIdentityFile {
		return nil, fmt.Errorf("more than %d bytes: %w", maxIdentityFile, ErrIdentityFile)
	}
	if src, protected := ageFile(b); protected {
		if b, err = openProtected(src, ask); err != nil {
			return nil, err
		}
	}
	var out []age.Identity
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, maxIdentityFile+1)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		id, err := parseIdentity(line, ui)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, ErrIdentityFile) // err may quote the secret
		}
		out = append(out, id)
	}
	if lines.Err() != nil || len(out) == 0 {
		return nil, fmt.Errorf("no identity in it: %w", ErrIdentityFile)
	}
	return out, nil
}

func parseIdentity(s string, ui *plugin.ClientUI) (age.Identity, error) {
	switch {
	case strings.HasPrefix(s, "AGE-PLUGIN-"):
		if ui == nil {
			return nil, errors.New("a plugin needs somebody to answer")
		}
		return plugin.NewIdentity(s, ui)
	case strings.HasPrefix(s, "AGE-SECRET-KEY-PQ-1"):
		return age.ParseHybridIdentity(s)
	}
	return age.ParseX25519Identity(s)
}

func ageFile(b []byte) (io.Reader, bool) {
	switch {
	case bytes.HasPrefix(b, []byte("age-encryption.org/")):
		return bytes.NewReader(b), true
	case bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(armor.Header)):
		return armor.NewReader(bytes.NewReader(b)), true
	}
	return nil, false
}

func openProtected(src io.Reader, ask func() (string, error)) ([]byte, error) {
	if ask == nil {
		return nil, fmt.Errorf("under a passphrase and nobody to ask: %w", ErrPassphrase)
	}
	pass, err := ask()
	if err != nil {
		return nil, fmt.Errorf("ask for the passphrase: %w", err)
	}
	id, err := age.NewScryptIdentity(pass)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPassphrase, err)
	}
	plain, err := age.Decrypt(src, id)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentityFile, err)
	}
	b, err := io.ReadAll(io.LimitReader(plain, maxIdentityFile))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIdentityFile, err)
	}
	return b, nil
}

// Protect writes an identity file under a passphrase, armored. logN is scrypt's
// work factor, 0 for age's own choice.
func Protect(w io.Writer, identities []byte, passphrase string, logN int) error {
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return fmt.Errorf("protect identities: %w", err)
	}
	if logN > 0 {
		to.SetWorkFactor(logN)
	}
	a := armor.NewWriter(w)
	e, err := age.Encrypt(a, to)
	if err != nil {
		return fmt.Errorf("protect identities: %w", err)
	}
	if _, err := e.Write(identities); err != nil {
		return fmt.Errorf("protect identities: %w", err)
	}
	if err := errors.Join(e.Close(), a.Close()); err != nil {
		return fmt.Errorf("protect identities: %w", err)
	}
	return nil
}
