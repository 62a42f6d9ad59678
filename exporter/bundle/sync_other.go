//go:build !linux

package bundle

import (
	"io/fs"
	"os"
	"path/filepath"
)

// syncAll makes every file below a folder durable.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return f.Sync()
	})
}

// syncDir does nothing: folders cannot be synced everywhere.
func syncDir(string) error { return nil }
