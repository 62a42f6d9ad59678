package format

import "time"

// editsAt is how many of the message's edits were made at or before a time.
func (m *Message) editsAt(t time.Time) int {
	n := 0
	for n < len(m.Edits) && !m.Edits[n].Time.After(t) {
		n++
	}
	return n
}

// quoted is what a reply of a time answers: the text that stood then, and in
// brackets what became of it, "" nothing.
func (m *Message) quoted(t time.Time) (text, note string) {
	n := m.editsAt(t)
	text, shown := m.bodyOf(n)
	if !shown && n < len(m.Edits) && m.Edits[n].Before != "" && !m.Erased {
		text = m.Edits[n].Before // all that is known of what was edited next
	}
	unknown := n > 0 && m.Edits[n-1].text() == "" && !m.Erased
	note = join("; ", yes(unknown, "text before an edit whose text is not known"), yes(n < len(m.Edits), "later edited"))
	if note != "" {
		note = "[" + note + "]"
	}
	return text, note
}

// textAt says which text a reaction of a time is to, where others came later; ""
// where it is the newest. of names a text by the time of its edit.
func (m *Message) textAt(t time.Time, of func(time.Time) string) string {
	switch n := m.editsAt(t); {
	case n == len(m.Edits):
		return ""
	case n == 0:
		return "to the first text"
	default:
		return "to the text " + of(m.Edits[n-1].Time)
	}
}
