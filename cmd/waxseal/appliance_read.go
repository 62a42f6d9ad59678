package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/policy"
)

// catBytes is how many bytes of records wait to be entered as one look.
const catBytes = 16 << 20

// lookGroup is how many hits are entered, and then shown, at a time.
const lookGroup = 500

// withLibrary opens the archive to read and the way to record looks.
func (a *appliance) withLibrary(ctx context.Context, unrecorded bool, kind string, asked any, fn func(*retrieve.Library, *recorder) error) (err error) {
	rec, err := a.recorder(ctx, unrecorded)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rec.Close()) }()
	r, err := a.openReading(ctx)
	if err != nil {
		return errors.Join(err, rec.refuse(ctx, kind, "unreadable", asked))
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if rec.behind, err = r.behind(ctx); err != nil {
		return err
	}
	if kind != "search" { // whose response tells
		lacks(os.Stderr, rec.behind)
	}
	err = fn(r.library(a.set), rec)
	if errors.Is(err, retrieve.ErrTampered) {
		err = fmt.Errorf("%w: %w", err, ErrVerification)
	}
	if errors.Is(err, retrieve.ErrQuery) || errors.Is(err, retrieve.ErrCursor) {
		err = fmt.Errorf("%w: %w", err, ErrUsage)
	}
	return err
}

// Search finds items. Each group of hits is in the ledger before it is shown.
func (a *appliance) Search(ctx context.Context, req SearchRequest, hit func(Hit) error) (resp SearchResponse, err error) {
	q, err := searchQuery(req)
	if err != nil {
		return resp, err
	}
	err = a.withLibrary(ctx, req.Unrecorded, "search", req, func(lib *retrieve.Library, rec *recorder) error {
		if named, err := byName(ctx, lib, q); err != nil {
			return err
		} else if named != nil {
			q = *named
		}
		var group []Hit
		shown := false
		show := func() error {
			names := make([]string, len(group))
			for i := range group {
				names[i] = group[i].Item
			}
			if err := rec.look(ctx, "search", uint64(len(group)), lookBody{req, names}); err != nil {
				return err
			}
			shown = true
			for _, h := range group {
				if err := hit(h); err != nil {
					return err
				}
			}
			group = group[:0]
			return nil
		}
		sum, searchErr := lib.Search(ctx, q, func(h *retrieve.Hit) error {
			if group = append(group, hitOf(h)); len(group) == lookGroup {
				return show()
			}
			return nil
		})
		resp = SearchResponse{Items: sum.Items, Records: sum.Records, Cursor: sum.Cursor, Behind: rec.behind}
		if len(group) > 0 || !shown {
			if err := show(); err != nil {
				return err
			}
		}
		return searchErr
	})
	return resp, err
}

// searchQuery is a request in the library's terms.
func searchQuery(req SearchRequest) (retrieve.SearchQuery, error) {
	q := retrieve.SearchQuery{
		Words: req.Words, Numbers: req.Numbers, People: req.People, Names: req.Names, Conversations: req.Conversations,
		Custodians: req.Custodians, Departments: req.Departments, Kinds: as[record.Kind](req.Kinds), Channels: as[record.Channel](req.Channels),
		Directions: as[record.Direction](req.Directions), Templates: req.Templates, Findings: req.Findings,
		From: req.From, To: req.To, Newest: req.Newest, Limit: req.Limit, Cursor: req.Cursor, Count: req.Count,
	}
	for _, k := range q.Kinds {
		if !slices.Contains(record.Kinds(), k) {
			return q, fmt.Errorf("no kind %q; there are %s: %w", k, strings.Join(as[string](record.Kinds()), ", "), ErrUsage)
		}
	}
	return q, nil
}

// byName reads a single word as what show and cat take: a RECORD, an ITEM, a
// message id, a phone number, a BSUID or @username. nil where it is none of them,
// or nothing in the archive has that name: then it is a word.
func byName(ctx context.Context, lib *retrieve.Library, q retrieve.SearchQuery) (*retrieve.SearchQuery, error) {
	word := strings.TrimSpace(q.Words)
	if word == "" || strings.ContainsAny(word, " \t\"()") {
		return nil, nil
	}
	_, itemErr := record.ParseItemID(word)
	_, recordErr := record.ParseCoordinates(word)
	_, person := index.PersonID(word)
	named := q
	named.Words = ""
	switch {
	case itemErr == nil, recordErr == nil, strings.HasPrefix(word, "wamid."), strings.HasPrefix(word, "wacid."):
		named.Names = append(slices.Clone(q.Names), word)
	case person:
		named.People = append(slices.Clone(q.People), word)
	default:
		return nil, nil
	}
	count := named
	count.Count, count.Limit, count.Cursor = true, 0, ""
	sum, err := lib.Search(ctx, count, func(*retrieve.Hit) error { return nil })
	if err != nil || sum.Items == 0 {
		return nil, err
	}
	return &named, nil
}

// lookBody is the sealed body of a look: what was asked and what was given.
type lookBody struct {
	Request any      `json:"request"`
	Items   []string `json:"items"`
}

func as[T, S ~string](in []S) []T {
	var out []T
	for _, s := range in {
		out = append(out, T(s))
	}
	return out
}

func hitOf(h *retrieve.Hit) Hit {
	r := &h.Row
	out := Hit{
		Item: r.Item.String(), Record: r.Item.Coordinates.String(), Kind: string(r.Kind), Sub: r.Sub, Channel: string(r.Channel),
		Direction: string(r.Direction), Provenance: string(r.Provenance), Time: h.Time().Format(time.RFC3339), Clock: h.Clock(),
		Number: r.Number, Person: h.Who(), Name: h.Name(), Custodian: r.Custodian, Department: r.Department,
		Template: r.Template, Text: h.Text(), Edited: h.Edited, Revoked: h.Revoked, Erased: h.Erased,
		Reason: r.Reason, Class: r.Class, Findings: r.Findings, Severity: r.Severity, Lane: string(r.Lane), Block: r.Block,
	}
	if h.Problem != nil {
		out.Reason = "stored bytes are not what the ledger says"
	}
	if r.Conversation != (index.Tag{}) {
		out.Conversation = r.Conversation.String()
	}
	if h.State != "" {
		out.State = string(h.State)
	}
	if h.Item != nil {
		out.Bytes = h.Item.Media.Size
	}
	if out.Bytes > 0 {
		out.MIME = h.Item.Media.MIME
	}
	out.HeldDiffers, out.HeldEmpty = h.Differs, len(h.Empty) > 0
	for i := range h.Held {
		if h.Held[i].Item != r.Item {
			out.Held = append(out.Held, h.Held[i].Item.String())
		}
	}
	return out
}

func mediaOf(list []*retrieve.Media) []ShownMedia {
	var out []ShownMedia
	for _, m := range list {
		one := ShownMedia{Item: m.Row.Item.String(), Erased: m.Erased, Object: m.Object(), Stated: m.Stated, Differs: m.Differs, Empty: m.Empty, Bytes: m.Size}
		if m.Problem != nil {
			one.Reason = "stored bytes are not what the ledger says"
		}
		if m.Item != nil {
			one.MIME, one.Filename, one.SHA256 = m.Item.Media.MIME, m.Item.Media.Filename, m.SHA256.String()
		}
		out = append(out, one)
	}
	return out
}

// Show gives everything known under a name.
func (a *appliance) Show(ctx context.Context, req NameRequest) (resp ShowResponse, err error) {
	err = a.withLibrary(ctx, req.Unrecorded, "show", req, func(lib *retrieve.Library, rec *recorder) error {
		names := []string{}
		showErr := lib.Show(ctx, req.Name, func(m *retrieve.Message) error {
			shown, err := shownOf(m)
			if err != nil {
				return err
			}
			resp.Items = append(resp.Items, shown)
			names = append(names, shown.Item)
			return nil
		})
		if err := rec.look(ctx, "show", uint64(len(names)), lookBody{req, names}); err != nil {
			resp = ShowResponse{}
			return err
		}
		return showErr
	})
	return resp, err
}

func shownOf(m *retrieve.Message) (Shown, error) {
	s := Shown{Hit: hitOf(&m.Hit), ID: m.ID, Deliveries: []Delivery{}}
	for _, d := range m.Deliveries {
		s.Deliveries = append(s.Deliveries, Delivery{
			Item: d.Row.Item.String(), Time: d.Time().Format(time.RFC3339), Provenance: string(d.Row.Provenance),
			Kind: string(d.Row.Kind), Signature: string(d.Row.Signature),
		})
	}
	for _, e := range m.Edits {
		s.Edits = append(s.Edits, Change{Item: e.Row.Item.String(), Time: e.Time().Format(time.RFC3339), Sub: e.Row.Sub, Before: e.Before, Text: e.Text()})
	}
	s.Revokes, s.Reactions, s.Statuses, s.Others = changes(m.Revokes), changes(m.Reactions), changes(m.Statuses), changes(m.Others)
	s.Media = mediaOf(m.Media)
	if m.Decision != nil {
		var d policy.Decision
		if err := json.Unmarshal(m.Decision.Out, &d); err != nil {
			return s, fmt.Errorf("decision of %s: %w", s.Item, err)
		}
		s.Decision = ShownDecision{Class: d.Class, Duty: d.Duty, Retain: d.Retain, Scope: d.Scope, Labels: d.Labels, Revision: d.Revision, Provisional: d.Provisional}
		for _, f := range d.Findings {
			s.Decision.Findings = append(s.Decision.Findings, PolicyFinding(f))
		}
		s.Facts = m.Decision.Facts
		for _, e := range m.Decision.Evidence {
			s.Evidence = append(s.Evidence, e.What+" "+e.Item)
		}
	}
	if m.Decision == nil { // erased with the item: what the row still says
		s.Decision = ShownDecision{Class: m.Row.Class, Duty: date(m.Row.Duty), Retain: date(m.Row.Retain), Revision: m.Row.Policy, Provisional: m.Row.Provisional}
	}
	if m.Ledger.Block != nil { // nil where the bytes contradict the ledger
		s.Ledger = placeOf(m.Ledger)
	}
	return s, nil
}

// date shows Unix seconds as a day; "" for 0.
func date(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.DateOnly)
}

func changes(hits []*retrieve.Hit) []Change {
	var out []Change
	for _, h := range hits {
		out = append(out, Change{Item: h.Row.Item.String(), Time: h.Time().Format(time.RFC3339), Sub: h.Row.Sub, Text: h.Text()})
	}
	return out
}

func placeOf(p retrieve.Place) LedgerPlace {
	e := p.Block.Entry
	return LedgerPlace{
		Lane: string(e.Lane), Block: e.N, Time: e.Time, Leaf: p.Leaf, LeafHash: p.Hash.String(), RecordsRoot: e.RecordsRoot.String(),
		Entry: p.Entry.String(), Segment: p.Segment, Cell: p.Cell, RetainUntil: p.RetainUntil,
	}
}

// Cat gives records as Kafka delivered them.
func (a *appliance) Cat(ctx context.Context, req NameRequest, give func(CatRecord) error) error {
	return a.withLibrary(ctx, req.Unrecorded, "cat", req, func(lib *retrieve.Library, rec *recorder) error {
		var group []CatRecord
		bytes, looks, erased := 0, 0, false
		show := func() error {
			names := make([]string, len(group))
			for i := range group {
				names[i] = group[i].Record
			}
			if err := rec.look(ctx, "cat", uint64(len(group)), lookBody{req, names}); err != nil {
				return err
			}
			looks++
			for _, c := range group {
				if err := give(c); err != nil {
					return err
				}
			}
			group, bytes = group[:0], 0
			return nil
		}
		err := lib.Cat(ctx, req.Name, func(r *retrieve.Record) error {
			c := catOf(r)
			erased = erased || c.Erased
			bytes += r.Size()
			if group = append(group, c); len(group) == lookGroup || bytes >= catBytes {
				return show()
			}
			return nil
		})
		if len(group) > 0 || looks == 0 {
			if showErr := show(); showErr != nil {
				return showErr
			}
		}
		if err == nil && erased {
			err = fmt.Errorf("part of what was asked for is erased: %w", ErrIncomplete)
		}
		return err
	})
}

func catOf(r *retrieve.Record) CatRecord {
	out := CatRecord{
		Record: r.Coordinates.String(), Timestamp: r.Timestamp, LeaderEpoch: r.LeaderEpoch,
		Key: r.Key, Value: r.Value, Headers: []CatHeader{}, Erased: r.Erased || r.KeyHeadersErased,
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, CatHeader(h))
	}
	return out
}
