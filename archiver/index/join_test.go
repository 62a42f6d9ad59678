package index_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// story is everything known of one message, each row named by its offset.
func story() (id index.Tag, rows []index.Row) {
	id, other := index.Tag{1}, index.Tag{2}
	mia, bob := index.Tag{10}, index.Tag{11}
	add := func(at int64, r index.Row) {
		r.Item.Offset, r.Platform = int64(len(rows)), at
		rows = append(rows, r)
	}
	add(100, index.Row{Kind: record.MediaPlaceholder, ID: id, Provenance: record.Backfill, Detail: "DELIVERED"})      // 0
	add(110, index.Row{Kind: record.Image, ID: id, Provenance: record.Backfill})                                      // 1
	add(120, index.Row{Kind: record.Image, ID: id, Provenance: record.Live})                                          // 2
	add(115, index.Row{Kind: record.Image, ID: id, Provenance: record.Live})                                          // 3: a retry
	add(140, index.Row{Kind: record.Edit, ID: other, Target: id, Subject: mia})                                       // 4
	add(130, index.Row{Kind: record.Edit, Target: id, Subject: mia})                                                  // 5
	add(150, index.Row{Kind: record.Revoke, Target: id})                                                              // 6
	add(160, index.Row{Kind: record.Reaction, ID: index.Tag{3}, Target: id, Subject: mia, Direction: record.Inbound}) // 7
	add(170, index.Row{Kind: record.Reaction, Target: id, Subject: mia, Direction: record.Inbound, Sub: "removed"})   // 8
	add(165, index.Row{Kind: record.Reaction, Target: id, Subject: bob, Direction: record.Inbound})                   // 9
	add(161, index.Row{Kind: record.Reaction, Target: id, Subject: bob, Direction: record.Outbound})                  // 10
	add(163, index.Row{Kind: record.Reaction, Target: id, Subject: mia, Direction: record.Outbound})                  // 11: the business's later one
	add(200, index.Row{Kind: record.Status, Target: id, Sub: "read"})                                                 // 12
	add(210, index.Row{Kind: record.Status, Target: id, Sub: "sent"})                                                 // 13: late
	add(220, index.Row{Kind: record.MediaBytes, Target: id})                                                          // 14
	add(230, index.Row{Kind: record.Text, ID: other, ReplyTo: id})                                                    // 15: a reply is no part
	add(240, index.Row{Kind: record.Status, Target: other, Sub: "played"})                                            // 16
	add(250, index.Row{Kind: record.Consent})                                                                         // 17
	return id, rows
}

func offsets(rows []index.Row) []int64 {
	out := []int64{}
	for _, r := range rows {
		out = append(out, r.Item.Offset)
	}
	return out
}

func TestJoin(t *testing.T) {
	id, rows := story()
	r := rand.New(rand.NewPCG(1, 1))
	for range 50 {
		th := index.Join(id, rows)
		for _, c := range []struct {
			name string
			got  []index.Row
			want []int64
		}{
			{"deliveries", th.Deliveries, []int64{3, 2, 1, 0}},
			{"edits", th.Edits, []int64{5, 4}},
			{"revokes", th.Revokes, []int64{6}},
			{"reactions", th.Reactions, []int64{11, 9, 8}},
			{"statuses", th.Statuses, []int64{12, 13}},
			{"others", th.Others, []int64{14}},
		} {
			if got := offsets(c.got); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("%s: %v, want %v", c.name, got, c.want)
			}
		}
		if th.State() != index.StateRead || !th.Revoked() {
			t.Fatalf("state %s, revoked %v", th.State(), th.Revoked())
		}
		r.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
}

func TestThreadState(t *testing.T) {
	id := index.Tag{1}
	status := func(words ...string) (rows []index.Row) {
		for i, w := range words {
			r := index.Row{Kind: record.Status, Target: id, Sub: w}
			r.Item.N = i
			rows = append(rows, r)
		}
		return rows
	}
	history := index.Row{Kind: record.Text, ID: id, Provenance: record.Backfill, Detail: "PLAYED"}
	live := history
	live.Provenance = record.Live
	for _, c := range []struct {
		rows []index.Row
		want index.State
	}{
		{nil, index.StateUnknown},
		{status("a word of tomorrow"), index.StateUnknown},
		{status("sent"), index.StateSent},
		{status("read", "delivered", "sent"), index.StateRead},
		{status("failed", "sent"), index.StateFailed},
		{status("failed", "delivered"), index.StateDelivered},
		{status("played", "read"), index.StatePlayed},
		{append(status("read"), history), index.StatePlayed},
		{append(status("read"), live), index.StateRead},
	} {
		th := index.Join(id, c.rows)
		if got := th.State(); got != c.want {
			t.Errorf("%v: %s, want %s", c.rows, got, c.want)
		}
	}
	if th := index.Join(index.Tag{}, []index.Row{{Kind: record.Text}}); len(th.Deliveries) != 0 {
		t.Error("rows without an id are one message")
	}
}
