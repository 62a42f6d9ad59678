package index

import (
	"cmp"
	"slices"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Thread is one logical message: everything the archive knows under one message
// id. All deliveries are kept and all are here; nothing is merged.
type Thread struct {
	ID         Tag
	Deliveries []Row // of the message itself, by how they came to be known, then by time: the first is the one to show
	Edits      []Row // oldest first
	Revokes    []Row // oldest first; one is enough to make the message revoked
	Reactions  []Row // the latest of each person, oldest first; also a removed one
	Statuses   []Row // oldest first
	Others     []Row // about the message, and none of these: errors, media bytes, replies by API
}

// State is how far a message is known to have come.
type State string

// The states, in the order of whatsapp.StatusRank. A message without a status is
// unknown, not undelivered: statuses may be lost, and some are never sent.
const (
	StateUnknown   State = "unknown"
	StateSent      State = "sent"
	StateFailed    State = "failed"
	StateDelivered State = "delivered"
	StateRead      State = "read"
	StatePlayed    State = "played"
)

var states = [...]State{StateUnknown, StateSent, StateFailed, StateDelivered, StateRead, StatePlayed}

// Join sorts the rows of one message: those with its id, and those about it
// (Target). Rows that are neither are left out. The rows may come in any order.
func Join(id Tag, rows []Row) Thread {
	t := Thread{ID: id}
	reactions := map[Tag]Row{}
	for _, r := range rows {
		if id == (Tag{}) || r.ID != id && r.Target != id {
			continue
		}
		switch {
		case r.Kind == record.Status || r.Kind == record.CallStatus:
			t.Statuses = append(t.Statuses, r)
		case r.Target != id:
			t.Deliveries = append(t.Deliveries, r)
		case r.Kind == record.Edit:
			t.Edits = append(t.Edits, r)
		case r.Kind == record.Revoke:
			t.Revokes = append(t.Revokes, r)
		case r.Kind == record.Reaction:
			if last, ok := reactions[reactor(&r)]; !ok || byTime(last, r) < 0 {
				reactions[reactor(&r)] = r
			}
		default:
			t.Others = append(t.Others, r)
		}
	}
	for _, r := range reactions {
		t.Reactions = append(t.Reactions, r)
	}
	slices.SortFunc(t.Deliveries, byWorth)
	for _, list := range [][]Row{t.Edits, t.Revokes, t.Reactions, t.Statuses, t.Others} {
		slices.SortFunc(list, byTime)
	}
	return t
}

// reactor is who reacted: the person, or the business for an outbound reaction.
func reactor(r *Row) Tag {
	if r.Direction == record.Outbound {
		return Tag{}
	}
	return r.Subject
}

// byTime is the order of answers: time, then item.
func byTime(a, b Row) int {
	return cmp.Or(cmp.Compare(a.Time(), b.Time()), CompareItems(a.Item, b.Item))
}

// byWorth puts what shows most in front: content before a placeholder, live
// before backfill, then the order of answers.
func byWorth(a, b Row) int {
	return cmp.Or(cmp.Compare(worth(&a), worth(&b)), byTime(a, b))
}

func worth(r *Row) int {
	w := 0
	switch r.Kind {
	case record.MediaPlaceholder, record.Unsupported:
		w = 2
	}
	if r.Provenance == record.Backfill {
		w++
	}
	return w
}

// Revoked says that the message was revoked.
func (t *Thread) Revoked() bool { return len(t.Revokes) > 0 }

// State is the highest state that any status, or a history delivery, tells. A
// late lower status does not lower it.
func (t *Thread) State() State {
	best := 0
	for i := range t.Statuses {
		best = max(best, whatsapp.StatusRank(t.Statuses[i].Sub))
	}
	for i := range t.Deliveries {
		if d := &t.Deliveries[i]; d.Provenance == record.Backfill {
			best = max(best, whatsapp.StatusRank(d.Detail))
		}
	}
	return states[best]
}
