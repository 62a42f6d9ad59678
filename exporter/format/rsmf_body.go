package format

import (
	"fmt"
	"strings"
	"time"
)

// write adds the event to the transcript, the text that review tools search. A
// line of its own begins with a time in square brackets; everything that
// somebody wrote stands on it or behind a margin.
func (r *rsmf) write(m *Message, e *rsmfEvent, carried bool) {
	b := &r.body
	b.WriteByte('\n')
	line := func(format string, args ...any) { fmt.Fprintf(b, "    "+format+"\n", args...) }
	who := ""
	if e.Participant != "" {
		who = r.cast.display[e.Participant]
	}
	fmt.Fprintf(b, "[%s] %s", r.clock(m.Time), who)
	if how := join(", ", plain(m.way()), yes(m.Backfill, "from the history sync"), yes(m.Forwarded, "forwarded"), yes(carried, "from elsewhere, for the reply to it"),
		yes(!m.Hit && !carried, "context")); how != "" {
		fmt.Fprintf(b, " (%s)", how)
	}
	b.WriteByte('\n')
	if m.ReplyTo != "" {
		if parent := r.byID[m.ReplyTo]; parent != nil {
			body, note := parent.quoted(m.Time)
			line("in reply to %s: %s", r.clock(parent.Time), join(" ", quote(body), note))
		} else {
			line("in reply to a message that is not in this file")
		}
	}
	if m.Template != "" {
		line("template %s", plain(m.Template))
	}
	text, _ := m.body()
	if len(m.Edits) > 0 && m.Text != "" && !m.Erased {
		text = m.Text
	}
	if text != "" {
		line("%s", indent(text, "    "))
	}
	for i := range m.Edits {
		d := &m.Edits[i]
		if d.text() == "" {
			line("edited %s: %s", r.clock(d.Time), indent(d.missing(), "    "))
			continue
		}
		line("edited %s, now: %s", r.clock(d.Time), indent(d.Text, "    "))
	}
	for _, v := range m.Revokes {
		line("taken back %s", r.clock(v.Time))
	}
	r.writeMedia(m, e, line)
	for _, k := range m.Reactions {
		to := m.textAt(k.Time, func(t time.Time) string { return "of " + r.clock(t) })
		line("reaction %s: %s", r.clock(k.Time), join(", ", first(plain(k.Text), "taken back")+" by "+r.cast.display[first(k.From, unknownParty)], to))
	}
	for _, s := range m.Statuses {
		line("%s %s", plain(stateWords(s.Sub)), join(": ", r.clock(s.Time), indent(s.Reason, "    ")))
	}
	for _, f := range m.Findings {
		line("policy finding %s", indent(f.words(), "    "))
	}
}

func (r *rsmf) writeMedia(m *Message, e *rsmfEvent, line func(string, ...any)) {
	a := m.Media
	if a == nil {
		return
	}
	for _, at := range e.Attachments {
		if a.Path == "" {
			line("attachment not in the archive: %s", join(", ", plain(a.display(m.Kind)), plain(a.MIME), plain(a.Reason)))
			continue
		}
		line("attachment %s: %s", at.ID, join(", ", plain(at.Display), plain(a.MIME), byteSize(at.Size)))
	}
	if words := a.Differs(); words != "" {
		line("%s", words)
	}
}

func (r *rsmf) clock(t time.Time) string { return r.p.local(t).Format("2006-01-02 15:04:05 -07:00") }

// quote is the beginning of a text on one line.
func quote(s string) string {
	words := []rune(strings.Join(strings.Fields(plain(s)), " "))
	if len(words) > 80 {
		return string(words[:80]) + "…"
	}
	return string(words)
}

func yes(set bool, words string) string {
	if set {
		return words
	}
	return ""
}
