package format

import "strconv"

type messageJSON struct {
	Conversation string         `json:"conversation"`
	Number       string         `json:"number"`
	Date         string         `json:"date"`
	Time         string         `json:"time"`
	Clock        string         `json:"clock"`
	Item         string         `json:"item"`
	ID           string         `json:"id,omitempty"`
	Kind         string         `json:"kind"`
	Sub          string         `json:"sub,omitempty"`
	Direction    string         `json:"direction"`
	Channel      string         `json:"channel"`
	Backfill     bool           `json:"backfill,omitempty"`
	From         string         `json:"from,omitempty"`
	FromName     string         `json:"from_name,omitempty"`
	Custodian    string         `json:"custodian,omitempty"`
	Actor        string         `json:"actor,omitempty"`
	ReplyTo      string         `json:"reply_to,omitempty"`
	Forwarded    bool           `json:"forwarded,omitempty"`
	Template     string         `json:"template,omitempty"`
	Text         string         `json:"text,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	Hit          bool           `json:"hit"`
	Erased       bool           `json:"erased,omitempty"`
	Edits        []editJSON     `json:"edits,omitempty"`
	Revokes      []markJSON     `json:"revokes,omitempty"`
	Reactions    []markJSON     `json:"reactions,omitempty"`
	Statuses     []markJSON     `json:"statuses,omitempty"`
	Deliveries   []deliveryJSON `json:"deliveries,omitempty"`
	Media        *mediaJSON     `json:"media,omitempty"`
	Findings     []findingJSON  `json:"findings,omitempty"`
	Class        string         `json:"class,omitempty"`
	Policy       string         `json:"policy,omitempty"`
	Ledger       ledgerJSON     `json:"ledger"`
}

type markJSON struct {
	Item   string     `json:"item"`
	Time   string     `json:"time"`
	From   string     `json:"from,omitempty"`
	Sub    string     `json:"sub,omitempty"`
	Text   string     `json:"text,omitempty"`
	Reason string     `json:"reason,omitempty"`
	Ledger ledgerJSON `json:"ledger"`
}

type editJSON struct {
	markJSON
	Before  string `json:"before,omitempty"`
	Missing bool   `json:"missing,omitempty"`
}

type deliveryJSON struct {
	Item     string     `json:"item"`
	Time     string     `json:"time"`
	Kind     string     `json:"kind"`
	Backfill bool       `json:"backfill,omitempty"`
	Ledger   ledgerJSON `json:"ledger"`
}

type mediaJSON struct {
	ID     string `json:"id,omitempty"`
	MIME   string `json:"mime,omitempty"`
	Name   string `json:"name,omitempty"`
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Stated string `json:"stated,omitempty"`
	Beside string `json:"stated_beside,omitempty"`
	Reason string `json:"reason,omitempty"`
	Path   string `json:"path,omitempty"`
	Item   string `json:"item,omitempty"`
}

type findingJSON struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Reason   string `json:"reason"`
}

type ledgerJSON struct {
	Record string `json:"record"`
	Lane   string `json:"lane"`
	Block  string `json:"block"` // decimal: may pass 2^53
	Leaf   int    `json:"leaf"`
	Hash   string `json:"hash,omitempty"`
	Proof  string `json:"proof,omitempty"`
	Raw    string `json:"raw,omitempty"`
}

type partyJSON struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Username string `json:"username,omitempty"`
	BSUID    string `json:"bsuid,omitempty"`
	Business bool   `json:"business,omitempty"`
}

type conversationJSON struct {
	ID       string      `json:"id"`
	Number   string      `json:"number"`
	Title    string      `json:"title,omitempty"`
	Group    bool        `json:"group,omitempty"`
	Parties  []partyJSON `json:"parties"`
	Messages int         `json:"messages"`
	Days     []dayJSON   `json:"days"`
	Pages    []string    `json:"pages"`
}

type dayJSON struct {
	Date     string   `json:"date"`
	Messages int      `json:"messages"`
	RSMF     []string `json:"rsmf"`
}

type eventJSON struct {
	Date     string        `json:"date"`
	Time     string        `json:"time"`
	Clock    string        `json:"clock"`
	Item     string        `json:"item"`
	Kind     string        `json:"kind"`
	Sub      string        `json:"sub,omitempty"`
	Number   string        `json:"number,omitempty"`
	Person   *partyJSON    `json:"person,omitempty"`
	Text     string        `json:"text,omitempty"`
	Template string        `json:"template,omitempty"`
	Reason   string        `json:"reason,omitempty"`
	Erased   bool          `json:"erased,omitempty"`
	Hit      bool          `json:"hit"`
	Findings []findingJSON `json:"findings,omitempty"`
	Class    string        `json:"class,omitempty"`
	Policy   string        `json:"policy,omitempty"`
	Ledger   ledgerJSON    `json:"ledger"`
}

type exceptionJSON struct {
	Item   string `json:"item"`
	Code   string `json:"code"`
	Reason string `json:"reason"`
}

type gapJSON struct {
	Time   string `json:"time"`
	What   string `json:"what"`
	Record string `json:"record"`
	Number string `json:"number,omitempty"`
}

func messageLine(c *Conversation, date string, m *Message, names map[string]string) *messageJSON {
	out := &messageJSON{
		Conversation: c.ID, Number: c.Number, Date: date, Time: utc(m.Time), Clock: m.Clock, Item: m.Item, ID: m.ID,
		Kind: string(m.Kind), Sub: m.Sub, Direction: string(m.Direction), Channel: string(m.Channel), Backfill: m.Backfill,
		From: m.From, FromName: names[m.From], Custodian: m.Custodian, Actor: m.Actor, ReplyTo: m.ReplyTo, Forwarded: m.Forwarded,
		Template: m.Template, Text: m.Text, Reason: m.Reason, Hit: m.Hit, Erased: m.Erased,
		Revokes: marksJSON(m.Revokes), Reactions: marksJSON(m.Reactions), Statuses: marksJSON(m.Statuses),
		Findings: findingsJSON(m.Findings), Class: m.Class, Policy: m.Policy, Ledger: ledgerLine(&m.Ledger),
	}
	for i := range m.Edits {
		e := &m.Edits[i]
		out.Edits = append(out.Edits, editJSON{markLine(&e.Mark), e.Before, e.Missing})
	}
	for i := range m.Deliveries {
		d := &m.Deliveries[i]
		out.Deliveries = append(out.Deliveries, deliveryJSON{d.Item, utc(d.Time), string(d.Kind), d.Backfill, ledgerLine(&d.Ledger)})
	}
	if a := m.Media; a != nil {
		out.Media = &mediaJSON{a.ID, a.MIME, a.Name, a.Size, a.SHA256, a.Stated, a.Beside, a.Reason, a.Path, a.Item}
	}
	return out
}

func conversationLine(s *Summary) *conversationJSON {
	out := &conversationJSON{
		ID: s.ID, Number: s.Number, Title: s.Title, Group: s.Group, Messages: s.Messages,
		Parties: make([]partyJSON, 0, len(s.Parties)), Days: make([]dayJSON, 0, len(s.Days)), Pages: s.Pages,
	}
	for i := range s.Parties {
		out.Parties = append(out.Parties, partyJSON(s.Parties[i]))
	}
	for _, d := range s.Days {
		out.Days = append(out.Days, dayJSON{d.Date, d.Messages, d.RSMF})
	}
	return out
}

func eventLine(p *Production, e *Event) *eventJSON {
	out := &eventJSON{
		Date: p.local(e.Time).Format(dateLayout), Time: utc(e.Time), Clock: e.Clock, Item: e.Item, Kind: string(e.Kind), Sub: e.Sub,
		Number: e.Number, Text: e.Text, Template: e.Template, Reason: e.Reason, Erased: e.Erased, Hit: e.Hit,
		Findings: findingsJSON(e.Findings), Class: e.Class, Policy: e.Policy, Ledger: ledgerLine(&e.Ledger),
	}
	if e.Person != nil {
		person := partyJSON(*e.Person)
		out.Person = &person
	}
	return out
}

func markLine(m *Mark) markJSON {
	return markJSON{m.Item, utc(m.Time), m.From, m.Sub, m.Text, m.Reason, ledgerLine(&m.Ledger)}
}

func marksJSON(list []Mark) []markJSON {
	var out []markJSON
	for i := range list {
		out = append(out, markLine(&list[i]))
	}
	return out
}

func findingsJSON(list []Finding) []findingJSON {
	var out []findingJSON
	for _, f := range list {
		out = append(out, findingJSON(f))
	}
	return out
}

func ledgerLine(l *Ledger) ledgerJSON {
	return ledgerJSON{l.Record, l.Lane, strconv.FormatUint(l.Block, 10), l.Leaf, l.Hash, l.Proof, l.Raw}
}
