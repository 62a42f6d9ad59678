package archiver_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/policy"
)

// brokenBundle is the shipped policy with rules that cannot decide about a text.
func brokenBundle(t *testing.T, rule string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	shipped := policy.Builtin()
	for _, name := range []string{"archive.rego", "findings.rego", "period.rego", "data.json"} {
		f, err := shipped.Open(name)
		ok(t, err)
		body, err := io.ReadAll(f)
		ok(t, err)
		ok(t, f.Close())
		if name == "findings.rego" {
			body = append(body, rule...)
		}
		out[name] = &fstest.MapFile{Data: body}
	}
	return out
}

// TestFailingPolicy lets the policy contradict itself about texts, and take
// longer than it may: every record is archived under a provisional decision, which
// the index shows and the log reports.
func TestFailingPolicy(t *testing.T) {
	for name, rule := range map[string]string{
		"contradicts itself": "\nobserved contains {\"rule\": \"odd\", \"severity\": \"low\", \"reason\": answer} if answer\n\nanswer := \"a\" if input.kind == \"text\"\n\nanswer := \"b\" if input.kind == \"text\"\n",
		"takes too long":     "\nobserved contains {\"rule\": \"slow\", \"severity\": \"low\", \"reason\": \"x\"} if {\n\tinput.kind == \"text\"\n\tcount([1 | some x in numbers.range(1, 100000); some y in numbers.range(1, 100000); x == y + 200000]) > 0\n}\n",
	} {
		t.Run(name, func(t *testing.T) {
			engine, err := policy.Load(t.Context(), brokenBundle(t, rule), policy.Options{Now: func() time.Time { return today }, Timeout: 200 * time.Millisecond})
			ok(t, err)
			b := tempBroker(t, webhooks.Name)
			r := newRig(t, b, newKeys(t, engine), webhooks)
			bodies := texts(3)
			bodies[1] = contactSync
			fed := b.feed(t, webhooks.Name, today, bodies...)
			h := r.host(t)
			h.drain()
			r.check(t, fed)
			texts := 0
			for _, row := range h.rows {
				if row.Kind == "text" {
					texts++
				}
				if row.Provisional != (row.Kind == "text") {
					t.Errorf("%s is provisional: %v", row.Kind, row.Provisional)
				}
				if row.Provisional && (row.Retain <= today.Unix() || row.Class == "") {
					t.Errorf("provisional lock %s until %d", row.Class, row.Retain)
				}
			}
			if texts != 2 {
				t.Errorf("%d texts", texts)
			}
			if !strings.Contains(h.log.String(), "policy failed") {
				t.Error("the log does not say that the policy failed")
			}
		})
	}
}

// TestStop ends a running archiver in the middle of its work and after it: what
// was read whole is committed, Run returns nil, nothing of it stays behind
// (TestMain), and the next one archives the rest.
func TestStop(t *testing.T) {
	b := tempBroker(t, webhooks.Name)
	fed := b.feed(t, webhooks.Name, today, texts(12)...)
	base := newRig(t, b, newKeys(t, nil), webhooks)
	for stop := range uint64(4) { // at the commit of that block; the one behind waits to be full
		r := base.clone()
		h := r.host(t)
		ctx, cancel := context.WithCancel(t.Context())
		h.committed = func(b *ledger.Block) {
			if b.Entry.N == stop {
				cancel()
			}
		}
		ok(t, h.archiver().Run(ctx))
		cancel()
		next := r.host(t)
		next.drain()
		r.check(t, fed)
	}
}

// TestStopUnanswered ends an archiver whose store has stopped to answer.
func TestStopUnanswered(t *testing.T) {
	b := tempBroker(t, webhooks.Name)
	fed := b.feed(t, webhooks.Name, today, texts(6)...)
	r := newRig(t, b, newKeys(t, nil), webhooks)
	h := r.host(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	h.cfg.Sleep = func(ctx context.Context, _ time.Duration) error {
		cancel(errors.New("enough")) // the first wait is for the store
		<-ctx.Done()
		return context.Cause(ctx)
	}
	h.committed = func(b *ledger.Block) {
		if b.Entry.N == 1 {
			h.kill()
		}
	}
	ok(t, h.archiver().Run(ctx))
	r.host(t).drain()
	r.check(t, fed)
}
