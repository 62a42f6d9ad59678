package verdict

import (
	"context"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger/verify"
)

// Telling gives the store with tell called for each object read, from several
// goroutines at once.
func Telling(s verify.Store, tell func()) verify.Store { return telling{s, tell} }

type telling struct {
	verify.Store
	tell func()
}

// Get reads the object and tells.
func (s telling) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	s.tell()
	return s.Store.Get(ctx, key)
}
