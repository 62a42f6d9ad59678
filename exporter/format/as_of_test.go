package format

import (
	"strings"
	"testing"
	"time"
)

// TestQuoteAsOf: a reply quotes the text that stood when it was written, and a
// reaction is not to a text of later, in HTML and in the RSMF body.
func TestQuoteAsOf(t *testing.T) {
	s := newScene(t)
	offer := msg(1, "24 09:00", shop, "first terms")
	offer.Edits = []Edit{
		{mark(2, "24 09:10", shop, "", "second terms"), "first terms", false},
		{mark(3, "24 09:20", shop, "", ""), "second terms", true},
		{mark(4, "24 09:30", shop, "", "last terms"), "", false},
	}
	offer.Reactions = []Mark{mark(5, "24 09:05", ana, "", "🙂"), mark(6, "24 09:15", shop, "", "👍"), mark(7, "24 09:35", omar, "", "🙁")}
	c := &Conversation{ID: "c", Number: "1", Group: true, Parties: []Party{parties[shop], parties[ana], parties[omar]}, Days: []Day{{"2026-11-24", []*Message{offer}}}}
	answers := []struct{ at, text, note string }{
		{"24 09:01", "first terms", " [later edited]"},
		{"24 09:10", "second terms", " [later edited]"}, // at the edit's time
		{"24 09:25", "second terms", " [text before an edit whose text is not known; later edited]"},
		{"24 09:40", "last terms", ""},
	}
	for i, a := range answers {
		m := msg(10+i, a.at, ana, "answer at "+a.at)
		m.ReplyTo = offer.ID
		c.Days[0].Messages = append(c.Days[0].Messages, m)
	}
	lone := &scene{p: s.p, convs: []*Conversation{c}}
	files := lone.files(t)
	page := string(files["data/transcript/c.html"])
	body := mustRSMF(t, "rsmf", files["data/rsmf/c_2026-11-24.rsmf"]).body
	for _, a := range answers {
		inPage := a.text + "</a></blockquote>"
		if a.note != "" {
			inPage = a.text + `</a> <span class="way">` + strings.TrimSpace(a.note) + "</span></blockquote>"
		}
		_, after, _ := strings.Cut(body, "["+at(a.at).Format("2006-01-02 15:04:05 -07:00")+"] Ana")
		_, after, _ = strings.Cut(after, "\n")
		want := "    in reply to 2026-11-24 09:00:00 +01:00: " + a.text + a.note
		if line, _, _ := strings.Cut(after, "\n"); strings.TrimSpace(line) != strings.TrimSpace(want) || !strings.Contains(page, inPage) {
			t.Errorf("answer of %s: %q, in the page %v", a.at, line, strings.Contains(page, inPage))
		}
	}
	for _, want := range []string{"</time> to the first text</li>", "</time> to the text of 09:10:00 CET</li>", "🙁 <bdi>عمر مثال</bdi>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Count(page, "</time> to the ") != 2 || strings.Count(body, ", to the first text") != 1 || strings.Count(body, ", to the text of 2026-11-24 09:10:00 +01:00") != 1 {
		t.Errorf("reactions: %s", body)
	}
}

// TestQuoteOfUnknown: where the first text is not known, what the next edit
// replaced is quoted; of what was erased nothing is.
func TestQuoteOfUnknown(t *testing.T) {
	m := msg(1, "24 09:00", shop, "")
	m.Edits = []Edit{{mark(2, "24 09:10", shop, "", "new"), "old", false}}
	before, after := m.Time.Add(time.Minute), m.Time.Add(time.Hour)
	for _, c := range []struct {
		at         time.Time
		text, note string
	}{{before, "old", "[later edited]"}, {after, "new", ""}} {
		if text, note := m.quoted(c.at); text != c.text || note != c.note {
			t.Errorf("%q, %q", text, note)
		}
	}
	m.Erased = true
	if text, _ := m.quoted(before); text != "["+erasedWords+"]" {
		t.Errorf("%q", text)
	}
}

// TestGapsOfConversation: a page says how many of the production's gaps are its
// conversation's.
func TestGapsOfConversation(t *testing.T) {
	s := newScene(t)
	has := func(c *Conversation, want string) {
		t.Helper()
		if !strings.Contains(string(s.files(t)["data/transcript/"+c.ID+".html"]), want) {
			t.Errorf("%s has no %s", c.ID, want)
		}
	}
	has(s.convs[0], `#gaps">3 gaps</a>, 3 of them in this conversation`)
	has(s.convs[2], `#gaps">3 gaps</a>, 1 of them in this conversation`) // of its partition
	s.p.Gaps = s.p.Gaps[2:]                                              // said by a message of the first
	has(s.convs[0], `#gaps">1 gap</a>, 1 of them in this conversation`)
	has(s.convs[2], `#gaps">1 gap</a>, none of them in this conversation`)
}
