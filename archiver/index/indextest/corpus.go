package indextest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Corpus makes rows as an archive has them, for measuring: some fifty business
// numbers, twenty thousand people of whom few write much, fifteen words a
// message with the frequencies of a language, statuses about half of the
// messages, a month of time. It makes them block by block.
type Corpus struct {
	r      *rand.Rand
	people *rand.Zipf
	words  *rand.Zipf
	n      int
}

// CorpusStart is the time of a Corpus's first row, Unix seconds.
const CorpusStart = clock

// CorpusRate is how many rows a Corpus has a second.
const CorpusRate = 1

// NewCorpus makes the corpus of a seed.
func NewCorpus(seed uint64) *Corpus {
	r := rand.New(rand.NewPCG(seed, 3))
	return &Corpus{r: r, people: rand.NewZipf(r, 1.05, 50, 20000), words: rand.NewZipf(r, 1.1, 8, 60000)}
}

// CorpusWord is the token of the n-th most frequent word, from 0.
func CorpusWord(n int) index.Token { return word(n) }

// CorpusPerson is the tag of the n-th most talkative person, from 0.
func CorpusPerson(n int) index.Tag { return tag(tagPerson, n) }

// CorpusNumber is the phone_number_id of a person's business number.
func CorpusNumber(person int) string { return fmt.Sprint(100000000000000 + person%50) }

// Block makes the next n rows.
func (c *Corpus) Block(block uint64, n int) index.Batch {
	b := index.Batch{Lane: "0", Block: block, Rows: make([]index.Row, n)}
	segment := fmt.Sprintf("lanes/0/data/%012d/seg-0", block)
	for i := range b.Rows {
		b.Rows[i] = c.row(block, segment)
	}
	return b
}

func (c *Corpus) row(block uint64, segment string) index.Row {
	person := int(c.people.Uint64())
	at := int64(clock + c.n/CorpusRate)
	row := index.Row{
		Item:         record.ItemID{Coordinates: record.Coordinates{Topic: "wa.webhooks", Era: 1, Offset: int64(c.n)}},
		Lane:         "0",
		Block:        block,
		Segment:      segment,
		Cell:         c.r.IntN(1000),
		Span:         record.Span{Start: 250, End: 630},
		Platform:     at - int64(c.r.IntN(4)),
		Kafka:        at*1000 + int64(c.r.IntN(1000)),
		Sealed:       at*1000 + 5000,
		Kind:         record.Text,
		Channel:      record.ChannelUser,
		Direction:    record.Inbound,
		Provenance:   record.Live,
		Signature:    record.SignatureUnchecked,
		Field:        "messages",
		WABA:         fmt.Sprint(200000000000000 + person%10),
		Number:       CorpusNumber(person),
		Display:      tag(tagDisplay, person%50),
		Subject:      tag(tagPerson, person),
		Aliases:      []index.Tag{tag(tagPerson, person), tag(tagPerson, 1<<20+person)},
		Conversation: tag(tagConversation, person),
		Custodian:    fmt.Sprintf("employee-%d", person%50),
		Department:   fmt.Sprintf("department-%d", person%5),
		Class:        "communication",
		Duty:         clock / 86400 * 86400,
		Retain:       clock / 86400 * 86400,
		Policy:       "2f5d0d2a8d3b1f0e",
		TokenEpoch:   1,
	}
	slices.SortFunc(row.Aliases, index.CompareTags)
	c.content(&row)
	c.n++
	return row
}

func (c *Corpus) content(row *index.Row) {
	if c.n%3 == 2 {
		row.Kind, row.Sub, row.Channel, row.Direction = record.Status, "delivered", record.ChannelUnknown, record.NoWay
		row.Target = tag(tagMessage, c.n-c.n%3)
		return
	}
	row.ID = tag(tagMessage, c.n)
	if c.n%3 == 1 {
		row.Channel, row.Direction, row.Field = record.ChannelApp, record.Outbound, "smb_message_echoes"
	}
	if c.n%1000 == 0 {
		row.Findings, row.Severity = []string{"marketing-after-withdrawal"}, "high"
	}
	for range 22 { // 15 to 16 different ones, statuses having none
		row.Tokens = append(row.Tokens, word(int(c.words.Uint64())))
	}
	slices.Sort(row.Tokens)
	row.Tokens = slices.Compact(row.Tokens)
}
