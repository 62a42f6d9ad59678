package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// listName is the file with all public halves. It is written last, so a folder
// that has it is whole.
const listName = "keyring.json"

// secret labels, one a file name.
const (
	ed25519Label = "ed25519"
	mldsa44Label = "mldsa44"
	subjectLabel = "subject"
	tokenLabel   = "token"
	stateLabel   = "state"
)

func keyFile(label string, n uint32) string   { return fmt.Sprintf("%s-%d.key", label, n) }
func identityFile(role Role, n uint32) string { return fmt.Sprintf("%s-%d.identity", role, n) }

// encodeKey writes the one line of a key file: what it is, its number, the
// bytes, and eight digits of their hash so that damage is not taken for a key.
func encodeKey(label string, n uint32, k Key) []byte {
	body := fmt.Sprintf("waxseal-%s %d %s", label, n, hex.EncodeToString(k[:]))
	return []byte(body + " " + keySum(body) + "\n")
}

func keySum(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:4])
}

// decodeKey reads what encodeKey wrote for the same label and number.
func decodeKey(data []byte, label string, n uint32) (Key, error) {
	var k Key
	fields := strings.Fields(string(data))
	if len(fields) != 4 || len(fields[2]) != 2*len(k) {
		return k, ErrDamaged
	}
	if _, err := hex.Decode(k[:], []byte(fields[2])); err != nil {
		return Key{}, ErrDamaged
	}
	if !bytes.Equal(data, encodeKey(label, n, k)) { // label, number, check digits and form, all at once
		return Key{}, ErrDamaged
	}
	return k, nil
}

// readKey loads a key file; ErrAbsent where it was moved away.
func readKey(dir, label string, n uint32) (Key, error) {
	name := keyFile(label, n)
	data, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("read %s: %w", name, ErrAbsent)
	}
	if err != nil {
		return Key{}, fmt.Errorf("read %s: %w", name, err)
	}
	k, err := decodeKey(data, label, n)
	if err != nil {
		return Key{}, fmt.Errorf("read %s: %w", name, err)
	}
	return k, nil
}

// create writes a file that must not exist, durably: its bytes are on the disk
// before its name is, so no crash leaves half a key under a key's name.
// fs.ErrExist where the name is taken.
func create(dir, name string, data []byte) error {
	tmp, err := writeTemp(dir, data)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	return syncDir(dir)
}

// replace puts new bytes in a file's place, durably and at once.
func replace(dir, name string, data []byte) error {
	tmp, err := writeTemp(dir, data)
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
		os.Remove(tmp)
		return fmt.Errorf("replace %s: %w", name, err)
	}
	return syncDir(dir)
}

// createOnce is create for a rotation that may be asked for again after a
// crash: a file that is there already keeps its bytes and is no error.
func createOnce(dir, name string, data []byte) error {
	err := create(dir, name, data)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func writeTemp(dir string, data []byte) (string, error) {
	f, err := os.CreateTemp(dir, ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// isArmored reports whether an identity file lies under a passphrase.
func isArmored(data []byte) bool {
	return bytes.HasPrefix(data, []byte("-----BEGIN AGE ENCRYPTED FILE-----"))
}
