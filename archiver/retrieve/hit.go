package retrieve

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Hit is one item: what the index knows of it and what its sealed bytes say.
type Hit struct {
	Row    index.Row
	Item   *whatsapp.Item   // as read again; nil where Erased or Problem
	Person *whatsapp.Person // as the record names them; nil none
	Erased bool             // the bytes were lawfully erased

	// Problem is why the bytes are not given although they should be there. It is
	// ErrTampered.
	Problem error

	State   index.State // how far an outbound message is known to have come, StateUnknown where nothing says; "" for other items
	Edited  bool
	Revoked bool

	Held    []index.Row // of wa.media: archived bytes of the item's media; of media bytes, the item itself
	Empty   []index.Row // likewise, what arrived without bytes
	Differs bool        // Search tells: a SHA-256 that was stated, in the item or beside the bytes, is not that of bytes held

	from *found // nil where Problem
}

// Text gives what a person reads of the item, its parts on lines of their own.
func (h *Hit) Text() string {
	if h.Item == nil {
		return ""
	}
	return strings.Join(h.Item.Text, "\n")
}

// Who gives the person as the record names them: phone number, else BSUID, else
// @username; "" none.
func (h *Hit) Who() string {
	switch p := h.Person; {
	case p == nil:
		return ""
	case p.WaID != "":
		return p.WaID
	case p.UserID != "":
		return p.UserID
	case p.Username != "":
		return index.UsernameID(p.Username)
	default:
		return p.ParentID
	}
}

// Name gives the person's name in the record, "" none.
func (h *Hit) Name() string {
	if h.Person == nil {
		return ""
	}
	return h.Person.Name
}

// Time is the time the item is ordered by, UTC.
func (h *Hit) Time() time.Time { return time.Unix(h.Row.Time(), 0).UTC() }

// Clock says whose clock Time is: platform, device or kafka.
func (h *Hit) Clock() string {
	switch {
	case h.Row.Platform == 0:
		return "kafka"
	case h.Row.Device:
		return "device"
	}
	return "platform"
}

// hit opens the item of a row. An error is one that ends the question; what the
// ledger contradicts is the hit's Problem.
func (s *shelf) hit(ctx context.Context, row *index.Row) (*Hit, error) {
	h := &Hit{Row: *row}
	f, err := s.open(ctx, row)
	if errors.Is(err, ErrTampered) {
		h.Problem = err
		return h, nil
	}
	if err != nil {
		return nil, err
	}
	h.from = f
	if h.Item = f.Item(row.Item.N); h.Item == nil {
		h.Erased = true
	}
	h.Person = f.Person(h.Item)
	return h, nil
}

// isMessage says that an item can be delivered, edited and revoked.
func isMessage(r *index.Row) bool {
	switch r.Kind {
	case record.Status, record.CallStatus, record.Edit, record.Revoke, record.Reaction, record.MediaBytes:
		return false
	}
	return r.ID != index.Tag{}
}
