//go:build unix

package dir

import "os"

// canWrite says whether a store can be written here.
const canWrite = true

// syncDir forces the names in a folder to disk.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}
