package whatsapp

import "github.com/waxseal/waxseal/archiver/record"

// WABAOf is the account a body belongs to, "" where it names none: the key a
// producer gives the record, so that one lane sees all of an account in order.
// For account events it is value.waba_info.waba_id, as entry.id is another
// party's there.
func WABAOf(value []byte) string {
	p := NewParser(Options{})
	r := &record.Record{Value: value}
	for _, it := range p.Parse(RoleWebhooks, r, nil).Items {
		if it.WABA != "" {
			return it.WABA
		}
	}
	// One of our own inputs, or several of them in an array.
	if p.outer.Index(value, front(value), p.depth) != nil {
		return ""
	}
	p.t, p.wrong = &p.outer, ""
	for n := range p.t.Nodes {
		if id := p.code(p.t.Get(n, "waba_id"), "waba_id"); id != "" {
			return id
		}
	}
	return ""
}
