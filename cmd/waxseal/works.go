package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/indexer"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// works is the appliance at work in this process: a node with a broker to read,
// an index to feed, and the archiver between them.
type works struct {
	*node
	broker   *kafka.Broker // the embedded one; nil where another Kafka was named
	address  string
	source   *kafka.Source
	index    index.Index
	indexer  *indexer.Indexer // nil: the index is off
	archiver *archiver.Archiver
	report   func(Event)

	headsMu sync.Mutex // held while heads are sealed

	mu      sync.Mutex // guards what follows
	total   ArchiveResponse
	exports map[ledger.ActRef]bool // looks of exports whose bag is not signed yet
}

// roles gives the topics of the archive, the webhooks first.
func (s *Settings) roles() []archiver.Topic {
	order := []whatsapp.Role{whatsapp.RoleWebhooks, whatsapp.RoleSends, whatsapp.RoleConsent, whatsapp.RoleTemplates, whatsapp.RoleDirectory, whatsapp.RoleMedia}
	topics := make([]archiver.Topic, 0, len(order))
	for _, role := range order {
		topics = append(topics, archiver.Topic{Name: s.Topics[role], Role: role})
	}
	return topics
}

// startBroker starts the embedded broker of a data folder.
func startBroker(ctx context.Context, env Env) (*kafka.Broker, error) {
	topics := map[string]int32{}
	for _, t := range env.Settings.roles() {
		topics[t.Name] = int32(env.Settings.Partitions)
	}
	b, err := kafka.StartEmbedded(ctx, filepath.Join(env.Settings.Data, "kafka"), kafka.BrokerOptions{Topics: topics, Log: env.Log})
	if err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return b, nil
}

// garbage is how much memory may be garbage beside what is in use, in percent:
// archiving at full speed makes much of it, and half the memory for a few
// hundredths of the time is a good trade on a host that does other things too.
const garbage = 60

// openWorks opens the archive, makes it where there is none, and stands ready.
func openWorks(ctx context.Context, env Env, report func(Event)) (w *works, err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	n, err := openNode(ctx, env, true)
	if err != nil {
		return nil, err
	}
	w = &works{node: n, report: report, address: env.Settings.Broker, exports: map[ledger.ActRef]bool{}}
	made := w
	defer func() {
		if err != nil {
			made.Close()
		}
	}()
	addresses := env.Settings.brokers()
	if len(addresses) == 0 {
		if w.broker, err = startBroker(ctx, env); err != nil {
			return nil, err
		}
		n.closers = append(n.closers, w.broker)
		w.address = w.broker.Addr()
		addresses = []string{w.address}
	}
	opts, err := env.Settings.kafka(env.Log)
	if err != nil {
		return nil, err
	}
	if w.source, err = kafka.Connect(addresses, opts); err != nil { // whether it answers is the archiver's to wait for
		return nil, err
	}
	if !env.Settings.Unindexed {
		if w.index, err = openIndex(ctx, env); err != nil {
			return nil, fmt.Errorf("index: %w", err)
		}
		n.closers = append(n.closers, w.index)
	}
	if err = n.start(ctx); err != nil {
		return nil, err
	}
	if err = n.testStore(ctx); err != nil {
		return nil, err
	}
	if err = n.enterPolicy(ctx); err != nil {
		return nil, err
	}
	return w, w.build()
}

// build makes indexer and archiver of what is open.
func (w *works) build() error {
	if w.index != nil {
		if err := w.buildIndexer(); err != nil {
			return err
		}
	}
	sealer, err := state.NewSealer(state.Key(w.ingest.State), w.signer.Archive())
	if err != nil {
		return err
	}
	tokens := map[uint32]keyring.Key{w.ingest.TokenEpoch: w.ingest.Token}
	w.archiver, err = archiver.New(archiver.Config{
		Archive: w.signer.Archive(), Mode: w.mode, Topics: w.set.roles(), Source: w.source, Group: w.set.group(w.source, w.signer.Archive()),
		Locked: w.locked, Meta: w.meta, Spare: w.spare, Signer: w.signer, Keys: w.keys, Writer: w.writer,
		KeysAt: func(l record.Lane, size uint64) (v *ledger.Verifier, err error) {
			w.control.View(func(view *control.View) { v, err = view.VerifierAt(l, size) })
			return v, err
		},
		Recipients: w.ingest.Segments, BoxRecipients: w.ingest.Boxes, Indexer: w.ingest.Indexer,
		Tags: index.NewKeys(w.ingest.Subject, tokens), TokenEpoch: w.ingest.TokenEpoch,
		State: sealer, StateKey: state.Key(w.ingest.State), RecordKey: archiver.NewRecordKey(w.ingest.State),
		Policy: w.policy, Linger: w.set.Linger, Committed: w.committed, NoRows: w.indexer == nil, Log: w.env.Log,
	})
	return err
}

// buildIndexer makes what feeds the index, from memory and, where an identity is
// at hand, from outboxes.
func (w *works) buildIndexer() error {
	ids, err := w.ring.Identities(nil, keyring.Indexer)
	var catchUp indexer.CatchUp
	if err == nil {
		feeder := reindex.NewFeeder(reindex.FeedConfig{Index: w.index, Locked: w.locked, Meta: w.meta, Indexer: ids})
		catchUp = func(ctx context.Context) error {
			_, err := feeder.Feed(ctx)
			return err
		}
	} else if !errors.Is(err, keyring.ErrAbsent) && !errors.Is(err, keyring.ErrPassphrase) {
		return err
	}
	w.indexer = indexer.New(w.index, catchUp, w.env.Log)
	return nil
}

// indexed waits until every block is in the index, if there is one, and is not
// away.
func (w *works) indexed(ctx context.Context) error {
	if w.indexer == nil {
		return nil
	}
	err := w.indexer.Settle(ctx)
	if errors.Is(err, indexer.ErrAway) {
		w.env.Log.Warn("index is behind", "err", err)
		return nil
	}
	return err
}

// committed is told of each block of each lane.
func (w *works) committed(ctx context.Context, b *ledger.Block, rows index.Encoded) {
	if w.indexer != nil {
		w.indexer.Offer(rows)
		w.indexer.Pace(ctx)
	}
	var raw, stored int64
	for _, s := range slices.Concat(b.Entry.Segments, b.Entry.Media) {
		stored += s.Bytes
	}
	for _, x := range b.Entry.Boxes {
		stored += x.Bytes
	}
	w.mu.Lock()
	items := uint64(0)
	for _, p := range w.archiver.Progress() {
		raw, items = raw+p.RawBytes, items+p.Items
	}
	w.total.Records += b.Entry.Records
	w.total.Items = items
	w.total.Blocks++
	w.total.Stored += stored
	last := raw - w.total.Bytes
	w.total.Bytes = raw
	w.mu.Unlock()
	if b.Entry.Records > 0 {
		w.report(event("archived", Event{Lane: string(b.Entry.Lane), Block: b.Entry.N, Records: b.Entry.Records, Bytes: last}))
	}
	for _, raw := range b.Events {
		if a, err := ledger.DecodeAct(raw); err == nil && a.Alarm != nil {
			w.report(event("alarm", Event{What: a.Alarm.Code, Lane: string(b.Entry.Lane), Block: b.Entry.N}))
		}
	}
}

func event(kind string, e Event) Event {
	e.Event, e.Time = kind, time.Now().UTC().Format(time.RFC3339)
	return e
}

// work runs the archiver, the indexer and the sealing of heads until ctx ends or
// all is drained, and leaves everything published and sealed.
func (w *works) work(ctx context.Context, drain bool) error {
	indexCtx, stopIndex := context.WithCancel(context.WithoutCancel(ctx))
	headCtx, stopHeads := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	if w.indexer != nil {
		wg.Go(func() { w.indexer.Run(indexCtx) })
	}
	wg.Go(func() { w.sealHeads(headCtx) })
	start := time.Now()
	var err error
	if drain {
		err = w.archiver.Drain(ctx)
	} else {
		err = w.archiver.Run(ctx)
	}
	w.settleIndex(context.WithoutCancel(ctx))
	w.mu.Lock()
	w.total.Seconds = time.Since(start).Seconds()
	w.mu.Unlock()
	stopIndex()
	stopHeads()
	wg.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return errors.Join(err, w.heads(last))
}

// settleIndex waits for the index, a minute at most, and not for one that is away:
// it goes on from the outboxes another time.
func (w *works) settleIndex(ctx context.Context) {
	if w.indexer == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := w.indexer.Settle(ctx); err != nil {
		w.env.Log.Warn("index is behind", "err", err)
	}
}

// sealHeads seals the heads of the lanes that moved, at an interval.
func (w *works) sealHeads(ctx context.Context) {
	for archiver.Sleep(ctx, w.set.Heads) == nil {
		if err := w.heads(ctx); err != nil {
			w.env.Log.Warn("seal heads", "err", err)
		}
	}
}

// errSealed says that another writer sealed these heads, or higher ones.
var errSealed = errors.New("heads are sealed already")

// heads enters the heads of the lanes that moved since the last sealed ones. A
// lane is sealed at the size of its live checkpoint, so that its tiles are there.
func (w *works) heads(ctx context.Context) error {
	w.headsMu.Lock()
	defer w.headsMu.Unlock()
	var heads []ledger.Head
	for _, p := range w.archiver.Progress() {
		heads = append(heads, ledger.Head{Lane: p.Lane, Size: p.Published, Root: p.PublishedRoot})
	}
	return w.enterHeads(ctx, heads)
}

// sealAll seals the lanes as they are in the store, without waiting for their
// tiles, and publishes control.
func (w *works) sealAll(ctx context.Context) error {
	w.headsMu.Lock()
	defer w.headsMu.Unlock()
	if err := w.sealLanes(ctx); err != nil {
		return err
	}
	return w.control.Publish(ctx)
}

// Close closes everything.
func (w *works) Close() error {
	if w.source != nil {
		w.source.Close()
	}
	return w.node.Close()
}

// enterPolicy enters which policy counts from here on, with the bundle's bytes
// as the act's sealed body, so that its decisions can be replayed.
func (n *node) enterPolicy(ctx context.Context) error {
	rev := n.policy.Revision()
	same := false
	n.control.View(func(v *control.View) { same = v.Policy != nil && v.Policy.Revision == rev })
	if same {
		return nil
	}
	bundle := n.policy.Bundle()
	_, err := n.control.Commit(ctx, control.Draft{
		Act:  ledger.Act{Type: ledger.ActPolicy, Actor: "waxseal", Policy: &ledger.Policy{Revision: rev, SHA256: ledger.Sum(bundle)}},
		Body: bundle,
	})
	if err != nil {
		return fmt.Errorf("enter policy: %w", err)
	}
	return nil
}
