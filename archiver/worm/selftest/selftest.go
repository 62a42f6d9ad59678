// Package selftest proves, by trying, that a store keeps what package worm
// promises: it refuses to delete, shorten, overwrite and hide what is locked. It
// runs when an archiver starts and daily; its result is a signed event of the
// ledger, and a store that fails it is not written to.
//
// It tries with the credentials at hand. That an archiver without the right to
// delete is refused proves little about the lock; 'waxseal store check' repeats it
// with the keeper's.
package selftest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Prober is a locked store that can be asked for what the contract forbids. Each
// method asks the store itself, without looking first; an error is its refusal.
type Prober interface {
	worm.Store
	// TryDelete removes the object's version, with every bypass there is.
	TryDelete(ctx context.Context, key string) error
	// TryShorten sets an earlier retention, or lifts it (zero).
	TryShorten(ctx context.Context, key string, until time.Time) error
	// TryOverwrite writes without any condition. It may add a version: what counts is
	// that the object stays what it was.
	TryOverwrite(ctx context.Context, key string, body []byte) error
	// TryHide deletes without naming a version.
	TryHide(ctx context.Context, key string) error
	// TryHold sets or clears a legal hold, ErrNotAllowed where the credentials forbid it.
	TryHold(ctx context.Context, key string, on bool) error
	// Cleanup removes what can be removed under a prefix; it is no part of the test.
	Cleanup(ctx context.Context, prefix string)
}

// ErrNotAllowed says that the credentials at hand may not do a thing, so that
// whether the store would is not known.
var ErrNotAllowed = errors.New("credentials do not allow it")

// ErrBroken says that a store breaks a promise. The text names it.
var ErrBroken = errors.New("store breaks a promise")

// Result is what was tried.
type Result struct {
	Checks []Check
}

// Check is one promise.
type Check struct {
	Name string // a word
	Err  error  // ErrBroken: broken. ErrNotAllowed: not tried
}

// OK says that no promise is broken.
func (r *Result) OK() bool { return r.Err() == nil }

// Err joins what is broken.
func (r *Result) Err() error {
	var errs []error
	for _, c := range r.Checks {
		if c.Err != nil && !errors.Is(c.Err, ErrNotAllowed) {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, c.Err))
		}
	}
	return errors.Join(errs...)
}

// Words lists the checks as the ledger enters them: a broken one with ! before it,
// one that was not tried with ?.
func (r *Result) Words() []string {
	var words []string
	for _, c := range r.Checks {
		switch {
		case c.Err == nil:
			words = append(words, c.Name)
		case errors.Is(c.Err, ErrNotAllowed):
			words = append(words, "?"+c.Name)
		default:
			words = append(words, "!"+c.Name)
		}
	}
	return words
}

// Prefix is where probes are written. Nothing of an archive stands there.
const Prefix = "selftest/"

// How long probes are locked: long enough to try, short enough to be thrown away.
const (
	locked = time.Minute
	brief  = 3 * time.Second
)

// trial is one run.
type trial struct {
	s      Prober
	prefix string
	now    time.Time
	sleep  func(context.Context, time.Duration) error
}

// Run tries everything. An error says that the store could not be asked: then
// nothing is known. sleep waits for a brief lock to lapse.
func Run(ctx context.Context, s Prober, sleep func(context.Context, time.Duration) error) (*Result, error) {
	var id [8]byte
	rand.Read(id[:])
	now, err := s.Now(ctx)
	if err != nil {
		return nil, fmt.Errorf("self-test of the store: %w", err)
	}
	t := &trial{s: s, prefix: Prefix + hex.EncodeToString(id[:]) + "/", now: now, sleep: sleep}
	defer s.Cleanup(context.WithoutCancel(ctx), t.prefix)
	r := &Result{}
	for _, c := range []struct {
		name string
		try  func(context.Context) error
	}{
		{"create_only", t.createOnly}, {"one_winner", t.oneWinner}, {"checksum", t.checksum}, {"states_lock", t.statesLock},
		{"delete", t.delete}, {"shorten", t.shorten}, {"overwrite", t.overwrite}, {"hide", t.hide}, {"hold", t.hold}, {"hold_after_lapse", t.holdAfterLapse},
	} {
		err := c.try(ctx)
		if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrNotAllowed) {
			return nil, fmt.Errorf("self-test of the store: %s: %w", c.name, err)
		}
		r.Checks = append(r.Checks, Check{c.name, err})
	}
	return r, nil
}

func broken(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, ErrBroken)...)
}

// put writes a probe, locked for d, and gives its key.
func (t *trial) put(ctx context.Context, name string, d time.Duration, hold bool) (string, error) {
	key := t.prefix + name
	body := []byte(key)
	_, err := t.s.Put(ctx, key, body, sha256.Sum256(body), worm.Lock{RetainUntil: t.now.Add(d), Hold: hold})
	return key, err
}

// stands checks that a probe is what was written, and protected.
func (t *trial) stands(ctx context.Context, key, after string) error {
	body, info, err := t.s.Get(ctx, key)
	switch {
	case errors.Is(err, worm.ErrNotFound):
		return broken("after %s a locked object is gone", after)
	case err != nil:
		return err
	case string(body) != key:
		return broken("after %s a locked object has other bytes", after)
	case info.Lock.RetainUntil.Before(t.now.Add(locked)):
		return broken("after %s a locked object is stated to be locked for less", after)
	}
	return nil
}

// asked judges what the store said to something forbidden: a refusal, or the
// object standing as it was.
func (t *trial) asked(ctx context.Context, key, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if stands := t.stands(ctx, key, what); stands != nil {
		return stands
	}
	if errors.Is(err, ErrNotAllowed) {
		return err
	}
	return nil
}

func (t *trial) createOnly(ctx context.Context) error {
	key, err := t.put(ctx, "create", locked, false)
	if err != nil {
		return err
	}
	other := []byte("other")
	_, err = t.s.Put(ctx, key, other, sha256.Sum256(other), worm.Lock{RetainUntil: t.now.Add(locked)})
	if err == nil {
		return broken("an object was created twice")
	}
	if !errors.Is(err, worm.ErrExists) {
		return err
	}
	return t.stands(ctx, key, "a second creation")
}

func (t *trial) oneWinner(ctx context.Context) error {
	const writers = 8
	for round := range 3 {
		key := fmt.Sprintf("%srace-%d", t.prefix, round)
		var won atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		errs := make([]error, writers)
		for i := range writers {
			wg.Go(func() {
				body := []byte(strings.Repeat(string(rune('a'+i)), 1000))
				_, err := t.s.Put(ctx, key, body, sha256.Sum256(body), worm.Lock{RetainUntil: t.now.Add(brief)})
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(body)
				case !errors.Is(err, worm.ErrExists):
					errs[i] = err
				}
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil && won.Load() < 2 {
			return err
		}
		if won.Load() != 1 {
			return broken("%d of %d writers that raced for one key were told that they won", won.Load(), writers)
		}
		body, _, err := t.s.Get(ctx, key)
		if err != nil {
			return err
		}
		if !bytes.Equal(body, winner.Load().([]byte)) {
			return broken("who was told that it won a race did not")
		}
	}
	return nil
}

func (t *trial) checksum(ctx context.Context) error {
	key := t.prefix + "checksum"
	_, err := t.s.Put(ctx, key, []byte("bytes"), sha256.Sum256([]byte("others")), worm.Lock{})
	if err == nil {
		return broken("bytes were taken that are not those of their checksum")
	}
	if !errors.Is(err, worm.ErrSum) {
		return err
	}
	return nil
}

func (t *trial) statesLock(ctx context.Context) error {
	key, err := t.put(ctx, "states", locked, false)
	if err != nil {
		return err
	}
	info, err := t.s.Head(ctx, key)
	if err != nil {
		return err
	}
	if !info.Lock.RetainUntil.Equal(worm.WholeSecond(t.now.Add(locked))) {
		return broken("a lock is not stated as it was asked for")
	}
	return nil
}

func (t *trial) delete(ctx context.Context) error {
	key, err := t.put(ctx, "delete", locked, false)
	if err != nil {
		return err
	}
	return t.asked(ctx, key, "a deletion", t.s.TryDelete(ctx, key))
}

func (t *trial) shorten(ctx context.Context) error {
	key, err := t.put(ctx, "shorten", locked, false)
	if err != nil {
		return err
	}
	var refused error
	for _, until := range []time.Time{t.now.Add(locked / 2), {}} {
		err := t.s.TryShorten(ctx, key, until)
		if errors.Is(err, ErrNotAllowed) {
			refused = err
		}
		if err := t.asked(ctx, key, "a shortening", nil); err != nil {
			return err
		}
	}
	return refused
}

func (t *trial) overwrite(ctx context.Context) error {
	key, err := t.put(ctx, "overwrite", locked, false)
	if err != nil {
		return err
	}
	return t.asked(ctx, key, "an overwrite", t.s.TryOverwrite(ctx, key, []byte("other")))
}

// hide deletes without a version: what is there must still be read, and its key
// must still be taken.
func (t *trial) hide(ctx context.Context) error {
	key, err := t.put(ctx, "hide", locked, false)
	if err != nil {
		return err
	}
	verdict := t.asked(ctx, key, "a plain deletion", t.s.TryHide(ctx, key))
	if errors.Is(verdict, ErrBroken) {
		return verdict
	}
	other := []byte("other")
	_, err = t.s.Put(ctx, key, other, sha256.Sum256(other), worm.Lock{RetainUntil: t.now.Add(locked)})
	if err == nil {
		return broken("a key whose object was hidden could be taken again")
	}
	if !errors.Is(err, worm.ErrExists) {
		return err
	}
	return verdict
}

// hold: a hold forbids deletion where there is no retention at all.
func (t *trial) hold(ctx context.Context) error {
	key := t.prefix + "hold"
	body := []byte(key)
	_, err := t.s.Put(ctx, key, body, sha256.Sum256(body), worm.Lock{Hold: true})
	if err != nil {
		return err
	}
	return t.held(ctx, key, "although it was held")
}

// holdAfterLapse: a hold goes on when retention ends.
func (t *trial) holdAfterLapse(ctx context.Context) error {
	now, err := t.s.Now(ctx)
	if err != nil {
		return err
	}
	key := t.prefix + "lapse"
	body := []byte(key)
	if _, err := t.s.Put(ctx, key, body, sha256.Sum256(body), worm.Lock{RetainUntil: now.Add(brief), Hold: true}); err != nil {
		return err
	}
	if err := t.sleep(ctx, brief+2*time.Second); err != nil { // clocks are exact to a second
		return err
	}
	return t.held(ctx, key, "when its retention ended, although it was held")
}

func (t *trial) held(ctx context.Context, key, when string) error {
	asked := t.s.TryDelete(ctx, key)
	_, err := t.s.Head(ctx, key)
	switch {
	case errors.Is(err, worm.ErrNotFound):
		return broken("an object could be deleted %s", when)
	case err != nil:
		return err
	}
	if err := t.s.TryHold(ctx, key, false); err != nil && !errors.Is(err, ErrNotAllowed) {
		return err
	}
	if errors.Is(asked, ErrNotAllowed) {
		return asked
	}
	return nil
}
