package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/deploy/dev/traffic"
	"github.com/waxseal/waxseal/policy"
)

// single is how many records the measurements of one step take.
const single = 100_000

// parse reads webhooks on one core.
func parse(context.Context, *bench) ([]figure, error) {
	records := make([]*record.Record, single)
	t, size := traffic.New(2, time.Now().Unix(), traffic.People), 0
	for i := range records {
		records[i] = t.Next()
		size += len(records[i].Value)
	}
	p := whatsapp.NewParser(whatsapp.Options{Reuse: true}) // as the archiver does
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	for i, r := range records {
		if got := p.Parse(whatsapp.RoleWebhooks, r, nil); len(got.Items) != 1 {
			return nil, fmt.Errorf("record %d: %d items", i, len(got.Items))
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return []figure{
		figure{Name: "parse", Value: float64(size) / took.Seconds() / 1e6, Unit: "MB/s"}.atLeast(200),
		figure{Name: "parse_allocs", Value: float64(after.Mallocs-before.Mallocs) / single, Unit: "per record"}.atMost(10),
	}, nil
}

// decide asks the built-in policy about as many inputs as a day of traffic has.
func decide(ctx context.Context, _ *bench) ([]figure, error) {
	engine, err := policy.Load(ctx, policy.Builtin(), policy.Options{})
	if err != nil {
		return nil, err
	}
	var inputs []policy.Input
	for account := range traffic.Accounts {
		for _, in := range []policy.Input{
			{Kind: "text", Channel: "user", Direction: "in", Provenance: "live"},
			{Kind: "text", Channel: "app", Direction: "out", Provenance: "live"},
			{Kind: "status", Sub: "delivered", Channel: "unknown", Direction: "none", Provenance: "live"},
		} {
			in.WABA, in.Number, in.Day = fmt.Sprintf("1020%011d", account), fmt.Sprintf("1065%011d", account), policy.Day(time.Now().Unix())
			inputs = append(inputs, in)
		}
	}
	const times = 2_000_000
	var start time.Time
	for i := range len(inputs) + times {
		if i == len(inputs) { // each has been asked once
			start = time.Now()
		}
		if _, err := engine.Decide(ctx, &inputs[i%len(inputs)]); err != nil {
			return nil, err
		}
	}
	return []figure{{Name: "decide", Value: times / time.Since(start).Seconds(), Unit: "decisions/s"}}, nil
}
