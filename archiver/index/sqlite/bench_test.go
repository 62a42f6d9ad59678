package sqlite_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/indextest"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/record"
)

var benchRows = flag.Int("rows", 200_000, "rows that BenchmarkSearch searches")

// BenchmarkInsert measures rows inserted a second, in blocks of 5,000.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{5000, 500} {
		b.Run(fmt.Sprint("block=", size), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "index.db")
			x := open(b, path)
			corpus := indextest.NewCorpus(1)
			rows, tokens := 0, 0
			block := uint64(0)
			b.ResetTimer()
			for range b.N {
				b.StopTimer()
				batch := corpus.Block(block, size)
				for i := range batch.Rows {
					tokens += len(batch.Rows[i].Tokens)
				}
				block++
				rows += size
				b.StartTimer()
				if err := x.Insert(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64(tokens)/float64(rows), "tokens/row")
			if err := x.Close(); err != nil {
				b.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(info.Size())/float64(rows), "B/row")
		})
	}
}

// BenchmarkSearch measures the first page of typical queries and the counts.
func BenchmarkSearch(b *testing.B) {
	x := fill(b, *benchRows)
	last := int64(indextest.CorpusStart + *benchRows/indextest.CorpusRate)
	word := func(n int) *index.Expr { return &index.Expr{Any: []index.Token{indextest.CorpusWord(n)}} }
	for _, q := range []struct {
		name string
		index.Query
	}{
		{"newest", index.Query{Newest: true}},
		{"word rank 0", index.Query{Words: word(0)}},
		{"word rank 10", index.Query{Words: word(10)}},
		{"word rank 100", index.Query{Words: word(100)}},
		{"word rank 1000", index.Query{Words: word(1000)}},
		{"word rank 20000", index.Query{Words: word(20000)}},
		{"two words", index.Query{Words: &index.Expr{And: []*index.Expr{word(30), word(300)}}}},
		{"without a word", index.Query{Words: &index.Expr{And: []*index.Expr{word(100), {Not: word(0)}}}}},
		{"person", index.Query{People: []index.Tag{indextest.CorpusPerson(50)}}},
		{"person, word", index.Query{People: []index.Tag{indextest.CorpusPerson(3)}, Words: word(20)}},
		{"number", index.Query{Numbers: []string{indextest.CorpusNumber(7)}, Newest: true}},
		{"number, word, last tenth", index.Query{Numbers: []string{indextest.CorpusNumber(7)}, Words: word(50), From: last - int64(*benchRows/10)}},
		{"custodian, kind", index.Query{Custodians: []string{"employee-9"}, Kinds: []record.Kind{record.Text}}},
		{"findings", index.Query{Findings: []string{"*"}, Newest: true}},
		{"an hour", index.Query{From: last - 7200, To: last - 3600}},
	} {
		b.Run(q.name, func(b *testing.B) { benchQuery(b, x, q.Query) })
	}
}

func benchQuery(b *testing.B, x index.Index, q index.Query) {
	times := make([]time.Duration, 0, 1024)
	found := 0
	for b.Loop() {
		start := time.Now()
		page, err := x.Search(b.Context(), q)
		if err != nil {
			b.Fatal(err)
		}
		found = len(page.Rows)
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, "p95-ms")
	b.ReportMetric(float64(found), "rows")
	start := time.Now()
	n, _, err := x.Count(b.Context(), q)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "count-ms")
	b.ReportMetric(float64(n), "matching")
}

func fill(b *testing.B, rows int) *sqlite.Index {
	x := open(b, filepath.Join(b.TempDir(), "index.db"))
	b.Cleanup(func() {
		if err := x.Close(); err != nil {
			b.Error(err)
		}
	})
	corpus := indextest.NewCorpus(1)
	const size = 5000
	for n := 0; n < rows; n += size {
		if err := x.Insert(b.Context(), corpus.Block(uint64(n/size), min(size, rows-n))); err != nil {
			b.Fatal(err)
		}
	}
	return x
}
