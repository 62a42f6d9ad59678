package reindex_test

import (
	"fmt"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
)

// benchRecords are so many messages of a thousand people.
const benchRecords = 10_000

func benchArchive(b *testing.B) *archivetest.Archive {
	a := archivetest.New(b, archivetest.Options{Regulated: true, MaxRecords: 2500})
	var records []*record.Record
	for i := range benchRecords {
		p := archivetest.Person{Phone: fmt.Sprintf("1555010%04d", i%1000), BSUID: fmt.Sprintf("US.%020d", i%1000), Name: "Somebody"}
		records = append(records, archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(p)+`,"messages":[`+
			archivetest.Text(p, fmt.Sprintf("wamid.%d", i), a.Now().Unix()+int64(i), fmt.Sprintf("message number %d about order %d, thank you very much", i, i%97))+`]`)))
	}
	a.Feed(b, "wa.webhooks", records...)
	a.Archive(b)
	return a
}

func BenchmarkRebuild(b *testing.B) {
	a := benchArchive(b)
	for b.Loop() {
		fresh := archivetest.OpenIndex(b)
		r, err := reindex.Rebuild(b.Context(), reindex.Config{
			Source: reindex.Source{Locked: a.Locked, Reader: a.Reader(b), Keys: a.Keys(), Topics: a.Topics}, Index: fresh, Workers: 1,
		})
		if err != nil || r.Rows != benchRecords {
			b.Fatal(r, err)
		}
	}
	b.ReportMetric(float64(b.N)*benchRecords/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkFeed(b *testing.B) {
	a := benchArchive(b)
	for b.Loop() {
		f := reindex.NewFeeder(reindex.FeedConfig{Locked: a.Locked, Meta: a.Meta, Index: archivetest.OpenIndex(b), Indexer: []age.Identity{a.Indexer}})
		fed, err := f.Feed(b.Context())
		if err != nil || fed.Rows != benchRecords {
			b.Fatal(fed, err)
		}
	}
	b.ReportMetric(float64(b.N)*benchRecords/b.Elapsed().Seconds(), "records/s")
}
