package keyring

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Card is the page a firm prints and files outside the archive: who holds it
// can tell this archive from every other and from a forged one.
type Card struct {
	Archive     string // name (origin) of the archive
	Fingerprint string // SHA-256 of genesis, 64 hex digits; "" while nothing is archived yet
	Mode        string // production or evaluation
	Keys        Public
}

// Write prints the card as plain text of at most 78 columns.
func (c Card) Write(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "WAXSEAL ARCHIVE CARD\n%s\n\n", strings.Repeat("=", 78))
	fmt.Fprintf(&b, "Archive      %s\n", c.Archive)
	if c.Mode != "" {
		fmt.Fprintf(&b, "Mode         %s\n", c.Mode)
	}
	fmt.Fprintf(&b, "Keys made    %s, %s\n\n", c.Keys.Created, c.Keys.Kind)
	c.fingerprint(&b)
	c.signing(&b)
	c.recipients(&b)
	fmt.Fprint(&b, cardText)
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("write card: %w", err)
	}
	return nil
}

func (c Card) fingerprint(b *bytes.Buffer) {
	fmt.Fprint(b, "FINGERPRINT (SHA-256 of the archive's first event)\n\n")
	if c.Fingerprint == "" {
		fmt.Fprint(b, "    none yet: the archive has no first event. Print the card again once it has.\n\n")
		return
	}
	for _, line := range chunks(c.Fingerprint, 32) {
		fmt.Fprintf(b, "    %s\n", strings.Join(chunks(line, 8), " "))
	}
	fmt.Fprintln(b)
}

func (c Card) signing(b *bytes.Buffer) {
	key, _ := c.Keys.Signing.Key(c.Keys.Signing.Current)
	fmt.Fprintf(b, "SIGNING KEY %d\n\n", key.N)
	for i, line := range chunks(hex.EncodeToString(key.Ed25519), 32) {
		fmt.Fprintf(b, "    %-10s%s\n", []string{"Ed25519", ""}[min(i, 1)], strings.Join(chunks(line, 8), " "))
	}
	sum := sha256.Sum256(key.MLDSA44)
	fmt.Fprintf(b, "    %-10s1312 bytes, SHA-256 begins %s\n\n", "ML-DSA-44", hex.EncodeToString(sum[:8]))
}

func (c Card) recipients(b *bytes.Buffer) {
	fmt.Fprint(b, "RECIPIENTS (who can open what is sealed; behind each its SHA-256, 16 digits)\n\n")
	for _, role := range Roles() {
		for _, r := range c.Keys.Recipients[role] {
			sum := sha256.Sum256([]byte(r))
			fmt.Fprintf(b, "    %-8s %s  %s\n", role, Short(r), hex.EncodeToString(sum[:8]))
		}
	}
	fmt.Fprintln(b)
}

func chunks(s string, n int) []string {
	var out []string
	for len(s) > n {
		out = append(out, s[:n])
		s = s[n:]
	}
	return append(out, s)
}

const cardText = `WHAT THIS PAGE IS FOR

Keep it away from the archive: in a safe, with counsel, with the auditor. It
holds no secret. Keys that lie inside an archive, or inside a production made
from one, prove nothing by themselves: compare them with this page.

To check an archive, or a copy of one, against this page:

    waxverify archive DIR --key FINGERPRINT

Verification fails if any record up to the checkpoint was changed, removed,
inserted or reordered, or if the archive is another one.

THE ESCROW IDENTITY

Whoever holds the escrow identity and the archive's key boxes can read the
archive. Move the file escrow-1.identity off the host, onto two media in two
places, and write down here where they are and who may fetch them:

    1. ______________________________________   _____________________________

    2. ______________________________________   _____________________________

Filed by ______________________________________   on ________________________
`
