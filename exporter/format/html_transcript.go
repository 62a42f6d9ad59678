package format

import (
	"io"
	"slices"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

// What the template of a transcript's page shows. Words are ready; links lead
// from the page's folder.
type (
	transcriptView struct {
		Production *Production
		Title      string
		Parties    []partyView
		Number     string
		Zone       string
		Page, Of   int
		Prev, Next string
		Index      string
		Days       []dayView
		Gaps, Own  int // of the production, and of these those of the conversation
		Matches    bool
	}
	partyView struct {
		Name, Ids, Role string
	}
	dayView struct {
		Date, Name string
		RSMF       []string
		Messages   int
		Entries    []entryView
	}
	entryView struct { // one of them
		Gap    *gapView
		Notice *messageView
		Bubble *messageView
	}
	gapView struct {
		Time timeView
		What string
		Name string
	}
	timeView struct{ Machine, Short, Whole string }

	messageView struct {
		Anchor, Side, Who, Way string
		Time                   timeView
		Clock                  string
		Labels                 []string
		Match                  bool
		Reply                  *replyView
		Template               string
		Texts                  []textView
		Hole                   string // words in the place of content
		Taken                  []string
		Media                  *mediaView
		Reactions              []reactionView
		Statuses               []statusView
		Findings               []string
		Deliveries             []deliveryView
		Origin                 originView
		Marks                  []markView // edits and revokes: where they stand
	}
	replyView struct {
		Link, Who, Text string // Link "" where the message is not here
		Note            string // what became of the text
	}
	textView struct {
		Label string // "" where there is but one text
		Text  string
		Gone  bool
		Hole  string // words where the text is not known
	}
	mediaView struct {
		As    string // image, audio, video; "" a link
		Link  string
		Name  string
		About string // type and size
		Note  string // why it is not shown in place, or is not there
	}
	reactionView struct {
		Text, Who string
		Time      timeView
		To        string // which text, where there are later ones
		Gone      bool
	}
	statusView struct {
		Word, Reason string
		Time         timeView
	}
	deliveryView struct {
		What   string
		Time   timeView
		Origin originView
	}
	markView struct {
		What   string
		Origin originView
	}
	originView struct {
		Item, Place, Proof, Raw string
	}
)

// transcript is one conversation on its way to HTML.
type transcript struct {
	p       *Production
	c       *Conversation
	pages   []*page
	at      map[string]found
	names   map[string]string
	rsmf    map[string][]string // by date
	gaps    []*Gap              // that concern the conversation and no message says, by time
	own     int                 // gaps of the conversation, also those that a message says
	matches bool                // some messages are not hits
}

func newTranscript(p *Production, c *Conversation, list []*page, slices []*slice) *transcript {
	t := &transcript{p: p, c: c, pages: list, at: places(list), names: c.names(), rsmf: map[string][]string{}}
	for _, s := range slices {
		t.rsmf[s.date] = append(t.rsmf[s.date], s.path(c))
	}
	t.gaps = p.gapsOf(c)
	t.own = len(t.gaps) + p.shownIn(c)
	for i := range c.Days {
		for _, m := range c.Days[i].Messages {
			t.matches = t.matches || !m.Hit
		}
	}
	return t
}

// gapsOf are the gaps that may have swallowed messages of the conversation: from
// its first day to its last, those of its number, and those of the Kafka
// partitions it came from.
func (p *Production) gapsOf(c *Conversation) []*Gap {
	sources := map[string]bool{}
	for i := range c.Days {
		for _, m := range c.Days[i].Messages {
			sources[source(m.Ledger.Record)] = true
		}
	}
	var list []*Gap
	for i := range p.Gaps {
		g := &p.Gaps[i]
		if g.Shown {
			continue
		}
		if date := p.local(g.Time).Format(dateLayout); len(c.Days) == 0 || date < c.Days[0].Date || date > c.Days[len(c.Days)-1].Date {
			continue
		}
		if g.Number != "" && g.Number == c.Number || g.Number == "" && sources[source(g.Record)] {
			list = append(list, g)
		}
	}
	slices.SortStableFunc(list, func(a, b *Gap) int { return a.Time.Compare(b.Time) })
	return list
}

// shownIn is how many gaps messages of the conversation say in their own place.
func (p *Production) shownIn(c *Conversation) int {
	shown := map[string]int{}
	for i := range p.Gaps {
		if p.Gaps[i].Shown {
			shown[p.Gaps[i].Record]++
		}
	}
	n := 0
	for i := range c.Days {
		if len(shown) == 0 {
			break
		}
		for _, m := range c.Days[i].Messages {
			n += shown[m.Item]
			for j := range m.Edits {
				if item := m.Edits[j].Item; item != m.Item {
					n += shown[item]
				}
			}
		}
	}
	return n
}

// source is topic/partition of a record's name.
func source(rec string) string {
	i := strings.LastIndexByte(rec, '/')
	if i < 0 {
		return rec
	}
	return rec[:i]
}

func (t *transcript) write(w io.Writer, number int) error {
	pg := t.pages[number-1]
	v := &transcriptView{
		Production: t.p, Title: t.title(), Number: t.c.Number, Zone: t.p.zone(), Page: pg.number, Of: pg.of, Index: up("index.html"),
		Gaps: len(t.p.Gaps), Own: t.own, Matches: t.matches,
	}
	for i := range t.c.Parties {
		v.Parties = append(v.Parties, viewParty(&t.c.Parties[i]))
	}
	if number > 1 {
		v.Prev = up(t.pages[number-2].path)
	}
	if number < len(t.pages) {
		v.Next = up(t.pages[number].path)
	}
	for i := range pg.days {
		day, err := t.day(pg, i)
		if err != nil {
			return err
		}
		v.Days = append(v.Days, day)
	}
	return render(w, "transcript", v)
}

func (t *transcript) title() string {
	if t.c.Title != "" {
		return t.c.Title
	}
	return conversationTitle(t.c.Parties, t.c.ID)
}

// conversationTitle names the outside people, else the business, else the id.
func conversationTitle(parties []Party, id string) string {
	var others, all []string
	for i := range parties {
		all = append(all, parties[i].name())
		if !parties[i].Business {
			others = append(others, parties[i].name())
		}
	}
	switch {
	case len(others) > 4:
		return strings.Join(others[:3], ", ") + " and " + count(len(others)-3, "other", "others")
	case len(others) > 0:
		return strings.Join(others, ", ")
	case len(all) > 0:
		return strings.Join(all, ", ")
	}
	return id
}

func viewParty(p *Party) partyView {
	v := partyView{Name: p.name(), Role: "participant"}
	if p.Business {
		v.Role = "business"
	}
	var ids []string
	for _, id := range []string{prefix("+", p.Phone), prefix("@", p.Username), p.BSUID} {
		if id != "" && id != v.Name {
			ids = append(ids, id)
		}
	}
	v.Ids = strings.Join(ids, ", ")
	return v
}

func prefix(with, s string) string {
	if s == "" {
		return ""
	}
	return with + s
}

func (t *transcript) day(pg *page, i int) (dayView, error) {
	d := &pg.days[i]
	v := dayView{Date: d.Date, Name: dayName(d.Date), Messages: len(d.Messages)}
	for _, path := range t.rsmf[d.Date] {
		v.RSMF = append(v.RSMF, up(path))
	}
	gaps := t.gapsBetween(pg, i)
	for _, m := range d.Messages {
		for len(gaps) > 0 && !gaps[0].Time.After(m.Time) {
			v.Entries = append(v.Entries, entryView{Gap: t.gap(gaps[0], d.Date)})
			gaps = gaps[1:]
		}
		view, err := t.message(pg, m)
		if err != nil {
			return v, err
		}
		if written(m.Kind) {
			v.Entries = append(v.Entries, entryView{Bubble: view})
		} else {
			v.Entries = append(v.Entries, entryView{Notice: view})
		}
	}
	for _, g := range gaps {
		v.Entries = append(v.Entries, entryView{Gap: t.gap(g, d.Date)})
	}
	return v, nil
}

// gapsBetween are the gaps that stand on part i of the page: each is on one part
// of one page. It stands on the last part that begins before it; the first part
// has also those before it, on its own day.
func (t *transcript) gapsBetween(pg *page, i int) []*Gap {
	begin := pg.days[i].Messages[0].Time
	var end time.Time
	switch {
	case i+1 < len(pg.days):
		end = pg.days[i+1].Messages[0].Time
	case pg.number < len(t.pages):
		end = t.pages[pg.number].days[0].Messages[0].Time
	}
	firstPart := pg.number == 1 && i == 0
	var list []*Gap
	for _, g := range t.gaps {
		if (firstPart || !g.Time.Before(begin)) && (end.IsZero() || g.Time.Before(end)) {
			list = append(list, g)
		}
	}
	return list
}

func (t *transcript) gap(g *Gap, date string) *gapView {
	v := &gapView{Time: t.p.time(g.Time), What: g.What, Name: g.Record}
	if t.p.local(g.Time).Format(dateLayout) != date {
		v.Time.Short = v.Time.Whole
	}
	return v
}

// dayName is a date in words.
func dayName(date string) string {
	d, err := time.Parse(dateLayout, date)
	if err != nil {
		return date
	}
	return d.Format("Monday, 2 January 2006")
}

func (p *Production) time(t time.Time) timeView {
	l := p.local(t)
	return timeView{l.Format(time.RFC3339), l.Format(clockLayout), l.Format(wholeLayout)}
}

// since is a time beside another: with the date where that differs.
func (p *Production) since(t, other time.Time) timeView {
	v := p.time(t)
	if p.local(t).Format(dateLayout) != p.local(other).Format(dateLayout) {
		v.Short = v.Whole
	}
	return v
}

func (t *transcript) who(id, otherwise string) string { return first(t.names[id], otherwise) }

func (t *transcript) message(pg *page, m *Message) (*messageView, error) {
	v := &messageView{
		Anchor: anchor(m.Item), Side: "in", Who: t.who(m.From, "Unknown sender"), Way: m.way(), Time: t.p.time(m.Time), Clock: m.Clock,
		Match: t.matches && m.Hit, Template: m.Template, Origin: origin(m.Item, &m.Ledger),
	}
	if m.Direction == record.Outbound {
		v.Side = "out"
	}
	for _, l := range []struct {
		set   bool
		words string
	}{{m.sort() != "", m.sort()}, {m.Forwarded, "forwarded"}, {m.Backfill, "from the history sync"}, {m.Revoked(), "taken back"}, {m.Erased, "erased"}} {
		if l.set {
			v.Labels = append(v.Labels, l.words)
		}
	}
	v.Reply = t.reply(pg, m)
	t.texts(m, v)
	if m.Media != nil {
		media, err := viewMedia(m.Media, m.Kind)
		if err != nil {
			return nil, err
		}
		v.Media = media
	}
	t.marks(m, v)
	for i := range m.Findings {
		v.Findings = append(v.Findings, m.Findings[i].words())
	}
	if len(m.Deliveries) > 1 {
		for i := range m.Deliveries {
			d := &m.Deliveries[i]
			what := string(d.Kind)
			if d.Backfill {
				what += ", history sync"
			}
			v.Deliveries = append(v.Deliveries, deliveryView{what, t.p.since(d.Time, m.Time), origin(d.Item, &d.Ledger)})
		}
	}
	return v, nil
}

func (t *transcript) reply(pg *page, m *Message) *replyView {
	if m.ReplyTo == "" {
		return nil
	}
	at, ok := t.at[m.ReplyTo]
	if !ok {
		return &replyView{Text: "a message that is not in this production"}
	}
	link := "#" + anchor(at.message.Item)
	if at.page != pg {
		link = up(at.page.path) + link
	}
	body, note := at.message.quoted(m.Time)
	if body == "" && at.message.Media != nil {
		body = "[" + at.message.Media.display(at.message.Kind) + "]"
	}
	return &replyView{link, t.who(at.message.From, "Unknown sender"), shorten(body), note}
}

// shorten is the beginning of a text on one line.
func shorten(s string) string {
	words := []rune(strings.Join(strings.Fields(s), " "))
	if len(words) > 160 {
		return string(words[:160]) + "…"
	}
	return string(words)
}

// texts lists every text that the message had, oldest first.
func (t *transcript) texts(m *Message, v *messageView) {
	if words := m.notice(); words != "" {
		v.Who = words
		if t.names[m.From] != "" {
			v.Who += ", " + t.names[m.From]
		}
		v.Way = m.way()
		v.Hole = m.Reason
		if m.Erased {
			v.Hole = erasedWords
		}
		if m.Text != "" && !m.Erased {
			v.Texts = []textView{{Text: m.Text}}
		}
		return
	}
	if m.Text == "" || m.Erased {
		v.Hole = m.instead()
	}
	if m.Erased {
		return
	}
	gone := m.Revoked()
	if len(m.Edits) == 0 {
		if text := m.caption(); text != "" {
			v.Texts = []textView{{Text: text, Gone: gone}}
		}
		return
	}
	label, last := "first text, "+t.p.time(m.Time).Short, m.Text
	if text := m.caption(); text != "" {
		v.Texts = append(v.Texts, textView{Label: label, Text: text, Gone: true})
	}
	for i := range m.Edits {
		e := &m.Edits[i]
		if e.Before != "" && e.Before != last {
			v.Texts = append(v.Texts, textView{Label: "text before the edit", Text: e.Before, Gone: true})
		}
		label = "edited " + t.p.since(e.Time, m.Time).Short
		now := textView{Label: label, Text: e.text(), Gone: gone || i < len(m.Edits)-1}
		if now.Text == "" {
			now.Hole = e.missing()
		}
		v.Texts = append(v.Texts, now)
		last = e.text()
	}
}

// marks lists what happened to the message.
func (t *transcript) marks(m *Message, v *messageView) {
	for i := range m.Edits {
		v.Marks = append(v.Marks, markView{"edit", origin(m.Edits[i].Item, &m.Edits[i].Ledger)})
	}
	for i := range m.Revokes {
		k := &m.Revokes[i]
		by := ""
		if name := t.names[k.From]; name != "" {
			by = " by " + name
		}
		v.Taken = append(v.Taken, "Taken back at "+t.p.since(k.Time, m.Time).Short+by)
		v.Marks = append(v.Marks, markView{"taken back", origin(k.Item, &k.Ledger)})
	}
	stands := map[string]bool{}
	for _, k := range standing(m.Reactions) {
		stands[k.Item] = true
	}
	for i := range m.Reactions {
		k := &m.Reactions[i]
		text := k.Text
		if text == "" {
			text = "reaction taken back"
		}
		to := m.textAt(k.Time, func(at time.Time) string { return "of " + t.p.since(at, m.Time).Short })
		v.Reactions = append(v.Reactions, reactionView{text, t.who(k.From, "unknown"), t.p.since(k.Time, m.Time), to, k.Text != "" && !stands[k.Item]})
	}
	for i := range m.Statuses {
		k := &m.Statuses[i]
		word := stateWords(k.Sub)
		if t.c.Group && t.names[k.From] != "" {
			word += " (" + t.names[k.From] + ")"
		}
		v.Statuses = append(v.Statuses, statusView{word, k.Reason, t.p.since(k.Time, m.Time)})
	}
}

func origin(item string, l *Ledger) originView {
	return originView{item, place(l), up(l.Proof), up(l.Raw)}
}
