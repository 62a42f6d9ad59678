package bundle_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/ledger"
)

var update = flag.Bool("update", false, "write the golden bag of this version anew")

// golden holds a bag of each version, bag.fingerprint and bag.checkpoint (one that
// was kept) beside it.
const golden = "testdata/golden"

// Every bag that a version ever wrote is still verified, by Go and by verify.py.
func TestGolden(t *testing.T) {
	if *update {
		writeGolden(t)
	}
	dirs, err := filepath.Glob(golden + "/v*")
	must(t, err)
	if len(dirs) == 0 {
		t.Fatal("no golden bags")
	}
	py := startPython(t)
	for _, dir := range dirs {
		text, err := os.ReadFile(filepath.Join(dir, "fingerprint"))
		must(t, err)
		fp, err := ledger.ParseHash(strings.TrimSpace(string(text)))
		must(t, err)
		kept, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
		must(t, err)
		v := both(t, py, filepath.Join(dir, "bag"), bundle.Trust{Fingerprint: &fp, Checkpoint: kept})
		if !v.OK || v.Records == 0 || v.Partial == 0 || v.Complete == 0 {
			t.Errorf("%s: %s", dir, v.Text())
		}
	}
}

func writeGolden(t *testing.T) {
	s := newScene(t)
	s.Rotate(t, 5, "0", "1")
	s.say(t, s.ada(), "wamid.R", "from ada")
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
	s.Look(t)
	dir := filepath.Join(golden, "v1")
	must(t, os.RemoveAll(dir))
	must(t, os.MkdirAll(dir, 0o755))
	kept := s.checkpointAt(t, s.Log.Size())
	put(t, dir, "checkpoint", kept)
	put(t, dir, "fingerprint", []byte(s.fingerprint(t).String()+"\n"))
	s.export(t, filepath.Join(dir, "bag"), s.lanes(t), kept)
}
