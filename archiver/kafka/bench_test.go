package kafka

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// BenchmarkFetch reads records of 650 bytes from the embedded broker.
func BenchmarkFetch(b *testing.B) {
	broker, err := StartEmbedded(b.Context(), b.TempDir(), BrokerOptions{Topics: map[string]int32{"t": 1}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	p, err := NewProducer([]string{broker.Addr()}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	const n = 100_000
	recs := make([]*record.Record, n)
	for i := range recs {
		recs[i] = &record.Record{
			Key: []byte("15550100000"), Value: append(fmt.Append(nil, i), bytes.Repeat([]byte("x"), 640)...),
			Headers: []record.Header{{Key: "X-Hub-Signature-256", Value: bytes.Repeat([]byte("0"), 71)}},
		}
	}
	if _, err := p.Produce(b.Context(), "t", recs...); err != nil {
		b.Fatal(err)
	}
	s, err := Open(b.Context(), []string{broker.Addr()}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	b.ReportAllocs()
	read := 0
	for b.Loop() {
		r := s.Reader("t", 0, 1, 0)
		for r.Offset() < n {
			batch, err := r.Fetch(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			read += len(batch.Records)
		}
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkProduce writes records of 650 bytes, a thousand a call.
func BenchmarkProduce(b *testing.B) {
	broker, err := StartEmbedded(b.Context(), b.TempDir(), BrokerOptions{Topics: map[string]int32{"t": 1}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = broker.Close() }()
	p, err := NewProducer([]string{broker.Addr()}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	recs := make([]*record.Record, 1000)
	for i := range recs {
		recs[i] = &record.Record{Key: []byte("15550100000"), Value: bytes.Repeat([]byte("x"), 650)}
	}
	sent := 0
	for b.Loop() {
		if _, err := p.Produce(b.Context(), "t", recs...); err != nil {
			b.Fatal(err)
		}
		sent += len(recs)
	}
	b.ReportMetric(float64(sent)/b.Elapsed().Seconds(), "records/s")
}
