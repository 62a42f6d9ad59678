package keyring

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// Prefixes whose kind is known from the text.
const (
	prefixPQ    = "age1pq1"
	prefixTag   = "age1tag1"   // hardware, P-256
	prefixTagPQ = "age1tagpq1" // hardware, P-256 with ML-KEM-768
)

// ParseRecipient reads one age recipient: age1pq1…, age1…, or a plugin's
// (age1NAME1…: hardware), whose program age-plugin-NAME must be on the PATH when
// something is sealed. ui answers what a plugin asks; nil refuses every
// question, as an archiver must. SSH keys and passphrases are ErrRecipient: the
// one serves for logging in, the other cannot be shared.
func ParseRecipient(s string, ui *plugin.ClientUI) (age.Recipient, error) {
	r, err := parseRecipient(s, ui)
	if err != nil {
		return nil, fmt.Errorf("recipient %s: %w", Short(s), ErrRecipient)
	}
	return r, nil
}

// maxRecipient bounds a recipient's text; a post-quantum one has 1,959 characters.
const maxRecipient = 8192

func parseRecipient(s string, ui *plugin.ClientUI) (age.Recipient, error) {
	if len(s) > maxRecipient {
		return nil, ErrRecipient
	}
	if strings.HasPrefix(s, prefixPQ) {
		return age.ParseHybridRecipient(s)
	}
	if r, err := age.ParseX25519Recipient(s); err == nil {
		return r, nil
	}
	if ui == nil {
		ui = silent()
	}
	return plugin.NewRecipient(s, ui)
}

// silent answers no plugin question: nobody sits before an archiver.
func silent() *plugin.ClientUI {
	return &plugin.ClientUI{
		DisplayMessage: func(_, _ string) error { return nil },
		RequestValue:   func(_, _ string, _ bool) (string, error) { return "", errNobody },
		Confirm:        func(_, _, _, _ string) (bool, error) { return false, errNobody },
		WaitTimer:      func(string) {},
	}
}

var errNobody = errors.New("a plugin asks and nobody is there to answer")

// ParseRecipients reads a list and proves, by sealing nothing to all of them,
// that they go together: a mix of post-quantum and classic is ErrMixed. A
// plugin's program runs once.
func ParseRecipients(list []string, ui *plugin.ClientUI) ([]age.Recipient, error) {
	out := make([]age.Recipient, 0, len(list))
	for _, s := range list {
		r, err := ParseRecipient(strings.TrimSpace(s), ui)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	if err := Together(out...); err != nil {
		return nil, err
	}
	return out, nil
}

// Together proves that one age file can be sealed to all the recipients.
func Together(rs ...age.Recipient) error {
	if len(rs) == 0 {
		return nil
	}
	_, err := age.Encrypt(io.Discard, rs...)
	switch {
	case err == nil:
		return nil
	case strings.Contains(err.Error(), "incompatible"):
		return fmt.Errorf("seal to %d recipients: %w", len(rs), ErrMixed)
	default:
		return fmt.Errorf("seal to %d recipients: %w", len(rs), err)
	}
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
