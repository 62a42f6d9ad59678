package clickhouse_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/record"
)

var benchRows = flag.Int("rows", 200_000, "rows that BenchmarkSearch searches")

// insertRows is about as many as the indexer inserts at a time.
const insertRows = 20_000

// BenchmarkInsert measures rows inserted a second, durable, in blocks of 5,000.
func BenchmarkInsert(b *testing.B) {
	x := fill(b, 0)
	corpus := indextest.NewCorpus(1)
	rows, block := 0, uint64(0)
	for b.Loop() {
		b.StopTimer()
		var batches []index.Batch
		for n := 0; n < insertRows; n += 5000 {
			batches = append(batches, corpus.Block(block, 5000))
			block++
		}
		rows += insertRows
		b.StartTimer()
		if err := x.Insert(b.Context(), batches...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSearch measures the first page of typical queries, beside the same
// query as somebody would write it, and the counts.
func BenchmarkSearch(b *testing.B) {
	x := fill(b, *benchRows)
	last := int64(indextest.CorpusStart + *benchRows/indextest.CorpusRate)
	word := func(n int) *index.Expr { return &index.Expr{Any: []index.Token{indextest.CorpusWord(n)}} }
	for _, q := range []struct {
		name string
		index.Query
	}{
		{"newest", index.Query{Newest: true}},
		{"word rank 10", index.Query{Words: word(10)}},
		{"word rank 1000", index.Query{Words: word(1000)}},
		{"two words", index.Query{Words: &index.Expr{And: []*index.Expr{word(30), word(300)}}}},
		{"without a word", index.Query{Words: &index.Expr{And: []*index.Expr{word(100), {Not: word(0)}}}}},
		{"person", index.Query{People: []index.Tag{indextest.CorpusPerson(50)}}},
		{"number, word, last tenth", index.Query{Numbers: []string{indextest.CorpusNumber(7)}, Words: word(50), From: last - int64(*benchRows/10)}},
		{"custodian, kind", index.Query{Custodians: []string{"employee-9"}, Kinds: []record.Kind{record.Text}}},
		{"findings", index.Query{Findings: []string{"*"}, Newest: true}},
		{"an hour", index.Query{From: last - 7200, To: last - 3600}},
	} {
		b.Run(q.name, func(b *testing.B) {
			var ours, hand []time.Duration
			found := 0
			for b.Loop() {
				start := time.Now()
				page, err := x.Search(b.Context(), q.Query)
				if err != nil {
					b.Fatal(err)
				}
				ours = append(ours, time.Since(start))
				start = time.Now()
				n, err := x.ByHand(b.Context(), q.Query)
				if err != nil {
					b.Fatal(err)
				}
				hand = append(hand, time.Since(start))
				if found = len(page.Rows); found != min(n, index.DefaultLimit) {
					b.Fatalf("%d rows, by hand %d", found, n)
				}
			}
			b.ReportMetric(p95(ours), "p95-ms")
			b.ReportMetric(p95(hand), "byhand-p95-ms")
			b.ReportMetric(p95(ours)/p95(hand), "ratio")
			start := time.Now()
			n, _, err := x.Count(b.Context(), q.Query)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "count-ms")
			b.ReportMetric(float64(n), "matching")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func p95(times []time.Duration) float64 {
	slices.Sort(times)
	return float64(times[len(times)*95/100].Microseconds()) / 1000
}

func fill(b *testing.B, rows int) *clickhouse.Index {
	x := open(b, address(b))
	b.Cleanup(func() {
		if err := x.Exec(context.Background(), fmt.Sprintf("DROP DATABASE IF EXISTS %s", x.DB())); err != nil {
			b.Error(err)
		}
		x.Close()
	})
	corpus := indextest.NewCorpus(1)
	for n := 0; n < rows; n += insertRows {
		if err := x.Insert(b.Context(), corpus.Block(uint64(n/insertRows), min(insertRows, rows-n))); err != nil {
			b.Fatal(err)
		}
	}
	return x
}
