package format

import (
	"fmt"
	"io"
	"testing"
	"time"
)

// BenchmarkFiles writes a conversation in all formats; messages/s counts each
// message once.
func BenchmarkFiles(b *testing.B) {
	c := &Conversation{ID: "c", Number: "1", Parties: []Party{parties[shop], parties[ana]}}
	const days, perDay = 10, 100
	for d := range days {
		day := Day{Date: fmt.Sprintf("2026-11-%02d", d+1)}
		for i := range perDay {
			from := ana
			if i%3 == 0 {
				from = shop
			}
			m := msg(d*perDay+i, fmt.Sprintf("%d 09:00", d+1), from, "Good morning, is the oak table that we spoke about last week still on sale, and what would delivery cost?")
			m.Time = m.Time.Add(time.Duration(i) * time.Minute)
			if from == shop {
				m.Statuses = []Mark{mark(1, "1 09:00", ana, "sent", ""), mark(2, "1 09:00", ana, "delivered", ""), mark(3, "1 09:00", ana, "read", "")}
			}
			day.Messages = append(day.Messages, m)
		}
		c.Days = append(c.Days, day)
	}
	p := &Production{Archive: "a", Zone: berlin}
	kinds := map[string]func() error{
		"rsmf": func() error {
			for _, s := range c.slices(rsmfBounds) {
				if err := writeRSMF(io.Discard, p, c, s); err != nil {
					return err
				}
			}
			return nil
		},
		"html": func() error {
			list := c.pages(pageSize)
			t := newTranscript(p, c, list, nil)
			for _, pg := range list {
				if err := t.write(io.Discard, pg.number); err != nil {
					return err
				}
			}
			return nil
		},
		"jsonl": func() error { return WriteMessages(io.Discard, p, c) },
	}
	for _, name := range []string{"rsmf", "html", "jsonl"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := kinds[name](); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*days*perDay/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
