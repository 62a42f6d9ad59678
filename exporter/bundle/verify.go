package bundle

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// Trust is what a verifier knows from elsewhere.
type Trust struct {
	Fingerprint *ledger.Hash // of the archive; nil: integrity only
	Checkpoint  []byte       // of control, that somebody kept; nil none
}

// Verdict is what a bag shows.
type Verdict struct {
	OK          bool      `json:"ok"`     // nothing is wrong
	Pinned      bool      `json:"pinned"` // the fingerprint was given from outside
	Archive     string    `json:"archive"`
	Fingerprint string    `json:"fingerprint"`
	Signer      string    `json:"signer"` // public key that signed the bag, hex
	Size        uint64    `json:"size,string"`
	Checkpoint  string    `json:"checkpoint"`            // signed note that all proofs end in
	Kept        *uint64   `json:"kept,string,omitempty"` // size of the checkpoint from outside, or of the bag's own consistency proof
	Records     int       `json:"records"`
	Complete    int       `json:"complete"` // records of which every piece is shown
	Partial     int       `json:"partial"`  // others
	Withheld    int       `json:"withheld"` // pieces of those that are not shown
	Files       int       `json:"files"`    // of the payload
	Proven      int       `json:"proven"`   // of these, whose bytes are proven to be Kafka's
	Problems    []Problem `json:"problems"`
}

// Verify checks a bag of ours: the folder, the signature over it, and every proof.
// It goes on after a problem, so that what is wrong is named. An error says that
// the folder could not be read.
func Verify(ctx context.Context, dir string, trust Trust) (*Verdict, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	v := &verification{folder: f, trust: trust, out: &Verdict{Pinned: trust.Fingerprint != nil}, proven: map[string]bool{}, named: map[string]bool{}}
	if err := v.bag(ctx); err != nil {
		return nil, err
	}
	v.proofs(ctx)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("verify bag: %w", context.Cause(ctx))
	}
	return v.verdict(), nil
}

// VerifyProof checks one proof of a bag and the files it names, without the rest of
// the bag: file is the path of the proof, in the folder proofs of its bag.
func VerifyProof(ctx context.Context, file string, trust Trust) (*Verdict, error) {
	dir, name := filepath.Split(filepath.Clean(file))
	if dir == "" {
		dir = "."
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("verify proof: %w", err)
	}
	if filepath.Base(abs) != strings.TrimSuffix(proofs, "/") {
		return nil, fmt.Errorf("%s does not lie in the folder proofs of a bag: %w", file, ErrPath)
	}
	f, err := openFolder(filepath.Dir(abs))
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	if _, there := f.files[proofs+name]; !there || !isProof(proofs+name) {
		return nil, fmt.Errorf("%s is no proof of records: %w", file, ErrPath)
	}
	v := &verification{folder: f, trust: trust, out: &Verdict{Pinned: trust.Fingerprint != nil}, proven: map[string]bool{}, named: map[string]bool{}}
	f.problems = nil // of other files
	if a := v.anchor(); a != nil {
		v.out.Signer = hex.EncodeToString(a.Signer)
		v.consistency(a)
		v.record(a, proofs+name)
	}
	v.out.Files, v.out.Proven = len(v.proven), len(v.proven)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("verify proof: %w", context.Cause(ctx))
	}
	return v.verdict(), nil
}

// isProof says whether a path is that of a proof of records.
func isProof(p string) bool {
	return strings.HasPrefix(p, proofs) && p != anchorFile && p != consistencyFile
}

func (v *verification) verdict() *Verdict {
	v.out.Problems = v.sorted()
	v.out.OK = len(v.out.Problems) == 0
	if v.out.Problems == nil {
		v.out.Problems = []Problem{}
	}
	return v.out
}

type verification struct {
	*folder
	trust  Trust
	out    *Verdict
	proven map[string]bool
	named  map[string]bool // files that proofs name, whether they hold or not
	tags   ledger.Hash     // SHA-256 of the tag manifest
}

// bag checks what BagIt says, and that ours leaves nothing out.
func (v *verification) bag(ctx context.Context) error {
	v.structure()
	if b, ok := v.read(declarationFile); ok && string(b) != declaration {
		v.find(declarationFile, "is not byte for byte what our bags have")
	}
	got, err := v.sums(ctx, []string{tagManifestFile})
	if err != nil {
		return err
	}
	if raw, err := hex.DecodeString(got[tagManifestFile]); err == nil && len(raw) == len(v.tags) {
		v.tags = ledger.Hash(raw)
	}
	for _, want := range []string{manifestFile, tagManifestFile} {
		if !slices.ContainsFunc(v.manifests, func(m *manifest) bool { return m.file == want }) {
			if _, there := v.files[want]; !there {
				v.find(want, "is missing")
			}
		}
	}
	for _, m := range v.manifests {
		if m.file != manifestFile && m.file != tagManifestFile {
			v.find(m.file, "is no file of such a bag")
		}
		if b, ok := v.read(m.file); ok && !bytes.Equal(b, m.sums.text()) {
			v.find(m.file, "is not sorted and written as in our bags")
		}
		for p := range v.files {
			if _, listed := m.sums[p]; m.tag && !listed && !strings.HasPrefix(p, payload) && p != tagManifestFile && p != signatureFile {
				v.find(p, "is not listed in %s", m.file)
			}
		}
	}
	for p := range v.files {
		if !plain(p) {
			v.find(p, "has a name that our bags do not have")
		}
		if strings.HasPrefix(p, payload) {
			v.out.Files++
		}
	}
	for _, p := range []string{infoFile, guideFile, scriptFile} {
		if _, there := v.files[p]; !there {
			v.find(p, "is missing")
		}
	}
	return nil
}

// proofs checks the signatures and every proof.
func (v *verification) proofs(ctx context.Context) {
	a := v.anchor()
	if a == nil {
		return
	}
	v.same(checkpointFile, a.Signed)
	v.same(genesisFile, a.Genesis)
	v.same(fingerprintFile, []byte(a.Fingerprint.String()+"\n"))
	v.same(checkpointKey, publicPEM(a.Signer))
	v.signature(a)
	v.consistency(a)
	v.records(ctx, a)
	for p := range v.files {
		if strings.HasPrefix(p, "data/raw/") && !v.named[p] {
			v.find(p, "is shown by no proof")
		}
	}
	v.out.Proven = len(v.proven)
}

// anchor checks what all proofs end in; nil, and a problem, where it does not hold.
func (v *verification) anchor() *proof.Anchored {
	raw, ok := v.read(anchorFile)
	if !ok {
		return nil
	}
	a, err := proof.Check(raw, v.trust.Fingerprint)
	if err != nil {
		v.find(anchorFile, "%v", err)
		return nil
	}
	v.out.Archive, v.out.Fingerprint, v.out.Size, v.out.Checkpoint = a.Archive, a.Fingerprint.String(), a.Checkpoint.Size, string(a.Signed)
	return a
}

// same wants a file to say what the anchor says.
func (v *verification) same(p string, want []byte) {
	if got, ok := v.read(p); ok && !bytes.Equal(got, want) {
		v.find(p, "is not what %s says", anchorFile)
	}
}

// signature checks the keys and what the last of them signed.
func (v *verification) signature(a *proof.Anchored) {
	var rotations [][]byte
	for i := 0; ; i++ {
		if _, there := v.files[rotationFile(i)]; !there {
			break
		}
		raw, ok := v.read(rotationFile(i))
		if !ok {
			return
		}
		if i < len(a.Rotations) && !bytes.Equal(raw, a.Rotations[i]) {
			v.find(rotationFile(i), "is not what %s says", anchorFile)
		}
		rotations = append(rotations, raw)
	}
	if len(rotations) < len(a.Rotations) {
		v.find(rotationFile(len(rotations)), "is missing")
		return
	}
	keys, err := proof.CheckKeys(a.Archive, a.Fingerprint, a.Genesis, rotations)
	if err != nil {
		v.find(rotationFile(0), "%v", err)
		return
	}
	v.out.Signer = hex.EncodeToString(keys.Current())
	v.same(bagKey, publicPEM(keys.Current()))
	signed, ok := v.read(signatureFile)
	if !ok {
		return
	}
	sum, err := ledger.OpenBag(a.Archive, a.Fingerprint, keys.Current(), signed)
	switch {
	case err != nil:
		v.find(signatureFile, "%v", err)
	case sum != v.tags:
		v.find(tagManifestFile, "is not the one that was signed")
	}
}

// consistency checks the checkpoint that somebody kept, and the bag's own proof
// about one.
func (v *verification) consistency(a *proof.Anchored) {
	var c *proof.Consistency
	if _, there := v.files[consistencyFile]; there {
		raw, ok := v.read(consistencyFile)
		if !ok {
			return
		}
		var err error
		if c, err = proof.DecodeConsistency(raw); err == nil {
			var kept ledger.Checkpoint
			kept, err = a.Consistent(c)
			v.out.Kept = &kept.Size
		}
		if err != nil {
			v.find(consistencyFile, "%v", err)
			v.out.Kept = nil
			return
		}
	}
	if v.trust.Checkpoint == nil {
		return
	}
	kept, err := a.Kept(v.trust.Checkpoint, c)
	if err != nil {
		v.find(checkpointFile, "%v", err)
		v.out.Kept = nil
		return
	}
	v.out.Kept = &kept.Size
}

// records checks every proof in the bag.
func (v *verification) records(ctx context.Context, a *proof.Anchored) {
	for _, p := range slices.Sorted(maps.Keys(v.files)) {
		if isProof(p) && ctx.Err() == nil {
			v.record(a, p)
		}
	}
}

// record checks the proof of one block's records.
func (v *verification) record(a *proof.Anchored, p string) {
	raw, ok := v.read(p)
	if !ok {
		return
	}
	f, err := proof.DecodeFile(raw)
	if err != nil {
		v.find(p, "%v", err)
		return
	}
	for i := range f.Records {
		for k := range f.Records[i].Pieces {
			v.named[f.Records[i].Pieces[k].File] = true
		}
	}
	r, err := a.Check(f, v.open)
	if err != nil {
		v.blame(p, err)
	} else if want := ProofFile(r.Lane, r.Block); p != want {
		v.find(p, "is the proof that belongs into %s", want)
		return
	}
	v.count(r)
}

// blame names the file that is at fault.
func (v *verification) blame(p string, err error) {
	var all proof.Errors
	if !errors.As(err, &all) {
		v.find(p, "%v", err)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range all {
		file := p
		if e.File != "" {
			file = e.File
		}
		v.problems = append(v.problems, Problem{File: file, Record: e.Record, What: fmt.Sprintf("%v (%s)", cause(e.Err), p)})
	}
}

func (v *verification) count(r *proof.Result) {
	for _, s := range r.Records {
		v.out.Records++
		if s.Withheld == 0 {
			v.out.Complete++
		} else {
			v.out.Partial++
			v.out.Withheld += s.Withheld
		}
	}
	for _, f := range r.Files {
		v.proven[f] = true
	}
}

// open opens a payload file for a proof.
func (v *verification) open(p string) (io.ReadCloser, error) {
	if _, there := v.files[p]; !there || !strings.HasPrefix(p, payload) {
		return nil, errors.New("no such file in the payload")
	}
	return v.root.Open(p)
}
