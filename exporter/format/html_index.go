package format

import (
	"io"
	"slices"
	"strings"
)

// listed is how many gaps and exceptions the index lists; the rest is in
// gaps.json and exceptions.json.
const listed = 500

type (
	indexView struct {
		*Production
		Zone          string
		As            string // of when it is; "" not told
		From, To      string // dates
		Root          string // leads from the page to the bag's top
		Conversations []indexConversation
		Next          string // page with more of them
		Rest          int
		Kinds         []kindView
		EventPages    []string
		Gaps          []gapView
		MoreGaps      int
		Exceptions    []Exception
		More          int
	}
	indexConversation struct {
		Title    string
		Parties  []partyView
		Number   string
		Messages int
		From, To string
		Link     string
		Days     []DaySummary
	}
	kindView struct {
		Kind string
		N    int
	}
)

func writeIndex(w io.Writer, p *Production, conversations []Summary, events []*Event) error {
	v := &indexView{Production: p, Zone: p.zone()}
	if !p.Sealed.IsZero() {
		v.As = p.time(p.Sealed).Whole
	}
	v.Root = "./"
	v.Conversations = viewConversations(conversations[:min(pageSize, len(conversations))])
	for i := range conversations {
		for _, d := range conversations[i].Days {
			if v.From == "" || d.Date < v.From {
				v.From = d.Date
			}
			v.To = max(v.To, d.Date)
		}
	}
	if v.Rest = len(conversations) - len(v.Conversations); v.Rest > 0 {
		v.Next = conversationsPage(2, conversationPages(len(conversations)))
	}
	v.Kinds = kinds(events)
	for i, n := 0, eventPages(len(events)); i < n; i++ {
		v.EventPages = append(v.EventPages, pagePath("events", i+1, n))
	}
	for i := range p.Gaps[:min(listed, len(p.Gaps))] {
		g := &p.Gaps[i]
		v.Gaps = append(v.Gaps, gapView{p.time(g.Time), g.What, g.Record})
	}
	v.MoreGaps = len(p.Gaps) - len(v.Gaps)
	v.Exceptions = p.Exceptions[:min(listed, len(p.Exceptions))]
	v.More = len(p.Exceptions) - len(v.Exceptions)
	return render(w, "index", v)
}

func viewConversations(list []Summary) []indexConversation {
	var out []indexConversation
	for i := range list {
		s := &list[i]
		c := indexConversation{Title: first(s.Title, conversationTitle(s.Parties, s.ID)), Number: s.Number, Messages: s.Messages, Days: s.Days}
		for j := range s.Parties {
			c.Parties = append(c.Parties, viewParty(&s.Parties[j]))
		}
		if len(s.Pages) > 0 {
			c.Link = s.Pages[0]
		}
		if n := len(s.Days); n > 0 {
			c.From, c.To = s.Days[0].Date, s.Days[n-1].Date
		}
		out = append(out, c)
	}
	return out
}

// conversationPages is how many pages list them, the index being the first.
func conversationPages(n int) int { return max(1, (n+pageSize-1)/pageSize) }

func conversationsPage(number, of int) string {
	if number == 1 {
		return "index.html"
	}
	return pagePath("conversations", number, of)
}

type moreView struct {
	*Production
	Page, Of      int
	Prev, Next    string
	Index, Root   string
	Conversations []indexConversation
}

// writeConversationsPage writes a page of the list from the second on.
func writeConversationsPage(w io.Writer, p *Production, list []Summary, number, of int) error {
	begin := (number - 1) * pageSize
	v := &moreView{Production: p, Page: number, Of: of, Prev: up(conversationsPage(number-1, of)), Index: up("index.html"), Root: "../../",
		Conversations: viewConversations(list[begin:min(begin+pageSize, len(list))])}
	if number < of {
		v.Next = up(conversationsPage(number+1, of))
	}
	return render(w, "more", v)
}

// kinds counts events by kind, in the order of the alphabet.
func kinds(events []*Event) []kindView {
	n := map[string]int{}
	for _, e := range events {
		n[string(e.Kind)]++
	}
	var list []kindView
	for k, c := range n {
		list = append(list, kindView{strings.ReplaceAll(k, "_", " "), c})
	}
	slices.SortFunc(list, func(a, b kindView) int { return strings.Compare(a.Kind, b.Kind) })
	return list
}

func eventPages(n int) int { return (n + pageSize - 1) / pageSize }

type (
	eventsView struct {
		*Production
		Zone       string
		Page, Of   int
		Prev, Next string
		Index      string
		Events     []eventView
	}
	eventView struct {
		Anchor, What, Who, Number string
		Time                      timeView
		Text, Template, Hole      string
		Findings                  []string
		Origin                    originView
	}
)

func writeEventsPage(w io.Writer, p *Production, events []*Event, number, of int) error {
	v := &eventsView{Production: p, Zone: p.zone(), Page: number, Of: of, Index: up("index.html")}
	if number > 1 {
		v.Prev = up(pagePath("events", number-1, of))
	}
	if number < of {
		v.Next = up(pagePath("events", number+1, of))
	}
	begin := (number - 1) * pageSize
	for _, e := range events[begin:min(begin+pageSize, len(events))] {
		out := eventView{
			Anchor: anchor(e.Item), What: strings.ReplaceAll(string(e.Kind), "_", " "), Number: e.Number, Time: p.time(e.Time),
			Text: e.Text, Template: e.Template, Hole: e.Reason, Origin: origin(e.Item, &e.Ledger),
		}
		if e.Sub != "" {
			out.What += ": " + e.Sub
		}
		if e.Erased {
			out.Text, out.Hole = "", erasedWords
		}
		if e.Person != nil {
			party := viewParty(e.Person)
			out.Who = strings.TrimSpace(party.Name + " " + party.Ids)
		}
		for i := range e.Findings {
			out.Findings = append(out.Findings, e.Findings[i].words())
		}
		v.Events = append(v.Events, out)
	}
	return render(w, "events", v)
}
