//go:build !linux

package dir_test

import (
	"path/filepath"
	"testing"
)

func space(t *testing.T) (string, func() func()) {
	t.Helper()
	return filepath.Join(t.TempDir(), "s"), nil
}
