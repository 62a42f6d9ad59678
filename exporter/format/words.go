package format

import (
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

const (
	dateLayout  = "2006-01-02"
	clockLayout = "15:04:05 MST"
	wholeLayout = "2006-01-02 15:04:05 MST"
)

// local is a time in the production's zone.
func (p *Production) local(t time.Time) time.Time {
	if p.Zone == nil {
		return t.UTC()
	}
	return t.In(p.Zone)
}

// zone names the production's zone.
func (p *Production) zone() string {
	if p.Zone == nil {
		return "UTC"
	}
	return p.Zone.String()
}

// name is how a party is called: its name, else its number, else any id.
func (p *Party) name() string {
	switch {
	case p.Name != "":
		return p.Name
	case p.Phone != "":
		return "+" + p.Phone
	case p.Username != "":
		return "@" + p.Username
	case p.BSUID != "":
		return p.BSUID
	case p.Business:
		return "the business"
	}
	return p.ID
}

// names gives each party's name by id.
func (c *Conversation) names() map[string]string {
	names := make(map[string]string, len(c.Parties))
	for i := range c.Parties {
		names[c.Parties[i].ID] = c.Parties[i].name()
	}
	return names
}

// written says whether a message is something that somebody wrote; what is not
// stands between the messages as a notice.
func written(k record.Kind) bool {
	switch k {
	case record.Text, record.Image, record.Video, record.Audio, record.Document, record.Sticker, record.Location, record.Contacts,
		record.Interactive, record.Button, record.Order, record.Template, record.MediaPlaceholder:
		return true
	}
	return false
}

// sort is what a message is where that does not show by itself: a location, an
// answer by a button.
func (m *Message) sort() string {
	if !written(m.Kind) {
		return ""
	}
	kind := strings.ReplaceAll(string(m.Kind), "_", " ")
	switch m.Kind {
	case record.Text, record.Image, record.Video, record.Audio, record.Document, record.Template:
		return m.Sub
	}
	return join(": ", kind, strings.ReplaceAll(m.Sub, "_", " "))
}

// text is the new text, "" where it was not supplied.
func (e *Edit) text() string {
	if e.Missing {
		return ""
	}
	return e.Text
}

// missing says why there is no new text.
func (e *Edit) missing() string { return first(e.Reason, "the platform did not supply the new text") }

// notices are what is said of events that nobody wrote.
var notices = map[record.Kind]string{
	record.System:         "System notice",
	record.RequestWelcome: "The person opened the chat for the first time",
	record.Unsupported:    "A message whose content the platform does not deliver",
	record.Call:           "Call",
	record.CallStatus:     "Call status",
	record.Group:          "Group event",
	record.Send:           "An API send that is no message",
	record.Edit:           "An edit of a message that is not in the archive",
	record.Revoke:         "A message that is not in the archive was taken back",
	record.Reaction:       "A reaction to a message that is not in the archive",
	record.Status:         "A status of a message whose content is not in the archive",
	record.Unknown:        "A message of a kind that nobody has documented",
	record.Unparsed:       "A message that could not be read",
	record.Identity:       "Change of a person's identity",
	record.PlatformError:  "Error of the platform",
	record.Consent:        "Consent",
	record.Preference:     "Marketing preference",
}

// caption is the text without the media's file name, where that is its first
// line: the name stands at the media.
func (m *Message) caption() string {
	if m.Media == nil || m.Media.Name == "" {
		return m.Text
	}
	if m.Text == m.Media.Name {
		return ""
	}
	return strings.TrimPrefix(m.Text, m.Media.Name+"\n")
}

// notice says what kind of event it is, "" for what somebody wrote.
func (m *Message) notice() string {
	if written(m.Kind) {
		return ""
	}
	words, ok := notices[m.Kind]
	if m.Kind == record.Edit && m.Sub == "not_supplied" {
		return "An edit whose text the platform does not supply"
	}
	if !ok {
		words = strings.ReplaceAll(string(m.Kind), "_", " ")
	}
	if m.Sub != "" {
		words += " (" + m.Sub + ")"
	}
	return words
}

// erasedWords stand for what was erased.
const erasedWords = "Erased: the content no longer exists. That it was there, and when it was erased, is in the ledger"

// instead says what stands in the place of content; "" where media does, and
// nothing is missing.
func (m *Message) instead() string {
	words := m.notice()
	switch {
	case m.Erased:
		return join(". ", words, erasedWords)
	case words != "":
		return join(": ", words, first(m.Text, m.Reason))
	case m.Kind == record.MediaPlaceholder && m.Media == nil:
		return join(": ", "Media that the platform did not deliver", m.Reason)
	case m.Media != nil:
		return ""
	case m.Text == "":
		return first(m.Reason, "No text")
	}
	return ""
}

// join puts sep between the texts that are there.
func join(sep string, list ...string) string {
	var have []string
	for _, s := range list {
		if s != "" {
			have = append(have, s)
		}
	}
	return strings.Join(have, sep)
}

// way says how a message went, as far as it is known.
func (m *Message) way() string {
	var words string
	switch m.Channel {
	case record.ChannelUser:
		return ""
	case record.ChannelApp:
		words = "WhatsApp Business app"
	case record.ChannelAPI:
		words = "API"
		if kind, id, ok := strings.Cut(m.Actor, ":"); ok {
			words += ", by " + join(" ", kind, id)
		} else if m.Actor != "" {
			words += ", by " + m.Actor
		}
	case record.ChannelAgent:
		words = "an agent of the platform or of another party"
	default:
		return ""
	}
	switch {
	case m.Custodian == "" || strings.HasSuffix(m.Actor, ":"+m.Custodian):
		return words
	case m.Channel == record.ChannelApp:
		return words + ", answered by " + m.Custodian
	}
	return words + ", while " + m.Custodian + " answered on the number"
}

// stateWords say a status in words.
func stateWords(sub string) string {
	switch sub {
	case "":
		return "status"
	case "failed":
		return "not delivered"
	}
	return sub
}

func (f *Finding) words() string {
	s := f.Rule
	if f.Severity != "" {
		s += " (" + f.Severity + ")"
	}
	return join(": ", s, f.Reason)
}

// place says where a record stands in the ledger.
func place(l *Ledger) string {
	if l.Lane == "" {
		return ""
	}
	s := fmt.Sprintf("lane %s block %d", l.Lane, l.Block)
	if l.Leaf >= 0 {
		s += fmt.Sprintf(" leaf %d", l.Leaf)
	}
	return s
}

// display is what the media is called.
func (a *Media) display(k record.Kind) string {
	name := strings.Join(strings.Fields(plain(a.Name)), " ")
	if name == "" {
		name = string(k)
		if k == record.MediaPlaceholder || name == "" {
			name = "media"
		}
	}
	if path.Ext(name) == "" {
		name += extensions[mediaType(a.MIME)]
	}
	return name
}

// Differs says in words whose SHA-256 is not that of the bytes; "" where none was
// stated or all agree.
func (a *Media) Differs() string {
	if a.Path == "" || a.SHA256 == "" {
		return ""
	}
	other := func(stated string) bool { return stated != "" && !strings.EqualFold(stated, a.SHA256) }
	where := join(" and ", yes(other(a.Stated), "in the message"), yes(other(a.Beside), "beside the bytes"))
	if where == "" {
		return ""
	}
	return "these bytes are not those of the SHA-256 that was stated " + where
}

// byteSize is a size for people.
func byteSize(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
