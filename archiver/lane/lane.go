// Package lane is the durable step of one lane and its recovery: how a batch of
// sealed records becomes a block that is there exactly once, whatever dies and
// whenever.
//
// The order of the step is the argument:
//
//  1. Segments, media, key boxes, the outbox and the snapshot are stored create-only
//     under the block's number, each retried with the same bytes until it reads
//     back.
//  2. The block object is stored with create-only semantics. That write is the
//     commit and the fence: whoever finds another's block there has lost the lane.
//  3. Everything else (index, tiles, live checkpoint) is derived and repeatable.
//
// A writer takes a lane by committing an empty block, so that every number
// belongs to one writer alone. What a crash leaves under a number that the block
// does not name is waste by definition; nothing here deletes anything.
package lane

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// ErrForeign says that the lane's head is not signed by the archive's key: no
// writer may go on behind it.
var ErrForeign = errors.New("block is not signed by this archive")

// ErrClock says that the host's and the store's clocks are too far apart to
// lock anything by them.
var ErrClock = errors.New("clocks of host and store differ by more than 5 minutes")

// MaxClockSkew is how far host and store may differ.
const MaxClockSkew = 5 * time.Minute

// Config is what a lane needs to write.
type Config struct {
	Lane    record.Lane
	Origin  string // of the lane's log: <archive>/<lane>
	Locked  worm.Store
	Meta    worm.Store
	Spare   worm.Store
	Signer  *ledger.Signer
	Writer  ledger.Hash                   // hash of this process's start act
	Horizon func(now time.Time) time.Time // how long a block is locked
	Now     func() time.Time              // the host's clock
	Sleep   func(context.Context, time.Duration) error
	Report  func(what string, err error) // told of every failed attempt; keys and errors only
}

// Object is something to be stored before the block.
type Object struct {
	Key   string
	Body  []byte
	Sum   [sha256.Size]byte
	Lock  worm.Lock
	Place Place
}

// Place says which stores hold an object.
type Place int

// The places of objects.
const (
	InLocked Place = iota
	InMeta
	InMetaAndSpare
)

// Step is a block about to be committed: what it covers and what it names.
type Step struct {
	Time      time.Time // from Clock
	Sources   []ledger.Source
	Leaves    []ledger.Hash
	Events    [][]byte
	Sealed    *seal.Sealed // nil for an empty block
	Outbox    []byte       // nil for none
	Snapshot  []byte       // nil: the last one stays named
	Published uint64       // size of the live checkpoint known to be stored
	Policy    string
	Repairs   uint64
}

// Lane is a lane owned by this process. Not safe for concurrent use.
type Lane struct {
	cfg   Config
	chain *ledger.Chain
	last  *ledger.Block // committed or read; nil in a lane without one
}

// Next is the number of the block that Commit will write.
func (l *Lane) Next() uint64 { return l.chain.Size() }

// Last is the lane's last block. After Take there is one.
func (l *Lane) Last() *ledger.Block { return l.last }

// Head is the entry of the last block; the zero Entry in a lane without one.
func (l *Lane) Head() ledger.Entry {
	if l.last == nil {
		return ledger.Entry{}
	}
	return *l.last.Entry
}

// Size is the number of blocks, the size of the lane's log.
func (l *Lane) Size() uint64 { return l.chain.Size() }

// Root is the root of the lane's log.
func (l *Lane) Root() ledger.Hash { return l.chain.Root() }

// Commit stores a step and returns its block when it is durable. After any
// error the lane must be dropped and taken anew: ErrFenced means that another
// has it; an ended context leaves the outcome unknown, which the next taker
// finds out.
func (l *Lane) Commit(ctx context.Context, s *Step) (*ledger.Block, error) {
	n := l.Next()
	e, objects := l.entry(s, n)
	if err := l.cfg.PutAll(ctx, objects); err != nil {
		return nil, fmt.Errorf("lane %s block %d: %w", l.cfg.Lane, n, err)
	}
	if s.Snapshot != nil {
		if err := l.readBack(ctx, e.Snapshot.Object); err != nil {
			return nil, fmt.Errorf("lane %s block %d: %w", l.cfg.Lane, n, err)
		}
	}
	return l.commit(ctx, &e, s.Leaves, s.Events)
}

func (l *Lane) commit(ctx context.Context, e *ledger.Entry, leaves []ledger.Hash, events [][]byte) (*ledger.Block, error) {
	raw, err := l.chain.Next(e, leaves, events)
	if err != nil {
		return nil, fmt.Errorf("lane %s: %w", l.cfg.Lane, err)
	}
	if err := l.cfg.PutBlock(ctx, e.N, raw); err != nil {
		return nil, fmt.Errorf("lane %s: %w", l.cfg.Lane, err)
	}
	b, err := ledger.DecodeBlock(raw)
	if err == nil {
		err = l.chain.AdvanceBlock(b)
	}
	if err != nil {
		return nil, fmt.Errorf("lane %s block %d: %w", l.cfg.Lane, e.N, err)
	}
	l.last = b
	return b, nil
}

// readBack reads a snapshot whole once: the lane's next owner depends on it, and
// on nothing else so much.
func (l *Lane) readBack(ctx context.Context, o ledger.Object) error {
	return l.cfg.retry(ctx, "read back "+o.Key, func() (bool, error) {
		_, err := ReadNamed(ctx, l.cfg.Meta, o)
		return err == nil || errors.Is(err, worm.ErrDamaged), err
	})
}

// entry makes the ledger entry of a step and lists what is to be stored first.
func (l *Lane) entry(s *Step, n uint64) (ledger.Entry, []Object) {
	head := l.Head()
	e := ledger.Entry{
		Time: s.Time.UTC().Format(ledger.TimeFormat), Writer: l.cfg.Writer, RowsFrom: head.RowsFrom,
		Published: s.Published, Source: s.Sources, Policy: s.Policy, Snapshot: head.Snapshot, Repairs: s.Repairs,
	}
	var objects []Object
	if s.Sealed != nil {
		objects = Sealed(s.Sealed, &e)
	}
	if s.Outbox != nil {
		o := unlocked(ledger.DataKey(l.cfg.Lane, n, "outbox"), s.Outbox, InMeta)
		objects, e.Outbox = append(objects, o), o.named()
	}
	if s.Snapshot != nil {
		o := unlocked(ledger.DataKey(l.cfg.Lane, n, "snapshot"), s.Snapshot, InMeta)
		objects, e.Snapshot = append(objects, o), &ledger.Snapshot{Object: *o.named(), At: n - 1}
	}
	return e, objects
}

func unlocked(key string, body []byte, p Place) Object {
	return Object{Key: key, Body: body, Sum: sha256.Sum256(body), Place: p}
}

func (o Object) named() *ledger.Object {
	return &ledger.Object{Key: o.Key, SHA256: o.Sum, Bytes: int64(len(o.Body))}
}

// Clock waits until host and store agree on the time to within MaxClockSkew.
func (c *Config) Clock(ctx context.Context) (time.Time, error) {
	var now time.Time
	err := c.retry(ctx, "compare clocks", func() (bool, error) {
		store, err := c.Locked.Now(ctx)
		if err != nil {
			return false, err
		}
		now = c.Now()
		if d := now.Sub(store); d > MaxClockSkew || d < -MaxClockSkew {
			return false, ErrClock
		}
		return true, nil
	})
	return now, err
}

// PutAll stores the objects of a step side by side.
func (c *Config) PutAll(ctx context.Context, objects []Object) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, o := range objects {
		for _, s := range c.stores(o.Place) {
			g.Go(func() error { return c.putObject(ctx, s, o.Key, o.Body, o.Sum, o.Lock) })
		}
	}
	return g.Wait()
}

func (c *Config) stores(p Place) []worm.Store {
	switch p {
	case InMeta:
		return []worm.Store{c.Meta}
	case InMetaAndSpare:
		return []worm.Store{c.Meta, c.Spare}
	default:
		return []worm.Store{c.Locked}
	}
}

// Sealed lists what a sealed block wants stored, and names it in the entry.
func Sealed(s *seal.Sealed, e *ledger.Entry) []Object {
	objects := make([]Object, 0, len(s.Segments)+len(s.Media)+len(s.Boxes))
	for i := range s.Segments {
		o := &s.Segments[i]
		e.Segments = append(e.Segments, o.Entry())
		objects = append(objects, Object{Key: o.Key, Body: o.Body, Sum: o.SHA256, Lock: lock(o.Retention.Retain)})
	}
	for i := range s.Media {
		o := &s.Media[i]
		e.Media = append(e.Media, o.Entry())
		objects = append(objects, Object{Key: o.Key, Body: o.Body, Sum: o.SHA256, Lock: lock(o.Retention.Retain)})
	}
	for i := range s.Boxes {
		b := &s.Boxes[i]
		e.Boxes = append(e.Boxes, b.Entry())
		o := Object{Key: b.Key, Body: b.Body, Sum: b.SHA256, Place: InMetaAndSpare}
		if b.Locked {
			o.Place, o.Lock = InLocked, lock(b.Retention.Duty)
		}
		objects = append(objects, o)
	}
	e.RowsFrom = s.RowsFrom
	return objects
}

func lock(until int64) worm.Lock { return worm.Lock{RetainUntil: time.Unix(until, 0).UTC()} }
