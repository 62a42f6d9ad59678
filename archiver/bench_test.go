package archiver_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"strings"
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
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// benchRecords is how many records one operation archives.
const benchRecords = 50_000

// BenchmarkArchive archives webhooks of 600 to 700 bytes about 20,000 people, a
// quarter of them statuses, from the embedded broker through parse, decide, seal
// and ledger into worm/dir; with the SQLite index keeping up, and without.
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
		cfg.Committed = func(_ context.Context, bl *ledger.Block, rows []index.Row) {
			feed.Offer(index.Batch{Lane: bl.Entry.Lane, Block: bl.Entry.N, Rows: rows})
		}
	}
	var raw int64
	for b.Loop() {
		b.StopTimer()
		raw += produceTraffic(b, producer, benchRecords)
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

// produceTraffic writes n different bodies with key and signature header, and
// gives their raw size.
func produceTraffic(b *testing.B, p *kafka.Producer, n int) (raw int64) {
	b.Helper()
	rng := mathrand.New(mathrand.NewPCG(1, uint64(n)))
	records := make([]*record.Record, 0, 1000)
	for i := range n {
		r := &record.Record{Key: []byte(fmt.Sprintf("1555010000%05d", rng.IntN(64))), Value: trafficBody(rng, i),
			Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: []byte(fmt.Sprintf("sha256=%064x", rng.Uint64()))}}}
		raw += int64(r.Size())
		if records = append(records, r); len(records) == cap(records) || i == n-1 {
			_, err := p.Produce(context.Background(), "wa.webhooks", records...)
			ok(b, err)
			records = records[:0]
		}
	}
	return raw
}

var trafficWords = strings.Fields("the order is on its way and will reach you tomorrow morning please tell us whether somebody can open door thank for your patience we are sorry about delay could send invoice again to accounting department best regards from whole team see monday table window seat price offer number street house call back later today")

func trafficBody(rng *mathrand.Rand, i int) []byte {
	person := rng.IntN(20_000)
	wa, user := fmt.Sprintf("1555%07d", 2_000_000+person), fmt.Sprintf("US.%020d", 1_349_120_865_530_274+person)
	head := fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},"contacts":[{"profile":{"name":"Person %d"},"wa_id":%q,"user_id":%q}],`, person, wa, user)
	id := fmt.Sprintf("wamid.HBgLMTU1NTAxMDAwMDEVAgASGBQ%016X%08XAA==", rng.Uint64(), i)
	at := time.Now().Unix()
	if i%4 == 0 {
		return fmt.Appendf(nil, `%s"statuses":[{"id":%q,"status":"delivered","timestamp":"%d","recipient_id":%q,"recipient_user_id":%q,"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}}]},"field":"messages"}]}]}`, head, id, at, wa, user)
	}
	words := make([]string, 5+rng.IntN(36))
	for j := range words {
		words[j] = trafficWords[rng.IntN(len(trafficWords))]
	}
	return fmt.Appendf(nil, `%s"messages":[{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]},"field":"messages"}]}]}`, head, wa, user, id, at, strings.Join(words, " "))
}
