package archiver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
	"go.uber.org/goleak"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/kafka"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/deploy/dev/apachekafka"
	"github.com/waxseal/waxseal/ledger"
)

const workerEnv = "WAXSEAL_TEST_ARCHIVER"

func TestMain(m *testing.M) {
	if text := os.Getenv(workerEnv); text != "" {
		var j job
		if err := json.Unmarshal([]byte(text), &j); err == nil {
			err = j.run()
			fmt.Fprintln(os.Stderr, "ended:", err)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// job is what a process that archives is told.
type job struct {
	Dir, Broker, Topic, Sends string
	Firm, Indexer, Writer     string
	Linger                    time.Duration
	Session                   time.Duration
}

func openDirs(root string) (s stores, err error) {
	locked, err := dir.Open(filepath.Join(root, "locked"), dir.Options{})
	if err != nil {
		return s, err
	}
	meta, err := dir.OpenMeta(filepath.Join(root, "meta"), dir.Options{})
	if err != nil {
		return s, err
	}
	spare, err := dir.OpenMeta(filepath.Join(root, "spare"), dir.Options{})
	return stores{locked, meta, spare}, err
}

// run archives as one of several processes until it is asked to stop. It says
// when it holds records that are not sealed.
func (j *job) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	on, err := openDirs(j.Dir)
	if err != nil {
		return err
	}
	k, err := makeKeys(ctx)
	if err != nil {
		return err
	}
	if k.firm, err = age.ParseX25519Identity(j.Firm); err != nil {
		return err
	}
	if k.indexer, err = age.ParseX25519Identity(j.Indexer); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	src, err := kafka.Connect([]string{j.Broker}, kafka.Options{MaxWait: 20 * time.Millisecond, GiveUp: time.Second, Log: log})
	if err != nil {
		return err
	}
	cfg := archiver.Config{
		Archive: rigOrigin, Mode: archiver.Production, Topics: j.topics(), Source: src,
		Group:  src.Group(kafka.GroupOptions{Name: j.Topic, Topic: j.Topic, Session: j.Session}),
		Locked: on.locked, Meta: on.meta, Spare: on.spare, Signer: k.signer, Keys: k.signer.Verifier(),
		Recipients: []age.Recipient{k.firm.Recipient()}, BoxRecipients: []age.Recipient{k.firm.Recipient()}, Indexer: []age.Recipient{k.indexer.Recipient()},
		Tags: index.NewKeys([32]byte{1}, map[uint32][32]byte{1: {3}}), TokenEpoch: 1, State: k.sealer, StateKey: k.state, RecordKey: archiver.NewRecordKey(k.state),
		Policy: k.policy, Linger: j.Linger, Log: log,
		Committed: func(_ context.Context, b *ledger.Block, _ index.Encoded) {
			fmt.Println("block", b.Entry.Lane, b.Entry.N, b.Entry.Records, b.Entry.Takeover)
		},
	}
	writer, err := hex.DecodeString(j.Writer)
	if err != nil {
		return err
	}
	copy(cfg.Writer[:], writer)
	a, err := archiver.New(cfg)
	if err != nil {
		return err
	}
	go func() {
		for archiver.Sleep(ctx, 20*time.Millisecond) == nil {
			for _, p := range a.Progress() {
				if !p.Oldest.IsZero() && !p.Left {
					fmt.Println("holds", p.Lane)
				}
			}
		}
	}()
	return a.Run(ctx)
}

func (j *job) topics() []archiver.Topic {
	return []archiver.Topic{{Name: j.Topic, Role: whatsapp.RoleWebhooks}, {Name: j.Sends, Role: whatsapp.RoleSends}}
}

// worker is such a process.
type worker struct {
	name string
	cmd  *exec.Cmd
	err  *logged

	mu    sync.Mutex
	cond  *sync.Cond
	took  map[string]int  // lanes by number of takeovers
	holds map[string]bool // lanes it has ever held something unsealed of
	done  bool
}

// team is an archive of several processes on folders, and a Kafka.
type team struct {
	*rig
	t        *testing.T
	job      job
	producer *kafka.Producer
	mu       sync.Mutex // guards fed and maybe
	fed      map[record.Coordinates]*record.Record
	maybe    map[string]bool // bodies that may be in Kafka: nobody was told
	lanes    int32
}

func newTeam(t *testing.T, addr string) *team {
	t.Helper()
	root := t.TempDir()
	r := &rig{rigKeys: newKeys(t, nil), now: time.Now}
	locked, err := dir.Create(filepath.Join(root, "locked"), dir.Options{})
	ok(t, err)
	meta, err := dir.CreateMeta(filepath.Join(root, "meta"), dir.Options{})
	ok(t, err)
	spare, err := dir.CreateMeta(filepath.Join(root, "spare"), dir.Options{})
	ok(t, err)
	t.Cleanup(func() { locked.Close(); meta.Close(); spare.Close() })
	r.on = stores{locked, meta, spare}
	r.found(t)
	stamp := fmt.Sprintf("team-%d", time.Now().UnixNano())
	x := &team{rig: r, t: t, lanes: 5, fed: map[record.Coordinates]*record.Record{}, maybe: map[string]bool{}, job: job{
		Dir: root, Broker: addr, Topic: stamp, Sends: stamp + ".sends", Firm: r.firm.String(), Indexer: r.indexer.String(),
		Writer: hex.EncodeToString(r.writer[:]), Linger: 100 * time.Millisecond, Session: 2 * time.Second,
	}}
	makeTopics(t, addr, map[string]int32{x.job.Topic: 3, x.job.Sends: x.lanes})
	x.connect()
	t.Cleanup(func() { x.producer.Close() })
	return x
}

func (x *team) connect() {
	x.t.Helper()
	var err error
	x.producer, err = kafka.NewProducer([]string{x.job.Broker}, kafka.Options{GiveUp: time.Minute})
	ok(x.t, err)
}

func makeTopics(t *testing.T, addr string, topics map[string]int32) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	ok(t, err)
	defer cl.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	req.TimeoutMillis = 30_000
	for name, n := range topics {
		rt := kmsg.NewCreateTopicsRequestTopic()
		rt.Topic, rt.NumPartitions, rt.ReplicationFactor = name, n, 1
		req.Topics = append(req.Topics, rt)
	}
	res, err := req.RequestWith(t.Context(), cl)
	ok(t, err)
	for _, rt := range res.Topics {
		if rt.ErrorCode != 0 {
			t.Fatalf("make topic: error %d", rt.ErrorCode)
		}
	}
}

func (x *team) start(name string, linger time.Duration) *worker {
	x.t.Helper()
	j := x.job
	j.Linger = linger
	text, err := json.Marshal(j)
	ok(x.t, err)
	w := &worker{name: name, cmd: exec.Command(os.Args[0]), err: &logged{}, took: map[string]int{}, holds: map[string]bool{}}
	w.cond = sync.NewCond(&w.mu)
	w.cmd.Env = append(os.Environ(), workerEnv+"="+string(text))
	w.cmd.Stderr = w.err
	out, err := w.cmd.StdoutPipe()
	ok(x.t, err)
	ok(x.t, w.cmd.Start())
	go w.listen(out)
	x.t.Cleanup(func() {
		_ = w.cmd.Process.Signal(syscall.SIGCONT)
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		if x.t.Failed() {
			x.t.Logf("%s:\n%s", name, w.err)
		}
	})
	return w
}

func (w *worker) listen(out interface{ Read([]byte) (int, error) }) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		w.mu.Lock()
		switch {
		case f[0] == "block" && f[4] == "true":
			w.took[f[1]]++
		case f[0] == "holds":
			w.holds[f[1]] = true
		}
		w.cond.Broadcast()
		w.mu.Unlock()
	}
	w.mu.Lock()
	w.done = true
	w.cond.Broadcast()
	w.mu.Unlock()
}

// until waits for something a worker says.
func (w *worker) until(t *testing.T, what string, is func() bool) {
	t.Helper()
	defer context.AfterFunc(t.Context(), w.cond.Broadcast)()
	w.mu.Lock()
	defer w.mu.Unlock()
	for !is() {
		if w.done || t.Context().Err() != nil {
			t.Fatalf("%s never %s:\n%s", w.name, what, w.err)
		}
		w.cond.Wait()
	}
}

// misplace commits positions to the group, far behind what there is: everything
// would be skipped by who believed them.
func (x *team) misplace(partitions int32) {
	x.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(x.job.Broker), kgo.MaxVersions(kversion.V3_5_0())) // topics by name
	ok(x.t, err)
	defer cl.Close()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = x.job.Topic, -1
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = x.job.Topic
	for p := range partitions {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset = p, 1<<40
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(x.t.Context(), cl)
	ok(x.t, err)
	for _, rp := range res.Topics[0].Partitions {
		if rp.ErrorCode != 0 {
			x.t.Fatalf("commit: error %d", rp.ErrorCode)
		}
	}
}

// feed produces n records over all partitions of both topics.
func (x *team) feed(n int) {
	x.t.Helper()
	x.mu.Lock()
	at := len(x.fed)
	x.mu.Unlock()
	for topic, share := range map[string]int{x.job.Topic: n - n/4, x.job.Sends: n / 4} {
		var recs []*record.Record
		for i := range share {
			recs = append(recs, &record.Record{Key: fmt.Appendf(nil, "account %d", i), Value: []byte(textOf(at+i, fmt.Sprintf("text %d of %d", i, at)))})
		}
		where, err := x.producer.Produce(x.t.Context(), topic, recs...)
		ok(x.t, err)
		x.mu.Lock()
		for i, c := range where {
			recs[i].Coordinates = c
			x.fed[c] = recs[i]
		}
		x.mu.Unlock()
	}
}

// sealed waits until the ledger covers all that was fed.
func (x *team) sealed() {
	x.t.Helper()
	want := map[string]int64{}
	for c := range x.fed {
		at := fmt.Sprintf("%s/%d", c.Topic, c.Partition)
		want[at] = max(want[at], c.Offset+1)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		behind := ""
		for p := range x.lanes {
			b, err := lane.Last(x.t.Context(), x.on.locked, record.PartitionLane(p), 0)
			ok(x.t, err)
			next := map[string]int64{}
			if b != nil {
				for _, s := range b.Entry.Source {
					next[s.Topic] = s.Next
				}
			}
			for _, topic := range []string{x.job.Topic, x.job.Sends} {
				if at := fmt.Sprintf("%s/%d", topic, p); next[topic] < want[at] {
					behind += fmt.Sprintf(" %s at %d of %d", at, next[topic], want[at])
				}
			}
		}
		if behind == "" {
			return
		}
		select {
		case <-tick.C:
		case <-x.t.Context().Done():
			x.t.Fatalf("not sealed:%s", behind)
		}
	}
}

// check holds all lanes to what was fed: each record once, byte for byte; and lets
// verification, deep, find nothing.
func (x *team) check() {
	x.t.Helper()
	seen := map[record.Coordinates]int{}
	reader, err := unseal.New(x.reading())
	ok(x.t, err)
	for p := range x.lanes {
		for n := uint64(0); ; n++ {
			b, err := lane.ReadBlock(x.t.Context(), x.on.locked, record.PartitionLane(p), n)
			if isNotFound(err) {
				break
			}
			ok(x.t, err)
			opened, err := reader.Records(x.t.Context(), b.Entry)
			ok(x.t, err)
			for _, o := range opened {
				seen[o.Record.Coordinates]++
				w := x.fed[o.Record.Coordinates]
				if body := string(o.Record.Value); w == nil && x.maybe[body] {
					delete(x.maybe, body)
					continue
				}
				if w == nil || !bytes.Equal(w.Value, o.Record.Value) || !bytes.Equal(w.Key, o.Record.Key) {
					x.t.Errorf("record %s is not what was fed", o.Record.Coordinates)
				}
			}
		}
	}
	for c := range x.fed {
		if seen[c] != 1 {
			x.t.Errorf("record %s is archived %d times", c, seen[c])
		}
	}
	if report := x.verify(x.t); !report.OK {
		x.t.Errorf("verify: %d failures: %+v", report.Failures, report.Findings)
	}
}

func isNotFound(err error) bool {
	return err != nil && strings.Contains(err.Error(), worm.ErrNotFound.Error())
}

// dismiss asks a worker to stop and waits for it.
func (x *team) dismiss(w *worker) {
	x.t.Helper()
	ok(x.t, w.cmd.Process.Signal(syscall.SIGTERM))
	if err := w.cmd.Wait(); err != nil {
		x.t.Errorf("%s ended with %v", w.name, err)
	}
}

// TestShared lets processes share the lanes of one archive on Apache Kafka. One is
// frozen while it holds records that it has not sealed, and wakes up after others
// took its lanes; one is killed; one comes and one goes. Nothing is lost or twice,
// and the lanes of the others go on without being taken again. The positions that
// the group holds at the start are nonsense.
func TestShared(t *testing.T) {
	b := apachekafka.ForTest(t)
	b.TLS, b.SASL = 0, 0
	b.Start()
	x := newTeam(t, b.Address())
	x.misplace(3)
	quick := 50 * time.Millisecond
	frozen := x.start("frozen", time.Hour) // it seals only what fills a block: it will hold what it has read
	frozen.until(t, "took all lanes", func() bool { return len(frozen.took) == int(x.lanes) })
	steady, doomed := x.start("steady", quick), x.start("doomed", quick)
	steady.until(t, "took a lane", func() bool { return len(steady.took) > 0 })
	doomed.until(t, "took a lane", func() bool { return len(doomed.took) > 0 })
	x.feed(80)
	frozen.until(t, "held records", func() bool { return len(frozen.holds) > 0 })
	steady.mu.Lock()
	before := map[string]int{}
	for l, n := range steady.took {
		before[l] = n
	}
	steady.mu.Unlock()

	ok(t, frozen.cmd.Process.Signal(syscall.SIGSTOP))
	x.sealed() // by the others
	x.feed(40)
	x.sealed()
	steady.mu.Lock()
	for l, n := range before {
		if steady.took[l] != n {
			t.Errorf("lane %s went on with the same owner, who took it %d times", l, steady.took[l])
		}
	}
	steady.mu.Unlock()
	ok(t, frozen.cmd.Process.Signal(syscall.SIGCONT))
	frozen.until(t, "lost the race", func() bool { return strings.Contains(frozen.err.String(), lane.ErrFenced.Error()) })
	x.feed(40)

	ok(t, doomed.cmd.Process.Kill())
	fresh := x.start("fresh", quick)
	fresh.until(t, "took a lane", func() bool { return len(fresh.took) > 0 })
	x.feed(40)
	x.dismiss(frozen)
	x.sealed()
	x.dismiss(fresh)
	x.dismiss(steady)
	x.check()
}
