package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/gofrs/flock"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// node is the writing side of an archive in this process: it holds the data
// folder, and nobody else writes to it while it lives.
type node struct {
	env     Env
	set     *Settings
	lock    *flock.Flock
	ring    *keyring.Ring
	ingest  *keyring.Ingest
	locked  worm.Store
	meta    worm.Meta
	spare   worm.Meta
	policy  *policy.Engine
	signer  *ledger.Signer
	keys    *ledger.Verifier
	control *control.Log
	mode    archiver.Mode
	writer  ledger.Hash // of our start act; zero before start
	closers []io.Closer
}

// errBusy says that another process holds the data folder.
var errBusy = errors.New("another waxseal process works on this data folder")

const lockWait = 300 * time.Millisecond

// lockData takes the data folder for this process.
func lockData(set *Settings) (*flock.Flock, error) {
	if err := os.MkdirAll(set.Data, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	l := flock.New(filepath.Join(set.Data, "lock"))
	// Who only asks whether the folder is held holds it for a moment too.
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	ok, err := l.TryLockContext(ctx, 20*time.Millisecond)
	if errors.Is(err, context.DeadlineExceeded) || err == nil && !ok {
		return nil, errBusy
	}
	if err != nil {
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	return l, nil
}

// openNode opens the archive for writing. With create, what is not there yet is
// made: keys, stores, genesis. Otherwise a folder without an archive is
// control.ErrNone.
func openNode(ctx context.Context, env Env, create bool) (n *node, err error) {
	n = &node{env: env, set: env.Settings}
	if !create && n.set.vacant() {
		return nil, fmt.Errorf("%s: %w", n.set.Data, control.ErrNone)
	}
	if n.lock, err = lockData(n.set); err != nil {
		return nil, err
	}
	os.Remove(linkFile(n.set)) // left by a process that was killed: the lock is ours
	made := n
	defer func() {
		if err != nil {
			made.Close()
		}
	}()
	if create {
		if err = meant(ctx, n.set); err != nil {
			return nil, err
		}
	}
	if err = n.openKeys(ctx, create); err != nil {
		return nil, err
	}
	if err = n.openStores(ctx, create); err != nil {
		return nil, err
	}
	if n.policy, err = loadPolicy(ctx, n.set); err != nil {
		return nil, err
	}
	if err = n.openControl(ctx, create); err != nil {
		return nil, err
	}
	return n, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (n *node) openKeys(ctx context.Context, create bool) (err error) {
	n.ring, err = keyring.Open(n.set.Keys())
	if errors.Is(err, keyring.ErrNone) && create {
		if err := n.fresh(ctx); err != nil {
			return err
		}
		n.ring, err = keyring.Create(n.set.Keys(), keyring.Options{
			Classic: n.set.Classic, Recipients: n.set.Recipients, Passphrase: n.set.Passphrase, WorkFactor: n.set.Scrypt, Now: time.Now(),
		})
	}
	if errors.Is(err, keyring.ErrRecipient) || errors.Is(err, keyring.ErrMixed) {
		return fmt.Errorf("%w: %w", err, ErrUsage)
	}
	if err != nil {
		return err
	}
	n.ingest, err = n.ring.Ingest()
	return err
}

// fresh refuses to make keys where an archive is already: new keys cannot continue it.
func (n *node) fresh(ctx context.Context) error {
	p := n.set.place(storeLocked)
	there := p.bucket == nil && exists(filepath.Join(p.folder, "lanes"))
	if p.bucket != nil {
		var err error
		if there, err = p.founded(ctx); err != nil {
			return fmt.Errorf("open locked store: %w", err)
		}
	}
	if there {
		return fmt.Errorf("the archive in %s has lost its key folder: restore it, new keys cannot continue an archive: %w", p.text, keyring.ErrNone)
	}
	return nil
}

func (n *node) openStores(ctx context.Context, create bool) error {
	locked, err := n.set.place(storeLocked).openLocked(ctx, create, dir.Options{Immutable: n.set.Immutable})
	if err != nil {
		return fmt.Errorf("open locked store: %w", err)
	}
	n.locked, n.closers = locked, append(n.closers, closer(locked)...)
	if folder, ok := locked.(*dir.Store); ok && n.set.Immutable && !folder.Immutable() {
		n.env.Log.Warn("the kernel does not grant the immutable flag here: locked files are read-only, no more")
	}
	for _, m := range []struct {
		to   *worm.Meta
		name string
	}{{&n.meta, storeMeta}, {&n.spare, storeSpare}} {
		s, err := n.set.place(m.name).openMeta(ctx, create)
		if err != nil {
			return fmt.Errorf("open %s store: %w", m.name, err)
		}
		*m.to, n.closers = s, append(n.closers, closer(s)...)
	}
	return nil
}

// loadPolicy compiles the configured policy, or the built-in one.
func loadPolicy(ctx context.Context, set *Settings) (*policy.Engine, error) {
	fsys := policy.Builtin()
	if set.Policy != "" {
		info, err := os.Stat(set.Policy)
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		if !info.IsDir() {
			bundle, err := os.ReadFile(set.Policy)
			if err != nil {
				return nil, fmt.Errorf("policy: %w", err)
			}
			return policy.Open(ctx, bundle, policy.Options{})
		}
		fsys = os.DirFS(set.Policy)
	}
	e, err := policy.Load(ctx, fsys, policy.Options{Config: set.Rules})
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return e, nil
}

// openControl opens the lane of acts, after making the archive where there is
// none and create says so.
func (n *node) openControl(ctx context.Context, create bool) error {
	archive := n.set.Name
	n.mode = archiver.Production
	if n.set.Evaluation {
		n.mode = archiver.Evaluation
	}
	view, _, readErr := control.Read(ctx, n.locked, n.meta)
	switch {
	case readErr == nil:
		archive, n.mode = view.Genesis.Archive, archiver.Mode(view.Genesis.Mode)
		if create && isDemo(view.Genesis) != n.set.Demo {
			return notMeant(n.set, view.Genesis)
		}
		if err := n.followKey(view); err != nil {
			return err
		}
		if err := n.followToken(view); err != nil {
			return err
		}
	case !errors.Is(readErr, control.ErrNone) || !create:
		return readErr
	}
	var err error
	if n.signer, err = ledger.NewSigner(archive, n.ingest.Signing); err != nil {
		return err
	}
	if readErr != nil {
		if err := n.genesis(ctx); err != nil {
			return err
		}
	}
	if n.control, err = control.Open(ctx, n.controlConfig()); err != nil {
		return err
	}
	n.control.View(func(v *control.View) { n.keys, err = v.Verifier() })
	return err
}

// followKey makes the key that the ledger says counts the current one: a rotation
// may have been interrupted behind its act.
func (n *node) followKey(v *control.View) error {
	if v.Current.Equal(n.ingest.Signing.Public()) {
		return nil
	}
	for _, k := range n.ring.Public().Signing.Keys {
		if v.Current.Equal(ed25519.PublicKey(k.Ed25519)) {
			if err := n.ring.UseSigning(k.N); err != nil {
				return err
			}
			var err error
			n.ingest, err = n.ring.Ingest()
			return err
		}
	}
	return errors.New("no signing key in the key folder is the archive's")
}

// followToken makes the token epoch that the ledger says counts the current one.
func (n *node) followToken(v *control.View) error {
	epoch := uint32(1)
	if k := len(v.TokenEpochs); k > 0 {
		epoch = v.TokenEpochs[k-1].Epoch
	}
	if epoch == n.ingest.TokenEpoch {
		return nil
	}
	if err := n.ring.UseToken(epoch); err != nil {
		return err
	}
	var err error
	n.ingest, err = n.ring.Ingest()
	return err
}

func (n *node) controlConfig() control.Config {
	return control.Config{
		Config: lane.Config{
			Lane: record.Control, Locked: n.locked, Meta: n.meta, Spare: n.spare, Signer: n.signer, Writer: n.writer,
			Horizon: archiver.Horizon(n.mode, n.policy.Horizon), Now: time.Now, Sleep: archiver.Sleep,
			Report: func(what string, err error) { n.env.Log.Warn("store", "lane", "control", "doing", what, "err", err) },
		},
		Archive: n.signer.Archive(), Recipients: n.ingest.Audit, Publish: n.meta,
		Retention: func(now time.Time) seal.Retention { return archiver.ActRetention(n.mode, now) },
	}
}

// genesis makes the archive: its first act, which names all public keys and
// carries the keys that rebuild the index, sealed to firm and escrow.
func (n *node) genesis(ctx context.Context) error {
	pub := n.ring.Public()
	g := ledger.Genesis{
		Archive: n.set.Name, Mode: ledger.Mode(n.mode), Created: time.Now().UTC().Format(ledger.TimeFormat),
		Keys: ledger.PublicKeys{Ed25519: n.signer.Public(), MLDSA44: n.ingest.MLDSA44},
		Recipients: ledger.Recipients{
			Firm: pub.Recipients[keyring.Firm], Escrow: pub.Recipients[keyring.Escrow],
			Audit: pub.AuditRecipients(), Indexer: pub.IndexerRecipients(),
		},
	}
	for _, k := range []struct {
		to  *[]byte
		key keyring.Key
	}{{&g.Sealed.Subject, n.ingest.Subject}, {&g.Sealed.Token, n.ingest.Token}, {&g.Sealed.State, n.ingest.State}} {
		var err error
		if *k.to, err = sealTo(n.ingest.Segments, k.key[:]); err != nil {
			return fmt.Errorf("seal keys for genesis: %w", err)
		}
	}
	err := control.Create(ctx, n.controlConfig(), g, "waxseal")
	if errors.Is(err, worm.ErrExists) {
		return nil // another start was faster, or this one was answered late: Open judges it
	}
	return err
}

func sealTo(to []age.Recipient, plain []byte) ([]byte, error) {
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, to...)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // the last chunk is written here
		return nil, err
	}
	return buf.Bytes(), nil
}

// start enters the start act: who writes from here on, with what.
func (n *node) start(ctx context.Context) error {
	pub := n.ring.Public()
	lines := slices.Concat(pub.SegmentRecipients(), pub.BoxRecipients(), pub.AuditRecipients(), pub.IndexerRecipients())
	slices.Sort(lines)
	lines = slices.Compact(lines)
	now := time.Now().UTC()
	store, err := n.locked.Now(ctx)
	if err != nil {
		return fmt.Errorf("read the store's clock: %w", err)
	}
	var id [8]byte
	rand.Read(id[:])
	n.writer, err = n.control.Start(ctx, ledger.Start{
		Binary: version, Config: n.set.Hash(), Policy: n.policy.Revision(),
		Recipients: sha256.Sum256([]byte(strings.Join(lines, "\n"))),
		Clock:      now.Format(ledger.TimeFormat), StoreClock: store.UTC().Format(ledger.TimeFormat), Instance: hex.EncodeToString(id[:]),
	}, "waxseal")
	return err
}

// Close lets go of everything, in the reverse order.
func (n *node) Close() error {
	var errs []error
	if n.control != nil {
		n.control.Close()
	}
	for _, c := range slices.Backward(n.closers) {
		errs = append(errs, c.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Unlock())
	}
	return errors.Join(errs...)
}
