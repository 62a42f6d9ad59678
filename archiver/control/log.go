// Package control is the lane of acts: what people and the system did, each
// act a ledger event before its effect is seen.
//
// Many writers share it, without a takeover: each writes the next block and
// whoever loses the race reads what the other wrote, judges its acts again at
// the new head, and tries behind it. Objects of a block carry the writer's nonce,
// so that a loser's are waste and nobody's trouble.
package control

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// ErrNone says that the archive has no control lane yet.
var ErrNone = errors.New("no archive here: control has no block")

// Config is what writing acts needs.
type Config struct {
	lane.Config                                    // of lane control
	Archive     string                             // the archive's origin
	Recipients  []age.Recipient                    // of act bodies and their rows: the audit identity
	Retention   func(now time.Time) seal.Retention // of act bodies: class audit
	Publish     worm.Meta                          // where control's tiles and live checkpoint stand
}

// Draft is an act about to be committed.
type Draft struct {
	Act  ledger.Act // V and Time are filled in
	Body []byte     // what is personal of it, sealed to the audit recipients; nil none
	// Judge says whether the act still holds at the head it is about to be
	// committed behind; it is asked again after each lost race. nil always holds.
	Judge func(*View) error
}

// Log writes control. Safe for concurrent use.
type Log struct {
	cfg   Config
	seal  *seal.Writer
	queue chan *request
	quit  chan struct{} // closed by Close
	done  chan struct{} // closed when the committer has ended

	ctx  context.Context // of commits: ends when Close has waited long enough
	stop context.CancelFunc

	pubMu     sync.Mutex // guards what follows
	pub       *lane.Publication
	published time.Time // when the live checkpoint was last written

	mu     sync.Mutex // guards what follows; the committer alone changes it, but for writer
	chain  *ledger.Chain
	last   *ledger.Block
	view   *View
	writer ledger.Hash // of the start act that entries name
}

type request struct {
	drafts []Draft
	refs   []ledger.ActRef
	err    error
	ready  chan struct{}
}

// groupLimit is how many acts one block takes at most.
const groupLimit = 256

// Create makes an archive: block 0 with the genesis act. It returns worm.ErrExists
// where there is one.
func Create(ctx context.Context, cfg Config, genesis ledger.Genesis, actor string) error {
	chain := ledger.NewChain(record.Control, cfg.Signer)
	now, err := cfg.Clock(ctx)
	if err != nil {
		return err
	}
	act := ledger.Act{V: ledger.ActVersion, Type: ledger.ActGenesis, Time: now.UTC().Format(ledger.TimeFormat), Actor: actor, Genesis: &genesis}
	raw, err := act.Encode()
	if err != nil {
		return err
	}
	e := ledger.Entry{Time: act.Time}
	block, err := chain.Next(&e, nil, [][]byte{raw})
	if err != nil {
		return fmt.Errorf("create control: %w", err)
	}
	if err := cfg.PutBlock(ctx, 0, block); err != nil {
		if errors.Is(err, lane.ErrFenced) {
			return fmt.Errorf("create control: %w", worm.ErrExists)
		}
		return fmt.Errorf("create control: %w", err)
	}
	return nil
}

// Read folds control up to its head without being able to write. meta may be nil:
// then every act is read.
func Read(ctx context.Context, locked, meta worm.Reader) (*View, *ledger.Chain, error) {
	v, chain, _, err := read(ctx, locked, meta, nil)
	return v, chain, err
}

// read gives the acts' sum, the chain and the last block. It begins with the
// snapshot that the head names, or the one before it, and else with genesis;
// each block behind is checked against the one before.
func read(ctx context.Context, locked, meta worm.Reader, signer *ledger.Signer) (*View, *ledger.Chain, *ledger.Block, error) {
	head, err := lane.Last(ctx, locked, record.Control, hint(ctx, meta))
	if err != nil {
		return nil, nil, nil, err
	}
	if head == nil {
		return nil, nil, nil, ErrNone
	}
	v, chain, from, err := begin(ctx, locked, meta, head.Entry.Snapshot, signer)
	if err != nil {
		return nil, nil, nil, err
	}
	for n := from; ; n++ {
		b, raw, err := readBlock(ctx, locked, n)
		if errors.Is(err, worm.ErrNotFound) {
			return v, chain, head, nil
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if err := v.apply(b); err != nil {
			return nil, nil, nil, err
		}
		if chain, err = follow(chain, v, signer, b, raw, n); err != nil {
			return nil, nil, nil, err
		}
		head = b
	}
}

// follow checks block n and moves the chain behind it. A rotation makes the new
// key count from its own block on.
func follow(chain *ledger.Chain, v *View, signer *ledger.Signer, b *ledger.Block, raw []byte, n uint64) (*ledger.Chain, error) {
	if chain != nil && n > 0 && !rotates(b) {
		return chain, chain.AdvanceBlock(b)
	}
	if chain != nil && (b.Entry.Prev != chain.Prev() || b.Entry.N != chain.Size()) {
		return nil, fmt.Errorf("control block %d: %w", n, ledger.ErrChain)
	}
	keys, err := v.VerifierAt(record.Control, n+1)
	if err != nil {
		return nil, err
	}
	c, _, err := ledger.ResumeChain(record.Control, signer, keys, raw)
	return c, err
}

func rotates(b *ledger.Block) bool {
	for _, raw := range b.Events {
		if a, err := ledger.DecodeAct(raw); err == nil && a.Type == ledger.ActRotate {
			return true
		}
	}
	return false
}

func readBlock(ctx context.Context, s worm.Reader, n uint64) (*ledger.Block, []byte, error) {
	key := ledger.BlockKey(record.Control, n)
	raw, _, err := s.Get(ctx, key)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := ledger.DecodeBlock(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", key, err)
	}
	return b, raw, nil
}

// Open reads control and stands ready to write behind its head. Close ends it.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	v, chain, last, err := read(ctx, cfg.Locked, cfg.Publish, cfg.Signer)
	if err != nil {
		return nil, err
	}
	keys, err := v.Verifier()
	if err != nil {
		return nil, err
	}
	pub, err := lane.OpenPublication(ctx, cfg.Publish, cfg.Locked, record.Control, keys)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(cfg)
	if err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, seal: w, queue: make(chan *request), quit: make(chan struct{}), done: make(chan struct{}), chain: chain, last: last, view: v, pub: pub, writer: cfg.Writer}
	l.ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	if err := l.follow(ctx, last); err == nil {
		l.publishOrReport(ctx, true)
	} else {
		cfg.Report("publish control", err)
	}
	go l.commitGroups()
	return l, nil
}

// closeWait is how long Close waits for acts under way when the store does not
// answer.
const closeWait = 20 * time.Second

// Close takes no more acts and waits for those under way, within a bound: acts
// that the store has not confirmed by then may be in the ledger or not.
func (l *Log) Close() {
	close(l.quit)
	t := time.AfterFunc(closeWait, l.stop)
	<-l.done
	t.Stop()
	l.stop()
}

// ErrClosed is returned for an act after Close.
var ErrClosed = errors.New("control is closed")

// View calls fn with the acts' sum at the head this writer knows. fn must not
// keep it.
func (l *Log) View(fn func(*View)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn(l.view)
}

// Size is the number of blocks this writer knows.
func (l *Log) Size() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.chain.Size()
}

// Start enters the start act of this process, and makes later entries name it.
// It returns the act's hash, for the entries of the other lanes.
func (l *Log) Start(ctx context.Context, start ledger.Start, actor string) (ledger.Hash, error) {
	refs, err := l.Commit(ctx, Draft{Act: ledger.Act{Type: ledger.ActStart, Actor: actor, Start: &start}})
	if err != nil {
		return ledger.Hash{}, err
	}
	b, _, err := readBlock(ctx, l.cfg.Locked, refs[0].Block)
	if err != nil {
		return ledger.Hash{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writer = ledger.Sum(b.Events[refs[0].Event])
	return l.writer, nil
}

// Commit enters acts and returns their places when they are durable. All of one
// call stand in one block, or none where a Judge refuses one. Acts of several
// callers that wait at the same time share a block. A ctx that ends leaves the
// outcome unknown.
func (l *Log) Commit(ctx context.Context, drafts ...Draft) ([]ledger.ActRef, error) {
	r := &request{drafts: drafts, ready: make(chan struct{})}
	select {
	case l.queue <- r:
	case <-l.quit:
		return nil, fmt.Errorf("commit act: %w", ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("commit act: %w", context.Cause(ctx))
	}
	select {
	case <-r.ready:
		return r.refs, r.err
	case <-ctx.Done():
		return nil, fmt.Errorf("commit act: %w", context.Cause(ctx))
	}
}

func (l *Log) commitGroups() {
	defer close(l.done)
	tick := time.NewTicker(publishEvery)
	defer tick.Stop()
	for {
		select {
		case first := <-l.queue:
			group := l.gather(first)
			l.commitGroup(l.ctx, group)
			for _, r := range group {
				close(r.ready)
			}
		case <-tick.C:
			l.publishOrReport(l.ctx, false)
		case <-l.quit:
			l.publishOrReport(l.ctx, true)
			return
		}
	}
}

// publishEvery is how old control's live checkpoint may grow: each one stores a
// partial tile and bundle that are kept.
const publishEvery = 2 * time.Second

// Publish makes control's head the live checkpoint now.
func (l *Log) Publish(ctx context.Context) error {
	l.pubMu.Lock()
	defer l.pubMu.Unlock()
	l.published = l.cfg.Now()
	return l.pub.Publish(ctx)
}

func (l *Log) publishOrReport(ctx context.Context, now bool) {
	l.pubMu.Lock()
	due := now || l.cfg.Now().Sub(l.published) >= publishEvery
	l.pubMu.Unlock()
	if !due {
		return
	}
	if err := l.Publish(ctx); err != nil {
		l.cfg.Report("publish control", err)
	}
}

// gather takes what else waits, up to the size of a group.
func (l *Log) gather(first *request) []*request {
	group, size := []*request{first}, len(first.drafts)
	for size < groupLimit {
		select {
		case r := <-l.queue:
			group, size = append(group, r), size+len(r.drafts)
		default:
			return group
		}
	}
	return group
}

// commitGroup commits the acts of a group behind the head, wherever that is by
// then. Requests whose Judge refuses get its error and drop out.
func (l *Log) commitGroup(ctx context.Context, group []*request) {
	for {
		var live []*request
		for _, r := range group {
			if r.err == nil {
				if r.err = judge(r, l.view); r.err == nil {
					live = append(live, r)
				}
			}
		}
		if len(live) == 0 {
			return
		}
		err := l.commitAt(ctx, live)
		if errors.Is(err, lane.ErrFenced) {
			err = l.catchUp(ctx)
			if err == nil {
				continue
			}
		}
		for _, r := range live {
			r.err = err
		}
		return
	}
}

func judge(r *request, v *View) error {
	for _, d := range r.drafts {
		if d.Judge != nil {
			if err := d.Judge(v); err != nil {
				return err
			}
		}
	}
	return nil
}

// catchUp reads the blocks others wrote.
func (l *Log) catchUp(ctx context.Context) error {
	for n := l.chain.Size(); ; n++ {
		b, raw, err := readBlock(ctx, l.cfg.Locked, n)
		if errors.Is(err, worm.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := l.advance(b, raw, n); err != nil {
			return err
		}
	}
}

func (l *Log) advance(b *ledger.Block, raw []byte, n uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.view.apply(b); err != nil {
		return err
	}
	chain, err := follow(l.chain, l.view, l.cfg.Signer, b, raw, n)
	if err != nil {
		return err
	}
	l.chain, l.last = chain, b
	return nil
}

func nonce() string {
	var b [6]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
