package format

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestLook writes the scene as a folder for looking at, where WAXSEAL_LOOK names
// one.
func TestLook(t *testing.T) {
	dir := os.Getenv("WAXSEAL_LOOK")
	if dir == "" {
		t.Skip("optional: WAXSEAL_LOOK names no folder")
	}
	s := newScene(t)
	put := func(path string, data []byte) {
		path = filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for path, data := range s.files(t) {
		put(path, data)
	}
	for _, c := range s.convs {
		for _, d := range c.Days {
			for _, m := range d.Messages {
				if m.Media == nil || m.Media.Open == nil {
					continue
				}
				r, err := m.Media.Open()
				if err != nil {
					t.Fatal(err)
				}
				data, err := io.ReadAll(r)
				if err != nil {
					t.Fatal(err)
				}
				put(m.Media.Path, data)
			}
		}
	}
}
