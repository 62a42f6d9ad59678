package prove_test

import (
	"fmt"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// BenchmarkProve makes and encodes the proofs of records that are open already,
// every path included: few records a block, as a quiet archive has them, and many.
// BenchmarkCheck checks them.
func BenchmarkProve(b *testing.B) { bench(b, false) }

func BenchmarkCheck(b *testing.B) { bench(b, true) }

func bench(b *testing.B, check bool) {
	for _, perBlock := range []int{2, 500} {
		b.Run(fmt.Sprintf("%d_a_block", perBlock), func(b *testing.B) {
			s := &scene{Archive: archivetest.New(b, archivetest.Options{MaxRecords: perBlock})}
			var recs []*record.Record
			for i := range 1000 {
				recs = append(recs, archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(archivetest.Ada)+`,"messages":[`+
					archivetest.Text(archivetest.Ada, fmt.Sprintf("wamid.%d", i), s.Now().Unix(), "a message as long as messages are, more or less")+`]`)))
			}
			s.Feed(b, "wa.webhooks", recs...)
			s.Archive.Archive(b)
			s.Heads(b, "0", "1")
			need := s.lanes(b)
			blocks, opened := s.opened(b, need)
			b.ResetTimer()
			for range b.N {
				a := s.cover(b, need)
				files := proveAll(b, a, blocks, opened)
				if !check {
					continue
				}
				b.StopTimer()
				doc, err := a.Doc().Encode()
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				checkAll(b, doc, files)
			}
			b.ReportMetric(float64(len(recs)*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// opened opens every record.
func (s *scene) opened(b *testing.B, need map[record.Lane]uint64) (blocks []*ledger.Block, all [][]*unseal.Opened) {
	a, r := s.cover(b, need), s.Reader(b)
	for l, size := range need {
		for n := range size {
			bl, err := a.Block(b.Context(), l, n)
			if err != nil {
				b.Fatal(err)
			}
			o, err := r.Records(b.Context(), bl.Block.Entry)
			if err != nil {
				b.Fatal(err)
			}
			blocks, all = append(blocks, bl.Block), append(all, o)
		}
	}
	return blocks, all
}

func proveAll(b *testing.B, a *prove.Anchor, blocks []*ledger.Block, opened [][]*unseal.Opened) (files [][]byte) {
	for i, bl := range blocks {
		p, err := a.Prove(b.Context(), bl)
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range opened[i] {
			if err := p.Add(o, inline); err != nil {
				b.Fatal(err)
			}
		}
		f := p.File()
		if f == nil {
			continue
		}
		text, err := f.Encode()
		if err != nil {
			b.Fatal(err)
		}
		files = append(files, text)
	}
	return files
}

func checkAll(b *testing.B, doc []byte, files [][]byte) {
	a, err := proof.Check(doc, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, text := range files {
		f, err := proof.DecodeFile(text)
		if err == nil {
			_, err = a.Check(f, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
