package retrieve

import (
	"context"
	"slices"
	"sync"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// heldBoxes is of how many blocks the boxes are remembered.
const heldBoxes = 4096

// blockName names a block.
type blockName struct {
	lane record.Lane
	n    uint64
}

// Boxes tells a Reader the key boxes of blocks: those of their entries, each
// replaced by what the erasures decided so far made of it. erased gives the act
// part about a box, by the key of the box it replaced (control's View.Boxes).
func Boxes(locked worm.Reader, erased func(key string) (ledger.ErasedBox, bool)) unseal.Boxes {
	var mu sync.Mutex // guards known
	known := newKeep[blockName, []ledger.Box](heldBoxes)
	return func(ctx context.Context, l record.Lane, n uint64) ([]ledger.Box, error) {
		mu.Lock()
		boxes, err := known.get(blockName{l, n}, func() ([]ledger.Box, error) {
			b, err := lane.ReadBlock(ctx, locked, l, n)
			if err != nil {
				return nil, err
			}
			return b.Entry.Boxes, nil
		})
		mu.Unlock()
		if err != nil {
			return nil, err
		}
		out := slices.Clone(boxes)
		for i := range out {
			for range out[i].Rows { // each erasure took one at least
				e, ok := erased(out[i].Key)
				if !ok {
					break
				}
				out[i].Object = e.New
			}
		}
		return out, nil
	}
}
