package exporter

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/ledger"
)

// held is archived media as the bag has it.
type held struct {
	path string
	sum  string // SHA-256, hex
	size int64
}

// bytesOf gives the archived bytes of a thread's media: those that match what was
// stated before others, else the first; nil where there are none.
func (j *joined) bytesOf(t *thread) *fact {
	var all []*fact
	for _, d := range t.deliveries {
		for _, tag := range d.links {
			all = append(all, j.byMedia[tag]...)
		}
	}
	all = append(all, t.media...)
	slices.SortStableFunc(all, func(a, b *fact) int { return worth(t, a) - worth(t, b) })
	if len(all) == 0 {
		return nil
	}
	return all[0]
}

// worth orders archived bytes: those that are what the message states, others,
// empty ones, erased ones.
func worth(t *thread, f *fact) int {
	switch {
	case f.erased || f.media == nil:
		return 3
	case f.empty():
		return 2
	case t.states(f):
		return 0
	}
	return 1
}

// states says that the message states no other SHA-256 than that of the bytes.
func (t *thread) states(f *fact) bool {
	for _, d := range t.deliveries {
		if d.media != nil && d.media.Hashed {
			return d.media.SHA256 == f.media.Held
		}
	}
	return true
}

// mediaLinks are the tags under which the index has the archived bytes of an
// item's media. Most messages are texts and have none.
func mediaLinks(it *whatsapp.Item, keys *index.Keys) []index.Tag {
	if it.Kind == record.MediaBytes {
		return []index.Tag{keys.MediaTag(it.Number, it.MediaLink())}
	}
	if it.Media.ID == "" && !it.Media.Hashed && (it.ID == "" || it.Kind == record.Text || annotates(it.Kind) || !talks(it.Kind)) {
		return nil
	}
	var tags []index.Tag
	for _, link := range it.MediaLinks() {
		tags = append(tags, keys.MediaTag(it.Number, link), keys.MediaTag("", link))
	}
	return tags
}

// withMedia adds the archived bytes of the facts' media.
func (e *export) withMedia(ctx context.Context, facts []*fact) ([]*fact, error) {
	if e.req.All {
		return facts, nil // they are there
	}
	have, tags := map[record.ItemID]bool{}, map[index.Tag]bool{}
	for _, f := range facts {
		have[f.item] = true
		for _, tag := range f.links {
			tags[tag] = true
		}
	}
	var picks []*pick
	sorted := slices.SortedFunc(maps.Keys(tags), index.CompareTags)
	for batch := range slices.Chunk(sorted, pullTags) {
		err := e.rows(ctx, index.Query{IDs: batch, Kinds: []record.Kind{record.MediaBytes}}, func(row *index.Row) error {
			if !have[row.Item] {
				have[row.Item] = true
				picks = append(picks, pickOf(row))
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("look for media: %w", err)
		}
	}
	sortPicks(picks)
	more, err := e.read(ctx, picks)
	return append(facts, more...), err
}

// attached makes the model of a thread's media; nil where it has none.
func (e *export) attached(t *thread) *format.Media {
	m := &format.Media{}
	if t.bytes != nil {
		m = e.bytesModel(t.bytes)
	}
	id, mime, name := m.ID, m.MIME, m.Name // as the message has them, if it does
	m.ID, m.MIME, m.Name = "", "", ""
	some := t.bytes != nil
	for _, d := range t.deliveries {
		if d.media == nil || d.kind == record.MediaBytes {
			continue
		}
		some = true
		m.ID, m.MIME, m.Name = cmp.Or(m.ID, d.media.ID), cmp.Or(m.MIME, d.media.MIME), cmp.Or(m.Name, d.media.Filename)
		// Of deliveries that state different ones, that which is not of the bytes is said.
		if said := hex.EncodeToString(d.media.SHA256[:]); d.media.Hashed && (m.Stated == "" || m.Path != "" && m.Stated == m.SHA256) {
			m.Stated = said
		}
	}
	m.ID, m.MIME, m.Name = cmp.Or(m.ID, id), cmp.Or(m.MIME, mime), cmp.Or(m.Name, name)
	switch {
	case !some:
		return nil
	case t.bytes == nil:
		m.Reason = "the archive does not hold the bytes"
	case t.bytes.empty():
		m.Reason = arrivedEmpty(m.Stated, m.Beside)
	}
	m.SHA256 = cmp.Or(m.SHA256, m.Stated, m.Beside)
	return m
}

// bytesModel makes the model of archived bytes by themselves. SHA256 is "" where
// there are none.
func (e *export) bytesModel(f *fact) *format.Media {
	m := &format.Media{Item: f.item.String()}
	if f.media != nil {
		m.ID, m.MIME, m.Name = f.media.ID, f.media.MIME, f.media.Filename
		if f.media.Hashed {
			m.Beside = hex.EncodeToString(f.media.SHA256[:])
		}
	}
	switch {
	case f.held != nil:
		m.SHA256, m.Size, m.Path = f.held.sum, f.held.size, f.held.path
		m.Open = func() (io.ReadCloser, error) { return e.bag.Open(f.held.path) }
	case f.erased:
		m.Reason = "the bytes were erased"
	case f.empty():
		m.Reason = arrivedEmpty(m.Beside)
	default:
		m.Reason = "the bytes cannot be read"
	}
	return m
}

// arrivedEmpty says so, and whether a SHA-256 that was stated is of something.
func arrivedEmpty(stated ...string) string {
	none := ledger.Sum(nil).String()
	if slices.ContainsFunc(stated, func(s string) bool { return s != "" && s != none }) {
		return "the media arrived without bytes, and the SHA-256 that was stated is of some"
	}
	return "the media arrived without bytes"
}

// empty says that the fact is media that arrived without bytes: an empty value.
func (f *fact) empty() bool {
	return f.kind == record.MediaBytes && !f.erased && f.media != nil && f.media.Size == 0
}

// media gives the fact of a record that is media bytes and nothing else; nil for
// others.
func (s *showing) media() *fact {
	if len(s.facts) == 1 && s.facts[0].kind == record.MediaBytes {
		return s.facts[0]
	}
	return nil
}

// mediaFile writes archived bytes, once for each content, and says where. open
// gives them, proven.
func (s *showing) mediaFile(f *fact, sum ledger.Hash, size int64, open func() (io.ReadCloser, error)) (path string, err error) {
	mime := ""
	if f.media != nil {
		mime = f.media.MIME
	}
	path = format.MediaPath(sum.String(), mime)
	made := &held{path, sum.String(), size}
	s.mediaMu.Lock() // also while it is written: who finds it there relies on it
	defer s.mediaMu.Unlock()
	if s.mediaFiles[path] {
		f.held = made
		return path, nil
	}
	r, err := open()
	if err != nil {
		return "", err
	}
	defer r.Close()
	w, err := s.bag.Create(path)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(w, r)
	if err = errors.Join(err, w.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", path, err)
	}
	f.held, s.mediaFiles[path] = made, true
	return path, nil
}
