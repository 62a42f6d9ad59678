package seal

import (
	"errors"
	"strings"
	"testing"
)

// A recipient's text is read or refused, and a refusal shows nothing of it.
func FuzzRecipient(f *testing.F) {
	for _, seed := range []string{"", "age1", "age1pq1", "age1yubikey1qqqq", "ssh-ed25519 AAAA", "AGE-SECRET-KEY-1QQQQ", "age1tag1x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		_, err := ParseRecipients([]string{s})
		if err == nil {
			return
		}
		if !errors.Is(err, ErrRecipient) {
			t.Errorf("not a refusal: %v", err)
		}
		if len(s) > 24 && strings.Contains(err.Error(), s[:12]) {
			t.Error("the refusal shows what was given")
		}
	})
}
