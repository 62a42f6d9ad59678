package archiver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/deploy/dev/apachekafka"
	"github.com/waxseal/waxseal/ledger"
)

// pour produces until it fails or stop is closed, and keeps what was acknowledged
// apart from what nobody knows of.
func (x *team) pour(stop <-chan struct{}, began chan<- struct{}) {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		var recs []*record.Record
		for k := range 8 {
			recs = append(recs, &record.Record{Key: fmt.Appendf(nil, "account %d", k), Value: []byte(textOf(k, fmt.Sprintf("poured %d %d %p", i, k, began)))})
		}
		where, err := x.producer.Produce(x.t.Context(), x.job.Topic, recs...)
		x.mu.Lock()
		for k, c := range where {
			if c.Offset < 0 {
				x.maybe[string(recs[k].Value)] = true
				continue
			}
			recs[k].Coordinates = c
			x.fed[c] = recs[k]
		}
		x.mu.Unlock()
		if err != nil {
			return
		}
		if i == 4 {
			close(began)
		}
	}
}

// reconnect gives up the connections to a broker that was killed.
func (x *team) reconnect() {
	x.t.Helper()
	x.producer.Close()
	x.connect()
}

// TestBrokerKilled kills Apache Kafka while records come in and are archived, and
// starts it again: what it acknowledged is archived once, byte for byte.
func TestBrokerKilled(t *testing.T) {
	rounds := 2
	if os.Getenv("WAXSEAL_TORTURE") == "1" {
		rounds = 100
	}
	b := apachekafka.ForTest(t)
	b.TLS, b.SASL = 0, 0
	b.Start()
	x := newTeam(t, b.Address())
	one, two := x.start("one", 20*time.Millisecond), x.start("two", 20*time.Millisecond)
	for _, w := range []*worker{one, two} {
		w.until(t, "took a lane", func() bool { return len(w.took) > 0 })
	}
	for range rounds {
		began, stop, poured := make(chan struct{}), make(chan struct{}), make(chan struct{})
		go func() {
			defer close(poured)
			x.pour(stop, began)
		}()
		<-began
		b.Kill() // in the middle of a request, or between two
		b.Start()
		close(stop)
		<-poured
		x.reconnect()
		x.feed(20)
	}
	x.sealed()
	x.dismiss(one)
	x.dismiss(two)
	x.check()
	if len(x.fed) < rounds*20 {
		t.Errorf("%d records were acknowledged: this test tests nothing", len(x.fed))
	}
	t.Logf("%d kills, %d records acknowledged, %d more that nobody knew of are archived", rounds, len(x.fed), len(x.maybe))
}

// TestLogRewound takes the end of a partition's log away while the broker is down,
// as an unclean election does, and lets other records take its place: a new era
// begins, both lives are kept, and the ledger says so. Another partition is lost
// whole.
func TestLogRewound(t *testing.T) {
	b := apachekafka.ForTest(t)
	b.TLS, b.SASL = 0, 0
	b.Start()
	x := newTeam(t, b.Address())
	w := x.start("archiver", 20*time.Millisecond)
	for range 10 {
		x.feed(20)
	}
	x.sealed()
	x.dismiss(w)
	before := x.perEra()
	b.Kill()
	for p, keep := range map[int32]int64{0: 2, 1: 0} { // of its bytes one half, none
		logs, err := filepath.Glob(filepath.Join(b.Data(), fmt.Sprintf("%s-%d", x.job.Topic, p), "*"))
		ok(t, err)
		for _, name := range logs {
			switch filepath.Ext(name) {
			case ".log":
				info, err := os.Stat(name)
				ok(t, err)
				size := int64(0)
				if keep > 0 {
					size = info.Size() / keep
				}
				ok(t, os.Truncate(name, size))
			case ".index", ".timeindex", ".snapshot", ".txnindex":
				ok(t, os.Remove(name))
			}
		}
	}
	os.Remove(filepath.Join(b.Data(), ".kafka_cleanshutdown"))
	b.Start()
	x.reconnect()
	w = x.start("archiver again", 20*time.Millisecond)
	w.until(t, "took all lanes", func() bool { return len(w.took) == int(x.lanes) })
	for range 3 {
		x.fed = map[record.Coordinates]*record.Record{} // what was there is counted already
		x.feed(20)
		x.sealedEra(2, 0, 1)
	}
	x.dismiss(w)
	after := x.perEra()
	for p := range int32(3) {
		at1, at2 := fmt.Sprintf("%s/%d", x.job.Topic, p), fmt.Sprintf("%s~2/%d", x.job.Topic, p)
		if rewound := p < 2; rewound && (after[at1] != before[at1] || after[at2] == 0) || !rewound && after[at2] > 0 {
			t.Errorf("partition %d: era 1 has %d records and had %d, era 2 has %d", p, after[at1], before[at1], after[at2])
		}
		eras := 0
		for _, blk := range x.blocksOf(p) {
			for _, raw := range blk.Events {
				a, err := ledger.DecodeAct(raw)
				ok(t, err)
				if a.Type == ledger.ActEra && a.Era.Topic == x.job.Topic && a.Era.Reason == "rewound" {
					eras++
				}
			}
		}
		if want := map[bool]int{true: 1, false: 0}[p < 2]; eras != want {
			t.Errorf("partition %d: %d new eras in the ledger, want %d", p, eras, want)
		}
	}
	if after[x.job.Topic+"~2/0"] <= 15 {
		t.Errorf("what was left of partition 0 is not delivered again: %v", after)
	}
	if report := x.verify(t); !report.OK {
		t.Errorf("verify: %+v", report.Findings)
	}
}

func (x *team) blocksOf(p int32) (out []*ledger.Block) {
	x.t.Helper()
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(x.t.Context(), x.on.locked, record.PartitionLane(p), n)
		if isNotFound(err) {
			return out
		}
		ok(x.t, err)
		out = append(out, b)
	}
}

// perEra counts archived records by topic, era and partition.
func (x *team) perEra() map[string]int {
	x.t.Helper()
	reader, err := unseal.New(x.reading())
	ok(x.t, err)
	out := map[string]int{}
	for p := range x.lanes {
		for _, b := range x.blocksOf(p) {
			opened, err := reader.Records(x.t.Context(), b.Entry)
			ok(x.t, err)
			for _, o := range opened {
				c := o.Record.Coordinates
				name := c.Topic
				if c.Era > 1 {
					name = fmt.Sprintf("%s~%d", c.Topic, c.Era)
				}
				out[fmt.Sprintf("%s/%d", name, c.Partition)]++
			}
		}
	}
	return out
}

// sealedEra waits until these partitions of the webhooks topic are archived up to
// what was fed, in an era.
func (x *team) sealedEra(era record.Era, partitions ...int32) {
	x.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, p := range partitions {
		want := int64(0)
		for c := range x.fed {
			if c.Topic == x.job.Topic && c.Partition == p {
				want = max(want, c.Offset+1)
			}
		}
		for {
			b, err := lane.Last(x.t.Context(), x.on.locked, record.PartitionLane(p), 0)
			ok(x.t, err)
			done := false
			for _, s := range b.Entry.Source {
				done = done || s.Topic == x.job.Topic && s.Era == era && s.Next >= want
			}
			if done {
				break
			}
			select {
			case <-tick.C:
			case <-x.t.Context().Done():
				x.t.Fatalf("partition %d stands at %+v", p, b.Entry.Source)
			}
		}
	}
}
