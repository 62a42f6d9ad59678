package exporter_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/exporter"
)

// benchMessages is how many messages BenchmarkExport exports.
const benchMessages = 20_000

// BenchmarkExport exports an archive whole, from the index to the signed bag: raw
// bytes, proofs, RSMF, transcripts and JSON Lines. The metric is messages/s.
func BenchmarkExport(b *testing.B) {
	s := newScene(b, archivetest.Options{MaxRecords: 5000})
	const people = 400
	var records []*record.Record
	for i := range benchMessages {
		p := archivetest.Person{Phone: fmt.Sprintf("1555%07d", i%people), BSUID: fmt.Sprintf("US.1%09d", i%people), Name: fmt.Sprintf("Person %d", i%people)}
		body := fmt.Sprintf("message %d: could you please look at order %d again, the parcel of last week has not come and I would like to know where it is", i, i*7919)
		records = append(records, text(p, fmt.Sprintf("wamid.%d", i), s.Now().Unix()+int64(i), body))
	}
	for len(records) > 0 {
		n := min(len(records), 2000)
		s.Feed(b, "wa.webhooks", records[:n]...)
		records = records[n:]
	}
	s.Archive.Archive(b)
	s.Heads(b, "0", "1")
	b.ReportAllocs()
	for b.Loop() {
		report, err := exporter.Export(b.Context(), s.config(b), exporter.Request{
			All: true, Scope: "--all", Zone: time.UTC, Unit: exporter.Days, Out: filepath.Join(b.TempDir(), "bag"),
		})
		if err != nil || report.Counts.Messages != benchMessages {
			b.Fatal(report, err)
		}
	}
	b.ReportMetric(float64(benchMessages)*float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
