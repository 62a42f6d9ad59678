package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
)

func open(t testing.TB, path string) *sqlite.Index {
	t.Helper()
	x, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestIndex(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Index {
		return open(t, filepath.Join(t.TempDir(), "index.db"))
	})
}
