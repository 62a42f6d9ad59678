package archivetest

import (
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Forge changes a block in the store as somebody with every tool but the signing
// key would: it is well formed and its roots are those of its parts.
func (a *Archive) Forge(t testing.TB, l record.Lane, n uint64, change func(b *ledger.Block)) {
	t.Helper()
	key := ledger.BlockKey(l, n)
	body, _, err := a.Locked.Get(t.Context(), key)
	must(t, err)
	b, err := ledger.DecodeBlock(body)
	must(t, err)
	change(b)
	b.Entry.RecordsRoot = ledger.Root(b.Leaves)
	b.EntryBytes, err = b.Entry.Encode()
	must(t, err)
	body, err = b.Encode()
	must(t, err)
	a.Locked.Tamper(key, body)
}

// ForgeLeaves makes a block hold the leaves of other records.
func ForgeLeaves(b *ledger.Block) {
	for i := range b.Leaves {
		b.Leaves[i][0] ^= 1
	}
}
