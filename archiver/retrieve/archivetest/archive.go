// Package archivetest makes small archives for tests, all of it real but the
// disks: an embedded broker, the archiver with the shipped policy, stores in
// memory, the control lane, and a SQLite index filled as the archiver fills it.
package archivetest

import (
	"context"
	"crypto/ed25519"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

const origin = "archive.example/test"

// Options say what archive to make.
type Options struct {
	Regulated  bool // everything has a duty, as shipped; else nothing has
	MaxRecords int  // in a block; 0: 7
}

// Archive is an archive and everything that opens it.
type Archive struct {
	Locked      *mem.Store
	Meta, Spare mem.Meta
	Log         *control.Log
	Index       index.Index // what the archiver inserted
	Topics      map[string]whatsapp.Role
	Firm        *age.X25519Identity // opens segments, boxes and genesis keys
	Indexer     *age.X25519Identity
	Policy      *policy.Engine

	Subject [32]byte
	Tokens  map[uint32][32]byte
	State   state.Key

	opts     Options
	keys     []ed25519.PrivateKey // signing keys, oldest first
	signer   *ledger.Signer
	epoch    uint32
	writer   ledger.Hash
	source   *kafka.Source
	producer *kafka.Producer

	mu  sync.Mutex // guards the clock
	now time.Time
}

var topics = []archiver.Topic{
	{Name: "wa.webhooks", Role: whatsapp.RoleWebhooks},
	{Name: "wa.sends", Role: whatsapp.RoleSends},
	{Name: "wa.consent", Role: whatsapp.RoleConsent},
	{Name: "wa.templates", Role: whatsapp.RoleTemplates},
	{Name: "wa.directory", Role: whatsapp.RoleDirectory},
	{Name: "wa.media", Role: whatsapp.RoleMedia},
}

// New makes an archive with a genesis and nothing in it. It has two lanes.
func New(t testing.TB, opts Options) *Archive {
	t.Helper()
	ctx := t.Context()
	if opts.MaxRecords == 0 {
		opts.MaxRecords = 7
	}
	a := &Archive{
		Topics: map[string]whatsapp.Role{}, opts: opts, epoch: 1, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC),
		Subject: [32]byte{1}, State: state.Key{2}, Tokens: map[uint32][32]byte{1: {3}},
		Firm: identity(t), Indexer: identity(t),
	}
	a.Locked, a.Meta, a.Spare = mem.New(a.Now), mem.NewMeta(a.Now), mem.NewMeta(a.Now)
	a.Index = OpenIndex(t)
	var err error
	config := policy.Config{DefaultProfile: "unregulated"}
	if opts.Regulated {
		config.DefaultProfile = "regulated"
	}
	a.Policy, err = policy.Load(ctx, policy.Builtin(), policy.Options{Config: config, Now: a.Now})
	must(t, err)
	a.keys = []ed25519.PrivateKey{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	a.signer, err = ledger.NewSigner(origin, a.keys[0])
	must(t, err)
	a.broker(t)
	a.genesis(t)
	a.start(t)
	return a
}

func identity(t testing.TB) *age.X25519Identity {
	id, err := age.GenerateX25519Identity()
	must(t, err)
	return id
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// OpenIndex makes an empty index.
func OpenIndex(t testing.TB) index.Index {
	x, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "index.sqlite"))
	must(t, err)
	t.Cleanup(func() { must(t, x.Close()) })
	return x
}

// broker starts the embedded broker.
func (a *Archive) broker(t testing.TB) {
	partitions := map[string]int32{}
	for _, topic := range topics {
		a.Topics[topic.Name] = topic.Role
		partitions[topic.Name] = 2
	}
	b, err := kafka.StartEmbedded(t.Context(), filepath.Join(t.TempDir(), "broker"), kafka.BrokerOptions{Topics: partitions})
	must(t, err)
	t.Cleanup(func() { must(t, b.Close()) })
	opts := kafka.Options{MaxWait: 20 * time.Millisecond}
	a.source, err = kafka.Open(t.Context(), []string{b.Addr()}, opts)
	must(t, err)
	t.Cleanup(a.source.Close)
	a.producer, err = kafka.NewProducer([]string{b.Addr()}, opts)
	must(t, err)
	t.Cleanup(a.producer.Close)
}

// Now is the archive's clock. It stands still until Pass.
func (a *Archive) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now
}

// Pass lets time pass.
func (a *Archive) Pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now = a.now.Add(d)
}

// Keys are the keys of tags and tokens, of all epochs.
func (a *Archive) Keys() *index.Keys { return index.NewKeys(a.Subject, a.Tokens) }

// Feed produces records and gives where they went.
func (a *Archive) Feed(t testing.TB, topic string, records ...*record.Record) []record.Coordinates {
	t.Helper()
	for _, r := range records {
		if r.Timestamp == 0 {
			r.Timestamp = a.Now().UnixMilli()
		}
	}
	where, err := a.producer.Produce(t.Context(), topic, records...)
	must(t, err)
	for i, r := range records {
		r.Coordinates = where[i]
	}
	return where
}

// Archive archives all that was fed. Each call takes the lanes anew, so that
// the rows of the calls before are in nobody's use.
func (a *Archive) Archive(t testing.TB) {
	t.Helper()
	keys := a.Keys()
	sealer, err := state.NewSealer(a.State, origin)
	must(t, err)
	var all *ledger.Verifier
	keysAt := func(l record.Lane, size uint64) (keys *ledger.Verifier, err error) {
		a.Log.View(func(v *control.View) { keys, err = v.VerifierAt(l, size) })
		return keys, err
	}
	a.Log.View(func(v *control.View) { all, err = v.Verifier() })
	must(t, err)
	ar, err := archiver.New(archiver.Config{
		Archive: origin, Mode: archiver.Production, Topics: topics, Source: a.source,
		Locked: a.Locked, Meta: a.Meta, Spare: a.Spare, Signer: a.signer, Keys: all, KeysAt: keysAt, Writer: a.writer,
		Recipients: []age.Recipient{a.Firm.Recipient()}, BoxRecipients: []age.Recipient{a.Firm.Recipient()},
		Indexer: []age.Recipient{a.Indexer.Recipient()}, Tags: keys, TokenEpoch: a.epoch, State: sealer, StateKey: a.State,
		Policy: a.Policy, MaxRecords: a.opts.MaxRecords, Now: a.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Committed: func(ctx context.Context, _ *ledger.Block, rows index.Encoded) {
			batch, err := rows.Batch()
			must(t, err)
			must(t, a.Index.Insert(ctx, batch))
		},
	})
	must(t, err)
	must(t, ar.Drain(t.Context()))
}

// UnsealConfig says how a reader with the firm's identity opens the archive. It
// knows the erasures up to now.
func (a *Archive) UnsealConfig() unseal.Config {
	return unseal.Config{
		Identities: []age.Identity{a.Firm}, Origin: origin, Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare,
		Boxes: retrieve.Boxes(a.Locked, a.Erased),
	}
}

// Reader opens the archive with the firm's identity.
func (a *Archive) Reader(t testing.TB) *unseal.Reader {
	t.Helper()
	r, err := unseal.New(a.UnsealConfig())
	must(t, err)
	return r
}

// Erased gives the erasure act's part about a box.
func (a *Archive) Erased(key string) (box ledger.ErasedBox, ok bool) {
	a.Log.View(func(v *control.View) { box, ok = v.Boxes[key] })
	return box, ok
}

// Boxes tells the boxes of a block as they are now, asking each time.
func (a *Archive) Boxes(ctx context.Context, l record.Lane, n uint64) ([]ledger.Box, error) {
	b, err := lane.ReadBlock(ctx, a.Locked, l, n)
	if err != nil {
		return nil, err
	}
	for i := range b.Entry.Boxes {
		for e, ok := a.Erased(b.Entry.Boxes[i].Key); ok; e, ok = a.Erased(b.Entry.Boxes[i].Key) {
			b.Entry.Boxes[i].Object = e.New
		}
	}
	return b.Entry.Boxes, nil
}

func auditRetention(now time.Time) seal.Retention {
	return seal.Retention{Class: "audit", Duty: now.AddDate(1, 0, 0).Unix(), Retain: now.AddDate(1, 0, 0).Unix()}
}
