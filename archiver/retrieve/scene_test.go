package retrieve_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/worm/mem"
)

const root = "../.."

var ada, bea, cem = archivetest.Ada, archivetest.Bea, archivetest.Cem

// Ids of the scene's messages.
const (
	question  = "wamid.QUESTION"
	answer    = "wamid.ANSWER"
	mistake   = "wamid.MISTAKE"
	forgotten = "wamid.FORGOTTEN" // of which only a status ever came
)

// scene is an archive with a conversation in it.
type scene struct {
	*archivetest.Archive
	records []*record.Record // of wa.webhooks, by offset
	lib     *retrieve.Library
}

func library(t *testing.T, a *archivetest.Archive) *retrieve.Library {
	t.Helper()
	return &retrieve.Library{Index: a.Index, Reader: a.Reader(t), Locked: a.Locked, Keys: a.Keys(), Topics: a.Topics}
}

// newScene archives a conversation, three records a block.
func newScene(t *testing.T) *scene {
	t.Helper()
	a := archivetest.New(t, archivetest.Options{MaxRecords: 3})
	s := &scene{Archive: a}
	at := a.Now().Unix()
	messages := func(people []archivetest.Person, m ...string) {
		s.add(archivetest.Webhook("messages", archivetest.Contacts(people...)+`,"messages":[`+strings.Join(m, ",")+`]`))
	}
	one := []archivetest.Person{ada}
	messages(one, archivetest.Text(ada, question, at, "Was the late fee paid by wire transfer?")) // 0
	echo := func(id string, after int64, body string) {
		s.add(archivetest.Webhook("smb_message_echoes", fmt.Sprintf(
			`"message_echoes":[{"from":%q,"to":%q,"id":%q,"timestamp":"%d",%s}]`, archivetest.Display, ada.Phone, id, at+after, body)))
	}
	text := func(body string) string { return fmt.Sprintf(`"type":"text","text":{"body":%q}`, body) }
	edit := func(of, body string) string {
		return fmt.Sprintf(`"type":"edit","edit":{"original_message_id":%q,"message":{%s}}`, of, text(body))
	}
	echo(answer, 10, text("I will call you at noon"))                                                     // 1
	messages(one, archivetest.Text(ada, question, at, "Was the late fee paid by wire transfer?"))         // 2: again
	echo("wamid.EDIT1", 20, edit(answer, "I will call you at one"))                                       // 3
	echo("wamid.EDIT2", 30, edit(answer, "I will call you at two"))                                       // 4
	echo(mistake, 40, text("not meant for you"))                                                          // 5
	echo("wamid.REVOKE", 50, fmt.Sprintf(`"type":"revoke","revoke":{"original_message_id":%q}`, mistake)) // 6
	s.add(archivetest.Webhook("messages", `"statuses":[`+strings.Join([]string{                           // 7
		status(answer, "read", ada, at+12), status(answer, "sent", ada, at+11), status(answer, "delivered", ada, at+11), status(forgotten, "failed", ada, at+60),
	}, ",")+`]`))
	reaction := func(id, emoji string, after int64) string {
		return fmt.Sprintf(`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"reaction","reaction":{"message_id":%q,"emoji":%q}}`, ada.Phone, ada.BSUID, id, at+after, answer, emoji)
	}
	messages(one, reaction("wamid.REACT1", "👍", 70), reaction("wamid.REACT2", "❤", 80)) // 8
	messages([]archivetest.Person{ada, bea, cem},                                       // 9: three people
		archivetest.Text(bea, "wamid.BEA1", at+90, "transfer it by wire"), archivetest.Text(cem, "wamid.CEM1", at+91, "nothing of interest"),
		archivetest.Text(ada, "wamid.ADA2", at+92, "and the invoice"), archivetest.Text(bea, "wamid.BEA2", at+93, "the invoice came"))
	s.add(archivetest.Webhook("messages", fmt.Sprintf( // 10: Ada without her phone number
		`"contacts":[{"profile":{"name":%q},"user_id":%q}],"messages":[{"from_user_id":%q,"id":"wamid.ADA3","timestamp":"%d","type":"text","text":{"body":"it is me again"}}]`,
		ada.Name, ada.BSUID, ada.BSUID, at+100)))
	messages([]archivetest.Person{bea}, archivetest.Text(bea, "wamid.BEA3", at+110, "bye")) // 11
	a.Feed(t, "wa.webhooks", s.records...)
	a.Feed(t, "wa.sends", &record.Record{Key: []byte(archivetest.WABA), Value: fmt.Appendf(nil,
		`{"time":"2026-03-01T10:00:00Z","waba_id":%q,"phone_number_id":%q,"actor":{"kind":"human","id":"e.example"},"http_status":200,`+
			`"request":{"messaging_product":"whatsapp","to":%q,"type":"text","text":{"body":"sent by api"}},`+
			`"response":{"contacts":[{"wa_id":%q}],"messages":[{"id":"wamid.API"}]}}`, archivetest.WABA, archivetest.Number, bea.Phone, bea.Phone)})
	a.Archive(t)
	a.Archive(t) // takes the lanes anew: nobody uses the rows of the first
	s.lib = library(t, a)
	return s
}

func (s *scene) add(value []byte) { s.records = append(s.records, archivetest.Record(value)) }

func status(id, state string, to archivetest.Person, at int64) string {
	return fmt.Sprintf(`{"id":%q,"status":%q,"timestamp":"%d","recipient_id":%q,"recipient_user_id":%q}`, id, state, at, to.Phone, to.BSUID)
}

// name is the name of webhook record i.
func (s *scene) name(i int) string { return s.records[i].Coordinates.String() }

// item is the name of item n of webhook record i.
func (s *scene) item(i, n int) string { return fmt.Sprintf("%s#%d", s.name(i), n) }

// search gives the hits of a search.
func search(t *testing.T, l *retrieve.Library, q retrieve.SearchQuery) ([]*retrieve.Hit, retrieve.Summary) {
	t.Helper()
	var hits []*retrieve.Hit
	sum, err := l.Search(t.Context(), q, func(h *retrieve.Hit) error {
		hits = append(hits, h)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return hits, sum
}

func items(hits []*retrieve.Hit) []string {
	var out []string
	for _, h := range hits {
		out = append(out, h.Row.Item.String())
	}
	return out
}

// show gives the messages of a name.
func show(t *testing.T, l *retrieve.Library, name string) []*retrieve.Message {
	t.Helper()
	var out []*retrieve.Message
	if err := l.Show(t.Context(), name, func(m *retrieve.Message) error {
		out = append(out, m)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// cat gives the records of a name.
func cat(t *testing.T, l *retrieve.Library, name string) []*retrieve.Record {
	t.Helper()
	var out []*retrieve.Record
	if err := l.Cat(t.Context(), name, func(r *retrieve.Record) error {
		out = append(out, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// blind is the library with an index that knows nothing.
func (s *scene) blind(t *testing.T) *retrieve.Library {
	l := *s.lib
	l.Index = archivetest.OpenIndex(t)
	return &l
}

// broken is an index that cannot be read.
type broken struct{ index.Index }

// countReads counts what fn reads of the locked store.
func countReads(a *archivetest.Archive, fn func()) int {
	n := 0
	a.Locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if !c.Op.Writes() {
			n++
		}
		return mem.None
	})
	defer a.Locked.Hook(nil)
	fn()
	return n
}

// Search fails, as all else.
func (broken) Search(context.Context, index.Query) (index.Page, error) {
	return index.Page{}, errors.New("index is broken")
}
