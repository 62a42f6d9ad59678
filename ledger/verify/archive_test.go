package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

const archiveName = "archive.example/t"

var (
	now    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	retain = now.AddDate(1, 0, 0)
)

// archive is a small archive in memory, built by the writing side of package
// ledger. Its sealed objects are made up.
type archive struct {
	t      testing.TB
	locked *mem.Store
	meta   mem.Meta
	spare  mem.Meta
	signer *ledger.Signer
	writer ledger.Hash
	time   time.Time

	chains      map[record.Lane]*ledger.Chain
	entries     map[record.Lane][][]byte
	heads       map[record.Lane][]byte // checkpoint of the last block
	published   map[record.Lane]uint64
	next        map[record.Lane]int64 // offset
	fingerprint ledger.Hash
}

func newArchive(t testing.TB) *archive {
	t.Helper()
	clock := func() time.Time { return now }
	a := &archive{
		t: t, locked: mem.New(clock), meta: mem.NewMeta(clock), spare: mem.NewMeta(clock), signer: signer(t, 1), time: now,
		chains: map[record.Lane]*ledger.Chain{}, entries: map[record.Lane][][]byte{}, heads: map[record.Lane][]byte{}, published: map[record.Lane]uint64{},
		next: map[record.Lane]int64{},
	}
	genesis := a.act(&ledger.Act{Type: ledger.ActGenesis, Genesis: &ledger.Genesis{
		Archive: archiveName, Mode: ledger.Production, Created: now.Format(ledger.TimeFormat),
		Keys: ledger.PublicKeys{Ed25519: a.signer.Public()}, Recipients: ledger.Recipients{Firm: []string{"age1f"}},
	}})
	a.fingerprint = ledger.Fingerprint(genesis)
	a.commit(record.Control, &ledger.Entry{}, nil, genesis)
	start := a.start("1")
	a.writer = ledger.Sum(start)
	a.commit(record.Control, &ledger.Entry{}, nil, start)
	return a
}

func signer(t testing.TB, seed byte) *ledger.Signer {
	t.Helper()
	s, err := ledger.NewSigner(archiveName, privateKey(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func privateKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func (a *archive) start(instance string) []byte {
	return a.act(&ledger.Act{Type: ledger.ActStart, Start: &ledger.Start{Binary: "v0", Clock: now.Format(ledger.TimeFormat), Instance: instance}})
}

// act fills in what all acts have, and encodes.
func (a *archive) act(act *ledger.Act) []byte {
	a.t.Helper()
	act.V, act.Actor, act.Time = ledger.ActVersion, "test", a.time.Format(ledger.TimeFormat)
	b, err := act.Encode()
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *archive) chain(lane record.Lane) *ledger.Chain {
	if a.chains[lane] == nil {
		a.chains[lane] = ledger.NewChain(lane, a.signer)
	}
	return a.chains[lane]
}

// size is the number of the lane's next block.
func (a *archive) size(lane record.Lane) uint64 { return a.chain(lane).Size() }

// commit stores the lane's next block.
func (a *archive) commit(lane record.Lane, e *ledger.Entry, leaves []ledger.Hash, events ...[]byte) {
	a.t.Helper()
	c := a.chain(lane)
	a.time = a.time.Add(time.Second)
	e.Time, e.Writer, e.Published = a.time.Format(ledger.TimeFormat), a.writer, a.published[lane]
	block, err := c.Next(e, leaves, events)
	if err != nil {
		a.t.Fatal(err)
	}
	a.putLocked(ledger.BlockKey(lane, e.N), block)
	if err := c.Advance(block); err != nil {
		a.t.Fatal(err)
	}
	b, err := ledger.DecodeBlock(block)
	if err != nil {
		a.t.Fatal(err)
	}
	a.entries[lane] = append(a.entries[lane], b.EntryBytes)
	a.heads[lane] = b.Checkpoint
}

func (a *archive) put(s worm.Store, key string, body []byte, lock worm.Lock) ledger.Object {
	a.t.Helper()
	sum := ledger.Sum(body)
	if _, err := s.Put(context.Background(), key, body, sum, lock); err != nil {
		a.t.Fatal(err)
	}
	return ledger.Object{Key: key, SHA256: sum, Bytes: int64(len(body))}
}

func (a *archive) putLocked(key string, body []byte) ledger.Object {
	a.t.Helper()
	return a.put(a.locked, key, body, worm.Lock{RetainUntil: retain})
}

// publish publishes all blocks of the lane.
func (a *archive) publish(lane record.Lane) {
	a.t.Helper()
	ctx := context.Background()
	p, err := ledger.OpenPublisher(ctx, logStore{a.meta}, lane, a.signer.Verifier())
	if err != nil {
		a.t.Fatal(err)
	}
	for p.Size() < a.size(lane) {
		if err := p.Add(ctx, a.entries[lane][p.Size()]); err != nil {
			a.t.Fatal(err)
		}
	}
	if err := p.Publish(ctx, a.heads[lane]); err != nil {
		a.t.Fatal(err)
	}
	a.published[lane] = p.Published()
}

// rows makes up the row hashes of a box.
func rows(lane record.Lane, n uint64, box, count int) []ledger.Hash {
	var out []ledger.Hash
	for i := range count {
		out = append(out, ledger.LeafHash(fmt.Appendf(nil, "row %s %d %d %d", lane, n, box, i)))
	}
	return out
}

// makeBox is a key box as far as plain verification sees it: a list of row
// hashes, which of them are removed, and something sealed.
func makeBox(rows []ledger.Hash, removed ...int) []byte {
	out := binary.BigEndian.AppendUint32([]byte("box"), uint32(len(rows)))
	for _, h := range rows {
		out = append(out, h[:]...)
	}
	bits := make([]byte, len(rows))
	for _, i := range removed {
		bits[i] = 1
	}
	return append(append(out, bits...), "sealed"...)
}

var errBox = errors.New("not a box")

func readBox(body []byte) (rows []ledger.Hash, removed []bool, err error) {
	if len(body) < 7 || string(body[:3]) != "box" {
		return nil, nil, errBox
	}
	n := int(binary.BigEndian.Uint32(body[3:]))
	if body = body[7:]; len(body) < 33*n {
		return nil, nil, errBox
	}
	for i := range n {
		rows = append(rows, ledger.Hash(body[32*i:]))
		removed = append(removed, body[32*n+i] == 1)
	}
	return rows, removed, nil
}

// step commits a block of an ordinary lane with two records, a segment, a media
// object, a box under duty, one without, and an outbox.
func (a *archive) step(lane record.Lane, change func(*ledger.Entry)) {
	a.t.Helper()
	n := a.size(lane)
	name := func(s string) string { return ledger.DataKey(lane, n, s) }
	partition, _ := ledger.LanePartition(lane)
	leaves := []ledger.Hash{ledger.LeafHash(fmt.Appendf(nil, "%s/%d/0", lane, n)), ledger.LeafHash(fmt.Appendf(nil, "%s/%d/1", lane, n))}
	until := retain.Format(ledger.DateFormat)

	duty, free := rows(lane, n, 0, 1), rows(lane, n, 1, 2)
	outbox := a.put(a.meta, name("outbox"), fmt.Appendf(nil, "outbox %s %d", lane, n), worm.Lock{})
	body := makeBox(free)
	a.put(a.spare, name("box-1"), body, worm.Lock{})
	e := &ledger.Entry{
		RowsFrom: n,
		Source:   []ledger.Source{{Topic: "wa.webhooks", Era: 1, Partition: partition, First: a.next[lane], Next: a.next[lane] + 2, Records: 2, Epoch: -1}},
		Segments: []ledger.Segment{{Object: a.putLocked(name("seg-0"), fmt.Appendf(nil, "segment %s %d", lane, n)), Class: "c", DutyUntil: until, RetainUntil: until}},
		Media:    []ledger.Segment{{Object: a.putLocked(name("media-0"), fmt.Appendf(nil, "media %s %d", lane, n)), Class: "c", DutyUntil: until, RetainUntil: until}},
		Boxes: []ledger.Box{
			{Object: a.putLocked(name("box-0"), makeBox(duty)), Class: "c", Rows: 1, RowsRoot: ledger.Root(duty), DutyUntil: until, RetainUntil: until},
			{Object: a.put(a.meta, name("box-1"), body, worm.Lock{}), Class: "f", Rows: 2, RowsRoot: ledger.Root(free)},
		},
		Outbox: &outbox,
	}
	if change != nil {
		change(e)
	}
	a.next[lane] += 2
	a.commit(lane, e, leaves)
}

// snapshot stores a state of the lane after block at, for the next entry to
// name.
func (a *archive) snapshot(lane record.Lane, at uint64) *ledger.Snapshot {
	a.t.Helper()
	o := a.put(a.meta, ledger.DataKey(lane, a.size(lane), "snapshot"), fmt.Appendf(nil, "state %s %d", lane, at), worm.Lock{})
	return &ledger.Snapshot{Object: o, At: at}
}

// control commits acts, each time with one that has a sealed body.
func (a *archive) control(acts ...*ledger.Act) {
	a.t.Helper()
	n := a.size(record.Control)
	seg := a.putLocked(ledger.DataKey(record.Control, n, "w1-seg-0"), fmt.Appendf(nil, "bodies %d", n))
	commitment := ledger.Sum(fmt.Appendf(nil, "body %d", n))
	look := &ledger.Act{Type: ledger.ActLook, Look: &ledger.Look{Kind: "search", Items: 3}, Body: &ledger.Body{Commitment: commitment, Segment: seg.Key}}
	events := [][]byte{a.act(look)}
	for _, act := range acts {
		events = append(events, a.act(act))
	}
	leaf := ledger.BodyLeaf(n, 0, a.time.UnixMilli(), commitment).Hash()
	until := retain.Format(ledger.DateFormat)
	a.commit(record.Control, &ledger.Entry{Segments: []ledger.Segment{{Object: seg, Class: "audit", RetainUntil: until}}}, []ledger.Hash{leaf}, events...)
}

// seal commits the heads of lanes.
func (a *archive) seal(lanes ...record.Lane) {
	a.t.Helper()
	var heads []ledger.Head
	for _, l := range lanes {
		heads = append(heads, ledger.Head{Lane: l, Size: a.size(l), Root: a.chain(l).Root()})
	}
	a.control(&ledger.Act{Type: ledger.ActHeads, Heads: &ledger.Heads{Heads: heads}})
}

// erase removes row 0 of box-1 of a block: new boxes, act, deletion, receipt.
// It stops after as many of these steps as said.
func (a *archive) erase(lane record.Lane, n uint64, steps int) {
	a.t.Helper()
	free := rows(lane, n, 1, 2)
	old := ledger.DataKey(lane, n, "box-1")
	key := fmt.Sprintf("%s.%d", old, a.size(record.Control))
	body := makeBox(free, 0)
	box := a.put(a.meta, key, body, worm.Lock{})
	a.put(a.spare, key, body, worm.Lock{})
	if steps < 2 {
		return
	}
	ref := ledger.ActRef{Block: a.size(record.Control), Event: 1}
	a.control(&ledger.Act{Type: ledger.ActErase, Erase: &ledger.Erase{Boxes: []ledger.ErasedBox{{Lane: lane, Block: n, Old: old, New: box, Removed: free[:1]}}}})
	if steps < 3 {
		return
	}
	a.meta.Remove(old)
	if steps < 4 {
		return
	}
	a.spare.Remove(old)
	if steps < 5 {
		return
	}
	a.control(&ledger.Act{Type: ledger.ActEraseReceipt, EraseReceipt: &ledger.EraseReceipt{Act: ref}})
}

// takeover commits an empty block of a new writer.
func (a *archive) takeover(lane record.Lane) {
	a.t.Helper()
	n := a.size(lane)
	partition, _ := ledger.LanePartition(lane)
	last := a.next[lane]
	a.commit(lane, &ledger.Entry{
		RowsFrom: n, Takeover: true,
		Source: []ledger.Source{{Topic: "wa.webhooks", Era: 1, Partition: partition, First: last, Next: last, Epoch: -1}},
	}, nil)
}

// small is the archive of the property test: two lanes and control, an erasure
// with its receipt, snapshots, published logs, sealed heads. The ends of its
// lanes stand in heads, that of control in a checkpoint kept elsewhere.
func small(t testing.TB) *archive {
	a := newArchive(t)
	a.publish(record.Control)
	a.step("0", nil)
	a.publish("0")
	a.step("0", nil)
	a.publish("0")
	a.step("0", func(e *ledger.Entry) { e.Snapshot = a.snapshot("0", 0) })
	a.step("0", func(e *ledger.Entry) { e.Snapshot = a.snapshot("0", 1) })
	a.step("1", nil)
	a.publish("1")
	a.takeover("1")
	a.erase("0", 1, 5)
	a.seal("0", "1")
	return a
}

func (a *archive) config() Config {
	return Config{Locked: a.locked, Meta: a.meta, Spare: a.spare, RowHashes: readBox, Fingerprint: &a.fingerprint, Trusted: [][]byte{a.heads[record.Control]}, Workers: 1}
}

func (a *archive) verify(change func(*Config)) *Report {
	a.t.Helper()
	cfg := a.config()
	if change != nil {
		change(&cfg)
	}
	r, err := Run(context.Background(), cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	return r
}

// clone is an independent copy of the stores.
func (a *archive) clone() *archive {
	c := *a
	c.locked, c.meta, c.spare = a.locked.Clone(), a.meta.Clone(), a.spare.Clone()
	return &c
}

// logStore is the meta store as a log is published to it.
type logStore struct{ worm.Meta }

func (s logStore) Create(ctx context.Context, key string, body []byte) error {
	_, err := s.Put(ctx, key, body, ledger.Sum(body), worm.Lock{})
	if !errors.Is(err, worm.ErrExists) {
		return err
	}
	have, _, err := s.Get(ctx, key)
	if err == nil && !bytes.Equal(have, body) {
		err = ledger.ErrTile
	}
	return err
}

func (s logStore) Read(ctx context.Context, key string) ([]byte, error) {
	body, _, err := s.Get(ctx, key)
	if errors.Is(err, worm.ErrNotFound) {
		err = ledger.ErrNotStored
	}
	return body, err
}

func (s logStore) Swap(ctx context.Context, key string, old, new []byte) error {
	err := s.Meta.Swap(ctx, key, old, new)
	if errors.Is(err, worm.ErrChanged) {
		err = ledger.ErrSwapped
	}
	return err
}
