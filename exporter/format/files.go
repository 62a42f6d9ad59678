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
	paths := map[string][]string{}
	for _, part := range c.slices(rsmfBounds) {
		paths[part.date] = append(paths[part.date], part.path(c))
	}
	for i := range c.Days {
		d := &c.Days[i]
		s.Messages += len(d.Messages)
		s.Days = append(s.Days, DaySummary{Date: d.Date, Messages: len(d.Messages), RSMF: paths[d.Date]})
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
	for _, s := range c.slices(rsmfBounds) {
		files = append(files, File{s.path(c), func(w io.Writer) error { return writeRSMF(w, p, c, s) }})
	}
	return files, nil
}

// Files are the production's files that hold no conversation: index.html, the
// page of other events, events.jsonl, conversations.jsonl, gaps.json,
// exceptions.json and the JSON schemas. MessagesPath is not among them: it is
// written conversation by conversation with WriteMessages.
func (p *Production) Files(conversations []Summary, events []*Event) ([]File, error) {
	if err := p.check(events); err != nil {
		return nil, err
	}
	files := []File{
		{"data/conversations.jsonl", func(w io.Writer) error { return writeConversations(w, conversations) }},
		{"data/events.jsonl", func(w io.Writer) error { return writeEvents(w, p, events) }},
		{"data/exceptions.json", func(w io.Writer) error { return writeExceptions(w, p.Exceptions) }},
		{"data/gaps.json", func(w io.Writer) error { return writeGaps(w, p.Gaps) }},
	}
	return append(files, schemas()...), nil
}
