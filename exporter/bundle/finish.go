package bundle

import (
	"bytes"
	"context"
	"crypto/ed25519"
	_ "embed"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// The files of our bags beside the payload.
const (
	signatureFile   = "signature.txt"
	checkpointFile  = "checkpoint.txt"
	fingerprintFile = "keys/fingerprint.txt"
	genesisFile     = "keys/genesis.json"
	checkpointKey   = "keys/checkpoint.pem" // whose signature is under checkpoint.txt
	bagKey          = "keys/bag.pem"        // whose signature is under signature.txt
	proofs          = "proofs/"
	anchorFile      = proofs + "anchor.json"
	consistencyFile = proofs + "consistency.json"
	guideFile       = "VERIFY.md"
	scriptFile      = "verify.py"
)

func rotationFile(i int) string { return fmt.Sprintf("keys/rotation-%d.json", i+1) }

// ProofFile is the path of the proof of a block.
func ProofFile(lane record.Lane, block uint64) string {
	return fmt.Sprintf("%s%s-%d.json", proofs, strings.ReplaceAll(string(lane), "~", "_"), block)
}

//go:embed verify.py
var script []byte

//go:embed guide.md
var guideText string

// ed25519Prefix is what stands before the 32 bytes of an Ed25519 key in its
// SubjectPublicKeyInfo (RFC 8410 section 4).
var ed25519Prefix = []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}

// Field is a line of bag-info.txt.
type Field struct{ Label, Value string }

// Ending is what a bag ends with.
type Ending struct {
	Anchor      *proof.Anchor
	Rotations   [][]byte           // all of the archive's rotate acts, up to the key that signs
	Consistency *proof.Consistency // nil: there is none
	Info        []Field            // of bag-info.txt, beside what every bag has
	Date        string             // 2026-11-24: when what the bag shows was sealed, so that a repetition says the same

	// Sign signs the bag, given the SHA-256 of tagmanifest-sha256.txt: SignNote, by
	// whoever holds the archive's key.
	Sign func(ctx context.Context, tagmanifest ledger.Hash) ([]byte, error)
}

// SignNote is the signature of a bag. It signs this one text alone, so whoever
// offers it to others offers no more than signatures of bags of this archive.
func SignNote(signer *ledger.Signer, fingerprint, tagmanifest ledger.Hash) []byte {
	return signer.SignBag(fingerprint, tagmanifest)
}

// Proof writes the proof of a block.
func (w *Writer) Proof(f *proof.File) error {
	e, err := ledger.DecodeEntry(f.Lane.Entry)
	if err != nil {
		return fmt.Errorf("write proof: %w", err)
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	w.mu.Lock()
	for i := range f.Records {
		w.records++
		for k := range f.Records[i].Pieces {
			if !f.Records[i].Pieces[k].Disclosed() {
				w.withheld++
			}
		}
	}
	w.mu.Unlock()
	return w.Write(ProofFile(e.Lane, e.N), b)
}

// Finish writes all that every bag has, signs it, makes it durable and puts it in
// its place. After an error the bag can be aborted, no more.
func (w *Writer) Finish(ctx context.Context, end Ending) error {
	w.mu.Lock()
	open := w.open
	w.mu.Unlock()
	if open > 0 {
		return fmt.Errorf("finish bag: %d files were not closed, or could not be written", open)
	}
	anchor, err := end.Anchor.Encode()
	if err != nil {
		return err
	}
	a, err := proof.Check(anchor, nil)
	if err != nil {
		return fmt.Errorf("finish bag: %w", err)
	}
	keys, err := proof.CheckKeys(a.Archive, a.Fingerprint, a.Genesis, end.Rotations)
	if err != nil {
		return fmt.Errorf("finish bag: %w", err)
	}
	if err := w.common(a, anchor, keys, end); err != nil {
		return err
	}
	if err := w.Write(manifestFile, w.manifest(false).text()); err != nil {
		return err
	}
	tags := w.manifest(true).text()
	if err := w.Write(tagManifestFile, tags); err != nil {
		return err
	}
	signed, err := end.Sign(ctx, ledger.Sum(tags))
	if err != nil {
		return fmt.Errorf("sign the bag: %w", err)
	}
	if sum, err := ledger.OpenBag(a.Archive, a.Fingerprint, keys.Current(), signed); err != nil || sum != ledger.Sum(tags) {
		return errors.Join(errors.New("sign the bag: not signed by the archive's current key"), err)
	}
	if err := w.Write(signatureFile, signed); err != nil {
		return err
	}
	return w.moveIn()
}

// common writes the files that every bag has.
func (w *Writer) common(a *proof.Anchored, anchor []byte, keys *ledger.Keys, end Ending) error {
	type entry struct {
		path    string
		content []byte
	}
	current := keys.Current()
	files := []entry{
		{declarationFile, []byte(declaration)}, {checkpointFile, a.Signed}, {fingerprintFile, []byte(a.Fingerprint.String() + "\n")},
		{genesisFile, a.Genesis}, {checkpointKey, publicPEM(a.Signer)}, {bagKey, publicPEM(current)}, {anchorFile, anchor}, {scriptFile, script},
	}
	for i, raw := range end.Rotations {
		files = append(files, entry{rotationFile(i), raw})
	}
	if end.Consistency != nil {
		if _, err := a.Consistent(end.Consistency); err != nil {
			return fmt.Errorf("finish bag: %w", err)
		}
		b, err := end.Consistency.Encode()
		if err != nil {
			return err
		}
		files = append(files, entry{consistencyFile, b})
	}
	info, err := w.info(a, end)
	if err != nil {
		return err
	}
	for _, f := range append(files, entry{infoFile, info}, entry{guideFile, w.guide(a, end)}) {
		if err := w.Write(f.path, f.content); err != nil {
			return err
		}
	}
	return nil
}

// info is bag-info.txt.
func (w *Writer) info(a *proof.Anchored, end Ending) ([]byte, error) {
	fields := []Field{
		{"Bagging-Date", end.Date},
		{"External-Identifier", fmt.Sprintf("%s %s %d", a.Archive, a.Fingerprint, a.Checkpoint.Size)},
		{"Payload-Oxum", fmt.Sprintf("%d.%d", w.bytes, w.files)},
	}
	var b strings.Builder
	for _, f := range append(fields, end.Info...) {
		if f.Label == "" || f.Value == "" || strings.ContainsAny(f.Label, ":\r\n \t") || strings.ContainsAny(f.Value, "\r\n") {
			return nil, fmt.Errorf("write %s: a label or value that cannot stand there", infoFile)
		}
		b.WriteString(f.Label + ": " + strings.TrimSpace(f.Value) + "\n")
	}
	return []byte(b.String()), nil
}

// publicPEM is a public key as openssl reads it.
func publicPEM(key ed25519.PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: append(bytes.Clone(ed25519Prefix), key...)})
}

// guide is VERIFY.md.
func (w *Writer) guide(a *proof.Anchored, end Ending) []byte {
	return []byte(strings.NewReplacer(
		"{archive}", a.Archive, "{fingerprint}", a.Fingerprint.String(), "{size}", fmt.Sprint(a.Checkpoint.Size), "{date}", end.Date,
		"{records}", fmt.Sprint(w.records), "{withheld}", fmt.Sprint(w.withheld),
	).Replace(guideText))
}
