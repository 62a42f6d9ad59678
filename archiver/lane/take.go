package lane

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// ErrUnassigned says that the lane was given to another while it was being taken.
var ErrUnassigned = errors.New("lane is no longer assigned to this process")

// ErrCut says that a checkpoint of ours proves blocks that the store no longer
// has. Writing on would make another history: somebody has to look first.
var ErrCut = errors.New("blocks are missing at the lane's end")

// Taking says how a lane is taken.
type Taking struct {
	Keys      *ledger.Verifier                            // whose blocks are ours, where KeysAt is nil
	KeysAt    func(size uint64) (*ledger.Verifier, error) // whose checkpoint of that size is ours, after a rotation
	Hint      uint64                                      // size of the live checkpoint, 0 unknown
	Topics    []string                                    // of the lane: one that no entry knows starts at offset 0
	Assigned  func() bool                                 // whether the lane is still ours to take
	Oddity    func(v worm.Version)                        // told of newer versions and delete markers met on the way
	Partition int32
}

// Take finds the lane's head and commits an empty block behind it, so that from
// here on every number belongs to this writer alone. Rows start anew at that
// block. It goes on trying while Assigned says so.
func Take(ctx context.Context, cfg Config, t Taking) (*Lane, error) {
	for {
		l, err := open(ctx, cfg, t)
		if err != nil {
			return nil, err
		}
		if err := l.mayWrite(t); err != nil {
			return nil, err
		}
		now, err := cfg.Clock(ctx)
		if err != nil {
			return nil, err
		}
		head := l.Head()
		e := ledger.Entry{
			Time: now.UTC().Format(ledger.TimeFormat), Writer: cfg.Writer, Takeover: true, RowsFrom: l.Next(),
			Published: head.Published, Source: carrySources(head.Source, t), Policy: head.Policy, Snapshot: head.Snapshot,
		}
		_, err = l.commit(ctx, &e, nil, nil)
		switch {
		case err == nil:
			return l, nil
		case !errors.Is(err, ErrFenced):
			return nil, err
		case !t.Assigned():
			return nil, fmt.Errorf("take lane %s: %w", cfg.Lane, ErrUnassigned)
		}
		cfg.Report("take lane "+string(cfg.Lane), err)
		t.Hint = l.Size()
	}
}

// mayWrite says whether what this writer signs counts behind the lane's head: its
// key may have been replaced meanwhile.
func (l *Lane) mayWrite(t Taking) error {
	if t.KeysAt == nil {
		return nil
	}
	keys, err := t.KeysAt(l.Next() + 1)
	if err != nil {
		return err
	}
	signed, err := l.cfg.Signer.Checkpoint(l.cfg.Lane, 1, ledger.EmptyRoot())
	if err != nil {
		return err
	}
	if _, err := keys.Open(l.cfg.Lane, signed); err != nil {
		return fmt.Errorf("lane %s: our signing key does not count any more: %w", l.cfg.Lane, ErrForeign)
	}
	return nil
}

// carrySources restates the positions of a lane, each topic with no record.
func carrySources(head []ledger.Source, t Taking) []ledger.Source {
	out := make([]ledger.Source, 0, len(t.Topics))
	known := map[string]bool{}
	for _, s := range head {
		known[s.Topic] = true
		s.First, s.Records, s.Gaps = s.Next, 0, nil
		out = append(out, s)
	}
	for _, topic := range t.Topics {
		if !known[topic] {
			out = append(out, ledger.Source{Topic: topic, Era: 1, Partition: t.Partition, Epoch: -1})
		}
	}
	return out
}

// open reads the lane's head.
func open(ctx context.Context, cfg Config, t Taking) (*Lane, error) {
	n, found, err := findHead(ctx, cfg, cfg.Locked, t)
	if err != nil {
		return nil, fmt.Errorf("find head of lane %s: %w", cfg.Lane, err)
	}
	if size := headSize(n, found); size < t.Hint {
		return nil, fmt.Errorf("lane %s has %d blocks, its signed checkpoint says %d: %w", cfg.Lane, size, t.Hint, ErrCut)
	}
	if !found {
		return &Lane{cfg: cfg, chain: ledger.NewChain(cfg.Lane, cfg.Signer)}, nil
	}
	var block []byte
	key := ledger.BlockKey(cfg.Lane, n)
	err = cfg.retry(ctx, "read "+key, func() (bool, error) {
		var err error
		block, _, err = cfg.Locked.Get(ctx, key)
		return err == nil, err
	})
	if err != nil {
		return nil, err
	}
	keys := t.Keys
	if t.KeysAt != nil {
		if keys, err = t.KeysAt(n + 1); err != nil {
			return nil, err
		}
	}
	chain, b, err := ledger.ResumeChain(cfg.Lane, cfg.Signer, keys, block)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", key, ErrForeign), err)
	}
	return &Lane{cfg: cfg, chain: chain, last: b}, nil
}

func headSize(n uint64, found bool) uint64 {
	if !found {
		return 0
	}
	return n + 1
}

// findHead gives the number of the lane's last block. The oldest version of a
// key is the object, so a delete marker hides nothing here: a listing of
// versions shows what a plain listing and a create-only PUT do not.
func findHead(ctx context.Context, cfg Config, locked worm.Reader, t Taking) (n uint64, found bool, err error) {
	from := ""
	if t.Hint > 1 {
		from = ledger.BlockKey(cfg.Lane, t.Hint-2) // the block of the hint must show
	}
	for {
		n, found, err = lastBlock(ctx, cfg, locked, from, t.Oddity)
		if err != nil || found || from == "" {
			return n, found, err
		}
		from = "" // the hint was wrong: look at everything
	}
}

func lastBlock(ctx context.Context, cfg Config, locked worm.Reader, from string, oddity func(worm.Version)) (n uint64, found bool, err error) {
	prefix := ledger.BlockPrefix(cfg.Lane)
	err = cfg.retry(ctx, "list "+prefix, func() (bool, error) {
		n, found = 0, false
		err := locked.List(ctx, prefix, from, func(v worm.Version) error {
			m, ok := ledger.ParseBlockKey(cfg.Lane, v.Key)
			if !ok {
				return nil
			}
			if v.DeleteMarker || (found && m == n) {
				oddity(v)
			}
			if !v.DeleteMarker {
				n, found = m, true
			}
			return nil
		})
		return err == nil, err
	})
	return n, found, err
}

// ReadBlock reads block n of a lane.
func ReadBlock(ctx context.Context, s worm.Reader, l record.Lane, n uint64) (*ledger.Block, error) {
	key := ledger.BlockKey(l, n)
	body, _, err := s.Get(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := ledger.DecodeBlock(body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return b, nil
}

// ReadNamed reads an object that an entry names and checks it against its hash.
func ReadNamed(ctx context.Context, s worm.Reader, o ledger.Object) ([]byte, error) {
	body, _, err := s.Get(ctx, o.Key)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", o.Key, err)
	}
	if sha256.Sum256(body) != o.SHA256 {
		return nil, fmt.Errorf("read %s: bytes are not what the entry names: %w", o.Key, worm.ErrDamaged)
	}
	return body, nil
}

// Last reads a lane's last block without taking the lane; nil where the lane has
// none. hint is the size of its live checkpoint, 0 unknown.
func Last(ctx context.Context, s worm.Reader, l record.Lane, hint uint64) (*ledger.Block, error) {
	cfg := Config{Lane: l, Report: func(string, error) {}, Sleep: func(_ context.Context, _ time.Duration) error { return errOnce }}
	n, found, err := findHead(ctx, cfg, s, Taking{Hint: hint, Oddity: func(worm.Version) {}})
	if err != nil || !found {
		return nil, err
	}
	return ReadBlock(ctx, s, l, n)
}

// errOnce ends a retry: who only looks does not wait for a store.
var errOnce = errors.New("store does not answer")
