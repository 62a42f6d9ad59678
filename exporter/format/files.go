package format

import (
	"io"
)

// File is one file of a production. Write writes the same bytes each time, and
// the files of a production may be written at once.
type File struct {
	Path  string // in the bag
	Write func(io.Writer) error
}

// MessagesPath is the file that grows with each conversation: WriteMessages.
const MessagesPath = "data/messages.jsonl"

// Summary is what the index says of a conversation; it holds no message.
type Summary struct {
	ID       string
	Number   string
	Title    string
	Group    bool
	Parties  []Party
	Messages int
	Days     []DaySummary
	Pages    []string // paths of the transcript's pages
}

// DaySummary is what the index says of a conversation-day.
type DaySummary struct {
	Date     string
	Messages int
	Page     string   // path and anchor of its transcript
	RSMF     []string // paths
}

// Summary says what Files writes of the conversation.
func (c *Conversation) Summary() Summary {
	s := Summary{ID: c.ID, Number: c.Number, Title: c.Title, Group: c.Group, Parties: c.Parties}
	rsmf, days := map[string][]string{}, map[string]string{}
	for _, part := range c.slices(rsmfBounds) {
		rsmf[part.date] = append(rsmf[part.date], part.path(c))
	}
	for _, p := range c.pages(pageSize) {
		s.Pages = append(s.Pages, p.path)
		for _, d := range p.days {
			if days[d.Date] == "" {
				days[d.Date] = p.path + "#d-" + d.Date
			}
		}
	}
	for i := range c.Days {
		d := &c.Days[i]
		s.Messages += len(d.Messages)
		s.Days = append(s.Days, DaySummary{Date: d.Date, Messages: len(d.Messages), Page: days[d.Date], RSMF: rsmf[d.Date]})
	}
	return s
}

// Files are the conversation's own files: RSMF, one or more a day, and the pages
// of its transcript. What it holds must stay until they are written.
func (c *Conversation) Files(p *Production) ([]File, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	var files []File
	parts, list := c.slices(rsmfBounds), c.pages(pageSize)
	for _, s := range parts {
		files = append(files, File{s.path(c), func(w io.Writer) error { return writeRSMF(w, p, c, s) }})
	}
	t := newTranscript(p, c, list, parts)
	for _, pg := range list {
		files = append(files, File{pg.path, func(w io.Writer) error { return t.write(w, pg.number) }})
	}
	return files, nil
}

// Files are the production's files that hold no conversation: index.html, the
// pages of other events, events.jsonl, conversations.jsonl, gaps.json,
// exceptions.json and the JSON schemas. MessagesPath is not among them: it is
// written conversation by conversation with WriteMessages.
func (p *Production) Files(conversations []Summary, events []*Event) ([]File, error) {
	if err := p.check(events); err != nil {
		return nil, err
	}
	files := []File{
		{"index.html", func(w io.Writer) error { return writeIndex(w, p, conversations, events) }},
		{"data/conversations.jsonl", func(w io.Writer) error { return writeConversations(w, conversations) }},
		{"data/events.jsonl", func(w io.Writer) error { return writeEvents(w, p, events) }},
		{"data/exceptions.json", func(w io.Writer) error { return writeExceptions(w, p.Exceptions) }},
		{"data/gaps.json", func(w io.Writer) error { return writeGaps(w, p.Gaps) }},
	}
	for n, of := 1, eventPages(len(events)); n <= of; n++ {
		files = append(files, File{pagePath("events", n, of), func(w io.Writer) error { return writeEventsPage(w, p, events, n, of) }})
	}
	for n, of := 2, conversationPages(len(conversations)); n <= of; n++ {
		files = append(files, File{conversationsPage(n, of), func(w io.Writer) error { return writeConversationsPage(w, p, conversations, n, of) }})
	}
	return append(files, schemas()...), nil
}
