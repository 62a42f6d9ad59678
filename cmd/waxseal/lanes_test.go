package main

import (
	"crypto/sha256"
	"path/filepath"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
)

// Lanes are found by what is there, not by counting: a rotation must name each.
func TestLanesOf(t *testing.T) {
	s, err := dir.CreateMeta(filepath.Join(t.TempDir(), "store"), dir.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, key := range []string{"lanes/1/blocks/000000000000", "lanes/1/data/000000000000/seg-0", "lanes/10/blocks/000000000000", "lanes/2/blocks/000000000000", "lanes/1~2/blocks/000000000000", "lanes/control/blocks/000000000000", "selftest/x"} {
		if _, err := s.Put(t.Context(), key, []byte(key), sha256.Sum256([]byte(key)), worm.Lock{}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := lanesOf(t.Context(), s)
	slices.Sort(got)
	if want := []record.Lane{"1", "10", "1~2", "2"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}
