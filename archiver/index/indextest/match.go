package indextest

import (
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
)

// Match says whether a query selects a row, ignoring its page: the contract of
// index.Query in the plainest code, to which engines are held.
func Match(q *index.Query, r *index.Row) bool {
	at := r.Time()
	return (q.Words == nil || holds(q.Words, r.Tokens)) &&
		one(q.Items, r.Item) &&
		one(q.Records, r.Item.Coordinates) &&
		anyOf(q.People, append([]index.Tag{r.Subject}, r.Aliases...)...) &&
		one(q.Numbers, r.Number) &&
		one(q.Displays, r.Display) &&
		one(q.Groups, r.Group) &&
		one(q.Conversations, r.Conversation) &&
		one(q.IDs, r.ID) &&
		one(q.Targets, r.Target) &&
		one(q.WABAs, r.WABA) &&
		one(q.Custodians, r.Custodian) &&
		one(q.Departments, r.Department) &&
		one(q.Kinds, r.Kind) &&
		one(q.Channels, r.Channel) &&
		one(q.Directions, r.Direction) &&
		one(q.Provenances, r.Provenance) &&
		anyOf(q.Templates, r.Template, r.TemplateID) &&
		one(q.Classes, r.Class) &&
		finding(q.Findings, r.Findings) &&
		one(q.Lanes, r.Lane) &&
		(q.From == 0 || at >= q.From) &&
		(q.To == 0 || at < q.To)
}

// one: the list is empty, or v is in it.
func one[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

// anyOf: the list is empty, or one of vs is in it.
func anyOf[T comparable](list []T, vs ...T) bool {
	return len(list) == 0 || slices.ContainsFunc(vs, func(v T) bool { return slices.Contains(list, v) })
}

func finding(list, findings []string) bool {
	return anyOf(list, findings...) || slices.Contains(list, "*") && len(findings) > 0
}

func holds(e *index.Expr, tokens []index.Token) bool {
	switch {
	case e.And != nil:
		return !slices.ContainsFunc(e.And, func(p *index.Expr) bool { return !holds(p, tokens) })
	case e.Or != nil:
		return slices.ContainsFunc(e.Or, func(p *index.Expr) bool { return holds(p, tokens) })
	case e.Not != nil:
		return !holds(e.Not, tokens)
	}
	return slices.ContainsFunc(e.Any, func(t index.Token) bool { return slices.Contains(tokens, t) })
}

// Select gives the rows a query selects, in order, ignoring its page.
func Select(q *index.Query, rows []index.Row) []index.Row {
	var out []index.Row
	for i := range rows {
		if Match(q, &rows[i]) {
			out = append(out, rows[i])
		}
	}
	slices.SortFunc(out, func(a, b index.Row) int {
		if q.Newest {
			a, b = b, a
		}
		if a.Time() != b.Time() {
			return int(min(max(a.Time()-b.Time(), -1), 1))
		}
		return index.CompareItems(a.Item, b.Item)
	})
	return out
}
