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
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// graceful is how long a block under way may take to be committed at shutdown.
const graceful = 20 * time.Second

// session is one ownership of a lane, from taking it to losing it.
type session struct {
	a         *Archiver
	cfg       *Config
	lane      *lane.Lane
	name      record.Lane
	partition int32
	state     *state.State
	snapshot  []byte // of the state after the last block, to go with the next
	sinceShot uint64 // blocks since the last snapshot
	oddities  []ledger.Alarm
	events    chan fetched
	unread    error // of a topic that could not be drained
	waiting   bool  // Progress says what for
	pub       *lane.Publication
	feeds     []*feed
	block     *building
	published time.Time // when tiles were last published
	oldest    int64     // Kafka's time of the oldest record in the block under way, 0 none
}

// session takes the lane and archives until ctx ends, all is drained (done), or
// something fails that only taking the lane anew mends.
func (a *Archiver) session(ctx context.Context, l record.Lane, partition int32, drain bool) (done bool, err error) {
	s := &session{a: a, cfg: &a.cfg, name: l, partition: partition}
	if s.block, err = newBuilding(s); err != nil {
		return false, err
	}
	if err := s.take(ctx); err != nil {
		return false, err
	}
	if err := s.load(ctx); err != nil {
		return false, err
	}
	readCtx, stop := context.WithCancel(ctx)
	defer stop()
	if err := s.seek(readCtx, drain); err != nil {
		return false, err
	}
	defer s.halt()
	if err = s.loop(readCtx, drain); !errors.Is(err, errDrained) && !errors.Is(err, errStopped) {
		return false, err // what is under way may be cut short: it is not committed
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	if err := s.flush(end); err != nil {
		return false, err
	}
	s.publishOrWarn(end, true)
	return true, s.unread
}

func (s *session) take(ctx context.Context) error {
	var topics []string
	for _, t := range s.cfg.Topics {
		topics = append(topics, t.Name)
	}
	cfg := s.cfg.laneConfig(s.name)
	var keysAt func(uint64) (*ledger.Verifier, error)
	if s.cfg.KeysAt != nil {
		keysAt = func(size uint64) (*ledger.Verifier, error) { return s.cfg.KeysAt(s.name, size) }
	}
	report := cfg.Report
	cfg.Report = func(what string, err error) { // a store that refuses shows in the lane's progress until it commits again
		report(what, err)
		s.a.update(s.name, func(p *Progress) { p.Err = err })
	}
	l, err := lane.Take(ctx, cfg, lane.Taking{
		KeysAt: keysAt,
		Keys:   s.cfg.Keys, Hint: s.hint(ctx), Topics: topics, Partition: s.partition,
		Assigned: func() bool { return ctx.Err() == nil },
		Oddity:   s.oddity,
	})
	if err != nil {
		return err
	}
	s.lane = l
	if s.pub, err = lane.OpenPublication(ctx, s.cfg.Meta, s.cfg.Locked, s.name, s.cfg.Keys); err != nil {
		return fmt.Errorf("open tiles of lane %s: %w", s.name, err)
	}
	s.events = make(chan fetched, ahead*len(s.cfg.Topics))
	s.committed(ctx, l.Last(), index.Encoded{Lane: s.name, Block: l.Last().Entry.N}, 0, 0)
	s.publishOrWarn(ctx, true) // the writer before may have died with tiles to publish
	return nil
}

// hint is the size the live checkpoint states, if there is one.
func (s *session) hint(ctx context.Context) uint64 {
	signed, _, err := s.cfg.Meta.Get(ctx, ledger.CheckpointKey(s.name))
	if err != nil {
		return 0
	}
	cp, err := s.cfg.Keys.Open(s.name, signed)
	if err != nil {
		return 0
	}
	return cp.Size
}

func (c *Config) laneConfig(l record.Lane) lane.Config {
	return lane.Config{
		Lane: l, Locked: c.Locked, Meta: c.Meta, Spare: c.Spare, Signer: c.Signer, Writer: c.Writer,
		Horizon: Horizon(c.Mode, c.Policy.Horizon), Now: c.Now, Sleep: c.Sleep,
		Report: func(what string, err error) { c.Log.Warn("store", "lane", string(l), "doing", what, "err", err) },
	}
}

// committed tells everybody of a block.
func (s *session) committed(ctx context.Context, b *ledger.Block, rows index.Encoded, raw int64, items uint64) {
	if err := s.pub.Follow(ctx, b); err != nil {
		s.cfg.Log.Warn("tiles", "lane", string(s.name), "err", err)
	}
	s.a.update(s.name, func(p *Progress) {
		p.Size, p.Root, p.Sources, p.Err = s.lane.Size(), s.lane.Root(), b.Entry.Source, nil
		p.Records, p.Items, p.RawBytes = p.Records+b.Entry.Records, p.Items+items, p.RawBytes+raw
		p.Blocks++
		if s.oldest != 0 {
			p.Delay = s.cfg.Now().Sub(time.UnixMilli(s.oldest))
		}
	})
	s.oldest = 0
	s.behind()
	if g := s.cfg.Group; g != nil {
		for _, x := range b.Entry.Source {
			g.Reached(x.Topic, x.Partition, x.Next)
		}
	}
	s.cfg.Committed(ctx, b, rows)
}

// publishEvery is how old the live checkpoint may grow while blocks come.
const publishEvery = 2 * time.Second

// publish writes tiles and live checkpoint, at an interval or now.
func (s *session) publish(ctx context.Context, now bool) error {
	if !now && s.cfg.Now().Sub(s.published) < publishEvery {
		return nil
	}
	s.published = s.cfg.Now()
	if err := s.pub.Publish(ctx); err != nil {
		return err
	}
	if size := s.pub.Published(); size == s.lane.Size() {
		s.a.update(s.name, func(p *Progress) { p.Published, p.PublishedRoot = size, s.lane.Root() })
	}
	return nil
}

// publishOrWarn publishes. What fails is tried again: tiles are derived, and the
// lane does not depend on them.
func (s *session) publishOrWarn(ctx context.Context, now bool) {
	if err := s.publish(ctx, now); err != nil {
		s.cfg.Log.Warn("publish tiles", "lane", string(s.name), "err", err)
	}
}

// seek opens a feed for each topic of the lane at the position the ledger
// states, after checking that the log is still the one that was archived.
func (s *session) seek(ctx context.Context, drain bool) error {
	for _, alarm := range s.oddities {
		if err := s.block.event(ledger.Act{Type: ledger.ActAlarm, Alarm: &alarm}); err != nil {
			return err
		}
	}
	roles := map[string]whatsapp.Role{}
	for _, t := range s.cfg.Topics {
		roles[t.Name] = t.Role
	}
	for _, src := range s.lane.Head().Source {
		role, ok := roles[src.Topic]
		f := &feed{source: src, role: role, idle: !ok, checked: -1}
		s.feeds = append(s.feeds, f)
		if !ok {
			continue // no longer configured: its position is restated in each entry
		}
		if err := s.open(ctx, f, drain); err != nil {
			return err
		}
	}
	return nil
}

// open checks a feed's era and starts reading it, waiting as long as Kafka is
// away. A topic that cannot be read is left for later.
func (s *session) open(ctx context.Context, f *feed, drain bool) error {
	for n := 0; ; n++ {
		err := s.tryOpen(ctx, f, drain)
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case !errors.Is(err, kafka.ErrUnavailable):
			return s.breakFeed(f, err)
		}
		s.cfg.Log.Warn("kafka", "lane", string(s.name), "topic", f.source.Topic, "err", err)
		s.waits(err)
		if err := s.cfg.Sleep(ctx, lane.Backoff(n)); err != nil {
			return err
		}
	}
}

// tryOpen starts reading a feed; a topic without this partition is idle. After an
// error the feed is as it was.
func (s *session) tryOpen(ctx context.Context, f *feed, drain bool) error {
	n, err := s.cfg.Source.Partitions(ctx, f.source.Topic)
	if errors.Is(err, kafka.ErrNoTopic) || (err == nil && s.partition >= n) {
		f.idle, f.broken, f.retry = true, nil, s.cfg.Now().Add(retryFeed)
		return nil
	}
	if err != nil {
		return fmt.Errorf("partitions of %s: %w", f.source.Topic, err)
	}
	if err := s.checkEra(ctx, f); err != nil {
		return err
	}
	if drain {
		_, high, err := s.cfg.Source.Watermarks(ctx, f.source.Topic, s.partition)
		if err != nil {
			return fmt.Errorf("watermarks of %s: %w", f.name(), err)
		}
		f.until = high
	}
	f.idle, f.broken = false, nil
	f.start(ctx, s.cfg.Source, s.events)
	return nil
}

// waits notes what the lane waits for; nil: for nothing any more.
func (s *session) waits(err error) {
	if err != nil || s.waiting {
		s.waiting = err != nil
		s.a.update(s.name, func(p *Progress) { p.Err = err })
	}
}

func newSealer(c *Config, l record.Lane) (*seal.Writer, error) {
	return seal.NewWriter(seal.Config{Origin: c.Archive, Lane: l, Recipients: c.Recipients, BoxRecipients: c.BoxRecipients, Now: c.Now})
}
