package whatsapp

import (
	"syscall"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// BenchmarkParse reads bodies as they come: one update each, some 650 bytes.
func BenchmarkParse(b *testing.B) {
	var records []*record.Record
	var size int64
	for _, in := range payloads(b) {
		switch in.name {
		case "message_text", "message_text_reply", "message_image", "message_button", "status_delivered", "status_sent", "echo_text", "edit_text", "message_reaction":
			records = append(records, &record.Record{Value: in.value})
			size += int64(len(in.value))
		}
	}
	p := NewParser(Options{})
	b.SetBytes(size / int64(len(records)))
	b.ReportAllocs()
	i, before := 0, cpu(b)
	for b.Loop() {
		p.Parse(RoleWebhooks, records[i%len(records)], nil)
		i++
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(i), "cpu-ns/op")
}

// cpu is the processor time this process has used: what a busy machine's clock
// does not tell.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkParseBatch reads one body of 1,000 updates, and one of 10,000 history messages.
func BenchmarkParseBatch(b *testing.B) {
	for name, value := range map[string][]byte{"updates": updates(1000, 300), "history": chats(300, 10_000)} {
		b.Run(name, func(b *testing.B) {
			p, r := NewParser(Options{}), &record.Record{Value: value}
			b.SetBytes(int64(len(value)))
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(RoleWebhooks, r, nil)
			}
		})
	}
}
