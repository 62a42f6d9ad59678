package indextest

import (
	"fmt"
	"math/rand/v2"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// restriction sets one field of a query.
type restriction struct {
	name string
	set  func(*rand.Rand, []index.Row, *index.Query)
}

// some gives one to three values, sometimes one that no row has.
func some[T any](r *rand.Rand, list []T, absent T) []T {
	var out []T
	for range 1 + r.IntN(3) {
		out = append(out, pick(r, list))
	}
	if r.IntN(4) == 0 {
		out = append(out, absent)
	}
	return out
}

func someTags(r *rand.Rand, kind, n int) []index.Tag {
	out := []index.Tag{tag(kind, r.IntN(n))}
	for range r.IntN(3) {
		out = append(out, tag(kind, r.IntN(n)))
	}
	return out
}

// restrictions are all fields a query has.
var restrictions = []restriction{
	{"words", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Words = expr(r, 3) }},
	{"items", func(r *rand.Rand, rows []index.Row, q *index.Query) {
		for range 1 + r.IntN(20) {
			q.Items = append(q.Items, pick(r, rows).Item)
		}
		q.Items = append(q.Items, record.ItemID{Coordinates: record.Coordinates{Topic: "absent", Era: 1}})
	}},
	{"records", func(r *rand.Rand, rows []index.Row, q *index.Query) {
		for range 1 + r.IntN(20) {
			q.Records = append(q.Records, pick(r, rows).Item.Coordinates)
		}
	}},
	{"people", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.People = someTags(r, tagPerson, people*3/2+1) }},
	{"numbers", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Numbers = some(r, numbers, "9") }},
	{"displays", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Displays = someTags(r, tagDisplay, 4) }},
	{"groups", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Groups = someTags(r, tagGroup, 4) }},
	{"conversations", func(r *rand.Rand, _ []index.Row, q *index.Query) {
		q.Conversations = append(someTags(r, tagConversation, people), tag(tagConversation, 100))
	}},
	{"ids", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.IDs = someTags(r, tagMessage, 51) }},
	{"targets", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Targets = someTags(r, tagMessage, 51) }},
	{"wabas", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.WABAs = some(r, wabas, "9") }},
	{"custodians", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Custodians = some(r, custodians, "eve") }},
	{"departments", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Departments = some(r, departments, "x") }},
	{"kinds", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Kinds = some(r, kinds, record.Call) }},
	{"channels", func(r *rand.Rand, _ []index.Row, q *index.Query) {
		q.Channels = some(r, channels, record.ChannelAgent)
	}},
	{"directions", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Directions = some(r, directions, "up") }},
	{"provenances", func(r *rand.Rand, _ []index.Row, q *index.Query) {
		q.Provenances = some(r, provenances, record.Manual)
	}},
	{"templates", func(r *rand.Rand, _ []index.Row, q *index.Query) {
		q.Templates = some(r, []string{"welcome", "late_fee", "700000000000000"}, "absent")
	}},
	{"classes", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Classes = some(r, classes, "x") }},
	{"findings", func(r *rand.Rand, _ []index.Row, q *index.Query) {
		q.Findings = some(r, append([]string{"*", "market", "withdrawal", "not"}, rules...), "absent")
	}},
	{"lanes", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.Lanes = some(r, lanes, "7") }},
	{"from", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.From = clock + int64(r.IntN(45)) - 2 }},
	{"to", func(r *rand.Rand, _ []index.Row, q *index.Query) { q.To = clock + int64(r.IntN(45)) - 2 }},
	{"newest", func(_ *rand.Rand, _ []index.Row, q *index.Query) { q.Newest = true }},
}

// expr makes a random word expression.
func expr(r *rand.Rand, depth int) *index.Expr {
	n := r.IntN(6)
	if depth == 0 {
		n = 0
	}
	parts := func() []*index.Expr {
		var list []*index.Expr
		for range 1 + r.IntN(3) {
			list = append(list, expr(r, depth-1))
		}
		return list
	}
	switch n {
	case 1, 2:
		return &index.Expr{And: parts()}
	case 3:
		return &index.Expr{Or: parts()}
	case 4:
		return &index.Expr{Not: expr(r, depth-1)}
	}
	e := &index.Expr{}
	for range 1 + r.IntN(2) { // one epoch or two
		e.Any = append(e.Any, word(r.IntN(words+3)))
	}
	return e
}

// query is a query with a name.
type query struct {
	name string
	index.Query
}

// queries makes queries with each field alone and with some together.
func queries(seed uint64, rows []index.Row) []query {
	r := rand.New(rand.NewPCG(seed, 2))
	all := []query{{name: "everything"}}
	for _, f := range restrictions {
		for i := range 4 {
			q := query{name: fmt.Sprint(f.name, " ", i)}
			f.set(r, rows, &q.Query)
			all = append(all, q)
		}
	}
	for range 120 {
		q := query{}
		for _, f := range r.Perm(len(restrictions))[:2+r.IntN(3)] {
			q.name += restrictions[f].name + " "
			restrictions[f].set(r, rows, &q.Query)
		}
		all = append(all, q)
	}
	return all
}
