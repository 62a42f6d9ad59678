package lane

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// ErrFenced says that another writer owns the lane: under a key of ours stands
// what we did not write. The lane stops; nothing was overwritten.
var ErrFenced = errors.New("fenced: another writer has this lane")

// Backoff is how long to wait before attempt n (from 0) of a request whose
// outcome is unknown: 50 ms doubling to 5 s, with jitter. Requests are retried
// until they succeed, the lane is fenced or the context ends.
func Backoff(n int) time.Duration {
	d := 50 * time.Millisecond << min(n, 7)
	d = min(d, 5*time.Second)
	return d/2 + rand.N(d/2+1)
}

// retry calls try until it returns done, waiting between attempts. Each error
// is told to report, which must not carry it further.
func (c *Config) retry(ctx context.Context, what string, try func() (done bool, err error)) error {
	for n := 0; ; n++ {
		done, err := try()
		if done {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		}
		c.Report(what, err)
		if err := c.Sleep(ctx, Backoff(n)); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// putObject stores a create-only object and returns only when it is certain
// that exactly these bytes stand under key. Bytes of another under the key are
// ErrFenced.
func (c *Config) putObject(ctx context.Context, s worm.Store, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) error {
	return c.retry(ctx, "put "+key, func() (bool, error) {
		_, err := s.Put(ctx, key, body, sum, lock)
		if permanent(err) {
			return true, err
		}
		have, lookErr := c.lookObject(ctx, s, key, body, sum, lock)
		switch {
		case lookErr == nil && have:
			return true, nil
		case errors.Is(lookErr, ErrFenced):
			return true, lookErr
		case lookErr != nil:
			return false, lookErr
		case err == nil:
			return false, fmt.Errorf("stored, then not there: %w", worm.ErrNotFound)
		default:
			return false, err
		}
	})
}

// lookObject reads back by HEAD whether key holds exactly body. A store that
// does not know checksums is read in full.
func (c *Config) lookObject(ctx context.Context, s worm.Store, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (bool, error) {
	info, err := s.Head(ctx, key)
	if errors.Is(err, worm.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.SHA256 == ([sha256.Size]byte{}) {
		got, _, err := s.Get(ctx, key)
		if err != nil {
			return false, err
		}
		info.SHA256, info.Size = sha256.Sum256(got), int64(len(got))
	}
	if info.SHA256 != sum || info.Size != int64(len(body)) {
		return false, fmt.Errorf("%s holds another object: %w", key, ErrFenced)
	}
	if info.Lock.RetainUntil.Before(lock.RetainUntil) {
		return false, fmt.Errorf("%s is locked to %s, asked for %s: %w", key, info.Lock.RetainUntil.Format(time.RFC3339), lock.RetainUntil.Format(time.RFC3339), worm.ErrDamaged)
	}
	return true, nil
}

// PutBlock is the commit. It returns nil when exactly these bytes are block n,
// ErrFenced when another's are, and any other error only when the context ends:
// then the outcome is unknown and the lane must be taken anew.
func (c *Config) PutBlock(ctx context.Context, n uint64, body []byte) error {
	key, sum := ledger.BlockKey(c.Lane, n), sha256.Sum256(body)
	lock := worm.Lock{RetainUntil: c.Horizon(c.Now())}
	return c.retry(ctx, "commit "+key, func() (bool, error) {
		_, err := c.Locked.Put(ctx, key, body, sum, lock)
		if err == nil || permanent(err) {
			return true, err
		}
		got, _, lookErr := c.Locked.Get(ctx, key)
		switch {
		case lookErr == nil && bytes.Equal(got, body):
			return true, nil // it was stored after all
		case lookErr == nil:
			return true, fmt.Errorf("%s: %w", key, ErrFenced)
		case errors.Is(lookErr, worm.ErrNotFound):
			return false, err // absent, also after ErrExists: the same bytes again
		default:
			return false, errors.Join(err, lookErr)
		}
	})
}

// permanent says that the same request can never succeed: its lock date has
// passed while the store was away, or the request itself is wrong. The lane is
// dropped and what it held is sealed again with new dates.
func permanent(err error) bool {
	return errors.Is(err, worm.ErrPast) || errors.Is(err, worm.ErrKey) || errors.Is(err, worm.ErrNoLocks)
}
