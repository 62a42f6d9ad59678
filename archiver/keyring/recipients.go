package keyring

import (
	"strings"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/seal"
)

// Prefixes whose kind is known from the text.
const (
	prefixPQ    = "age1pq1"
	prefixTag   = "age1tag1"   // hardware, P-256
	prefixTagPQ = "age1tagpq1" // hardware, P-256 with ML-KEM-768
)

// recipients reads recipients that one file is sealed to, and proves that they go
// together.
func recipients(list []string) ([]age.Recipient, error) {
	out, err := seal.ParseRecipients(list)
	if err != nil {
		return nil, err
	}
	return out, seal.CheckRecipients(out)
}

// KindOf says what a recipient's text shows: age1pq1… and age1tagpq1… are
// post-quantum, age1… and age1tag1… classic, a plugin's is told only by its
// program and gives "".
func KindOf(s string) Kind {
	switch {
	case strings.HasPrefix(s, prefixPQ), strings.HasPrefix(s, prefixTagPQ):
		return PostQuantum
	case strings.HasPrefix(s, prefixTag):
		return Classic
	}
	if _, err := age.ParseX25519Recipient(s); err == nil {
		return Classic
	}
	return ""
}

// Short abbreviates a recipient for people: a post-quantum one has two thousand
// characters.
func Short(s string) string {
	if len(s) <= 24 {
		return s
	}
	return s[:14] + "…" + s[len(s)-8:]
}
