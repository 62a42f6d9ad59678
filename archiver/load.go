package archiver

import (
	"context"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// load gives the lane state as of the head: the last snapshot with the deltas
// since, or the one before it; from the lane's first block where there is none.
// What cannot be had never stops the lane: its state begins anew as unknown, and
// the next entry says so.
func (s *session) load(ctx context.Context) error {
	head := s.lane.Head()
	snap := head.Snapshot
	if added, err := s.added(ctx, &head); err != nil {
		return fmt.Errorf("load state of lane %s: %w", s.name, err)
	} else if added {
		return s.unknown(head.N)
	}
	for tries := 0; ; tries++ {
		st, n, err := s.replay(ctx, snap, head.N)
		if err == nil {
			s.state, s.sinceShot = st, n
			return nil
		}
		if !lost(err) {
			return fmt.Errorf("load state of lane %s: %w", s.name, err)
		}
		s.cfg.Log.Error("lane state is damaged", "lane", string(s.name), "err", err)
		if snap == nil || tries > 0 {
			return s.unknown(head.N)
		}
		if snap, err = s.older(ctx, snap); lost(err) {
			return s.unknown(head.N)
		} else if err != nil {
			return fmt.Errorf("load state of lane %s: %w", s.name, err)
		}
	}
}

// lost says that a part of the state is gone or damaged, as opposed to out of
// reach for the moment.
func lost(err error) bool {
	return errors.Is(err, state.ErrDamaged) || errors.Is(err, worm.ErrNotFound) || errors.Is(err, worm.ErrDamaged) || errors.Is(err, lane.ErrOutbox) || errors.Is(err, ledger.ErrBlock) || errors.Is(err, ledger.ErrEntry)
}

// older is the snapshot before snap, which the entry of the block snap was
// taken after still names.
func (s *session) older(ctx context.Context, snap *ledger.Snapshot) (*ledger.Snapshot, error) {
	b, err := lane.ReadBlock(ctx, s.cfg.Locked, s.name, snap.At)
	if err != nil {
		return nil, err
	}
	return b.Entry.Snapshot, nil
}

// replay loads a snapshot (nil: the empty state) and the deltas behind it up to
// block head. It also gives the number of blocks it replayed.
func (s *session) replay(ctx context.Context, snap *ledger.Snapshot, head uint64) (*state.State, uint64, error) {
	st, from := state.New(s.cfg.StateKey), uint64(0)
	if snap != nil {
		sealed, err := lane.ReadNamed(ctx, s.cfg.Meta, snap.Object)
		if err != nil {
			return nil, 0, err
		}
		plain, err := s.cfg.State.Open(s.name, snap.At, state.KindSnapshot, sealed)
		if err != nil {
			return nil, 0, err
		}
		if st, err = state.Load(s.cfg.StateKey, plain); err != nil {
			return nil, 0, err
		}
		from = snap.At + 1
	}
	for n := from; n <= head; n++ {
		b, err := lane.ReadBlock(ctx, s.cfg.Locked, s.name, n)
		if err != nil {
			return nil, 0, err
		}
		if err := s.replayBlock(ctx, st, b.Entry); err != nil {
			return nil, 0, err
		}
	}
	return st, head + 1 - from, nil
}

func (s *session) replayBlock(ctx context.Context, st *state.State, e *ledger.Entry) error {
	if e.Outbox == nil {
		return nil
	}
	body, err := lane.ReadNamed(ctx, s.cfg.Meta, *e.Outbox)
	if err != nil {
		return err
	}
	o, err := lane.DecodeOutbox(body)
	if err != nil {
		return fmt.Errorf("%s: %w", e.Outbox.Key, err)
	}
	if len(o.State) == 0 {
		return nil
	}
	delta, err := s.cfg.State.Open(s.name, e.N, state.KindDelta, o.State)
	if err != nil {
		return err
	}
	return st.ApplyDelta(delta)
}

// unknown begins the state anew, says so in the next entry, and leaves a
// snapshot with it so that the next owner does not meet the damage again.
func (s *session) unknown(head uint64) error {
	s.state = state.NewUnknown(s.cfg.StateKey, s.cfg.Now().Unix())
	var err error
	if s.snapshot, err = s.shoot(head); err != nil {
		return err
	}
	return s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &ledger.Alarm{Code: "state_unknown", Lane: s.name}})
}

// shoot seals a snapshot of the state as of block n, to be stored with the next.
func (s *session) shoot(n uint64) ([]byte, error) {
	plain, err := s.state.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("snapshot of lane %s: %w", s.name, err)
	}
	s.sinceShot = 0
	return s.cfg.State.Seal(s.name, n, state.KindSnapshot, plain), nil
}

// oddity notes a newer version or a delete marker over a block: it changes
// nothing, because the oldest version is the object, and it is an alarm.
func (s *session) oddity(v worm.Version) {
	code := "newer_version"
	if v.DeleteMarker {
		code = "delete_marker"
	}
	s.cfg.Log.Error("object is hidden", "lane", string(s.name), "key", v.Key, "how", code)
	s.oddities = append(s.oddities, ledger.Alarm{Code: code, Lane: s.name, Key: v.Key})
}
