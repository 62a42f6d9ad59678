package exporter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// blockID names a block.
type blockID struct {
	lane record.Lane
	n    uint64
}

func compareBlocks(a, b blockID) int {
	return cmp.Or(cmp.Compare(len(a.lane), len(b.lane)), cmp.Compare(a.lane, b.lane), cmp.Compare(a.n, b.n))
}

// pick is an item that may be in scope, and where the index says that it is.
type pick struct {
	item    record.ItemID
	block   blockID
	segment string
	cell    int
	hit     bool
}

// chooser collects picks. Nothing is decrypted but to confirm phrases.
type chooser struct {
	*export
	picks   map[record.ItemID]*pick
	threads map[index.Tag]bool // messages whose rows are needed: true once they were asked for
	near    nearby
}

// nearby is around whom and when to look for what stands beside the hits.
type nearby struct {
	people, groups map[index.Tag]map[string]bool // days, as dates in the zone
	spots          []spotInTime
}

// spotInTime is a place in somebody's conversation.
type spotInTime struct {
	people []index.Tag
	group  index.Tag
	time   int64
}

// choose gives every item that the production may need, in item order.
func (e *export) choose(ctx context.Context) ([]*pick, error) {
	c := &chooser{
		export: e, picks: map[record.ItemID]*pick{}, threads: map[index.Tag]bool{},
		near: nearby{people: map[index.Tag]map[string]bool{}, groups: map[index.Tag]map[string]bool{}},
	}
	err := e.cfg.Library.Rows(ctx, e.query(), func(row *index.Row) error {
		c.hit(row)
		return ctx.Err()
	})
	if err == nil && !e.req.All {
		err = c.beside(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("choose: %w", err)
	}
	out := make([]*pick, 0, len(c.picks))
	for _, p := range c.picks {
		out = append(out, p)
	}
	sortPicks(out)
	return out, nil
}

func pickOf(row *index.Row) *pick {
	return &pick{item: row.Item, block: blockID{row.Lane, row.Block}, segment: row.Segment, cell: row.Cell}
}

func sortPicks(list []*pick) {
	slices.SortFunc(list, func(a, b *pick) int {
		return cmp.Or(compareBlocks(a.block, b.block), index.CompareItems(a.item, b.item))
	})
}

// add notes a row; a row that came before stays a hit if it was one.
func (c *chooser) add(row *index.Row) *pick {
	p := c.picks[row.Item]
	if p == nil {
		p = pickOf(row)
		c.picks[row.Item] = p
	}
	return p
}

func (c *chooser) hit(row *index.Row) {
	c.add(row).hit = true
	if c.req.All {
		return
	}
	if id := about(row.Kind, row.ID, row.Target); id != (index.Tag{}) && !c.threads[id] {
		c.threads[id] = false
	}
	c.spot(row)
}

// spot notes where a row stands in a conversation.
func (c *chooser) spot(row *index.Row) {
	if !talks(row.Kind) {
		return
	}
	s := spotInTime{people: row.Aliases, group: row.Group, time: row.Time()}
	c.near.spots = append(c.near.spots, s)
	day := c.day(row.Time())
	if s.group != (index.Tag{}) {
		note(c.near.groups, s.group, day)
		return
	}
	for _, tag := range s.people {
		note(c.near.people, tag, day)
	}
}

func note(m map[index.Tag]map[string]bool, tag index.Tag, day string) {
	if m[tag] == nil {
		m[tag] = map[string]bool{}
	}
	m[tag][day] = true
}

// day is the date of a time in the production's zone.
func (e *export) day(unix int64) string {
	return time.Unix(unix, 0).In(e.req.Zone).Format(time.DateOnly)
}

// beside adds what comes along with the hits.
func (c *chooser) beside(ctx context.Context) error {
	// An edit of today is about a message of yesterday: both days count.
	err := c.pull(ctx, func(row *index.Row) {
		if row.Target == (index.Tag{}) {
			c.spot(row)
		}
	})
	if err != nil {
		return err
	}
	switch {
	case c.req.Unit == Days || c.req.Unit == Conversations:
		err = c.around(ctx)
	case c.req.Context > 0:
		err = c.context(ctx)
	}
	if err != nil {
		return err
	}
	return c.pull(ctx, func(*index.Row) {})
}

// Sizes of questions to the index.
const (
	pullTags = 200  // tags of one question
	pullRows = 5000 // rows of one answer
)

// rows calls fn for each row of an index query.
func (e *export) rows(ctx context.Context, q index.Query, fn func(*index.Row) error) error {
	q.Limit = cmp.Or(q.Limit, pullRows)
	for {
		page, err := e.cfg.Library.Index.Search(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			if err := fn(&page.Rows[i]); err != nil {
				return err
			}
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return nil
		}
	}
}

// pull adds the rows of the messages noted: deliveries and all that is about them.
func (c *chooser) pull(ctx context.Context, fn func(*index.Row)) error {
	var ids []index.Tag
	for id, asked := range c.threads {
		if !asked {
			ids = append(ids, id)
			c.threads[id] = true
		}
	}
	slices.SortFunc(ids, index.CompareTags)
	var queries []index.Query
	for batch := range slices.Chunk(ids, pullTags) {
		queries = append(queries, index.Query{IDs: batch}, index.Query{Targets: batch})
	}
	return c.ask(ctx, queries, func(row *index.Row) error {
		c.add(row)
		fn(row)
		return nil
	})
}

// ask calls fn for each row of several queries, which are asked side by side.
func (e *export) ask(ctx context.Context, queries []index.Query, fn func(*index.Row) error) error {
	one := func(ctx context.Context, q index.Query) (rows []index.Row, err error) {
		err = e.rows(ctx, q, func(row *index.Row) error {
			row.Tokens = nil
			rows = append(rows, *row)
			return nil
		})
		return rows, err
	}
	return ordered(ctx, queries, one, func(rows []index.Row) error {
		for i := range rows {
			if err := fn(&rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// found adds a row that stands beside a hit, and notes its message.
func (c *chooser) found(row *index.Row) error {
	c.add(row)
	if id := about(row.Kind, row.ID, row.Target); id != (index.Tag{}) && !c.threads[id] {
		c.threads[id] = false
	}
	return nil
}

// around adds the days, or all, of the conversations that the hits stand in. It
// may find too much (a person's messages in groups, a telephone number's later
// owner): keep has the last word.
func (c *chooser) around(ctx context.Context) error {
	if err := c.aliases(ctx); err != nil {
		return err
	}
	var queries []index.Query
	for _, part := range []struct {
		tags map[index.Tag]map[string]bool
		put  func(*index.Query, []index.Tag)
	}{
		{c.near.people, func(q *index.Query, tags []index.Tag) { q.People = tags }},
		{c.near.groups, func(q *index.Query, tags []index.Tag) { q.Groups = tags }},
	} {
		days := map[string][]index.Tag{}
		for tag, on := range part.tags {
			if c.req.Unit == Conversations {
				on = map[string]bool{"": true}
			}
			for day := range on {
				days[day] = append(days[day], tag)
			}
		}
		for day, tags := range days {
			slices.SortFunc(tags, index.CompareTags)
			for batch := range slices.Chunk(tags, pullTags) {
				q := index.Query{Kinds: talkKinds()}
				part.put(&q, batch)
				q.From, q.To = c.bounds(day)
				queries = append(queries, q)
			}
		}
	}
	return c.ask(ctx, queries, c.found)
}

// aliases adds the tags that the people's are seen beside, on the same days.
func (c *chooser) aliases(ctx context.Context) error {
	tags := make([]index.Tag, 0, len(c.near.people))
	for tag := range c.near.people {
		tags = append(tags, tag)
	}
	for _, tag := range tags {
		all, err := c.cfg.Library.Index.Tags(ctx, []index.Tag{tag})
		if err != nil {
			return err
		}
		for _, other := range all {
			for day := range c.near.people[tag] {
				note(c.near.people, other, day)
			}
		}
	}
	return nil
}

// dayMargin is more than clocks ever jump: midnight may not exist.
const dayMargin = 3 * 3600

// bounds is a day with a margin on both sides, [from, to) in Unix seconds; "" is
// all time.
func (e *export) bounds(day string) (from, to int64) {
	t, err := time.ParseInLocation(time.DateOnly, day, e.req.Zone)
	if err != nil {
		return 0, 0
	}
	return t.Unix() - dayMargin, t.AddDate(0, 0, 1).Unix() + dayMargin
}

// context adds the messages before and after each hit in its conversation.
func (c *chooser) context(ctx context.Context) error {
	for _, s := range c.near.spots {
		q := index.Query{Kinds: talkKinds(), Limit: 50}
		if s.group != (index.Tag{}) {
			q.Groups = []index.Tag{s.group}
		} else {
			var err error
			if q.People, err = c.cfg.Library.Index.Tags(ctx, s.people); err != nil {
				return err
			}
			if len(q.People) == 0 {
				continue
			}
		}
		before, after := q, q
		before.To, before.Newest = s.time+1, true
		after.From = s.time
		for _, q := range []index.Query{before, after} {
			if err := c.neighbours(ctx, q, s.time); err != nil {
				return err
			}
		}
	}
	return nil
}

// neighbours adds rows until enough messages of another second have come: those
// of the hit's own second may lie on either side of it.
func (c *chooser) neighbours(ctx context.Context, q index.Query, at int64) error {
	seen := map[any]bool{}
	return c.until(ctx, q, func(row *index.Row) (bool, error) {
		var key any = row.Item
		if id := about(row.Kind, row.ID, row.Target); id != (index.Tag{}) {
			key = id
		}
		if row.Time() != at && !annotates(row.Kind) {
			seen[key] = true
		}
		return len(seen) > c.req.Context, c.found(row)
	})
}

// until is rows that ends where fn says so.
func (c *chooser) until(ctx context.Context, q index.Query, fn func(*index.Row) (bool, error)) error {
	for {
		page, err := c.cfg.Library.Index.Search(ctx, q)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			done, err := fn(&page.Rows[i])
			if done || err != nil {
				return err
			}
		}
		if q.Cursor = page.Cursor; q.Cursor == "" {
			return nil
		}
	}
}
