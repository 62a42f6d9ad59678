package traffic_test

import (
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/deploy/dev/traffic"
)

// The traffic is what it says: understood, of that size, a quarter statuses, and
// no two alike.
func TestTraffic(t *testing.T) {
	const n = 4000
	tr, p := traffic.New(1, 1_764_000_000, traffic.People), whatsapp.NewParser(whatsapp.Options{})
	seen, statuses, size := map[string]bool{}, 0, 0
	for range n {
		r := tr.Next()
		size += len(r.Value)
		seen[string(r.Value)] = true
		parsed := p.Parse(whatsapp.RoleWebhooks, r, nil)
		if len(parsed.Items) != 1 || parsed.Items[0].Person < 0 {
			t.Fatalf("record %d: %d items, or nobody's", len(seen), len(parsed.Items))
		}
		switch parsed.Items[0].Kind {
		case record.Status:
			statuses++
		case record.Text:
		default:
			t.Fatalf("record %d is a %s", len(seen), parsed.Items[0].Kind)
		}
	}
	if len(seen) != n || statuses != n/4 || size < 600*n || size > 700*n {
		t.Errorf("%d different bodies, %d statuses, %d bytes on average", len(seen), statuses, size/n)
	}
}
