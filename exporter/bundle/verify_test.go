package bundle_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/ledger"
)

// read reads every file of a bag.
func read(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	must(t, fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[p], err = os.ReadFile(filepath.Join(dir, p))
		return err
	}))
	return out
}

func put(t testing.TB, dir, path string, content []byte) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(dir, path), content, 0o600))
}

// reseal writes the manifests anew and signs them, as whoever holds a key could.
func reseal(t testing.TB, dir string, signer *ledger.Signer, fingerprint ledger.Hash) {
	t.Helper()
	files := read(t, dir)
	manifest := func(file string, covers func(string) bool) {
		var b strings.Builder
		for _, p := range slices.Sorted(maps.Keys(files)) {
			if covers(p) {
				fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(files[p]), p)
			}
		}
		files[file] = []byte(b.String())
		put(t, dir, file, files[file])
	}
	manifest("manifest-sha256.txt", func(p string) bool { return strings.HasPrefix(p, "data/") })
	manifest("tagmanifest-sha256.txt", func(p string) bool {
		return !strings.HasPrefix(p, "data/") && p != "tagmanifest-sha256.txt" && p != "signature.txt"
	})
	put(t, dir, "signature.txt", bundle.SignNote(signer, fingerprint, sha256.Sum256(files["tagmanifest-sha256.txt"])))
}

func TestBag(t *testing.T) {
	s, py := newScene(t), startPython(t)
	dir, fp := s.bag(t, nil), s.fingerprint(t)
	v := both(t, py, dir, bundle.Trust{Fingerprint: &fp})
	if !v.OK || v.Records != 5 || v.Complete < 3 || v.Partial < 1 || v.Withheld == 0 || v.Proven != v.Files-1 {
		t.Errorf("%s%+v", v.Text(), v)
	}
	if v := both(t, py, dir, bundle.Trust{}); !v.OK || v.Pinned {
		t.Errorf("without a fingerprint: %s", v.Text())
	}
	if v := both(t, py, dir, bundle.Trust{Fingerprint: &ledger.Hash{1}}); v.OK || !names(v, "proofs/anchor.json") {
		t.Errorf("under another fingerprint: %s", v.Text())
	}
	if problems, err := bundle.Validate(t.Context(), dir); err != nil || len(problems) > 0 {
		t.Errorf("as a BagIt bag: %v %v", problems, err)
	}
	for path := range read(t, dir) {
		if strings.HasPrefix(path, "proofs/0-") || strings.HasPrefix(path, "proofs/1-") {
			v, err := bundle.VerifyProof(t.Context(), filepath.Join(dir, path), bundle.Trust{Fingerprint: &fp})
			if err != nil || !v.OK || v.Records == 0 || v.Proven == 0 {
				t.Errorf("%s alone: %v %+v", path, err, v)
			}
		}
	}
}

// Every byte counts: with any bit of it changed the bag is refused, and the file
// is named. Each byte of the files that all others hang on, and many of the rest;
// verify.py is asked at fewer places.
func TestEachByte(t *testing.T) {
	s, py := newScene(t), startPython(t)
	dir, fp := copyBag(t, s.bag(t, s.checkpointAt(t, 1))), s.fingerprint(t)
	trust := bundle.Trust{Fingerprint: &fp}
	if v := both(t, py, dir, trust); !v.OK {
		t.Fatal(v.Text())
	}
	files := read(t, dir)
	if len(files) < 20 {
		t.Fatalf("%d files", len(files))
	}
	for path, content := range files {
		step := 1 + len(content)/25
		if len(content) < 350 && !strings.HasPrefix(path, "data/") && !raceEnabled {
			step = 1
		}
		asked := 1 + len(content)/3
		for i := 0; i < len(content); i += step {
			bad := bytes.Clone(content)
			bad[i] ^= 1 << (i % 8)
			put(t, dir, path, bad)
			if i%asked < step {
				both(t, py, dir, trust, path)
			} else if v := verify(t, dir, trust); v.OK || !names(v, path) {
				t.Errorf("%s byte %d: %s", path, i, v.Text())
			}
		}
		put(t, dir, path, content)
	}
	if v := both(t, py, dir, trust); !v.OK {
		t.Fatal(v.Text())
	}
}

// Every file counts: removed, shortened, lengthened, renamed, added, swapped.
func TestEachFile(t *testing.T) {
	s, py := newScene(t), startPython(t)
	dir, fp := copyBag(t, s.bag(t, s.checkpointAt(t, 1))), s.fingerprint(t)
	trust := bundle.Trust{Fingerprint: &fp}
	refused := func(what string, files ...string) {
		t.Helper()
		if both(t, py, dir, trust, files...).OK {
			t.Error(what)
		}
	}
	files := read(t, dir)
	for path, content := range files {
		full := filepath.Join(dir, path)
		must(t, os.Remove(full))
		refused("removed "+path, path)
		if raceEnabled { // the rest is exhaustive enough without the race detector
			put(t, dir, path, content)
			continue
		}
		put(t, dir, path, append(bytes.Clone(content), '\n'))
		refused("lengthened "+path, path)
		put(t, dir, path, content[:len(content)-1])
		refused("shortened "+path, path)
		put(t, dir, path, nil)
		refused("emptied "+path, path)
		put(t, dir, path, content)
		must(t, os.Rename(full, full+".x"))
		refused("renamed "+path, path)
		must(t, os.Rename(full+".x", full))
	}
	for _, path := range []string{"data/more.txt", "data/raw/wa.webhooks/0/more.json", "more.txt", "proofs/0-99.json", "manifest-md5.txt", "tagmanifest-sha512.txt", "fetch.txt", "data/a b", "data/é"} {
		put(t, dir, path, []byte("hello\n"))
		refused("added "+path, path)
		must(t, os.Remove(filepath.Join(dir, path)))
	}
	must(t, os.Symlink("messages.jsonl", filepath.Join(dir, "data", "link")))
	refused("a link", "data/link")
	must(t, os.Remove(filepath.Join(dir, "data", "link")))
	must(t, os.Rename(filepath.Join(dir, "keys"), filepath.Join(dir, "elsewhere")))
	must(t, os.Symlink("elsewhere", filepath.Join(dir, "keys")))
	refused("a folder that is a link", "keys")
	must(t, os.Remove(filepath.Join(dir, "keys")))
	must(t, os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "keys")))
	if v := both(t, py, dir, trust); !v.OK {
		t.Fatal(v.Text())
	}
}

// Whoever rewrites the manifests too is found by the proofs and by the signature.
func TestRewritten(t *testing.T) {
	s, py := newScene(t), startPython(t)
	fp := s.fingerprint(t)
	good := s.bag(t, nil)
	for _, c := range []struct{ file, record string }{{"data/raw/wa.webhooks/0/0.json", "0"}, {"data/messages.jsonl", ""}, {"index.html", ""}} {
		dir := copyBag(t, good)
		b, err := os.ReadFile(filepath.Join(dir, c.file))
		must(t, err)
		b[0] ^= 1
		put(t, dir, c.file, b)
		signature, err := os.ReadFile(filepath.Join(dir, "signature.txt"))
		must(t, err)
		reseal(t, dir, s.Signer(), fp)
		put(t, dir, "signature.txt", signature)
		v := both(t, py, dir, bundle.Trust{Fingerprint: &fp})
		if v.OK || !names(v, "tagmanifest-sha256.txt") || c.record != "" && !names(v, c.file) {
			t.Errorf("%s: %s", c.file, v.Text())
		}
		reseal(t, dir, s.Signer(), fp) // and even with the archive's key: what is proven cannot be changed
		v = both(t, py, dir, bundle.Trust{Fingerprint: &fp})
		if v.OK != (c.record == "") || c.record != "" && !names(v, c.file) {
			t.Errorf("%s, signed again: %s", c.file, v.Text())
		}
	}
}

// An attacker's own archive makes a bag that agrees with itself. Under the
// fingerprint it is refused, whatever of the true one is mixed in.
func TestAttackersArchive(t *testing.T) {
	s, evil, py := newScene(t), newScene(t), startPython(t)
	fp, evilFP := s.fingerprint(t), evil.fingerprint(t)
	good, bad := s.bag(t, nil), evil.bag(t, nil)
	if v := both(t, py, bad, bundle.Trust{}); !v.OK || v.Pinned || v.Fingerprint != evilFP.String() {
		t.Fatalf("on its own: %s", v.Text())
	}
	if v := both(t, py, bad, bundle.Trust{Fingerprint: &fp}); v.OK || !names(v, "proofs/anchor.json") {
		t.Errorf("under the fingerprint: %s", v.Text())
	}
	for _, mixed := range [][]string{{"keys/genesis.json"}, {"keys/fingerprint.txt"}, {"proofs/anchor.json"}, {"proofs/anchor.json", "checkpoint.txt", "keys/genesis.json", "keys/fingerprint.txt"}, {"signature.txt"}, {"proofs/0-1.json"}} {
		dir := copyBag(t, bad)
		for _, f := range mixed {
			b, err := os.ReadFile(filepath.Join(good, f))
			must(t, err)
			put(t, dir, f, b)
		}
		for _, signer := range []ledger.Hash{fp, evilFP} {
			if !slices.Contains(mixed, "signature.txt") {
				reseal(t, dir, evil.Signer(), signer)
			}
			if v := both(t, py, dir, bundle.Trust{Fingerprint: &fp}); v.OK {
				t.Errorf("with %s of the true one: %s", mixed, v.Text())
			}
			if v := both(t, py, dir, bundle.Trust{}); v.OK {
				t.Errorf("with %s of the true one, no fingerprint: %s", mixed, v.Text())
			}
		}
	}
}

// What was erased is not shown, and what is left of the record is proven.
func TestErased(t *testing.T) {
	s, py := newScene(t), startPython(t)
	need, fp := s.lanes(t), s.fingerprint(t)
	s.eraseBea(t)
	dir := filepath.Join(t.TempDir(), "bag")
	s.export(t, dir, need, nil)
	v := both(t, py, dir, bundle.Trust{Fingerprint: &fp})
	if !v.OK || v.Records != 4 || v.Partial == 0 {
		t.Errorf("%s%+v", v.Text(), v)
	}
	for path, content := range read(t, dir) {
		if bytes.Contains(content, []byte("from bea")) || bytes.Contains(content, []byte("from cem")) {
			t.Errorf("%s holds somebody else's words", path)
		}
	}
}

// The key was replaced between the blocks, and once more behind the checkpoint:
// the bag is signed by the last one.
func TestRotated(t *testing.T) {
	s, py := newScene(t), startPython(t)
	fp := s.fingerprint(t)
	s.Rotate(t, 5, "0", "1")
	s.say(t, s.ada(), "wamid.R", "from ada")
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	need := s.lanes(t)
	s.Rotate(t, 6, "0", "1")
	dir := filepath.Join(t.TempDir(), "bag")
	kept := s.checkpointAt(t, s.Log.Size())
	s.export(t, dir, need, kept)
	v := both(t, py, dir, bundle.Trust{Fingerprint: &fp, Checkpoint: kept})
	if !v.OK || v.Records != 6 || v.Kept == nil || *v.Kept != s.Log.Size() || v.Signer != fmt.Sprintf("%x", []byte(s.Signer().Public())) {
		t.Fatalf("%s%+v", v.Text(), v)
	}
	files := read(t, dir)
	swapped := copyBag(t, dir)
	put(t, swapped, "keys/rotation-1.json", files["keys/rotation-2.json"])
	put(t, swapped, "keys/rotation-2.json", files["keys/rotation-1.json"])
	reseal(t, swapped, s.Signer(), fp)
	if v := both(t, py, swapped, bundle.Trust{Fingerprint: &fp}); v.OK || !names(v, "keys/rotation-1.json") {
		t.Errorf("rotations swapped: %s", v.Text())
	}
	cut := copyBag(t, dir)
	must(t, os.Remove(filepath.Join(cut, "keys/rotation-2.json")))
	for _, size := range []uint64{1, s.Log.Size()} {
		reseal(t, cut, s.SignerAt(t, record.Control, size), fp)
		if v := both(t, py, cut, bundle.Trust{Fingerprint: &fp}); v.OK {
			t.Errorf("the last rotation left out, signed as at %d: %s", size, v.Text())
		}
	}
	old := copyBag(t, dir)
	reseal(t, old, s.SignerAt(t, record.Control, 1), fp)
	if v := both(t, py, old, bundle.Trust{Fingerprint: &fp}); v.OK || !names(v, "signature.txt") {
		t.Errorf("signed by a key that was replaced: %s", v.Text())
	}
}

// A checkpoint that somebody kept: older, equal, newer, of a fork, of elsewhere.
func TestKept(t *testing.T) {
	s, py := newScene(t), startPython(t)
	need, fp, at := s.lanes(t), s.fingerprint(t), s.Log.Size()
	for range 3 {
		s.Look(t)
	}
	for _, size := range []uint64{1, at - 1, at, at + 1, s.Log.Size()} {
		kept := s.checkpointAt(t, size)
		dir := filepath.Join(t.TempDir(), "bag")
		s.export(t, dir, need, kept)
		if v := both(t, py, dir, bundle.Trust{Fingerprint: &fp, Checkpoint: kept}); !v.OK || *v.Kept != size {
			t.Errorf("kept at %d: %s", size, v.Text())
		}
		if v := both(t, py, dir, bundle.Trust{Fingerprint: &fp}); !v.OK || *v.Kept != size {
			t.Errorf("not given, in the bag: %s", v.Text())
		}
		for _, other := range []uint64{1, 2, at, s.Log.Size()} {
			v := both(t, py, dir, bundle.Trust{Fingerprint: &fp, Checkpoint: s.checkpointAt(t, other)})
			if v.OK != (other == size || other == at) || !v.OK && !names(v, "checkpoint.txt") {
				t.Errorf("bag for %d, given %d: %s", size, other, v.Text())
			}
		}
		fork, err := s.Signer().Checkpoint(record.Control, size, ledger.Hash{1})
		must(t, err)
		if v := both(t, py, dir, bundle.Trust{Fingerprint: &fp, Checkpoint: fork}); v.OK || !names(v, "checkpoint.txt") {
			t.Errorf("a fork at %d: %s", size, v.Text())
		}
		lane, err := s.Signer().Checkpoint("0", size, ledger.Hash{1})
		must(t, err)
		if v := both(t, py, dir, bundle.Trust{Fingerprint: &fp, Checkpoint: lane}); v.OK {
			t.Errorf("a lane's: %s", v.Text())
		}
		bare := s.bag(t, nil)
		if v := both(t, py, bare, bundle.Trust{Fingerprint: &fp, Checkpoint: kept}); v.OK != (size == at) {
			t.Errorf("bag without a consistency proof, kept at %d: %s", size, v.Text())
		}
	}
}

// Twice the same is byte for byte the same, also after the archive has grown.
func TestSameTwice(t *testing.T) {
	s := newScene(t)
	need, kept := s.lanes(t), s.checkpointAt(t, 1)
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	s.export(t, a, need, kept)
	s.say(t, s.ada(), "wamid.MORE", "more")
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	s.export(t, b, need, kept)
	one, two := read(t, a), read(t, b)
	if len(one) != len(two) {
		t.Fatalf("%d files, then %d", len(one), len(two))
	}
	for path := range one {
		if !bytes.Equal(one[path], two[path]) {
			t.Errorf("%s differs", path)
		}
	}
}
