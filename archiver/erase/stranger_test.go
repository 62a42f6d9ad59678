package erase_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestStranger lets stranger.py, whose author saw archiver/seal/FORMAT.md and no
// code, read the golden archive, and refuse one whose segment was changed.
func TestStranger(t *testing.T) {
	needPython(t)
	script := filepath.Join("..", "..", "testdata", "seal", "stranger.py")
	out, err := exec.Command(interpreter(), script, goldenFile).Output()
	if err != nil {
		t.Fatalf("stranger.py: %v", err)
	}
	var read struct {
		Lanes map[string][][]json.RawMessage `json:"lanes"` // lane, block, record
	}
	if err := json.Unmarshal(out, &read); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(body, &g); err != nil {
		t.Fatal(err)
	}
	for lane, blocks := range g.Records {
		for n, records := range blocks {
			if got := len(read.Lanes[string(lane)][n]); got != len(records) {
				t.Errorf("lane %s block %d: %d records read, want %d", lane, n, got, len(records))
			}
		}
	}
	segment := g.Stores["locked"]["lanes/0/data/000000000000/seg-0"]
	if len(segment) == 0 {
		t.Fatal("the golden archive has no segment where this test looks for one")
	}
	segment[len(segment)/2] ^= 1
	changed, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "changed.json")
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(interpreter(), script, path)
	cmd.Stderr = &said
	if err := cmd.Run(); err == nil {
		t.Error("a changed segment is accepted")
	} else if !bytes.Contains(said.Bytes(), []byte("lanes/0/data/000000000000/seg-0")) {
		t.Errorf("the changed segment is not named: %s", said.Bytes())
	}
}
