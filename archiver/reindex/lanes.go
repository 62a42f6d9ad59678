package reindex

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// errFound ends a listing at its first key.
var errFound = errors.New("found")

// Lanes lists the lanes that have anything in the locked store, in order of
// their names, without control.
func Lanes(ctx context.Context, locked worm.Reader) ([]record.Lane, error) {
	const root = "lanes/"
	var out []record.Lane
	for after := ""; ; {
		name := ""
		err := locked.List(ctx, root, after, func(v worm.Version) error {
			name, _, _ = strings.Cut(strings.TrimPrefix(v.Key, root), "/")
			return errFound
		})
		switch {
		case err == nil:
			return out, nil
		case !errors.Is(err, errFound):
			return nil, fmt.Errorf("list lanes: %w", err)
		}
		if l := record.Lane(name); ledger.ValidLane(l) && l != record.Control {
			out = append(out, l)
		}
		after = root + name + "/~" // behind every key of that lane
	}
}

// Epochs tells the token epoch that the writer of an entry hashed words with:
// the one in force when it started. The acts of control say so, and a writer
// keeps its key until it starts again.
func Epochs(ctx context.Context, locked worm.Reader) (func(writer ledger.Hash) uint32, error) {
	current := uint32(1)
	starts := map[ledger.Hash]uint32{}
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(ctx, locked, record.Control, n)
		if errors.Is(err, worm.ErrNotFound) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read token epochs: %w", err)
		}
		for _, raw := range b.Events {
			a, err := ledger.DecodeAct(raw)
			if err != nil {
				return nil, fmt.Errorf("read token epochs: control block %d: %w", n, err)
			}
			switch a.Type {
			case ledger.ActStart:
				if h := ledger.Sum(raw); starts[h] == 0 {
					starts[h] = current
				}
			case ledger.ActTokenEpoch:
				current = max(current, a.TokenEpoch.Epoch)
			}
		}
	}
	return func(writer ledger.Hash) uint32 {
		if e := starts[writer]; e != 0 {
			return e
		}
		return current
	}, nil
}
