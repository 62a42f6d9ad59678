package archiver_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/deep"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
	"github.com/waxseal/waxseal/policy"
)

const rigOrigin = "archive.example/rig"

// today stands still in a rig, unless a test moves it.
var today = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// rig is an archive on stores in memory, or on real ones. Copies share the broker
// and the keys.
type rig struct {
	locked      *mem.Store // nil on real stores
	meta, spare mem.Meta
	on          stores
	now         func() time.Time

	*rigKeys
	writer ledger.Hash
	source *kafka.Source
	topics []archiver.Topic
	media  []*record.Record // fed beside what a test names itself

	maxRecords int
	snapshots  uint64
}

type rigKeys struct {
	firm, indexer *age.X25519Identity
	signer        *ledger.Signer
	policy        *policy.Engine
	sealer        *state.Sealer
	state         state.Key
}

// stores are where an archive stands.
type stores struct {
	locked      worm.Keeper
	meta, spare worm.Meta
}

// rigBroker is an embedded broker and a client of it.
type rigBroker struct {
	dir      string
	broker   *kafka.Broker
	source   *kafka.Source
	producer *kafka.Producer
}

func startBroker(t *testing.T, dir string, topics ...string) *rigBroker {
	t.Helper()
	parts := map[string]int32{}
	for _, name := range topics {
		parts[name] = 1
	}
	b := &rigBroker{dir: dir}
	var err error
	b.broker, err = kafka.StartEmbedded(t.Context(), dir, kafka.BrokerOptions{Topics: parts})
	ok(t, err)
	opts := kafka.Options{MaxWait: 10 * time.Millisecond}
	b.source, err = kafka.Open(t.Context(), []string{b.broker.Addr()}, opts)
	ok(t, err)
	b.producer, err = kafka.NewProducer([]string{b.broker.Addr()}, opts)
	ok(t, err)
	return b
}

func (b *rigBroker) stop(t *testing.T) {
	t.Helper()
	b.producer.Close()
	b.source.Close()
	ok(t, b.broker.Close())
}

// feed produces bodies, a second of Kafka's clock apart, and gives them as records.
func (b *rigBroker) feed(t *testing.T, topic string, at time.Time, bodies ...string) []*record.Record {
	t.Helper()
	var out []*record.Record
	for i, body := range bodies {
		out = append(out, &record.Record{
			Key: []byte("155501000000010"), Value: []byte(body), Timestamp: at.Add(time.Duration(i) * time.Second).UnixMilli(),
			Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: fmt.Appendf(nil, "sha256=%064x", i)}},
		})
	}
	where, err := b.producer.Produce(t.Context(), topic, out...)
	ok(t, err)
	for i := range out {
		out[i].Coordinates = where[i]
	}
	return out
}

func newKeys(t *testing.T, engine *policy.Engine) *rigKeys {
	t.Helper()
	k, err := makeKeys(t.Context())
	ok(t, err)
	if engine != nil {
		k.policy = engine
	}
	return k
}

// makeKeys makes keys, of which signer and state are the same each time.
func makeKeys(ctx context.Context) (k *rigKeys, err error) {
	k = &rigKeys{state: state.Key{2}}
	if k.policy, err = policy.Load(ctx, policy.Builtin(), policy.Options{Now: func() time.Time { return today }}); err != nil {
		return nil, err
	}
	if k.firm, err = age.GenerateX25519Identity(); err != nil {
		return nil, err
	}
	if k.indexer, err = age.GenerateX25519Identity(); err != nil {
		return nil, err
	}
	if k.signer, err = ledger.NewSigner(rigOrigin, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))); err != nil {
		return nil, err
	}
	k.sealer, err = state.NewSealer(k.state, rigOrigin)
	return k, err
}

// newRig makes an archive with a genesis and a start act.
func newRig(t *testing.T, b *rigBroker, keys *rigKeys, topics ...archiver.Topic) *rig {
	t.Helper()
	return newRigAt(t, b, keys, func() time.Time { return today }, topics...)
}

// newRigAt is newRig with a clock.
func newRigAt(t *testing.T, b *rigBroker, keys *rigKeys, now func() time.Time, topics ...archiver.Topic) *rig {
	t.Helper()
	r := &rig{locked: mem.New(now), meta: mem.NewMeta(now), spare: mem.NewMeta(now), now: now, rigKeys: keys, source: b.source, topics: topics, maxRecords: 3, snapshots: 2}
	r.on = stores{r.locked, r.meta, r.spare}
	r.found(t)
	return r
}

// found makes the archive on its stores.
func (r *rig) found(t *testing.T) {
	t.Helper()
	cfg := control.Config{
		Config: lane.Config{
			Lane: record.Control, Locked: r.on.locked, Meta: r.on.meta, Spare: r.on.spare, Signer: r.signer,
			Horizon: archiver.Horizon(archiver.Production, r.policy.Horizon), Now: r.now, Sleep: archiver.Sleep, Report: func(string, error) {},
		},
		Archive: rigOrigin, Recipients: []age.Recipient{r.firm.Recipient()}, Publish: r.on.meta,
		Retention: func(now time.Time) seal.Retention { return archiver.ActRetention(archiver.Production, now) },
	}
	ok(t, control.Create(t.Context(), cfg, ledger.Genesis{
		Archive: rigOrigin, Mode: ledger.Production, Created: today.Format(ledger.TimeFormat), Keys: ledger.PublicKeys{Ed25519: r.signer.Public()},
		Recipients: ledger.Recipients{Firm: []string{r.firm.Recipient().String()}}, Sealed: ledger.Sealed{Subject: []byte{1}, Token: []byte{2}, State: []byte{3}},
	}, "test"))
	log, err := control.Open(t.Context(), cfg)
	ok(t, err)
	defer log.Close()
	r.writer, err = log.Start(t.Context(), ledger.Start{Binary: "test", Policy: r.policy.Revision(), Clock: today.Format(ledger.TimeFormat)}, "test")
	ok(t, err)
}

// clone copies the stores: a clean machine that was given them and the keys of
// ingest, and nothing of what the other one remembers.
func (r *rig) clone() *rig {
	c := *r
	c.locked, c.meta, c.spare = r.locked.Clone(), r.meta.Clone(), r.spare.Clone()
	c.on = stores{c.locked, c.meta, c.spare}
	return &c
}

func (r *rig) store(name string) *mem.Store {
	switch name {
	case "locked":
		return r.locked
	case "meta":
		return r.meta.Store
	}
	return r.spare.Store
}

// host is one process on a rig. A dead one hears nothing and says nothing.
type host struct {
	t         *testing.T
	cfg       archiver.Config
	dead      atomic.Bool
	sleeps    atomic.Int64
	log       *logged
	before    func(store string, op mem.Op, key string) // may block
	committed func(b *ledger.Block)
	mu        sync.Mutex
	rows      []index.Row
}

// maxSleeps is more waits than any test needs: beyond, a host goes round in circles.
const maxSleeps = 20_000

var errDead = errors.New("host is dead")

func (r *rig) host(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, log: &logged{}}
	h.cfg = archiver.Config{
		Archive: rigOrigin, Mode: archiver.Production, Topics: r.topics, Source: r.source,
		Locked: &link{"locked", r.on.locked, nil, h}, Meta: &link{"meta", r.on.meta, r.on.meta, h}, Spare: &link{"spare", r.on.spare, nil, h},
		Signer: r.signer, Keys: r.signer.Verifier(), Writer: r.writer,
		Recipients: []age.Recipient{r.firm.Recipient()}, BoxRecipients: []age.Recipient{r.firm.Recipient()}, Indexer: []age.Recipient{r.indexer.Recipient()},
		Tags: index.NewKeys([32]byte{1}, map[uint32][32]byte{1: {3}}), TokenEpoch: 1, State: r.sealer, StateKey: r.state, RecordKey: archiver.NewRecordKey(r.state),
		Policy: r.policy, MaxRecords: r.maxRecords, Snapshots: r.snapshots, Linger: time.Hour, Now: r.now,
		Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Sleep: func(ctx context.Context, _ time.Duration) error {
			if h.dead.Load() || h.sleeps.Add(1) > maxSleeps {
				return errDead
			}
			return ctx.Err()
		},
		Committed: func(_ context.Context, b *ledger.Block, rows index.Encoded) {
			batch, err := rows.Batch()
			ok(h.t, err)
			h.mu.Lock()
			h.rows = append(h.rows, batch.Rows...)
			h.mu.Unlock()
			if h.committed != nil {
				h.committed(b)
			}
		},
	}
	return h
}

func (h *host) archiver() *archiver.Archiver {
	h.t.Helper()
	a, err := archiver.New(h.cfg)
	ok(h.t, err)
	return a
}

func (h *host) kill() { h.dead.Store(true) }

// drain archives everything there is.
func (h *host) drain() {
	h.t.Helper()
	ok(h.t, h.archiver().Drain(h.t.Context()))
	if h.sleeps.Load() > maxSleeps {
		h.t.Fatalf("goes round in circles:\n%s", h.log)
	}
}

// logged keeps what a host logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > 1<<16 {
		return len(p), nil
	}
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// link is a host's connection to a store.
type link struct {
	name string
	worm.Keeper
	swap worm.Swapper
	h    *host
}

func (l *link) do(op mem.Op, key string, fn func() error) error {
	if l.h.before != nil {
		l.h.before(l.name, op, key)
	}
	if l.h.dead.Load() {
		return errDead
	}
	err := fn()
	if l.h.dead.Load() {
		return errDead
	}
	return err
}

func (l *link) Put(ctx context.Context, key string, body []byte, sum [32]byte, lock worm.Lock) (info worm.Info, err error) {
	err = l.do(mem.OpPut, key, func() error { info, err = l.Keeper.Put(ctx, key, body, sum, lock); return err })
	return info, err
}

func (l *link) Get(ctx context.Context, key string) (body []byte, info worm.Info, err error) {
	err = l.do(mem.OpGet, key, func() error { body, info, err = l.Keeper.Get(ctx, key); return err })
	return body, info, err
}

func (l *link) Head(ctx context.Context, key string) (info worm.Info, err error) {
	err = l.do(mem.OpHead, key, func() error { info, err = l.Keeper.Head(ctx, key); return err })
	return info, err
}

func (l *link) List(ctx context.Context, prefix, after string, fn func(worm.Version) error) error {
	return l.do(mem.OpList, prefix, func() error { return l.Keeper.List(ctx, prefix, after, fn) })
}

func (l *link) Swap(ctx context.Context, key string, old, new []byte) error {
	return l.do(mem.OpSwap, key, func() error { return l.swap.Swap(ctx, key, old, new) })
}

// Delete and what else changes objects is nothing an archiver does.
func (l *link) Delete(context.Context, string) error            { return l.never() }
func (l *link) Extend(context.Context, string, time.Time) error { return l.never() }
func (l *link) Hold(context.Context, string, bool) error        { return l.never() }

func (l *link) never() error {
	l.h.t.Error("the archiver removes or changes an object")
	return errDead
}

// blocks reads lane 0.
func (r *rig) blocks(t *testing.T) (out []*ledger.Block) {
	t.Helper()
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(t.Context(), r.on.locked, "0", n)
		if errors.Is(err, worm.ErrNotFound) {
			return out
		}
		ok(t, err)
		out = append(out, b)
	}
}

// events are the events of lane 0, as code or type, in order.
func (r *rig) events(t *testing.T) (out []string) {
	t.Helper()
	for _, b := range r.blocks(t) {
		for _, raw := range b.Events {
			a, err := ledger.DecodeAct(raw)
			ok(t, err)
			if a.Type == ledger.ActAlarm {
				out = append(out, a.Alarm.Code)
			} else {
				out = append(out, string(a.Type))
			}
		}
	}
	return out
}

// check holds lane 0 to what Kafka was given, and lets verification, deep, find
// nothing.
func (r *rig) check(t *testing.T, want ...[]*record.Record) *verify.Report {
	t.Helper()
	r.archived(t, want...)
	report := r.verify(t)
	if !report.OK || report.Warnings > 0 || report.InFlight.Objects > 0 {
		t.Errorf("verify: %d failures, %d warnings, in flight %+v: %+v", report.Failures, report.Warnings, report.InFlight, report.Findings)
	}
	return report
}

func (r *rig) verify(t *testing.T) *verify.Report {
	t.Helper()
	report, err := verify.Run(t.Context(), verify.Config{
		Locked: r.on.locked, Meta: r.on.meta, Spare: r.on.spare, RowHashes: seal.RowHashes, Opener: deep.NewOpener(r.reading()),
	})
	ok(t, err)
	return report
}

// findings holds that verification fails, and that all that is wrong is about key.
func (r *rig) findings(t *testing.T, key string) {
	t.Helper()
	report := r.verify(t)
	about := 0
	for _, f := range report.Findings {
		if f.Object == key {
			about++
		}
	}
	if report.OK || about == 0 {
		t.Errorf("%s is damaged and verification says: %+v", key, report.Findings)
	}
}

func (r *rig) reading() unseal.Config {
	return unseal.Config{
		Identities: []age.Identity{r.firm}, Origin: rigOrigin, Locked: r.on.locked, Unlocked: r.on.meta, Spare: r.on.spare,
		Boxes: func(ctx context.Context, l record.Lane, n uint64) ([]ledger.Box, error) {
			b, err := lane.ReadBlock(ctx, r.on.locked, l, n)
			if err != nil {
				return nil, err
			}
			return b.Entry.Boxes, nil
		},
	}
}

// archived holds lane 0 to what Kafka was given: every record once, with exact
// bytes, under its coordinates, in order of its topic.
func (r *rig) archived(t *testing.T, want ...[]*record.Record) {
	t.Helper()
	reader, err := unseal.New(r.reading())
	ok(t, err)
	got := map[string][]*record.Record{}
	for _, b := range r.blocks(t) {
		opened, err := reader.Records(t.Context(), b.Entry)
		ok(t, err)
		for _, o := range opened {
			name := o.Record.Coordinates.Topic
			if o.Media() != nil {
				o.Record.Value, err = reader.MediaBytes(t.Context(), b.Entry, o)
				ok(t, err)
			}
			got[name] = append(got[name], &o.Record)
		}
	}
	if r.media != nil {
		want = append(want, r.media)
	}
	for _, topic := range want {
		have := got[topic[0].Topic]
		if len(have) != len(topic) {
			t.Errorf("%s: %d records archived, %d were there", topic[0].Topic, len(have), len(topic))
			continue
		}
		for i, w := range topic {
			if g := have[i]; !same(g, w) {
				t.Errorf("record %s is not what Kafka delivered as %s", g.Coordinates, w.Coordinates)
			}
		}
	}
}

func same(a, b *record.Record) bool {
	return a.Coordinates == b.Coordinates && a.Timestamp == b.Timestamp && (a.Value == nil) == (b.Value == nil) && bytes.Equal(a.Value, b.Value) &&
		(a.Key == nil) == (b.Key == nil) && bytes.Equal(a.Key, b.Key) &&
		slices.EqualFunc(a.Headers, b.Headers, func(x, y record.Header) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) })
}

// failFirst lets the first read of each of keys in the meta store fail.
func failFirst(r *rig, keys ...string) *int {
	failed, seen := new(int), map[string]bool{}
	var mu sync.Mutex
	r.meta.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		mu.Lock()
		defer mu.Unlock()
		if c.Op != mem.OpGet || seen[c.Key] || !slices.Contains(keys, c.Key) {
			return mem.None
		}
		seen[c.Key] = true
		*failed++
		return mem.Lost
	})
	return failed
}

func isForeign(err error) bool { return errors.Is(err, lane.ErrForeign) }

func texts(n int) (out []string) {
	for i := range n {
		out = append(out, textOf(i, fmt.Sprintf("text number %d", i)))
	}
	return out
}

// textOf is a message of person i mod 3.
func textOf(i int, body string) string {
	wa, user := fmt.Sprintf("155501001%02d", i%3), fmt.Sprintf("US.%020d", 1349120865530274+i%3)
	return fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},"contacts":[{"profile":{"name":"Person %d"},"wa_id":%q,"user_id":%q}],"messages":[{"from":%q,"from_user_id":%q,"id":"wamid.TEST%04d","timestamp":"%d","type":"text","text":{"body":%q}}]},"field":"messages"}]}]}`,
		i%3, wa, user, wa, user, i, today.Unix(), body)
}

var (
	webhooks = archiver.Topic{Name: "wa.webhooks", Role: whatsapp.RoleWebhooks}
	media    = archiver.Topic{Name: "wa.media", Role: whatsapp.RoleMedia}
)

func tempBroker(t *testing.T, topics ...string) *rigBroker {
	t.Helper()
	b := startBroker(t, filepath.Join(t.TempDir(), "broker"), topics...)
	t.Cleanup(func() { b.stop(t) })
	return b
}

// kindOf tells the objects of a step apart.
func kindOf(key string) string {
	switch {
	case strings.Contains(key, "/blocks/"):
		return "block"
	case strings.HasSuffix(key, "/checkpoint"):
		return "checkpoint"
	case strings.HasPrefix(key, "log/"):
		return "tile"
	}
	name, _, _ := strings.Cut(key[strings.LastIndex(key, "/")+1:], "-")
	return name
}
