package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Store is what verification needs of a store. worm.Store has it; so has any
// copy of an archive. Its methods are called from several goroutines at once.
type Store interface {
	Get(ctx context.Context, key string) ([]byte, worm.Info, error)
	ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error)
	Head(ctx context.Context, key string) (worm.Info, error)
	List(ctx context.Context, prefix, startAfter string, fn func(worm.Version) error) error
}

// Config says what to verify, and against what.
type Config struct {
	Locked, Meta, Spare Store

	// RowHashes takes the clear part of a key box apart: the hash of every row
	// it was made with, and which of them are removed. Needed.
	RowHashes func(box []byte) (rows []ledger.Hash, removed []bool, err error)

	// Fingerprint is the archive's, from elsewhere. nil: integrity only.
	Fingerprint *ledger.Hash
	// Trusted are signed checkpoints of this archive from elsewhere: each lane
	// must reach that size with that root.
	Trusted [][]byte
	// Opener opens what is sealed. nil: plain verification.
	Opener Opener
	// NoLocks says that this is a copy in stores without locks.
	NoLocks bool

	Workers     int           // goroutines that read sealed objects; 0 is 2
	MaxFindings int           // kept in the report, of each class; 0 is 1,000
	Found       func(Finding) // told every finding at once, one at a time; may be nil
}

// The stores, as findings name them.
const (
	locked = iota
	meta
	spare
	stores
)

var storeNames = [stores]string{"locked", "meta", "spare"}

// verifier is one run.
type verifier struct {
	cfg   Config
	store [stores]Store
	auth  *authority
	walks map[record.Lane]*walk
	limit map[record.Lane]uint64 // size of each lane when the run began
	lost  map[place]bool         // keys of blocks that say nothing that counts
	pool  *pool
	parts sync.Pool // *[partSize]byte, for workers

	boxMu    sync.Mutex // guards boxCache
	boxCache map[string][]ledger.Box

	mu     sync.Mutex // guards the rest, which workers write to
	report Report
	doubts []doubt
	sure   bool // doubts are settled: from here on what is missing is missing
}

// Run verifies the archive. It goes on after every finding; the error is only
// that of an ended context or of an incomplete Config.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Locked == nil || cfg.Meta == nil || cfg.Spare == nil || cfg.RowHashes == nil {
		return nil, errors.New("verify: three stores and RowHashes are needed")
	}
	if cfg.Workers == 0 {
		cfg.Workers = 2
	}
	if cfg.MaxFindings == 0 {
		cfg.MaxFindings = 1000
	}
	v := &verifier{
		cfg: cfg, store: [stores]Store{cfg.Locked, cfg.Meta, cfg.Spare},
		walks: map[record.Lane]*walk{}, limit: map[record.Lane]uint64{}, lost: map[place]bool{}, boxCache: map[string][]ledger.Box{},
	}
	v.report.IntegrityOnly, v.report.LocksSkipped, v.report.Deep = cfg.Fingerprint == nil, cfg.NoLocks, cfg.Opener != nil
	v.auth = newAuthority(v)
	v.pool = newPool(cfg.Workers)
	v.all(ctx)
	v.pool.close()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("verify: %w", context.Cause(ctx))
	}
	v.report.finish()
	return &v.report, nil
}

// all is the order of a run. Sizes are taken before the control lane is read,
// so that every act a block rests on has been read when the block is; control
// then drives the lanes from sealed head to sealed head, so that no list of
// heads is kept.
func (v *verifier) all(ctx context.Context) {
	v.discover(ctx)
	v.auth.extend(ctx)
	v.auth.judgeGenesis(v.cfg.Fingerprint)
	v.trusted()
	control := v.lane(ctx, record.Control)
	control.advance(ctx, v.auth.size)
	for _, lane := range v.lanes() {
		v.lane(ctx, lane).finish(ctx)
	}
	v.judgeDoubts(ctx)
	v.limit[record.Control] = v.auth.size // acts that came meanwhile and were rested on
	control.finish(ctx)
	v.auth.finish()
	v.foreign(ctx)
}

// lanes lists the known lanes, each life after the one before.
func (v *verifier) lanes() []record.Lane {
	var out []record.Lane
	for lane := range v.limit {
		if lane != record.Control {
			out = append(out, lane)
		}
	}
	slices.Sort(out)
	return out
}

// lane gives the walk of a lane, at its start if it is new.
func (v *verifier) lane(ctx context.Context, lane record.Lane) *walk {
	w, ok := v.walks[lane]
	if !ok {
		w = newWalk(v, lane)
		v.walks[lane] = w
		w.begin(ctx)
	}
	return w
}

// trusted hands the given checkpoints to their lanes.
func (v *verifier) trusted() {
	for i, signed := range v.cfg.Trusted {
		cp, lane, ok := v.auth.open(signed)
		if !ok {
			v.find(Finding{Class: Failure, Code: CodeSignature, Sentence: fmt.Sprintf("The given checkpoint %d is not signed by a key of this archive.", i)})
			continue
		}
		v.auth.trusted[lane] = append(v.auth.trusted[lane], cp)
		if _, known := v.limit[lane]; !known {
			v.limit[lane] = 0
		}
	}
	for _, list := range v.auth.trusted {
		slices.SortFunc(list, func(a, b ledger.Checkpoint) int { return int(int64(a.Size) - int64(b.Size)) })
	}
}

// find adds a finding. Safe for concurrent use.
func (v *verifier) find(f Finding) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.add(f, v.cfg.MaxFindings)
	if v.cfg.Found != nil {
		v.cfg.Found(f)
	}
}

// count changes the report's figures. Safe for concurrent use.
func (v *verifier) count(fn func(*Report)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	fn(&v.report)
}

// pool runs jobs on a few goroutines, so that reading and hashing sealed bytes
// goes on beside the walk. Its queue is short: memory stays flat.
type pool struct {
	jobs chan func()
	open sync.WaitGroup // jobs
	wg   sync.WaitGroup // goroutines
}

func newPool(workers int) *pool {
	p := &pool{jobs: make(chan func(), 2*workers)}
	for range workers {
		p.wg.Go(func() {
			for job := range p.jobs {
				job()
				p.open.Done()
			}
		})
	}
	return p
}

func (p *pool) submit(job func()) {
	p.open.Add(1)
	p.jobs <- job
}

// drain waits until every submitted job is done.
func (p *pool) drain() { p.open.Wait() }

func (p *pool) close() {
	close(p.jobs)
	p.wg.Wait()
}
