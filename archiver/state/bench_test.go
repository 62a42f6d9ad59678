package state

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// crowd is a lane that has heard from n people, each with consent.
func crowd(n int) (*feed, []whatsapp.Person) {
	f := &feed{State: New(testKey)}
	people := make([]whatsapp.Person, n)
	for i := range people {
		people[i] = whatsapp.Person{WaID: fmt.Sprintf("1555%07d", i), UserID: fmt.Sprintf("US.%020d", i)}
		f.apply(inbound("100", "900"), &people[i], int64(1_700_000_000+i))
		if i%4 == 0 {
			f.apply(consent("100", "marketing", true), &people[i], int64(1_700_000_000+i))
		}
	}
	return f, people
}

func BenchmarkItem(b *testing.B) {
	f, people := crowd(20_000)
	f.Delta()
	in, out := inbound("100", "900"), outbound("100", "900")
	in.Provenance = record.Live
	id := record.ItemID{Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1}}
	b.ReportAllocs()
	bytes := 0
	for i := 0; b.Loop(); i++ {
		it, p := &in, &people[i*7919%len(people)]
		if i%2 == 1 {
			it = out
		}
		at := 1_700_100_000 + int64(i/100)
		f.Facts(it, p, at)
		f.Apply(id, it, p, at)
		if i%1000 == 999 {
			bytes += len(f.Delta())
		}
	}
	b.ReportMetric(float64(bytes)/float64(b.N), "delta-B/op")
}

// BenchmarkCrowd says what a person costs, in memory and in the snapshot.
func BenchmarkCrowd(b *testing.B) {
	const n = 200_000
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		f, people := crowd(n)
		f.Delta()
		f.log = coder{}
		clear(people)
		people = nil
		runtime.GC()
		runtime.ReadMemStats(&after)
		snap, err := f.Snapshot()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/n, "B/person")
		b.ReportMetric(float64(len(snap))/n, "snapshot-B/person")
		runtime.KeepAlive(f)
	}
}
