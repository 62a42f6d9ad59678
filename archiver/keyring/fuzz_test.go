package keyring

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// A key file is exactly what encodeKey writes, or damage.
func FuzzKeyFile(f *testing.F) {
	f.Add(encodeKey(subjectLabel, 1, Key{1, 2, 3}))
	f.Add(encodeKey(tokenLabel, 7, Key{}))
	f.Add([]byte("waxseal-subject 1 "))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := decodeKey(data, subjectLabel, 1)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("not damage: %v", err)
			}
			return
		}
		if again := encodeKey(subjectLabel, 1, k); !bytes.Equal(again, data) {
			t.Errorf("read from %q, written as %q", data, again)
		}
	})
}

// A recipient's text is read or refused, and a refusal does not show a secret.
func FuzzRecipient(f *testing.F) {
	for _, seed := range []string{"", "age1", "age1pq1", "age1yubikey1qqqq", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1QQQQ", "age1tag1x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := ParseRecipient(s, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, ErrRecipient) {
			t.Errorf("not a refusal: %v", err)
		}
		if len(s) > 24 && strings.Contains(err.Error(), s) {
			t.Error("the refusal shows all of what was given")
		}
	})
}
