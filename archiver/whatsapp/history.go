package whatsapp

import (
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/whatsapp/tape"
)

// chunk reads an element of history: a part of the chats from before
// onboarding, or the news that the business shares none. The chunk's own item
// is its metadata, so that it does not cover the people in it.
func (p *Parser) chunk(sc *scope, n int) {
	in := *sc
	in.provenance = record.Backfill
	before := len(p.items)
	for k, end := n+1, p.t.Next(n); k < end; k = p.t.Next(k + 1) {
		switch v := k + 1; p.t.Name(k) {
		case "metadata":
			p.chunkMeta(&in, v)
		case "threads":
			p.each(&in, v, inHistoryThreads)
		case "errors":
			p.each(&in, v, inHistoryErrors)
		default:
			if kind := p.t.Kind(v); (kind == tape.Object || kind == tape.Array) && !p.t.Empty(v) {
				p.unknown(&in, v, "member of unknown meaning")
			}
		}
	}
	start, end := p.t.Span(n)
	if len(p.items) == before && (p.held != nil || !p.erased(start, end)) {
		p.unknown(&in, n, "history chunk of unknown shape")
	}
}

func (p *Parser) chunkMeta(sc *scope, n int) {
	p.wrong = ""
	it := p.emit(n)
	sc.put(it)
	it.Kind = record.HistoryChunk
	if meta := p.object(n, "history[].metadata"); meta != 0 {
		it.Chunk = Chunk{
			Phase:    p.number(p.t.Get(meta, "phase"), "phase"),
			Order:    p.number(p.t.Get(meta, "chunk_order"), "chunk_order"),
			Progress: p.number(p.t.Get(meta, "progress"), "progress"),
		}
	}
	p.done(it)
}

// declined reads an error in place of a history: 2593109 is "not shared".
func (p *Parser) declined(sc *scope, n int) {
	it := p.emit(n)
	sc.put(it)
	it.Kind = record.HistoryDeclined
	if code := p.number(p.t.Get(n, "code"), "errors[].code"); code != 0 {
		p.codes = append(p.codes, code)
	}
	p.add(p.t.Get(n, "title"), "errors[].title")
	p.done(it)
}

// thread reads a chat of one person, which is one region with all its messages.
// A thread that does not say whose it is has no region; its messages have.
func (p *Parser) thread(sc *scope, n int) {
	ctx := p.object(p.t.Get(n, "context"), "threads[].context")
	who := Person{
		WaID:     p.phone(p.t.Get(n, "id"), "threads[].id"),
		UserID:   p.id(p.get(ctx, "user_id"), "threads[].context.user_id"),
		ParentID: p.id(p.get(ctx, "parent_user_id"), "threads[].context.parent_user_id"),
		Username: p.str(p.get(ctx, "username"), "threads[].context.username"),
	}
	slot := p.resolve(sc, who)
	if wa := p.phone(p.get(ctx, "wa_id"), "threads[].context.wa_id"); wa != "" {
		slot = p.people.link(slot, p.resolve(sc, Person{WaID: wa}))
	}
	region := p.begin(sc, n, slot)
	if p.wrong != "" {
		it := p.emit(n)
		sc.put(it)
		it.Person = slot
		p.done(it)
	}
	in := *sc
	in.threadOf = slot
	before := len(p.items)
	if m := p.t.Get(n, "messages"); m != 0 {
		p.each(&in, m, inThreadMessages)
	}
	start, end := p.t.Span(n)
	if len(p.items) == before && (p.held != nil || !p.erased(start, end)) {
		it := p.emit(n)
		sc.put(it)
		it.Person, it.Kind, it.Reason = slot, record.Unknown, "thread without messages"
	}
	p.end(region)
}

// past reads a message of a thread. Its time is the device's clock.
func (p *Parser) past(sc *scope, n int) {
	var m message
	m.read(p, n)
	ctx := p.object(m.history, "history_context")
	sent := m.to != 0 || m.toUser != 0 || p.bool(p.get(ctx, "from_me"), "history_context.from_me")
	from, to := m.sender(p), m.recipient(p)
	if sc.display != "" && from.WaID == sc.display {
		sent = true
	}
	who := from
	if sent {
		who = to
	}
	slot, region := sc.threadOf, -1
	if slot < 0 {
		slot = p.resolve(sc, who)
		region = p.begin(sc, n, slot)
	} else {
		slot = p.confirm(sc, slot, who)
	}
	it := p.emit(n)
	it.Person, it.Direction, it.Channel, it.Device = slot, record.Inbound, record.ChannelUser, true
	if sent {
		it.Direction, it.Channel = record.Outbound, record.ChannelApp
	}
	p.message(sc, it, n, &m)
	if status := p.word(p.get(ctx, "status"), "history_context.status"); status != "" {
		it.Detail = status
	}
	p.end(region)
}

// confirm adds to a thread's person the ids its messages give, where they are
// plainly the same person's: they agree in what both say.
func (p *Parser) confirm(sc *scope, slot int, who Person) int {
	slot = p.people.root(slot)
	own := &p.people.slots[slot].Person
	same := func(a, b string) bool { return a == "" || b == "" || a == b }
	news := who.UserID != "" && who.UserID != own.UserID || who.WaID != "" && who.WaID != own.WaID ||
		who.ParentID != "" && who.ParentID != own.ParentID
	if !news || !same(own.WaID, who.WaID) || !same(own.UserID, who.UserID) || !same(own.ParentID, who.ParentID) {
		return slot
	}
	return p.people.link(slot, p.resolve(sc, who))
}
