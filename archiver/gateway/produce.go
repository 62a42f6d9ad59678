package gateway

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Senders at work, and how much one of them takes at once: while a request to Kafka
// is on its way, what arrives meanwhile gathers for the next.
const (
	senders  = 4
	groupMax = 500
)

// waiting is a record whose sender waits for Kafka's word.
type waiting struct {
	topic string
	rec   *record.Record
	where record.Coordinates
	err   error
	ready chan struct{}
}

// errStopped is the answer to who comes after the end.
var errStopped = errors.New("gateway is stopping")

// Run sends to Kafka what requests bring, until ctx ends; what is under way then is
// finished. Requests that come later are answered 503.
func (g *Gateway) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for {
				select {
				case first := <-g.queue:
					g.send(context.WithoutCancel(ctx), g.gather(first))
				case <-ctx.Done():
					return
				}
			}
		})
	}
	wg.Wait()
}

// gather takes what else waits.
func (g *Gateway) gather(first *waiting) []*waiting {
	group := []*waiting{first}
	for len(group) < groupMax {
		select {
		case w := <-g.queue:
			group = append(group, w)
		default:
			return group
		}
	}
	return group
}

// send produces a group, topic by topic, and tells each what became of it.
func (g *Gateway) send(ctx context.Context, group []*waiting) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.Answer)
	defer cancel()
	topics := map[string][]*waiting{}
	for _, w := range group {
		topics[w.topic] = append(topics[w.topic], w)
	}
	for topic, list := range topics {
		recs := make([]*record.Record, len(list))
		for i, w := range list {
			recs[i] = w.rec
		}
		where, err := g.cfg.Producer.Produce(ctx, topic, recs...)
		for i, w := range list {
			w.where = where[i]
			if where[i].Offset < 0 {
				w.err = err
			}
			close(w.ready)
		}
		if err != nil {
			g.cfg.Log.Error("gateway: Kafka did not take it, the sender will send it again", "topic", topic, "err", err)
		}
	}
}

// produce hands a record over and waits. Where Kafka has not acknowledged it, it has
// answered 503: the sender has it still.
func (g *Gateway) produce(w http.ResponseWriter, r *http.Request, role whatsapp.Role, rec *record.Record) (record.Coordinates, bool) {
	wait := &waiting{topic: g.cfg.Topics[role], rec: rec, ready: make(chan struct{})}
	deadline := time.NewTimer(g.cfg.Answer)
	defer deadline.Stop()
	var err error
	select {
	case g.queue <- wait:
		<-wait.ready // within the time that send gives Kafka
		err = wait.err
	case <-deadline.C:
		err = errStopped
	case <-r.Context().Done():
		err = r.Context().Err()
	}
	if err != nil {
		w.Header().Set("Retry-After", "5")
		g.refuse(w, http.StatusServiceUnavailable, refusedKafka, "not stored: send it again")
		return record.Coordinates{}, false
	}
	g.counts.taken(role, int64(rec.Size()))
	return wait.where, true
}
