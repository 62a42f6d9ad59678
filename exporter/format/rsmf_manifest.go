package format

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// What rsmf_manifest.json holds, by the names of the 2.0.0 schema. A list that
// would be empty and a value that would be "" are absent: the vendor's validator
// warns of the one and refuses the other.
type (
	rsmfManifest struct {
		Version       string             `json:"version"`
		Participants  []rsmfParticipant  `json:"participants"`
		Conversations []rsmfConversation `json:"conversations"`
		Events        []*rsmfEvent       `json:"events"`
		Collection    string             `json:"eventcollectionid"`
	}
	rsmfParticipant struct {
		ID      string `json:"id"`
		Display string `json:"display"`
		Account string `json:"account_id,omitempty"` // E.164
		Custom  custom `json:"custom,omitempty"`
	}
	rsmfConversation struct {
		ID           string   `json:"id"`
		Display      string   `json:"display"`
		Platform     string   `json:"platform"`
		Type         string   `json:"type"`
		Participants []string `json:"participants"`
		Custodian    string   `json:"custodian,omitempty"`
		Custom       custom   `json:"custom,omitempty"`
	}
	rsmfEvent struct {
		ID           string           `json:"id"`
		Type         string           `json:"type"`
		Parent       string           `json:"parent,omitempty"`
		Body         string           `json:"body,omitempty"`
		Participant  string           `json:"participant,omitempty"`
		Conversation string           `json:"conversation"`
		Timestamp    string           `json:"timestamp"`
		Deleted      bool             `json:"deleted,omitempty"`
		Direction    string           `json:"direction,omitempty"`
		Reactions    []rsmfReaction   `json:"reactions,omitempty"`
		Attachments  []rsmfAttachment `json:"attachments,omitempty"`
		Edits        []rsmfEdit       `json:"edits,omitempty"`
		Receipts     []rsmfReceipt    `json:"read_receipts,omitempty"`
		Custom       custom           `json:"custom,omitempty"`
	}
	rsmfReaction struct {
		Value        string   `json:"value"`
		Count        int      `json:"count"`
		Participants []string `json:"participants,omitempty"`
	}
	rsmfAttachment struct {
		ID      string `json:"id"` // file name in the zip
		Display string `json:"display"`
		Size    int64  `json:"size"`
	}
	rsmfEdit struct {
		Participant string `json:"participant"`
		Timestamp   string `json:"timestamp,omitempty"`
		Previous    string `json:"previous,omitempty"`
		New         string `json:"new,omitempty"`
	}
	rsmfReceipt struct {
		Participant string `json:"participant"`
		Timestamp   string `json:"timestamp,omitempty"`
		Action      string `json:"action"`
	}
)

// custom is a list of named values. Its order is that of the calls.
type custom []struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// add appends a value, behind the one of the same name if there is one; an empty
// value is none.
func (c *custom) add(name, value string) {
	if value == "" {
		return
	}
	for i := range *c {
		if (*c)[i].Name == name {
			(*c)[i].Value += "; " + value
			return
		}
	}
	*c = append(*c, struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}{name, value})
}

func (c *custom) flag(name string, set bool) {
	if set {
		c.add(name, "true")
	}
}

// attached is a file of the zip beside the manifest: media, or the words that
// stand for it where the archive has no bytes.
type attached struct {
	name  string
	media *Media // nil: words
	words string
}

// rsmf is one RSMF file in the making.
type rsmf struct {
	p        *Production
	c        *Conversation
	s        *slice
	cast     *cast
	manifest rsmfManifest
	files    []attached
	ids      map[*Message]string
	byID     map[string]*Message // of the file, by Message.ID
	body     strings.Builder     // the transcript
}

const rsmfVersion = "2.0.0"

func newRSMF(p *Production, c *Conversation, s *slice) *rsmf {
	events := s.events()
	r := &rsmf{p: p, c: c, s: s, cast: newCast(c, events), ids: map[*Message]string{}, byID: map[string]*Message{}}
	r.manifest = rsmfManifest{Version: rsmfVersion, Collection: c.ID, Events: make([]*rsmfEvent, 0, len(events))}
	r.people()
	r.name(events)
	r.head()
	carried := make(map[*Message]bool, len(s.carried))
	for _, m := range s.carried {
		carried[m] = true
	}
	for _, m := range events {
		e := r.event(m, carried[m])
		r.manifest.Events = append(r.manifest.Events, e)
		r.write(m, e, carried[m])
	}
	return r
}

func (r *rsmf) people() {
	conv := rsmfConversation{ID: r.c.ID, Display: r.title(), Platform: "whatsapp", Type: "direct", Custodian: r.cast.business}
	if r.c.Group {
		conv.Type = "channel"
	}
	for i := range r.cast.parties {
		p := &r.cast.parties[i]
		out := rsmfParticipant{ID: p.ID, Display: r.cast.display[p.ID]}
		if p.Phone != "" {
			out.Account = "+" + p.Phone
		}
		if p.Name != out.Display && p.ID != unknownParty {
			out.Custom.add("name", p.Name)
		}
		out.Custom.add("username", p.Username)
		out.Custom.add("bsuid", p.BSUID)
		out.Custom.flag("business", p.Business)
		r.manifest.Participants = append(r.manifest.Participants, out)
		conv.Participants = append(conv.Participants, p.ID)
	}
	conv.Custom.add("phone_number_id", r.c.Number)
	conv.Custom.add("archive", r.p.Archive)
	conv.Custom.add("fingerprint", r.p.Fingerprint)
	conv.Custom.add("time_zone", r.p.zone())
	r.manifest.Conversations = []rsmfConversation{conv}
}

// title is what the conversation is called: a group's own title, else its people.
func (r *rsmf) title() string {
	if r.c.Title != "" {
		return plain(r.c.Title)
	}
	names := make([]string, 0, len(r.cast.parties))
	for i := range r.cast.parties {
		if p := &r.cast.parties[i]; p.ID != unknownParty {
			names = append(names, r.cast.display[p.ID])
		}
	}
	if len(names) == 0 {
		return r.c.ID
	}
	return strings.Join(names, ", ")
}

// name gives each event an id that the file has once: the wamid, else the item.
func (r *rsmf) name(events []*Message) {
	taken := map[string]bool{}
	for _, m := range events {
		if m.ID != "" && !taken[m.ID] {
			taken[m.ID] = true
			r.ids[m], r.byID[m.ID] = m.ID, m
		}
	}
	for _, m := range events {
		if r.ids[m] != "" {
			continue
		}
		id := m.Item
		for n := 2; taken[id]; n++ {
			id = m.Item + "~" + strconv.Itoa(n)
		}
		taken[id] = true
		r.ids[m] = id
	}
}

func (r *rsmf) event(m *Message, carried bool) *rsmfEvent {
	e := &rsmfEvent{
		ID: r.ids[m], Type: "message", Conversation: r.c.ID, Participant: m.From, Timestamp: r.stamp(m.Time), Deleted: m.Revoked(),
		Direction: map[record.Direction]string{record.Inbound: "incoming", record.Outbound: "outgoing"}[m.Direction],
	}
	if !written(m.Kind) {
		e.Type = "unknown"
	} else if e.Participant == "" {
		e.Participant = unknownParty
	}
	if parent := r.byID[m.ReplyTo]; parent != nil && precedes(parent, m) {
		e.Parent = r.ids[parent]
	}
	r.origin(m, &e.Custom, carried)
	var shown bool
	if e.Body, shown = m.body(); !shown {
		e.Custom.add("placeholder", "true")
	}
	r.edits(m, e)
	for _, v := range m.Revokes {
		e.Custom.add("taken_back", r.stamp(v.Time)+" "+v.Item)
	}
	r.reactions(m, e)
	r.receipts(m, e)
	r.attach(m, e)
	return e
}

// body is what a reader sees of the message: its newest text, else words in
// brackets for what there is in its place, with false.
func (m *Message) body() (string, bool) {
	return m.bodyOf(len(m.Edits))
}

// bodyOf is body as of the first n edits.
func (m *Message) bodyOf(n int) (string, bool) {
	text := m.Text
	for i := range m.Edits[:n] {
		text = first(m.Edits[i].text(), text)
	}
	if text != "" && !m.Erased {
		return text, true
	}
	if words := m.instead(); words != "" {
		return "[" + words + "]", false
	}
	return "", true // media without a caption
}

// origin is where the event comes from and what was decided of it.
func (r *rsmf) origin(m *Message, c *custom, carried bool) {
	c.add("sha256", m.Ledger.Hash)
	c.add("ledger", place(&m.Ledger))
	c.add("item", m.Item)
	c.add("wamid", m.ID)
	c.add("kind", string(m.Kind))
	c.add("raw_type", m.Sub)
	c.add("channel", string(m.Channel))
	c.add("clock", m.Clock)
	c.flag("backfill", m.Backfill)
	c.flag("context", !m.Hit)
	c.flag("carried", carried)
	c.flag("erased", m.Erased)
	c.flag("forwarded", m.Forwarded)
	c.add("reply_to", m.ReplyTo)
	c.add("employee", m.Custodian)
	c.add("actor", m.Actor)
	c.add("template", m.Template)
	c.add("reason", m.Reason)
	for _, f := range m.Findings {
		c.add("findings", f.words())
	}
	c.add("class", m.Class)
	c.add("policy", m.Policy)
	if n := len(m.Deliveries); n > 1 {
		c.add("deliveries", strconv.Itoa(n))
	}
	c.add("proof", m.Ledger.Proof)
	c.add("raw", m.Ledger.Raw)
}

func (r *rsmf) edits(m *Message, e *rsmfEvent) {
	for i := range m.Edits {
		d := &m.Edits[i]
		out := rsmfEdit{Participant: first(d.From, m.From, unknownParty), Timestamp: r.stamp(d.Time), Previous: d.Before, New: d.text()}
		if d.Time.Before(m.Time) { // RSMF wants edits later; the true time is kept beside
			out.Timestamp = ""
		}
		e.Edits = append(e.Edits, out)
		e.Custom.add("edited", r.stamp(d.Time)+" "+d.Item)
		e.Custom.flag("edit_text_not_supplied", d.text() == "")
	}
}

func (r *rsmf) reactions(m *Message, e *rsmfEvent) {
	at := map[string]int{}
	for _, k := range standing(m.Reactions) {
		value := []rune(k.Text)
		if len(value) > 30 { // the schema's bound
			e.Custom.add("reaction_text", k.Text)
			value = value[:30]
		}
		i, ok := at[string(value)]
		if !ok {
			i = len(e.Reactions)
			at[string(value)] = i
			e.Reactions = append(e.Reactions, rsmfReaction{Value: string(value)})
		}
		e.Reactions[i].Count++
		e.Reactions[i].Participants = append(e.Reactions[i].Participants, first(k.From, unknownParty))
	}
	for _, k := range m.Reactions {
		e.Custom.add("reaction", strings.TrimSpace(r.stamp(k.Time)+" "+first(k.Text, "(taken back)")+" "+k.Item))
	}
}

func (r *rsmf) receipts(m *Message, e *rsmfEvent) {
	for _, s := range m.Statuses {
		if action := receiptAction(s.Sub); action != "" {
			e.Receipts = append(e.Receipts, rsmfReceipt{first(s.From, r.cast.other, unknownParty), r.stamp(s.Time), action})
			continue
		}
		e.Custom.add("status_"+first(s.Sub, "unknown"), strings.TrimSpace(r.stamp(s.Time)+" "+s.Reason))
	}
}

// attach names the message's media, or the words that stand for it.
func (r *rsmf) attach(m *Message, e *rsmfEvent) {
	a := m.Media
	if a == nil {
		return
	}
	display := a.display(m.Kind)
	n := len(r.files) + 1
	if a.Path != "" {
		name := fmt.Sprintf("%04d_%.8s_%s", n, a.SHA256, safeFile(display))
		r.files = append(r.files, attached{name: name, media: a})
		e.Attachments = []rsmfAttachment{{name, display, a.Size}}
	} else {
		name := fmt.Sprintf("%04d_missing_%s.txt", n, strings.ReplaceAll(safeFile(display), ".", "_"))
		words := "The archive does not hold the bytes of this media.\r\n" + headerLines(
			"Reason", a.Reason, "Name", a.Name, "Type as stated", a.MIME, "SHA-256 as stated", first(a.Stated, a.SHA256), "SHA-256 as stated beside the bytes", a.Beside, "Item", m.Item)
		r.files = append(r.files, attached{name: name, words: words})
		e.Attachments = []rsmfAttachment{{name, display + " (missing).txt", int64(len(words))}}
		e.Custom.add("media_missing", first(a.Reason, "true"))
	}
	e.Custom.add("media_type", a.MIME)
	e.Custom.add("media_sha256", a.SHA256)
	if a.Differs() != "" {
		e.Custom.add("media_sha256_stated", a.Stated)
		e.Custom.add("media_sha256_beside", a.Beside)
	}
	e.Custom.add("media_item", a.Item)
}

// headerLines writes name: value lines for the values that are there.
func headerLines(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", pairs[i], strings.ReplaceAll(indent(pairs[i+1], "  "), "\n", "\r\n"))
		}
	}
	return b.String()
}

// stamp is RFC 3339 in the production's zone.
func (r *rsmf) stamp(t time.Time) string { return r.p.local(t).Format(time.RFC3339Nano) }

// first is the first that is not empty.
func first(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// head is the file's first and last moment and what its transcript begins with.
func (r *rsmf) head() {
	b := &r.body
	fmt.Fprintf(b, "WhatsApp conversation of %s\n", r.s.date)
	fmt.Fprintf(b, "Between: %s\n", plain(r.title()))
	for i := range r.manifest.Participants {
		p := &r.manifest.Participants[i]
		who := "participant"
		if r.cast.parties[i].Business {
			who = "business"
		}
		fmt.Fprintf(b, "  %s: %s\n", who, strings.TrimSpace(p.Display+" "+p.Account))
	}
	fmt.Fprintf(b, "Times are in %s. Produced from archive %s by %s.\n", r.p.zone(), plain(r.p.Archive), plain(r.p.Generator))
	if r.s.parts > 1 {
		fmt.Fprintf(b, "Part %d of %d of the day.\n", r.s.part, r.s.parts)
	}
}
