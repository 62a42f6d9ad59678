package archiver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/ledger"
)

// How a session ends between two records, so that what is under way is whole and
// can be committed.
var (
	errDrained = errors.New("drained") // every watermark of the start is consumed
	errStopped = errors.New("stopped") // the context ended
)

// loop consumes the feeds, oldest record first, and commits a block when it is
// full or its oldest record has waited for the linger.
func (s *session) loop(ctx context.Context, drain bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := s.consume(ctx); err != nil {
			return err
		}
		if drain && s.drained() {
			return s.drainedOr()
		}
		s.behind()
		s.wake(timer)
		select {
		case e := <-s.events:
			if err := s.fetched(ctx, e); err != nil {
				return err
			}
		case <-timer.C:
			if err := s.due(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return errStopped
		}
	}
}

// consume seals what can be sealed now.
func (s *session) consume(ctx context.Context) error {
	for f := pick(s.feeds); f != nil; f = pick(s.feeds) {
		if ctx.Err() != nil {
			return errStopped
		}
		if s.block.full(s.gaps()) {
			if err := s.flush(ctx); err != nil {
				return err
			}
		}
		if !f.advance(maxGaps - s.gaps()) {
			if err := s.flush(ctx); err != nil {
				return err
			}
			continue
		}
		if len(f.pending) == 0 {
			continue
		}
		r := f.next()
		s.seen(r.Timestamp)
		if err := s.block.add(context.WithoutCancel(ctx), f.role, r); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) gaps() int {
	n := 0
	for _, f := range s.feeds {
		n += len(f.source.Gaps)
	}
	return n
}

// drainedOr ends a draining session, with the error of a topic that could not be
// read.
func (s *session) drainedOr() error {
	for _, f := range s.feeds {
		if f.broken != nil {
			s.unread = fmt.Errorf("read %s: %w", f.name(), f.broken)
		}
	}
	return errDrained
}

func (s *session) drained() bool {
	for _, f := range s.feeds {
		if !f.drained() {
			return false
		}
	}
	return true
}

// wake sets the timer to the next thing that time alone brings about.
func (s *session) wake(timer *time.Timer) {
	now := s.cfg.Now()
	wait := publishEvery - now.Sub(s.published)
	if s.block.open {
		wait = min(wait, s.linger()-now.Sub(s.block.opened))
	}
	timer.Reset(max(0, wait))
}

// lingerBehind is how many times longer a block may wait while Kafka holds more
// for it: larger blocks are what lets the lane catch up.
const lingerBehind = 5

// linger is how long the oldest record of the block under way may wait now.
func (s *session) linger() time.Duration {
	for _, f := range s.feeds {
		if !f.idle && f.broken == nil && !f.caught {
			return lingerBehind * s.cfg.Linger
		}
	}
	return s.cfg.Linger
}

// due commits a block that has waited long enough, and what only moved the
// coverage, and publishes tiles.
func (s *session) due(ctx context.Context) error {
	if !s.block.open || s.cfg.Now().Sub(s.block.opened) >= s.linger() {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}
	s.publishOrWarn(ctx, false)
	return s.retryFeeds(ctx)
}

// fetched takes what a feed read, or finds out why it cannot go on.
func (s *session) fetched(ctx context.Context, e fetched) error {
	f := e.feed
	switch {
	case e.life != f.life:
		return nil
	case e.err == nil:
		s.waits(nil)
		if e.batch.Doubtful || s.newEpoch(f, e.batch) {
			return s.reopen(ctx, f, e.batch)
		}
		f.take(e.batch)
		return nil
	case passing(e.err):
		s.cfg.Log.Warn("kafka", "lane", string(s.name), "topic", f.source.Topic, "err", e.err)
		s.waits(e.err)
		return nil
	case errors.Is(e.err, kafka.ErrRewound):
		return s.reopen(ctx, f, nil)
	default:
		return s.breakFeed(f, e.err)
	}
}

// breakFeed stops reading a topic that cannot be read, says so in the ledger
// once, and lets the lane's other topics go on. It is tried again later.
func (s *session) breakFeed(f *feed, err error) error {
	s.cfg.Log.Error("topic cannot be read", "lane", string(s.name), "topic", f.source.Topic, "next", f.source.Next, "err", err)
	s.waits(err)
	again := f.broken != nil
	f.halt()
	if f.broken, f.retry = err, s.cfg.Now().Add(retryFeed); again {
		return nil
	}
	return s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &ledger.Alarm{Code: "unreadable", Lane: s.name, Topic: f.source.Topic, First: f.source.Next}})
}

// retryFeed is how long a topic rests that is not there or cannot be read.
const retryFeed = 10 * time.Second

// retryFeeds looks again for topics that were not there or could not be read.
func (s *session) retryFeeds(ctx context.Context) error {
	now := s.cfg.Now()
	for _, f := range s.feeds {
		if (f.idle && f.role != "" || f.broken != nil) && now.After(f.retry) {
			f.retry = now.Add(retryFeed)
			if err := s.tryOpen(ctx, f, false); err != nil && ctx.Err() == nil {
				s.cfg.Log.Warn("topic", "lane", string(s.name), "topic", f.source.Topic, "err", err)
			}
		}
	}
	return nil
}

// newEpoch says whether a batch is the first of another leader epoch than the
// last record taken: the moment at which a log may have been rewound.
func (s *session) newEpoch(f *feed, b *kafka.Batch) bool {
	if len(b.Records) == 0 {
		return false
	}
	last, epoch := f.source.Epoch, b.Records[0].LeaderEpoch
	if f.last != nil {
		last = f.last.LeaderEpoch
	}
	if n := len(f.batches); n > 0 && len(f.batches[n-1].Records) > 0 {
		last = f.batches[n-1].Records[len(f.batches[n-1].Records)-1].LeaderEpoch
	}
	return last >= 0 && epoch != last && epoch != f.checked
}

// reopen commits what is under way and compares the log with what was archived of
// it. Where it is still that log, b, the batch that raised the question, is taken;
// otherwise, or without one, the topic is read anew from where the ledger stands.
func (s *session) reopen(ctx context.Context, f *feed, b *kafka.Batch) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	era := f.source.Era
	if err := s.checkEra(ctx, f); err != nil {
		if passing(err) {
			return s.breakFeed(f, err)
		}
		return err
	}
	if b != nil && f.source.Era == era {
		if len(b.Records) > 0 {
			f.checked = b.Records[0].LeaderEpoch
		}
		f.take(b)
		return nil
	}
	f.halt()
	f.start(ctx, s.cfg.Source, s.events)
	return nil
}

// halt stops all reading.
func (s *session) halt() {
	for _, f := range s.feeds {
		f.halt()
	}
}

// flush commits the block under way, if it covers anything.
func (s *session) flush(ctx context.Context) error {
	moved := s.block.open
	for _, f := range s.feeds {
		moved = moved || f.moved()
	}
	if !moved {
		return nil
	}
	step, rows, err := s.step(ctx)
	if err != nil {
		return err
	}
	b, err := s.lane.Commit(ctx, step)
	if err != nil {
		return err
	}
	raw, items := s.block.raw, s.block.items
	s.block.open = false
	clear(s.block.cutter.pieces) // what it cut last may be large
	for _, f := range s.feeds {
		f.restate()
	}
	s.snapshot = nil
	if s.sinceShot++; s.sinceShot >= s.cfg.Snapshots {
		if s.snapshot, err = s.shoot(b.Entry.N); err != nil {
			return err
		}
	}
	s.committed(ctx, b, rows, raw, items)
	s.publishOrWarn(ctx, false)
	return nil
}

// step turns the block under way into what is to be stored, and gives its index
// rows.
func (s *session) step(ctx context.Context) (*lane.Step, index.Encoded, error) {
	rows := index.Encoded{Lane: s.name, Block: s.lane.Next()}
	if err := s.block.begin(); err != nil {
		return nil, rows, err
	}
	if err := s.alarmLosses(); err != nil {
		return nil, rows, err
	}
	sealed, err := s.block.seal.Finish()
	if err != nil {
		return nil, rows, fmt.Errorf("lane %s: %w", s.name, err)
	}
	cfg := s.cfg.laneConfig(s.name)
	now, err := cfg.Clock(ctx)
	if err != nil {
		return nil, rows, err
	}
	step := &lane.Step{
		Time: now, Leaves: s.block.leaves, Events: s.block.events, Sealed: sealed, Snapshot: s.snapshot,
		Published: s.pub.Published(), Policy: s.cfg.Policy.Revision(),
	}
	for _, f := range s.feeds {
		if f.last != nil {
			f.source.Last, f.source.Epoch = lastMark(&s.cfg.RecordKey, f.last), f.last.LeaderEpoch
		}
		step.Sources = append(step.Sources, f.source)
	}
	if rows.Rows = s.block.rows.Rows(); rows.Rows > 0 {
		rows.Data = s.block.rows.Seal(now.UnixMilli())
	}
	step.Outbox, err = s.outbox(rows.Data)
	return step, rows, err
}

// alarmLosses enters an alarm for each range that Kafka's retention removed
// before it was archived. What was gone before this archive first looked at the
// topic is stated under a name of its own.
func (s *session) alarmLosses() error {
	for _, f := range s.feeds {
		for _, g := range f.source.Gaps {
			if g.Cause != record.GapExpired {
				continue
			}
			alarm := ledger.Alarm{Code: "lost_records", Lane: s.name, Topic: f.source.Topic, First: g.First, Next: g.Next}
			if g.First == 0 {
				alarm.Code = "expired_before_start"
			} else {
				s.cfg.Log.Error("records are lost: Kafka's retention overtook the archiver", "topic", f.source.Topic, "first", g.First, "next", g.Next)
			}
			if err := s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &alarm}); err != nil {
				return err
			}
		}
	}
	return nil
}

// outbox seals the change of lane state under the state key, and the index rows
// to the indexer, which this host cannot open.
func (s *session) outbox(rows []byte) ([]byte, error) {
	o := lane.Outbox{State: s.cfg.State.Seal(s.name, s.lane.Next(), state.KindDelta, s.state.Delta())}
	if len(rows) > 0 {
		var err error
		if o.Rows, err = seal.Encrypt(s.cfg.Indexer, rows); err != nil {
			return nil, fmt.Errorf("index rows: %w", err)
		}
	}
	return o.Encode(), nil
}
