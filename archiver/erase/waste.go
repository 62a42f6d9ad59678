package erase

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
)

// boxKey is the key of a box: lane and block, then the name with a writer's
// nonce before it or a replacement's behind it.
var boxKey = regexp.MustCompile(`^lanes/([^/]+)/data/([0-9]{12})/(?:[a-z0-9]+-)?box-[0-9]+(?:\.[a-z0-9.]+)?$`)

// waste finds boxes that no committed block names and that hold rows of the
// person. What lies above a lane's head is still in flight and is left alone.
func (e *Eraser) waste(ctx context.Context, lanes []record.Lane, tags map[[16]byte]bool, plan *Plan) error {
	named := map[string]bool{}
	heads := map[string]uint64{}
	for _, lane := range lanes {
		n, err := e.cfg.Ledger.Head(ctx, lane)
		if err != nil {
			return fmt.Errorf("find the head of lane %s: %w", lane, err)
		}
		heads[string(lane)] = n
		for block := range n + 1 {
			boxes, err := e.cfg.Ledger.Boxes(ctx, lane, block)
			if err != nil {
				return fmt.Errorf("boxes of block %d in lane %s: %w", block, lane, err)
			}
			for i := range boxes {
				named[boxes[i].Key] = true
			}
		}
	}
	for i, store := range []worm.Keeper{e.cfg.Unlocked, e.cfg.Spare, e.cfg.Locked} {
		keys, err := unnamed(ctx, store, named, heads)
		if err != nil {
			return err
		}
		for _, key := range keys {
			holds, err := e.holds(ctx, store, key, tags)
			switch {
			case err != nil:
				return fmt.Errorf("box %s of an uncommitted step: %w", key, err)
			case holds && i == 2:
				plan.Locked = append(plan.Locked, key)
			case holds:
				plan.Waste = append(plan.Waste, Waste{Spare: i == 1, Key: key})
			}
		}
	}
	return nil
}

func unnamed(ctx context.Context, store worm.Store, named map[string]bool, heads map[string]uint64) ([]string, error) {
	var keys []string
	err := store.List(ctx, "lanes/", "", func(v worm.Version) error {
		m := boxKey.FindStringSubmatch(v.Key)
		if m == nil || v.DeleteMarker || named[v.Key] || len(keys) > 0 && keys[len(keys)-1] == v.Key {
			return nil
		}
		head, known := heads[m[1]]
		if n, err := strconv.ParseUint(m[2], 10, 64); err == nil && known && n <= head {
			keys = append(keys, v.Key)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list boxes: %w", err)
	}
	return keys, nil
}

// holds says whether a box has a row of the person. One that was never stored
// whole holds nothing anybody can open.
func (e *Eraser) holds(ctx context.Context, store worm.Store, key string, tags map[[16]byte]bool) (bool, error) {
	body, _, err := store.Get(ctx, key)
	if errors.Is(err, worm.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	b, err := unseal.DecodeBox(body, e.cfg.Identities)
	if errors.Is(err, unseal.ErrDamaged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, row := range b.Rows {
		if meant(row.Owner, tags) {
			return true, nil
		}
	}
	return false, nil
}
