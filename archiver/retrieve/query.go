package retrieve

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// SearchQuery asks for items. Lists are alternatives; different fields restrict
// together; zero fields do not restrict.
type SearchQuery struct {
	Words         string   // index.ParseWords has the grammar
	Numbers       []string // business numbers: phone_number_id, or the phone number in any spelling
	People        []string // outside persons: phone number in any spelling, BSUID, @username
	Names         []string // RECORD, ITEM or message id
	Conversations []string // hex, as Row.Conversation prints
	Custodians    []string
	Departments   []string
	Kinds         []record.Kind
	Channels      []record.Channel
	Directions    []record.Direction
	Provenances   []record.Provenance
	Templates     []string // name or id
	Classes       []string
	Findings      []string // rule names; "*" any finding
	From, To      int64    // Unix seconds, [From, To)

	Newest bool
	Limit  int    // 0 is all
	Cursor string // of an earlier Summary
	Count  bool   // only count: no hit is given, no cursor
}

// plan is a search in the index's terms: the rows that any of queries selects,
// of which words, where not nil, confirms those that match.
type plan struct {
	queries []index.Query
	words   *index.WordQuery
}

func (l *Library) plan(ctx context.Context, q *SearchQuery) (*plan, error) {
	base := index.Query{
		Custodians: q.Custodians, Departments: q.Departments, Kinds: q.Kinds, Channels: q.Channels, Directions: q.Directions,
		Provenances: q.Provenances, Templates: q.Templates, Classes: q.Classes, Findings: q.Findings,
		From: q.From, To: q.To, Newest: q.Newest,
	}
	p := &plan{}
	if strings.TrimSpace(q.Words) != "" {
		words, err := index.ParseWords(q.Words)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrQuery, err)
		}
		base.Words = words.Expr(l.Keys)
		if !words.Exact() {
			p.words = words
		}
	}
	var err error
	if base.Conversations, err = conversations(q.Conversations); err != nil {
		return nil, err
	}
	if len(q.People) > 0 {
		if base.People, err = l.people(ctx, q.People); err != nil || len(base.People) == 0 {
			return p, err
		}
	}
	if p.queries, err = l.numbers(ctx, []index.Query{base}, q.Numbers); err != nil {
		return nil, err
	}
	p.queries = l.names(p.queries, q.Names)
	return p, nil
}

func conversations(list []string) ([]index.Tag, error) {
	var out []index.Tag
	for _, s := range list {
		b, err := hex.DecodeString(s)
		if err != nil || len(b) != len(index.Tag{}) {
			return nil, fmt.Errorf("conversation: not 32 hex digits: %w", ErrQuery)
		}
		out = append(out, index.Tag(b))
	}
	return out, nil
}

// people gives the tags under which the index may know the persons: each on
// every number, and what it was seen beside. Only those that some row has.
func (l *Library) people(ctx context.Context, people []string) ([]index.Tag, error) {
	numbers, err := l.Index.Numbers(ctx)
	if err != nil {
		return nil, err
	}
	numbers = append(numbers, "") // what names a person and no number
	var tags []index.Tag
	for _, who := range people {
		id, ok := index.PersonID(who)
		if !ok {
			return nil, fmt.Errorf("person: not a phone number, BSUID or @username: %w", ErrQuery)
		}
		tags = append(tags, l.Keys.PersonTags(numbers, id)...)
	}
	if tags, err = l.present(ctx, tags); err != nil || len(tags) == 0 {
		return nil, err
	}
	return l.Index.Tags(ctx, tags)
}

// present leaves out the tags that no row has. A number has few of all people,
// so whole stretches go at once.
func (l *Library) present(ctx context.Context, tags []index.Tag) ([]index.Tag, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	page, err := l.Index.Search(ctx, index.Query{People: tags[:min(len(tags), stretch)], Limit: 1})
	if err != nil {
		return nil, err
	}
	var found []index.Tag
	switch {
	case len(tags) == 1 && len(page.Rows) > 0:
		return tags, nil
	case len(tags) > stretch:
		return l.presentHalves(ctx, tags, stretch, len(page.Rows) > 0)
	case len(page.Rows) > 0:
		return l.presentHalves(ctx, tags, len(tags)/2, true)
	}
	return found, nil
}

// stretch is how many tags are looked up at once.
const stretch = 64

// presentHalves looks at the tags before and from at; before only where some are.
func (l *Library) presentHalves(ctx context.Context, tags []index.Tag, at int, before bool) (found []index.Tag, err error) {
	if before {
		if found, err = l.present(ctx, tags[:at]); err != nil {
			return nil, err
		}
	}
	rest, err := l.present(ctx, tags[at:])
	return append(found, rest...), err
}

// numbers restricts queries to business numbers. A number may be given by its id
// or as the phone number that it shows; what names only the latter (an event of
// the account) is found by its tag.
func (l *Library) numbers(ctx context.Context, queries []index.Query, numbers []string) ([]index.Query, error) {
	if len(numbers) == 0 {
		return queries, nil
	}
	known, err := l.Index.Numbers(ctx)
	if err != nil {
		return nil, err
	}
	ids, displays := []string{}, []index.Tag{}
	for _, n := range numbers {
		ids = append(ids, n)
		digits := index.Digits(n)
		if digits == "" {
			continue
		}
		tag := l.Keys.DisplayTag(digits)
		displays = append(displays, tag)
		for _, id := range known {
			page, err := l.Index.Search(ctx, index.Query{Displays: []index.Tag{tag}, Numbers: []string{id}, Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(page.Rows) > 0 {
				ids = append(ids, id)
			}
		}
	}
	out := each(queries, func(q *index.Query) { q.Numbers = ids })
	if len(displays) > 0 {
		out = append(out, each(queries, func(q *index.Query) { q.Displays = displays })...)
	}
	return out, nil
}

// names restricts queries to what RECORD, ITEM and message ids name; a message
// id names the message and what is about it.
func (l *Library) names(queries []index.Query, names []string) []index.Query {
	if len(names) == 0 {
		return queries
	}
	var records []record.Coordinates
	var items []record.ItemID
	var messages []index.Tag
	for _, s := range names {
		n := parseName(s)
		switch {
		case n.item != nil:
			items = append(items, *n.item)
		case n.record != nil:
			records = append(records, *n.record)
		default:
			messages = append(messages, l.Keys.MessageTag(s))
		}
	}
	var out []index.Query
	if len(records) > 0 {
		out = append(out, each(queries, func(q *index.Query) { q.Records = records })...)
	}
	if len(items) > 0 {
		out = append(out, each(queries, func(q *index.Query) { q.Items = items })...)
	}
	if len(messages) > 0 {
		out = append(out, each(queries, func(q *index.Query) { q.IDs = messages })...)
		out = append(out, each(queries, func(q *index.Query) { q.Targets = messages })...)
	}
	return out
}

// each gives a copy of the queries, changed.
func each(queries []index.Query, change func(*index.Query)) []index.Query {
	out := make([]index.Query, len(queries))
	for i := range queries {
		out[i] = queries[i]
		change(&out[i])
	}
	return out
}
