package seal

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/plugin"
)

// What is wrong with a list of recipients. An archive that starts with a bad
// one would seal what nobody can open, so both stop it at the start.
var (
	ErrRecipient = errors.New("not an age recipient")
	ErrMixed     = errors.New("post-quantum and classic recipients cannot be mixed")
)

// ParseRecipients reads age recipients: age1pq1… (post-quantum hybrid, the
// default), age1… (classic) and age1NAME1… (a plugin, as for hardware keys,
// whose binary age-plugin-NAME is run for every object). SSH keys and passphrases
// are refused: the former are not made for keeping, the latter cannot be beside
// others. Errors tell the position, not the text.
func ParseRecipients(texts []string) ([]age.Recipient, error) {
	if len(texts) == 0 {
		return nil, fmt.Errorf("no recipients: %w", ErrRecipient)
	}
	out := make([]age.Recipient, len(texts))
	for i, s := range texts {
		r, err := parseRecipient(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("recipient %d: %w", i+1, ErrRecipient) // err may quote a secret pasted by mistake
		}
		out[i] = r
	}
	if err := mixed(out); err != nil {
		return nil, err
	}
	return out, nil
}

// maxRecipient bounds a recipient's text; a post-quantum one has 1,959 characters.
const maxRecipient = 8192

func parseRecipient(s string) (age.Recipient, error) {
	if len(s) > maxRecipient {
		return nil, ErrRecipient
	}
	if strings.HasPrefix(s, "age1pq1") {
		return age.ParseHybridRecipient(s)
	}
	if _, _, err := plugin.ParseRecipient(s); err == nil {
		return plugin.NewRecipient(s, quiet())
	}
	return age.ParseX25519Recipient(s)
}

// quiet answers a plugin that wants to talk to a person: the archiver has none.
func quiet() *plugin.ClientUI {
	refuse := errors.New("nobody is there to answer")
	return &plugin.ClientUI{
		DisplayMessage: func(string, string) error { return nil },
		RequestValue:   func(string, string, bool) (string, error) { return "", refuse },
		Confirm:        func(string, string, string, string) (bool, error) { return false, refuse },
		WaitTimer:      func(string) {},
	}
}

// mixed tells a mix of the recipients whose kind is known without running
// anything. A plugin's kind shows when CheckRecipients seals to it.
func mixed(rs []age.Recipient) error {
	pq, classic := 0, 0
	for i, r := range rs {
		switch r.(type) {
		case *age.HybridRecipient:
			pq = i + 1
		case *age.X25519Recipient:
			classic = i + 1
		}
	}
	if pq > 0 && classic > 0 {
		return fmt.Errorf("recipient %d is post-quantum, recipient %d is classic: %w", pq, classic, ErrMixed)
	}
	return nil
}

// CheckRecipients seals nothing to the recipients, so that a missing plugin or
// a mix shows at the start and not with the first segment.
func CheckRecipients(rs []age.Recipient) error {
	if len(rs) == 0 {
		return fmt.Errorf("no recipients: %w", ErrRecipient)
	}
	if err := mixed(rs); err != nil {
		return err
	}
	w, err := age.Encrypt(io.Discard, rs...)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		if strings.Contains(err.Error(), "post-quantum") {
			return fmt.Errorf("%w: %w", ErrMixed, err)
		}
		return fmt.Errorf("seal to the recipients: %w", err)
	}
	return nil
}
