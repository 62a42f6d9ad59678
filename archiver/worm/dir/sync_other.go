//go:build !unix

package dir

// canWrite says whether a store can be written here: a folder cannot be forced
// to disk.
const canWrite = false

func syncDir(string) error { return ErrReadOnly }
