package seal_test

import (
	"testing"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
)

// BenchmarkAdd seals single-person webhooks of some 630 bytes from 20,000
// people to two post-quantum recipients, in blocks of 20,000 records.
func BenchmarkAdd(b *testing.B) {
	const people, block = 20_000, 20_000
	var to []age.Recipient
	for range 2 {
		id, err := age.GenerateHybridIdentity()
		if err != nil {
			b.Fatal(err)
		}
		to = append(to, id.Recipient())
	}
	tr := sealtest.NewTraffic(1)
	cuts := make([]*seal.Cut, block)
	raw, value := 0, 0
	for i := range cuts {
		cuts[i] = tr.Message((i*7919)%people, sealtest.Duty)
		raw += cuts[i].Record.Size()
		value += len(cuts[i].Record.Value)
	}
	w, err := seal.NewWriter(seal.Config{Origin: sealtest.Origin, Lane: "0", Recipients: to})
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Begin(0); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	stored, sealed, n := 0, 0, uint64(0)
	finish := func() {
		s, err := w.Finish()
		if err != nil {
			b.Fatal(err)
		}
		for i := range s.Segments {
			stored += len(s.Segments[i].Body)
		}
		for i := range s.Boxes {
			stored += len(s.Boxes[i].Body)
		}
		n++
		if err := w.Begin(n); err != nil {
			b.Fatal(err)
		}
	}
	for i := 0; b.Loop(); i++ {
		if _, _, err := w.Add(cuts[i%block]); err != nil {
			b.Fatal(err)
		}
		sealed++
		if sealed%block == 0 {
			finish()
		}
	}
	finish()
	b.ReportMetric(float64(stored)/float64(sealed)/(float64(raw)/block), "stored/raw")
	b.ReportMetric(float64(value)/block, "B/value")
}
