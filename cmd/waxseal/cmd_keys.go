package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type keysCmd struct {
	New    keysNewCmd    `cmd:"" help:"Make the keys of a new archive."`
	List   keysListCmd   `cmd:"" help:"What keys there are, which are here, and how they are protected."`
	Card   keysCardCmd   `cmd:"" help:"A page to print and file away from the archive."`
	Rotate keysRotateCmd `cmd:"" help:"Replace a key; the replacement is an act in the ledger."`
}

type keysNewCmd struct {
	Classic    bool `help:"X25519 in place of post-quantum identities."`
	Passphrase bool `help:"Ask for a passphrase for the identities (or set WAXSEAL_PASSPHRASE)."`
}

// Help teaches the command.
func (keysNewCmd) Help() string {
	return `Makes identities for firm, escrow, audit and indexer, the signing key, and the subject, token and state keys, in DIR/keys, readable for the owner alone.
'waxseal run' does this by itself on a new folder. Recipients that the firm brings itself (settings recipients.firm and so on, also of hardware: age1yubikey1…)
take an identity's place, and then nothing on this host can open what it seals.

Examples:
  waxseal keys new --passphrase
  WAXSEAL_RECIPIENTS_FIRM=age1pq1… WAXSEAL_RECIPIENTS_ESCROW=age1pq1… waxseal keys new --data /srv/archive`
}

// Run makes the keys and lists them.
func (c keysNewCmd) Run(s *session) error {
	if begun, err := readMark(s.set); err != nil {
		return err
	} else if begun != "" {
		return begunDemo(s.set, begun)
	}
	opts := keyring.Options{Classic: c.Classic || s.set.Classic, Recipients: s.set.Recipients, Passphrase: s.set.Passphrase, WorkFactor: s.set.Scrypt, Now: time.Now()}
	if c.Passphrase && opts.Passphrase == "" {
		var err error
		if opts.Passphrase, err = newPassphrase(s); err != nil {
			return err
		}
	}
	ring, err := keyring.Create(s.set.Keys(), opts)
	if errors.Is(err, keyring.ErrExists) {
		return fmt.Errorf("%w ('waxseal keys rotate' replaces one)", err)
	}
	if errors.Is(err, keyring.ErrRecipient) || errors.Is(err, keyring.ErrMixed) {
		return fmt.Errorf("%w: %w", err, ErrUsage)
	}
	if err != nil {
		return err
	}
	return showKeys(s, ring)
}

// newPassphrase asks twice.
func newPassphrase(s *session) (string, error) {
	if s.readPassword == nil {
		return "", fmt.Errorf("no terminal to ask for a passphrase on: set WAXSEAL_PASSPHRASE: %w", ErrUsage)
	}
	first, err := s.readPassword("New passphrase for the identities")
	if err != nil {
		return "", fmt.Errorf("ask for a passphrase: %w", err)
	}
	second, err := s.readPassword("The same again")
	if err != nil {
		return "", fmt.Errorf("ask for a passphrase: %w", err)
	}
	if first == "" || first != second {
		return "", fmt.Errorf("the two passphrases differ, or are empty: %w", ErrUsage)
	}
	return first, nil
}

type keysListCmd struct{}

// Help teaches the command.
func (keysListCmd) Help() string {
	return `Reads the list and looks which files are here. It opens no identity.

Examples:
  waxseal keys list
  waxseal keys list --output json`
}

// Run lists the keys.
func (keysListCmd) Run(s *session) error {
	ring, err := keyring.Open(s.set.Keys())
	if err != nil {
		return err
	}
	return showKeys(s, ring)
}

// keysResponse is the output of keys list and keys new.
type keysResponse struct {
	Folder     string                    `json:"folder"`
	Kind       keyring.Kind              `json:"kind"`
	Created    string                    `json:"created"`
	Identities []keyInfo                 `json:"identities"`
	Recipients map[keyring.Role][]string `json:"recipients"`
	Signing    []signingInfo             `json:"signing"`
	Token      keyring.Token             `json:"token"`
	Exposed    []string                  `json:"exposed"` // files others can read
}

type keyInfo struct {
	Role      keyring.Role `json:"role"`
	N         uint32       `json:"n"`
	Recipient string       `json:"recipient"`
	InUse     bool         `json:"in_use"`
	Here      bool         `json:"here"`
	Protected bool         `json:"protected"`
}

type signingInfo struct {
	N       uint32 `json:"n"`
	InUse   bool   `json:"in_use"`
	Ed25519 string `json:"ed25519"` // hex
}

func showKeys(s *session, ring *keyring.Ring) error {
	held, err := ring.Holdings()
	if err != nil {
		return err
	}
	exposed, err := ring.Exposed()
	if err != nil {
		return err
	}
	p := ring.Public()
	r := keysResponse{Folder: s.set.Keys(), Kind: p.Kind, Created: p.Created, Recipients: p.Recipients, Token: p.Token,
		Identities: []keyInfo{}, Exposed: append([]string{}, exposed...)}
	for _, h := range held {
		r.Identities = append(r.Identities, keyInfo{Role: h.Role, N: h.N, Recipient: h.Recipient,
			InUse: slices.Contains(p.Recipients[h.Role], h.Recipient), Here: h.Here, Protected: h.Protected})
	}
	for _, k := range p.Signing.Keys {
		r.Signing = append(r.Signing, signingInfo{N: k.N, InUse: k.N == p.Signing.Current, Ed25519: fmt.Sprintf("%x", k.Ed25519)})
	}
	return s.show(r, func(w io.Writer) error { return keysText(w, r) })
}

func keysText(w io.Writer, r keysResponse) error {
	fmt.Fprintf(w, "keys in %s, made %s, %s\n", r.Folder, r.Created, r.Kind)
	rows := [][]string{{"KEY", "N", "STATE", "FILE", "PUBLIC"}}
	for _, id := range r.Identities {
		file := "not here"
		if id.Here {
			file = "here, open"
		}
		if id.Protected {
			file = "here, under a passphrase"
		}
		rows = append(rows, []string{string(id.Role), fmt.Sprint(id.N), inUse(id.InUse), file, keyring.Short(id.Recipient)})
	}
	for _, role := range keyring.Roles() {
		for _, rec := range r.Recipients[role] {
			if !slices.ContainsFunc(r.Identities, func(k keyInfo) bool { return k.Recipient == rec }) {
				rows = append(rows, []string{string(role), "", "in use", "brought by the firm", keyring.Short(rec)})
			}
		}
	}
	for _, k := range r.Signing {
		rows = append(rows, []string{"signing", fmt.Sprint(k.N), inUse(k.InUse), "", k.Ed25519[:16] + "…"})
	}
	for _, n := range r.Token.Epochs {
		rows = append(rows, []string{"token", fmt.Sprint(n), inUse(n == r.Token.Current), "", ""})
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	for _, name := range r.Exposed {
		fmt.Fprintf(w, "WARNING others can read %s: chmod go= it\n", name)
	}
	return nil
}

func inUse(yes bool) string {
	if yes {
		return "in use"
	}
	return "not in use"
}

type keysCardCmd struct{}

// Help teaches the command.
func (keysCardCmd) Help() string {
	return `Writes a page with the archive's fingerprint, its public keys and how to verify with them. It holds no secret. Print it and keep it elsewhere: a
fingerprint that lies only inside an archive proves nothing.

Examples:
  waxseal keys card > card.txt
  waxseal keys card | lp`
}

// Run writes the card.
func (keysCardCmd) Run(s *session) error {
	ring, err := keyring.Open(s.set.Keys())
	if err != nil {
		return err
	}
	return s.withApp(func(app App) error {
		id, err := app.Identify(s.ctx)
		if err != nil {
			return err
		}
		resp := struct {
			Identification
			Keys keyring.Public `json:"keys"`
		}{id, ring.Public()}
		card := keyring.Card{Archive: id.Archive, Fingerprint: id.Fingerprint, Mode: id.Mode, Keys: ring.Public()}
		return s.show(resp, card.Write)
	})
}

type keysRotateCmd struct {
	What       string   `arg:"" enum:"signing,token,firm,escrow,audit,indexer,boxes" help:"signing, token, firm, escrow, audit, indexer or boxes."`
	Recipient  []string `placeholder:"AGE1…" help:"Of a role: these recipients, in place of a new identity."`
	Compromise bool     `help:"The old signing key may be in other hands."`
	Passphrase bool     `help:"Ask for a passphrase for a new identity (or set WAXSEAL_PASSPHRASE)."`
}

// Help teaches the command.
func (keysRotateCmd) Help() string {
	return `The new key counts from the act on that names it, signed by the old and the new signing key. What was sealed before keeps its recipients: keep the old
identity. A new token key begins a new epoch of word hashes.

Examples:
  waxseal keys rotate token
  waxseal keys rotate firm --recipient age1pq1…
  waxseal keys rotate signing --compromise`
}

// Run rotates, and says what counts now.
func (c keysRotateCmd) Run(s *session) error {
	role := c.What != "signing" && c.What != "token"
	switch {
	case len(c.Recipient) > 0 && !role:
		return fmt.Errorf("--recipient belongs to a role, not to %s: %w", c.What, ErrUsage)
	case c.Compromise && c.What != "signing":
		return fmt.Errorf("--compromise belongs to signing: %w", ErrUsage)
	}
	opts := keyring.Options{Classic: s.set.Classic, Passphrase: s.set.Passphrase, WorkFactor: s.set.Scrypt, Now: time.Now()}
	if c.Passphrase && opts.Passphrase == "" {
		var err error
		if opts.Passphrase, err = newPassphrase(s); err != nil {
			return err
		}
	}
	return s.withApp(func(app App) error {
		r, err := app.RotateKeys(s.ctx, RotateRequest{What: c.What, Recipients: c.Recipient, Compromise: c.Compromise, New: opts})
		if err != nil {
			return err
		}
		return s.show(r, func(w io.Writer) error {
			short := make([]string, len(r.Recipients))
			for i, rec := range r.Recipients {
				short[i] = keyring.Short(rec)
			}
			_, err := fmt.Fprintln(w, strings.TrimSpace(fmt.Sprintf("%s %d counts from control block %d on  %s", r.What, r.N, r.Block, strings.Join(short, " "))))
			return err
		})
	})
}
