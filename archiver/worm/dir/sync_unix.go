//go:build unix

package dir

import (
	"os"

	"github.com/gofrs/flock"
)

// canWrite says whether a store can be written here.
const canWrite = true

// fileLock keeps the processes apart that write to one store.
type fileLock = flock.Flock

func newFileLock(path string) *fileLock { return flock.New(path, flock.SetPermissions(0o640)) }

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
