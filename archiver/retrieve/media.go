package retrieve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/reread"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Media is an item of wa.media: archived bytes. OpenMedia of its Hit gives them.
// Item is nil where they were erased.
type Media struct {
	*Hit
	Empty  bool // the record has an empty value: the media arrived without bytes
	Size   int64
	SHA256 ledger.Hash // of the bytes held, as sealed; OpenMedia holds the bytes to it

	Stated  bool // a SHA-256 was stated beside the bytes, or in the message
	Differs bool // and one that was stated is not that of the bytes. They are kept as they came
}

// Object is the key of the object in the locked store, "" where the bytes are
// gone, or none.
func (m *Media) Object() string {
	if m.from == nil || m.from.Media() == nil {
		return ""
	}
	e := m.from.block.Entry
	if i := m.from.Media().Media.Object; i < len(e.Media) {
		return e.Media[i].Key
	}
	return ""
}

// Media gives the archived bytes of an item's media, those that name its media
// id, its hash or its message id, in order of time and name, what arrived without
// bytes last; of an item of
// wa.media itself. Nothing is read of the bytes. Items whose record contradicts
// the ledger come with their Problem.
func (l *Library) Media(ctx context.Context, h *Hit) ([]*Media, error) {
	s := l.shelf()
	if err := s.held(ctx, []*Hit{h}); err != nil {
		return nil, fmt.Errorf("media of %s: %w", h.Row.Item, err)
	}
	return s.media(ctx, h)
}

// OpenMedia opens the bytes of an item of wa.media. They were held to their
// commitment, and so to the ledger, before the first is given out; see
// unseal.Reader.Media. ErrTampered names lane, block and object; ErrErased: they
// were lawfully erased; ErrNone: the item is not media bytes.
func (l *Library) OpenMedia(ctx context.Context, h *Hit) (io.ReadCloser, error) {
	switch {
	case h.Problem != nil:
		return nil, h.Problem
	case h.Erased || h.Item == nil:
		return nil, fmt.Errorf("media of %s: %w", h.Row.Item, unseal.ErrErased)
	case h.Item.Field != string(whatsapp.RoleMedia) || h.Item.Media.Size == 0:
		return nil, fmt.Errorf("media of %s: %w", h.Row.Item, ErrNone)
	}
	o := h.from.Opened
	if o.Media() == nil { // sealed in a cell
		return io.NopCloser(bytes.NewReader(o.Record.Value)), nil
	}
	r, err := l.Reader.Media(ctx, h.from.block.Entry, o)
	if err != nil {
		return nil, h.from.mediaError(err)
	}
	return &mediaReader{h.from, r}, nil
}

// mediaReader says of what differs only on the second reading what it is.
type mediaReader struct {
	from *found
	io.ReadCloser
}

func (r *mediaReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = r.from.mediaError(err)
	}
	return n, err
}

// mediaError says where a media object that cannot be read stands.
func (f *found) mediaError(err error) error {
	e := f.block.Entry
	key := ledger.DataKey(e.Lane, e.N, "")
	if m := f.Media(); m != nil && m.Media.Object < len(e.Media) {
		key = e.Media[m.Media.Object].Key
	}
	if reread.Contradicts(err) || errors.Is(err, worm.ErrNotFound) {
		return tampered(e.Lane, e.N, key, err)
	}
	return fmt.Errorf("lane %s block %d object %s: %w", e.Lane, e.N, key, err)
}

// whole puts the bytes of a media object into a record that is to be given out.
func (s *shelf) whole(ctx context.Context, f *found, r *Record) error {
	if f.Media() == nil {
		return nil
	}
	b, err := s.l.Reader.MediaBytes(ctx, f.block.Entry, f.Opened)
	if errors.Is(err, unseal.ErrErased) { // since the record was opened
		r.Erased, r.Gone = true, true
		return nil
	}
	if err != nil {
		return f.mediaError(err)
	}
	r.Value = b
	return nil
}

// held finds the rows of archived bytes of the hits' media, those that arrived
// without any apart.
func (s *shelf) held(ctx context.Context, hits []*Hit) error {
	err := s.named(ctx, hits)
	for _, h := range hits {
		all := h.Held
		h.Held, h.Empty = nil, nil
		for i := range all {
			if all[i].Span.End == 0 {
				h.Empty = append(h.Empty, all[i])
			} else {
				h.Held = append(h.Held, all[i])
			}
		}
	}
	return err
}

// differ says of each hit whether bytes held are not what was stated. What was
// stated beside them the index knows; for what the item states the record of the
// bytes is opened, and nothing is read of the bytes.
func (s *shelf) differ(ctx context.Context, hits []*Hit) error {
	for _, h := range hits {
		h.Differs = slices.ContainsFunc(h.Held, func(r index.Row) bool { return r.Detail == whatsapp.MediaDiffers })
		if h.Differs || h.Item == nil || !h.Item.Media.Hashed || h.Row.Kind == record.MediaBytes {
			continue
		}
		list, err := s.media(ctx, h)
		if err != nil {
			return err
		}
		h.Differs = slices.ContainsFunc(list, func(m *Media) bool { return m.Differs && !m.Empty })
	}
	return nil
}

// named finds the rows of wa.media of the hits' media.
func (s *shelf) named(ctx context.Context, hits []*Hit) error {
	byID, byTarget := map[index.Tag][]*Hit{}, map[index.Tag][]*Hit{}
	for _, h := range hits {
		h.Held = nil
		switch {
		case h.Row.Kind == record.MediaBytes:
			h.Held = []index.Row{h.Row}
		case h.Item == nil || !hasMedia(h):
		default:
			for _, link := range h.Item.MediaLinks() {
				for _, number := range [...]string{h.Item.Number, ""} {
					tag := s.l.Keys.MediaTag(number, link)
					byID[tag] = append(byID[tag], h)
				}
			}
			if isMessage(&h.Row) {
				byTarget[h.Row.ID] = append(byTarget[h.Row.ID], h)
			}
		}
	}
	if len(byID)+len(byTarget) == 0 {
		return nil
	}
	kinds := []record.Kind{record.MediaBytes}
	var queries []index.Query
	if len(byID) > 0 {
		queries = append(queries, index.Query{IDs: keysOf(byID), Kinds: kinds})
	}
	if len(byTarget) > 0 {
		queries = append(queries, index.Query{Targets: keysOf(byTarget), Kinds: kinds})
	}
	m := s.l.merge(queries, false, nil)
	for {
		row, err := m.next(ctx)
		if row == nil || err != nil {
			return err
		}
		for _, list := range [...][]*Hit{byID[row.ID], byTarget[row.Target]} {
			for _, h := range list {
				if n := len(h.Held); n == 0 || h.Held[n-1].Item != row.Item {
					h.Held = append(h.Held, *row)
				}
			}
		}
	}
}

func keysOf(m map[index.Tag][]*Hit) []index.Tag {
	out := make([]index.Tag, 0, len(m))
	for t := range m {
		if t != (index.Tag{}) {
			out = append(out, t)
		}
	}
	return out
}

// hasMedia says that an item may have media somewhere. Most texts have none, and
// a page of them asks nothing.
func hasMedia(h *Hit) bool {
	return h.Item.Media.ID != "" || h.Item.Media.Hashed || isMessage(&h.Row) && h.Row.Kind != record.Text
}

// media opens the rows of a hit's archived bytes.
func (s *shelf) media(ctx context.Context, h *Hit) ([]*Media, error) {
	var out []*Media
	for _, row := range append(slices.Clone(h.Held), h.Empty...) {
		hit, err := s.hit(ctx, &row)
		if err != nil {
			return nil, err
		}
		m := &Media{Hit: hit}
		if hit.Item != nil {
			said := &hit.Item.Media
			m.Size, m.SHA256 = said.Size, said.Held
			if m.Empty = said.Size == 0; m.Empty {
				m.SHA256 = ledger.Sum(nil)
			}
			for _, by := range []*Hit{hit, h} {
				if by.Item != nil && by.Item.Media.Hashed {
					m.Stated, m.Differs = true, m.Differs || by.Item.Media.SHA256 != m.SHA256
				}
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// media gathers the archived bytes of a message's media, each once.
func (v *viewing) media(ctx context.Context, m *Message) error {
	hits := append([]*Hit{&m.Hit}, m.Deliveries...)
	for _, e := range m.Edits {
		hits = append(hits, e.Hit)
	}
	if err := v.s.held(ctx, hits); err != nil {
		return err
	}
	known := map[record.ItemID]*Media{}
	for _, h := range hits {
		list, err := v.s.media(ctx, h)
		if err != nil {
			return err
		}
		for _, one := range list {
			if was, ok := known[one.Row.Item]; ok {
				was.Stated, was.Differs = was.Stated || one.Stated, was.Differs || one.Differs
				continue
			}
			if one.Problem != nil && len(v.problems) < maxTold {
				v.problems = append(v.problems, one.Problem)
			}
			known[one.Row.Item] = one
			m.Media = append(m.Media, one)
		}
	}
	m.Others = slices.DeleteFunc(m.Others, func(h *Hit) bool { return known[h.Row.Item] != nil })
	return nil
}
