package state

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

func TestWindowOpens(t *testing.T) {
	in := func(k record.Kind, sub string) whatsapp.Item {
		return whatsapp.Item{Kind: k, Sub: sub, Direction: record.Inbound, Channel: record.ChannelUser}
	}
	with := func(it whatsapp.Item, change func(*whatsapp.Item)) whatsapp.Item {
		change(&it)
		return it
	}
	for name, c := range map[string]struct {
		it   whatsapp.Item
		want string
	}{
		"text":            {in(record.Text, ""), "open"},
		"button":          {in(record.Button, ""), "open"},
		"order":           {in(record.Order, ""), "open"},
		"request_welcome": {in(record.RequestWelcome, ""), "open"},
		"unavailable":     {in(record.Unsupported, ""), "open"},
		"unsupported gif": {in(record.Unsupported, "gif"), "open"},
		"call":            {in(record.Call, "connect"), "open"},
		"end of a call":   {in(record.Call, "terminate"), "closed"},
		"recording":       {in(record.Call, "call_recording_available"), "closed"},
		"business call":   {with(in(record.Call, "connect"), func(it *whatsapp.Item) { it.Direction = record.Outbound }), "closed"},
		"reaction":        {in(record.Reaction, ""), "closed"},
		"old reaction":    {in(record.Unsupported, "reaction"), "closed"},
		"edit":            {in(record.Edit, ""), "closed"},
		"revoke":          {in(record.Revoke, ""), "closed"},
		"system":          {in(record.System, ""), "closed"},
		"status":          {in(record.Status, "read"), "closed"},
		"group message":   {with(in(record.Text, ""), func(it *whatsapp.Item) { it.Group = "g" }), "closed"},
		"history":         {with(in(record.Text, ""), func(it *whatsapp.Item) { it.Provenance = record.Backfill }), "closed"},
		"echo":            {with(in(record.Text, ""), func(it *whatsapp.Item) { it.Direction = record.Outbound }), "closed"},
		"by hand":         {with(in(record.Text, ""), func(it *whatsapp.Item) { it.Provenance = record.Manual }), "closed"},
	} {
		f := &feed{State: New(testKey)}
		c.it.Number = "100"
		f.apply(c.it, phone(1), 1000)
		for _, x := range []struct {
			at   int64
			want string
		}{{999, "closed"}, {1000, c.want}, {1000 + windowLength - 1, c.want}, {1000 + windowLength, "closed"}} {
			if facts, _ := f.Facts(outbound("100", ""), phone(1), x.at); facts.Window != x.want {
				t.Errorf("%s at %d: %s, want %s", name, x.at, facts.Window, x.want)
			}
		}
	}
}

// TestWindowModel compares with every message remembered: where the state says
// open or closed it is right, and unknown only beyond the runs it keeps.
func TestWindowModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f := &feed{State: New(testKey)}
		var opened []int64
		for range 1 + r.IntN(12) {
			at := int64(1 + r.IntN(12*windowLength))
			f.apply(inbound("100", ""), phone(1), at)
			opened = append(opened, at)
		}
		for range 60 {
			at := int64(1 + r.IntN(14*windowLength))
			want := "closed"
			if slices.ContainsFunc(opened, func(o int64) bool { return o <= at && at < o+windowLength }) {
				want = "open"
			}
			switch facts, _ := f.Facts(outbound("100", ""), phone(1), at); facts.Window {
			case want:
			case "unknown":
				if p := f.people[0]; at >= int64(p.horizon) {
					t.Fatalf("unknown at %d, with horizon %v", at, p.horizon)
				}
			default:
				t.Fatalf("%s at %d, want %s; messages at %v", facts.Window, at, want, opened)
			}
		}
	}
}

// TestWindowOrder: messages in any order give the same runs, unless one had to go.
func TestWindowOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	compared := 0
	for range 500 {
		var times []uint32
		for range 1 + r.IntN(6) {
			times = append(times, uint32(1+r.IntN(3*windowLength)))
		}
		var first [2]run
		for i := range 6 {
			var p person
			for _, at := range times {
				p.noteRun(run{at, at})
			}
			if p.horizon > 0 {
				break
			}
			if i == 0 {
				first = p.runs
			}
			if p.runs != first {
				t.Fatalf("%v: %v and %v", times, p.runs, first)
			}
			compared++
			r.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
		}
	}
	if compared < 1000 {
		t.Fatalf("only %d orders compared", compared)
	}
}
