package format

import "fmt"

// pageSize is how many messages a page of a transcript has at most. A day is
// not divided where it fits on a page of its own.
const pageSize = 1000

// page is a part of a conversation's transcript.
type page struct {
	number, of int
	path       string
	days       []Day // parts of days, where one is longer than a page
}

// pages divides the conversation.
func (c *Conversation) pages(size int) []*page {
	var list []*page
	var at *page
	held := 0
	for i := range c.Days {
		rest := c.Days[i].Messages
		for len(rest) > 0 {
			if at == nil || held == size || held > 0 && held+len(rest) > size {
				at, held = &page{number: len(list) + 1}, 0
				list = append(list, at)
			}
			n := min(len(rest), size-held)
			at.days = append(at.days, Day{Date: c.Days[i].Date, Messages: rest[:n]})
			held, rest = held+n, rest[n:]
		}
	}
	for _, p := range list {
		p.of = len(list)
		p.path = pagePath(c.ID, p.number, p.of)
	}
	return list
}

func pagePath(name string, number, of int) string {
	if of == 1 {
		return "data/transcript/" + name + ".html"
	}
	return fmt.Sprintf("data/transcript/%s_%03d.html", name, number)
}

// places says on which page a message stands, by its id.
func places(list []*page) map[string]found {
	at := map[string]found{}
	for _, p := range list {
		for _, d := range p.days {
			for _, m := range d.Messages {
				if _, ok := at[m.ID]; m.ID != "" && !ok {
					at[m.ID] = found{p, m}
				}
			}
		}
	}
	return at
}

type found struct {
	page    *page
	message *Message
}
