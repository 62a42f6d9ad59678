package archiver_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// alarms are the alarms of a lane, in order.
func (r *rig) alarms(t *testing.T, l record.Lane) (out []string) {
	t.Helper()
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(t.Context(), r.on.locked, l, n)
		if errors.Is(err, worm.ErrNotFound) {
			return out
		}
		ok(t, err)
		for _, raw := range b.Events {
			a, err := ledger.DecodeAct(raw)
			ok(t, err)
			if a.Type == ledger.ActAlarm {
				out = append(out, a.Alarm.Code)
			}
		}
	}
}

// TestPartitionsAdded gives a topic another partition. Its lane begins with
// unknown state where others have a history, and as empty where all begin; a
// second start finds what the first one said.
func TestPartitionsAdded(t *testing.T) {
	for name, c := range map[string]struct {
		later time.Duration
		want  int
	}{"at the start": {30 * time.Second, 0}, "later": {2 * time.Hour, 1}} {
		t.Run(name, func(t *testing.T) {
			b := tempBroker(t, webhooks.Name)
			at := today
			r := newRigAt(t, b, newKeys(t, nil), func() time.Time { return at }, webhooks)
			b.feed(t, webhooks.Name, today, texts(3)...)
			r.host(t).drain()
			cl, err := kgo.NewClient(kgo.SeedBrokers(b.broker.Addr()))
			ok(t, err)
			defer cl.Close()
			req := kmsg.NewPtrCreatePartitionsRequest()
			grown := kmsg.NewCreatePartitionsRequestTopic()
			grown.Topic, grown.Count = webhooks.Name, 2
			req.Topics, req.TimeoutMillis = append(req.Topics, grown), 10_000
			res, err := req.RequestWith(t.Context(), cl)
			ok(t, err)
			if code := res.Topics[0].ErrorCode; code != 0 {
				t.Fatalf("add a partition: error %d", code)
			}
			at = today.Add(c.later)
			for range 2 {
				r.host(t).drain()
			}
			got := 0
			for _, code := range r.alarms(t, "1") {
				if code == "state_unknown" {
					got++
				}
			}
			if got != c.want {
				t.Errorf("lane 1 says %d times that its state is unknown, want %d", got, c.want)
			}
			for _, code := range r.alarms(t, "0") {
				if code == "state_unknown" {
					t.Error("lane 0 forgot what it knew")
				}
			}
			if report := r.verify(t); !report.OK {
				t.Errorf("verify: %+v", report.Findings)
			}
		})
	}
}
