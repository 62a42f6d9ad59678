package dir

import (
	"os"
	"path/filepath"
)

// grantsImmutable tries whether a file can be made immutable and mutable again.
func (s *Store) grantsImmutable() bool {
	name, err := writeTemp(filepath.Join(s.root, tmpName), nil)
	if err != nil {
		return false
	}
	granted := freeze(name) == nil && thaw(name) == nil
	_ = os.Remove(name) // Open sweeps what stays
	return granted
}
