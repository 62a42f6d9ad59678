package archiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// Topic is a topic of ours and what it carries.
type Topic struct {
	Name string
	Role whatsapp.Role
}

// Config is what an archiver needs. It holds recipients, no identities.
type Config struct {
	Archive string
	Mode    Mode
	Topics  []Topic // the first carries the webhooks: its partitions are the lanes

	Source *kafka.Source
	Group  *kafka.Group // divides the lanes among archivers; nil: all are ours
	Locked worm.Store
	Meta   worm.Meta
	Spare  worm.Store

	Signer *ledger.Signer
	Keys   *ledger.Verifier                                              // every key that ever counted
	KeysAt func(lane record.Lane, size uint64) (*ledger.Verifier, error) // the one that counts at a size; nil: Keys
	Writer ledger.Hash                                                   // of the start act

	Recipients    []age.Recipient // of segments
	BoxRecipients []age.Recipient
	Indexer       []age.Recipient // of index rows in outboxes
	Tags          *index.Keys
	TokenEpoch    uint32
	State         *state.Sealer
	StateKey      state.Key
	RecordKey     [32]byte // keys the marks of last records

	Policy *policy.Engine

	Linger     time.Duration // how long the oldest record of a block waits at most, five times as long while Kafka holds more; default 1 s
	MaxRecords int           // in a block; default 10,000
	MaxBytes   int           // raw bytes in a block; default 8 MiB
	Snapshots  uint64        // blocks between snapshots of lane state; default 256

	// Committed is told of each block with its index rows, in order of the lane.
	// It must not block for long; what it drops is in the outbox.
	Committed func(ctx context.Context, b *ledger.Block, rows index.Encoded)
	NoRows    bool // make no index rows, neither for Committed nor for outboxes: only a rebuild can make an index

	Log   *slog.Logger
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
}

func (c *Config) defaults() {
	if c.Linger <= 0 {
		c.Linger = time.Second
	}
	if c.MaxRecords <= 0 {
		c.MaxRecords = 10_000
	}
	if c.MaxBytes <= 0 {
		c.MaxBytes = 8 << 20
	}
	if c.Snapshots == 0 {
		c.Snapshots = 256
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = Sleep
	}
	if c.Committed == nil {
		c.Committed = func(context.Context, *ledger.Block, index.Encoded) {}
	}
}

// Sleep waits for d or until ctx ends, whose cause it then gives.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Archiver runs the lanes of one Kafka.
type Archiver struct {
	cfg Config

	mu      sync.Mutex
	lanes   map[record.Lane]*Progress
	waiting error // why no lane can be run
}

// Progress is how far a lane is.
type Progress struct {
	Lane     record.Lane
	Size     uint64      // blocks
	Root     ledger.Hash // of the lane's log
	Records  uint64      // archived by this process
	Items    uint64      // archived by this process
	Blocks   uint64      // committed by this process
	RawBytes int64       // archived by this process
	Sources  []ledger.Source
	Err      error // what it waits for; nil while it works
	Left     bool  // another archiver has it now

	Lag    int64         // offsets that can be read and are not archived, as last seen; 0 where none
	Oldest time.Time     // Kafka's time of the oldest record read and not archived; zero where none is
	Delay  time.Duration // of the last block: from Kafka's time of its oldest record until it was durable

	Published     uint64 // size of the live checkpoint
	PublishedRoot ledger.Hash
}

// New checks the configuration.
func New(cfg Config) (*Archiver, error) {
	cfg.defaults()
	if len(cfg.Topics) == 0 || cfg.Topics[0].Role != whatsapp.RoleWebhooks {
		return nil, errors.New("archiver: the first topic must carry the webhooks")
	}
	for i, t := range cfg.Topics {
		if slices.ContainsFunc(cfg.Topics[:i], func(o Topic) bool { return o.Name == t.Name }) {
			return nil, fmt.Errorf("archiver: topic %s has two roles", t.Name)
		}
	}
	return &Archiver{cfg: cfg, lanes: map[record.Lane]*Progress{}, waiting: errAsking}, nil
}

// Progress lists the lanes as they are now.
func (a *Archiver) Progress() []Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]Progress, 0, len(a.lanes))
	for _, p := range a.lanes {
		out = append(out, *p)
	}
	return out
}

func (a *Archiver) update(l record.Lane, fn func(*Progress)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.lanes[l]
	if p == nil {
		p = &Progress{Lane: l}
		a.lanes[l] = p
	}
	fn(p)
}

// Run archives until ctx ends, then finishes the blocks under way and returns
// nil: all lanes, or those that the group gives us. Without a group it returns
// early where nothing can go on: a lane whose head this archive did not sign.
func (a *Archiver) Run(ctx context.Context) error {
	if a.cfg.Group != nil {
		return a.share(ctx)
	}
	return a.run(ctx, false)
}

// Drain archives everything up to the high watermarks seen at its start, in all
// lanes, whoever else may work on them: they lose them for that long.
func (a *Archiver) Drain(ctx context.Context) error { return a.run(ctx, true) }

func (a *Archiver) run(ctx context.Context, drain bool) error {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	running, ended := atomic.Int32{}, make(chan struct{}, 1)
	started := int32(0)
	start := func(partitions int32) {
		for ; started < partitions; started++ {
			p := started
			running.Add(1)
			wg.Go(func() {
				defer func() {
					if running.Add(-1) == 0 {
						ended <- struct{}{}
					}
				}()
				if err := a.runLane(ctx, p, drain); err != nil {
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				}
			})
		}
	}
	count := a.count
	if drain {
		count = a.countOnce // whoever waits for the end is told that there is none in sight
	}
	_, partitions, err := count(ctx)
	if ctx.Err() != nil {
		return nil // nothing has begun
	}
	if err != nil {
		return err
	}
	a.waitsFor(nil)
	start(partitions)
	tick := time.NewTicker(recount)
	defer tick.Stop()
	for {
		select {
		case <-ended: // drained, stopped, or no lane can go on
			wg.Wait()
			return errors.Join(errs...)
		case <-tick.C:
			if drain || ctx.Err() != nil {
				continue
			}
			if _, partitions, err := a.countOnce(ctx); err == nil { // who waits for Kafka says so itself
				start(partitions)
			}
		}
	}
}

// recount is how often partitions are counted, to run the lanes of new ones.
const recount = 30 * time.Second

// runLane takes a lane and works on it, again and again: what fails costs the
// lane its memory, never a record.
func (a *Archiver) runLane(ctx context.Context, partition int32, drain bool) error {
	l := record.PartitionLane(partition)
	for n := 0; ; n++ {
		done, err := a.session(ctx, l, partition, drain)
		if done {
			return err
		}
		if ctx.Err() != nil {
			if errors.Is(err, lane.ErrFenced) {
				a.cfg.Log.Warn("lane is another's", "lane", string(l), "err", err)
			}
			return nil
		}
		if errors.Is(err, lane.ErrForeign) || errors.Is(err, lane.ErrCut) {
			a.cfg.Log.Error("lane stopped", "lane", string(l), "err", err)
			a.update(l, func(p *Progress) { p.Err = err })
			return err
		}
		a.cfg.Log.Warn("lane dropped", "lane", string(l), "err", err)
		a.update(l, func(p *Progress) { p.Err = err })
		if a.cfg.Sleep(ctx, lane.Backoff(n)) != nil || !a.stillOurs(ctx, err) {
			return nil
		}
	}
}
