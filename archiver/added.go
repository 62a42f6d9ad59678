package archiver

import (
	"context"
	"errors"
	"time"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// firstLanes is how long after an archive's first record a lane may first be taken
// and still count as there from the start: archivers take their lanes one by one.
const firstLanes = time.Minute

// added says whether the lane, which has archived nothing yet, came when others had
// a history: partitions were added, and accounts that had been in other lanes come
// to this one. What their people agreed to is then unknown here, not never asked.
func (s *session) added(ctx context.Context, head *ledger.Entry) (bool, error) {
	if head.Snapshot != nil || begun(head) {
		return false, nil
	}
	born, err := s.blockTime(ctx, s.name, 0)
	if err != nil {
		return false, err
	}
	for p := int32(0); ; p++ {
		l := record.PartitionLane(p)
		if l == s.name {
			continue
		}
		first, err := s.firstRecord(ctx, l)
		if errors.Is(err, worm.ErrNotFound) && p > s.partition {
			return false, nil // lanes are numbered without a hole below the ones that are there
		}
		if err != nil && !errors.Is(err, worm.ErrNotFound) {
			return false, err
		}
		if err == nil && !first.IsZero() && born.Sub(first) > firstLanes {
			return true, nil
		}
	}
}

// begun says whether a lane has archived or passed anything.
func begun(e *ledger.Entry) bool {
	for _, src := range e.Source {
		if src.Next > 0 || src.Era > 1 {
			return true
		}
	}
	return false
}

// firstRecord is the time of a lane's first block with records, zero where it has
// none yet; worm.ErrNotFound where there is no such lane.
func (s *session) firstRecord(ctx context.Context, l record.Lane) (time.Time, error) {
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(ctx, s.cfg.Locked, l, n)
		switch {
		case errors.Is(err, worm.ErrNotFound) && n > 0:
			return time.Time{}, nil
		case err != nil:
			return time.Time{}, err
		case b.Entry.Records > 0:
			return time.Parse(ledger.TimeFormat, b.Entry.Time)
		}
	}
}

func (s *session) blockTime(ctx context.Context, l record.Lane, n uint64) (time.Time, error) {
	b, err := lane.ReadBlock(ctx, s.cfg.Locked, l, n)
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(ledger.TimeFormat, b.Entry.Time)
}
