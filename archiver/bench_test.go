package archiver_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/indexer"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/state"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/deploy/dev/traffic"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// benchRecords is how many records one operation archives.
const benchRecords = 200_000

// BenchmarkArchive archives webhooks from the embedded broker through parse,
// decide, seal and ledger into worm/dir; with the SQLite index keeping up, and
// without index rows. It is for profiles: deploy/dev/bench measures the appliance.
func BenchmarkArchive(b *testing.B) {
	for _, indexed := range []bool{true, false} {
		b.Run(fmt.Sprintf("indexed=%v", indexed), func(b *testing.B) { benchArchive(b, indexed) })
	}
}

func benchArchive(b *testing.B, indexed bool) {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	broker, err := kafka.StartEmbedded(ctx, b.TempDir(), kafka.BrokerOptions{Topics: map[string]int32{"wa.webhooks": 4}})
	ok(b, err)
	defer broker.Close()
	producer, err := kafka.NewProducer([]string{broker.Addr()}, kafka.Options{})
	ok(b, err)
	defer producer.Close()
	src, err := kafka.Open(ctx, []string{broker.Addr()}, kafka.Options{})
	ok(b, err)
	defer src.Close()
	root := b.TempDir()
	locked, err := dir.Create(filepath.Join(root, "locked"), dir.Options{})
	ok(b, err)
	meta, err := dir.CreateMeta(filepath.Join(root, "meta"), dir.Options{})
	ok(b, err)
	spare, err := dir.CreateMeta(filepath.Join(root, "spare"), dir.Options{})
	ok(b, err)
	engine, err := policy.Load(ctx, policy.Builtin(), policy.Options{})
	ok(b, err)
	id, err := age.GenerateHybridIdentity()
	ok(b, err)
	_, key, err := ed25519.GenerateKey(rand.Reader)
	ok(b, err)
	signer, err := ledger.NewSigner("bench.example", key)
	ok(b, err)
	sealer, err := state.NewSealer(state.Key{1}, "bench.example")
	ok(b, err)
	cfg := archiver.Config{
		Archive: "bench.example", Mode: archiver.Production, Topics: []archiver.Topic{{Name: "wa.webhooks", Role: whatsapp.RoleWebhooks}},
		Source: src, Locked: locked, Meta: meta, Spare: spare, Signer: signer, Keys: signer.Verifier(), Writer: ledger.Hash{1},
		Recipients: []age.Recipient{id.Recipient()}, Indexer: []age.Recipient{id.Recipient()},
		Tags: index.NewKeys([32]byte{2}, map[uint32][32]byte{1: {3}}), TokenEpoch: 1, State: sealer, Policy: engine, Log: log,
	}
	var feed *indexer.Indexer
	if indexed {
		ix, err := sqlite.Open(ctx, filepath.Join(root, "index.db"))
		ok(b, err)
		defer ix.Close()
		feed = indexer.New(ix, nil, log)
		run, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { feed.Run(run); close(done) }()
		defer func() { stop(); <-done }()
		cfg.Committed = func(ctx context.Context, _ *ledger.Block, rows index.Encoded) {
			feed.Offer(rows)
			feed.Pace(ctx)
		}
	} else {
		cfg.NoRows = true
	}
	records := traffic.New(1, time.Now().Unix(), traffic.People)
	var raw int64
	for b.Loop() {
		b.StopTimer()
		raw += produceTraffic(b, producer, records, benchRecords)
		a, err := archiver.New(cfg)
		ok(b, err)
		b.StartTimer()
		ok(b, a.Drain(ctx))
		if feed != nil {
			wait, cancel := context.WithTimeout(ctx, time.Minute)
			ok(b, feed.Wait(wait))
			cancel()
		}
	}
	b.ReportMetric(float64(benchRecords)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(storedBytes(b, locked))/float64(raw), "stored/raw")
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func storedBytes(b *testing.B, s interface {
	List(context.Context, string, string, func(v worm.Version) error) error
}) (n int64) {
	ok(b, s.List(context.Background(), "", "", func(v worm.Version) error { n += v.Size; return nil }))
	return n
}

// produceTraffic writes n records and gives their raw size.
func produceTraffic(b *testing.B, p *kafka.Producer, t *traffic.Traffic, n int) (raw int64) {
	b.Helper()
	for n > 0 {
		records := make([]*record.Record, min(n, 1000))
		for i := range records {
			records[i] = t.Next()
			raw += int64(records[i].Size())
		}
		_, err := p.Produce(context.Background(), "wa.webhooks", records...)
		ok(b, err)
		n -= len(records)
	}
	return raw
}
