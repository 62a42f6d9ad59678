package indextest

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Small sets of values, so that queries made of them select some rows.
var (
	kinds       = []record.Kind{record.Text, record.Image, record.Status, record.Template, record.Edit, record.Unknown}
	channels    = []record.Channel{record.ChannelUser, record.ChannelApp, record.ChannelAPI, record.ChannelUnknown}
	directions  = []record.Direction{record.Inbound, record.Outbound, record.NoWay}
	provenances = []record.Provenance{record.Live, record.Backfill}
	lanes       = []record.Lane{"0", "1", "control"}
	topics      = []string{"wa.webhooks", "wa.sends", "wa.consent"}
	numbers     = []string{"", "100000000000001", "100000000000002", "100000000000003"}
	wabas       = []string{"200000000000001", "200000000000002"}
	custodians  = []string{"", "ann", "bob", "o'hara, \"x\""}
	departments = []string{"", "sales", "desk"}
	templates   = []string{"", "welcome", "late_fee"}
	classes     = []string{"communication", "status", "audit"}
	rules       = []string{"marketing-after-withdrawal", "marketing", "template-not-approved"}
)

const (
	people = 12
	words  = 40
	clock  = 1_800_000_000 // Unix seconds: about when the rows are
)

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

func tag(kind, n int) index.Tag {
	var t index.Tag
	binary.BigEndian.PutUint32(t[:], uint32(kind*0x9e3779b1))
	binary.BigEndian.PutUint32(t[4:], uint32(n*0x85ebca6b+1))
	t[15] = byte(n)
	return t
}

// Kinds of tags that rows and queries draw from.
const (
	tagPerson = iota + 1
	tagGroup
	tagConversation
	tagMessage
	tagDisplay
)

// Rows makes n rows with different names: small value sets, ties in time, empty
// fields, everything an engine must keep apart. The same seed gives the same rows.
func Rows(seed uint64, n int) []index.Row {
	r := rand.New(rand.NewPCG(seed, 1))
	rows := make([]index.Row, n)
	for i := range rows {
		rows[i] = row(r, i)
	}
	return rows
}

// Rows fall into so many combinations of the fields that say on which line they
// came, and of those that say what they are. Engines may store each once.
const (
	lines  = 40
	shapes = 60
)

func row(r *rand.Rand, i int) index.Row {
	line := rand.New(rand.NewPCG(r.Uint64N(lines), 1))
	shape := rand.New(rand.NewPCG(r.Uint64N(shapes), 2))
	row := index.Row{
		Item: record.ItemID{Coordinates: record.Coordinates{
			Topic: topics[i/3%len(topics)], Era: record.Era(1 + i/3%7/6), Partition: int32(i / 3 % 2), Offset: int64(i / 3),
		}, N: i % 3},
		Lane:       pick(line, lanes),
		Block:      uint64(i / 10),
		Segment:    fmt.Sprintf("lanes/0/data/%012d/seg-0", i/10),
		Cell:       r.IntN(5),
		Span:       record.Span{Start: r.IntN(100), End: 100 + r.IntN(900)},
		Kafka:      (clock+int64(r.IntN(40)))*1000 + int64(r.IntN(1000)),
		Sealed:     (clock + 100) * 1000,
		Kind:       pick(shape, kinds),
		Channel:    pick(shape, channels),
		Direction:  pick(shape, directions),
		Provenance: pick(shape, provenances),
		Signature:  record.SignatureAbsent,
		Field:      "messages",
		WABA:       pick(line, wabas),
		Number:     pick(line, numbers),
		Custodian:  pick(line, custodians),
		Department: pick(line, departments),
		Class:      pick(shape, classes),
		Duty:       clock + 1000,
		Retain:     clock + 2000,
		Policy:     "revision",
		TokenEpoch: 1,
	}
	if r.IntN(3) > 0 {
		row.Platform, row.Device = clock+int64(r.IntN(40)), r.IntN(4) == 0
	}
	if line.IntN(2) == 0 {
		row.Display = tag(tagDisplay, line.IntN(3))
	}
	for _, rule := range rules {
		if shape.IntN(4) == 0 {
			row.Findings, row.Severity = append(row.Findings, rule), "high"
		}
	}
	slices.Sort(row.Findings)
	rowPeople(r, &row)
	rowContent(r, &row)
	return row
}

func rowPeople(r *rand.Rand, row *index.Row) {
	if n := r.IntN(people + 2); n < people {
		row.Subject = tag(tagPerson, n)
		row.Aliases = []index.Tag{row.Subject}
		if r.IntN(2) == 0 {
			row.Aliases = append(row.Aliases, tag(tagPerson, people+n/2))
		}
		slices.SortFunc(row.Aliases, index.CompareTags)
		row.Conversation = tag(tagConversation, n)
	}
	if r.IntN(4) == 0 {
		row.Group = tag(tagGroup, r.IntN(3))
		row.Conversation = tag(tagConversation, 100+r.IntN(3))
	}
	if r.IntN(4) > 0 {
		row.ID = tag(tagMessage, r.IntN(50))
	}
	if r.IntN(3) == 0 {
		row.Target = tag(tagMessage, r.IntN(50))
	}
	if r.IntN(5) == 0 {
		row.ReplyTo = tag(tagMessage, r.IntN(50))
	}
}

func rowContent(r *rand.Rand, row *index.Row) {
	row.Template = pick(r, templates)
	if r.IntN(3) == 0 {
		row.TemplateID = fmt.Sprint(700000000000000 + r.IntN(2))
	}
	if r.IntN(6) == 0 {
		row.Sub, row.Detail, row.Reason = "delivered", "READ", "a shape nobody has documented"
		row.Codes = []int{131051, r.IntN(9)}
		row.Provider, row.Actor, row.Provisional = "360dialog", "bot:b1", true
	}
	for range r.IntN(8) {
		row.Tokens = append(row.Tokens, word(r.IntN(words)))
	}
	slices.Sort(row.Tokens)
	row.Tokens = slices.Compact(row.Tokens)
}

// word is the n-th word of the vocabulary; some tokens have the highest bit set.
func word(n int) index.Token { return index.Token(uint64(n+1) * 0x9e3779b97f4a7c15) }
