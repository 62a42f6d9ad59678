package state

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files of the current version anew")

// TestGolden reads a snapshot and a delta that an earlier release wrote. They stay
// for good: -update is for a format that has not been released.
func TestGolden(t *testing.T) {
	f := &feed{State: New(testKey)}
	f.apply(inbound("100", "900"), both(1, 1), 1_700_000_000)
	f.apply(consent("100", "marketing", true), phone(1), 1_700_000_100)
	f.Delta()
	before := mustSnapshot(t, f.State)
	f.apply(preference("100", "900", "stop"), bsuid(1), 1_700_000_200)
	delta := f.Delta()
	after := mustSnapshot(t, f.State)
	for name, made := range map[string][]byte{"snapshot-v1": before, "delta-v1": delta, "snapshot-after-v1": after} {
		path := "testdata/" + name
		if *update {
			if err := os.WriteFile(path, made, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(stored, made) {
			t.Errorf("%s is no longer written as it was", name)
		}
	}
	stored, err := os.ReadFile("testdata/snapshot-v1")
	if err != nil {
		t.Fatal(err)
	}
	s := mustLoad(t, stored)
	if facts, saw := s.Facts(outbound("100", "900"), bsuid(1), 1_700_000_300); facts.Marketing != "given" || facts.Window != "open" ||
		string(saw) != `{"marketing":"wa.consent/0/1#0"}` {
		t.Errorf("%+v %s", facts, saw)
	}
	change, err := os.ReadFile("testdata/delta-v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ApplyDelta(change); err != nil {
		t.Fatal(err)
	}
	if facts, _ := s.Facts(outbound("100", "900"), phone(1), 1_700_000_300); facts.Marketing != "withdrawn" {
		t.Errorf("%+v", facts)
	}
}
