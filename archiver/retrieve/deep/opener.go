// Package deep lets ledger/verify look inside what is sealed: it opens segments
// and key boxes with identities that verification itself does not have.
package deep

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/verify"
)

// Opener opens what is sealed for one run of verification. Safe for concurrent
// use.
type Opener struct {
	cfg unseal.Config

	once   sync.Once
	reader *unseal.Reader
	err    error
}

var _ verify.Opener = (*Opener)(nil)

// NewOpener makes an Opener with a Reader's configuration; Boxes is not needed,
// because verification tells the boxes it believes in.
func NewOpener(cfg unseal.Config) *Opener { return &Opener{cfg: cfg} }

// Leaves opens a block and gives each record's leaf as it follows from what is
// sealed. A record of which nothing is left is Erased; one of which pieces are
// left has its leaf from the commitments stored for it. Media objects are read
// whole and held to theirs, and each must belong to a record.
func (o *Opener) Leaves(ctx context.Context, e *ledger.Entry, boxes verify.Boxes, fn func(verify.Opened)) error {
	o.once.Do(func() {
		cfg := o.cfg
		cfg.Boxes = unseal.Boxes(boxes)
		o.reader, o.err = unseal.New(cfg)
	})
	if o.err != nil {
		return o.err
	}
	records, err := o.reader.Records(ctx, e)
	if records == nil && err != nil {
		return err
	}
	used, unknown := make([]bool, len(e.Media)), false
	for _, r := range records {
		out := judge(e, r)
		if m := r.Media(); m != nil && out.Err == nil {
			if out.Err = o.reader.CheckMedia(ctx, e, r); out.Err != nil {
				out.Object = object(e, out.Err)
			}
			if m.Media.Object < len(used) {
				used[m.Media.Object] = true
			}
		}
		unknown = unknown || out.Err != nil || out.Erased
		fn(out)
	}
	for i := range used {
		if !used[i] && !unknown {
			return fmt.Errorf("media %s belongs to no record: %w", e.Media[i].Key, unseal.ErrDamaged)
		}
	}
	return nil
}

func judge(e *ledger.Entry, r *unseal.Opened) verify.Opened {
	if err := errors.Join(r.Problems...); err != nil {
		return verify.Opened{Err: err, Object: object(e, err)}
	}
	if !r.Known {
		return verify.Opened{Erased: true}
	}
	out := verify.Opened{Hash: r.Leaf.Hash()}
	if len(r.Pieces) > 0 && r.Pieces[0].Place.Segment < len(e.Segments) {
		out.Object = e.Segments[r.Pieces[0].Place.Segment].Key
	}
	return out
}

// object gives the segment or media object that an error names, "" where it
// names none.
func object(e *ledger.Entry, err error) string {
	text := err.Error()
	for _, list := range [][]ledger.Segment{e.Media, e.Segments} {
		for i := range list {
			if strings.HasSuffix(text, list[i].Key) || strings.Contains(text, list[i].Key+":") || strings.Contains(text, list[i].Key+" ") {
				return list[i].Key
			}
		}
	}
	return ""
}

// Rows opens a key box in the copy that has the bytes the ledger names, and
// holds each row to its hash and the box to its place.
func (o *Opener) Rows(ctx context.Context, lane record.Lane, block uint64, b ledger.Box) error {
	body, err := o.fetch(ctx, &b)
	if err != nil {
		return err
	}
	box, err := unseal.DecodeBox(body, o.cfg.Identities)
	if err != nil {
		return err
	}
	a := &box.About
	if a.Lane != lane || a.Block != block || a.Retention.Class != b.Class {
		return fmt.Errorf("is a box of block %d in lane %s: %w", a.Block, a.Lane, unseal.ErrDamaged)
	}
	return nil
}

func (o *Opener) fetch(ctx context.Context, b *ledger.Box) ([]byte, error) {
	stores := []worm.Reader{o.cfg.Unlocked, o.cfg.Spare}
	if b.Locked() {
		stores = append([]worm.Reader{o.cfg.Locked}, stores...)
	}
	var errs []error
	for _, s := range stores {
		if s == nil {
			continue
		}
		body, _, err := s.Get(ctx, b.Key)
		if err == nil && ledger.Sum(body) == b.SHA256 {
			return body, nil
		}
		if err == nil {
			err = fmt.Errorf("not the bytes the ledger names: %w", unseal.ErrDamaged)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
