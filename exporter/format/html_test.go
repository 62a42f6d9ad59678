package format

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
)

func TestScene(t *testing.T) {
	s := newScene(t)
	files := s.files(t)
	checkFiles(t, files, mediaOf(s.convs))
	golden(t, "index.html", files["index.html"])
	golden(t, "omar.html", files[s.convs[1].pages(pageSize)[0].path])
	golden(t, "events.html", files["data/transcript/events.html"])
	golden(t, "messages.jsonl", files[MessagesPath])
	golden(t, "conversations.jsonl", files["data/conversations.jsonl"])
	golden(t, "events.jsonl", files["data/events.jsonl"])

	page := string(files[s.convs[0].pages(pageSize)[0].path])
	for what, want := range map[string]string{
		"first text":            `<del class="text" dir="auto">Yes, and delivery is free.</del>`,
		"second text":           `<del class="text" dir="auto">Yes, and delivery is €40.</del>`,
		"last text":             `<div class="text" dir="auto">Yes. Delivery is €40, free from €500.</div>`,
		"time of an edit":       `edited 09:18:02 CET`,
		"edit without its text": `the platform did not supply the new text`,
		"taken back":            `Taken back at 09:41:10 CET by Kestrel Home, Furniture`,
		"its text":              `<del class="text" dir="auto">Between us: the manager would never notice.</del>`,
		"employee":              `WhatsApp Business app, answered by e.example`,
		"campaign":              `API, by campaign spring-2026`,
		"finding":               `Policy finding: marketing-after-withdrawal (high): marketing was sent`,
		"failure":               `not delivered <time datetime="2026-11-24T12:00:03+01:00"`,
		"status":                `read <time datetime="2026-11-24T09:15:00+01:00"`,
		"reply":                 `<a href="#m-wa.webhooks-3-2-0">Yes. Delivery is €40, free from €500.</a>`,
		"picture":               `<img src="../../data/media/1ea754be466fdc70ae7ae0fe23ef2993df49c48c8b0a73b707f2a14f79e90ce1.png" alt="room.png"`,
		"sound":                 `<audio controls preload="metadata" src="../../data/media/`,
		"page as a link":        `.bin" download>invoice.html</a>`,
		"picture that is none":  `not shown: its bytes are not of the type that was stated`,
		"hash that differs":     `these bytes are not those of the SHA-256 that was stated in the message`,
		"media without bytes":   `the platform&#39;s link had expired`,
		"override":              `An <span class="ctl">U+202E</span>elbat<span class="ctl">U+202C</span>`,
		"control character":     `<span class="ctl">U+0007</span>`,
		"history":               `from the history sync`,
		"erased":                `Erased: the content no longer exists`,
		"gap in place":          `Kafka no longer had offsets 120 to 124`,
		"unsupported":           `A message whose content the platform does not deliver (poll_creation), Ana Example`,
		"reaction":              `❤️ <bdi>Kestrel Home, Furniture</bdi>`,
		"reaction replaced":     `(no longer)`,
		"deliveries":            `arrived 3 times`,
		"proof":                 `<a href="../../proofs/3-000000000001.json">proof</a>`,
		"place":                 `lane 3 block 1 leaf`,
		"day":                   `Tuesday, 24 November 2026`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%s: the page has no %s", what, want)
		}
	}
	if n := strings.Count(page, `class="gap"`); n != 2 {
		t.Errorf("%d gaps on the page", n)
	}
	if strings.Contains(page, `class="gap"`) && strings.Index(page, "plan.pdf") > strings.Index(page, "offsets 120") {
		t.Error("a gap stands before what was earlier")
	}
}

// TestDeterministic writes everything twice, from models made anew.
func TestDeterministic(t *testing.T) {
	a, b := newScene(t).files(t), newScene(t).files(t)
	if len(a) != len(b) {
		t.Fatalf("%d and %d files", len(a), len(b))
	}
	for path, data := range a {
		if !bytes.Equal(data, b[path]) {
			t.Errorf("%s differs", path)
		}
	}
}

// TestPages divides a conversation: each message once, links across pages, gaps
// once.
func TestPages(t *testing.T) {
	s := newScene(t)
	c := &Conversation{ID: "c", Number: "1", Parties: []Party{parties[shop], parties[ana]}}
	n := 0
	for day := range 5 {
		d := Day{Date: fmt.Sprintf("2026-11-%02d", day+1)}
		for i := range []int{3, 1, 12, 4, 1}[day] {
			m := msg(n, fmt.Sprintf("%d 10:%02d", day+1, i), ana, fmt.Sprint("text ", n))
			if n > 0 {
				m.ReplyTo = fmt.Sprintf("wamid.TEST%06d", n*5%n)
			}
			d.Messages = append(d.Messages, m)
			n++
		}
		c.Days = append(c.Days, d)
	}
	s.p.Gaps = nil
	for day := range 6 {
		for _, hour := range []string{"09:30", "10:02:30", "10:30"} {
			s.p.Gaps = append(s.p.Gaps, Gap{Time: at(fmt.Sprintf("%d %s", day+1, hour)), What: fmt.Sprintf("gap of day %d at %s!", day, hour), Number: "1", Record: "r"})
		}
	}
	for size := 1; size <= 25; size++ {
		list := c.pages(size)
		tr := newTranscript(s.p, c, list, nil)
		files := map[string][]byte{"index.html": []byte("x")}
		all := ""
		for _, pg := range list {
			var b bytes.Buffer
			if err := tr.write(&b, pg.number); err != nil {
				t.Fatal(err)
			}
			held := 0
			for _, d := range pg.days {
				held += len(d.Messages)
			}
			if held > size || held == 0 {
				t.Errorf("size %d: page %d has %d messages", size, pg.number, held)
			}
			files[pg.path] = b.Bytes()
			all += b.String()
		}
		delete(files, "index.html")
		html := map[string]*htmlPage{}
		for path, data := range files {
			html[path] = mustHTML(t, path, data)
		}
		for path, pg := range html {
			for _, link := range pg.links {
				if target, id, ok := strings.Cut(link, "#"); ok && target != "index.html" && (html[target] == nil || !html[target].ids[id]) {
					t.Errorf("size %d: %s links to %s", size, path, link)
				}
			}
		}
		for i := range n {
			if k := strings.Count(all, fmt.Sprintf(`id="m-wa.webhooks-3-%d-0"`, i)); k != 1 {
				t.Errorf("size %d: message %d stands %d times", size, i, k)
			}
		}
		for i := range s.p.Gaps {
			want := 1
			if i >= 15 {
				want = 0 // the day after the last
			}
			if k := strings.Count(all, s.p.Gaps[i].What); k != want {
				t.Errorf("size %d: gap %d stands %d times", size, i, k)
			}
		}
	}
}

// TestManyConversations lists each once, over pages that lead to each other.
func TestManyConversations(t *testing.T) {
	s := newScene(t)
	base := omarTalk()
	s.convs, s.events = nil, nil
	var sums []Summary
	for i := range 2*pageSize + 1 {
		c := *base
		c.ID = fmt.Sprintf("conv%05d", i)
		sums = append(sums, c.Summary())
	}
	list, err := s.p.Files(sums, nil)
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]int{}
	html := map[string]*htmlPage{}
	for _, f := range list {
		if !strings.HasSuffix(f.Path, ".html") {
			continue
		}
		var b bytes.Buffer
		if err := f.Write(&b); err != nil {
			t.Fatal(err)
		}
		html[f.Path] = mustHTML(t, f.Path, b.Bytes())
		for _, l := range html[f.Path].links {
			links[l]++
		}
	}
	if len(html) != 3 {
		t.Fatalf("%d pages", len(html))
	}
	for path := range html {
		if links[path] == 0 {
			t.Errorf("nothing leads to %s", path)
		}
	}
	for i := range sums {
		if links[sums[i].Pages[0]] != 1 {
			t.Errorf("%s is linked %d times", sums[i].Pages[0], links[sums[i].Pages[0]])
		}
	}
}

const hostile = `"><script>alert(1)</script>'&<img src=x onerror=alert(1)>` + "`javascript:alert(1)//\u202e\x00\u2066"

// fill sets every string below v to s, but for the fields that check and the
// caller care for, each time and number to something, and each list to one
// element.
func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.Bool:
		v.SetBool(false)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Ptr {
			return
		}
		list := reflect.MakeSlice(v.Type(), 2, 2)
		for i := range 2 {
			fill(list.Index(i), s)
		}
		v.Set(list)
	case reflect.Ptr:
		if v.Type() == reflect.TypeFor[*time.Location]() {
			return
		}
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), s)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at("24 10:00")))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	}
}

// TestHostile writes markup into every field of the model, in each kind of
// message, and takes the pages apart.
func TestHostile(t *testing.T) {
	p := &Production{}
	fill(reflect.ValueOf(p).Elem(), hostile)
	p.Zone = berlin
	var convs []*Conversation
	kinds := append(record.Kinds(), record.Kind(hostile))
	c := &Conversation{}
	fill(reflect.ValueOf(c).Elem(), hostile)
	c.ID, c.Group = "c", true
	c.Parties[0].ID, c.Parties[1].ID, c.Parties[0].Business = "a", "b", true
	c.Days = []Day{{Date: "2026-11-24"}}
	for i, kind := range kinds {
		for _, variant := range []string{"", "erased", "media", "no text", "missing edit"} {
			m := &Message{}
			fill(reflect.ValueOf(m).Elem(), hostile)
			m.Kind, m.From = kind, "b"
			m.Item = fmt.Sprintf("%s/%d/%s#0", hostile, i, variant)
			for _, list := range [][]Mark{m.Revokes, m.Reactions, m.Statuses} {
				list[0].From, list[1].From = "a", ""
			}
			m.Edits[0].From, m.Edits[1].From = "a", ""
			m.Media.Path = ""
			switch variant {
			case "erased":
				m.Erased = true
			case "media":
				m.Media = media(hostile, "image/png", []byte(hostile))
			case "no text":
				m.Text = ""
			case "missing edit":
				m.Edits[1].Missing = true
			}
			c.Days[0].Messages = append(c.Days[0].Messages, m)
		}
	}
	convs = append(convs, c)
	e := &Event{}
	fill(reflect.ValueOf(e).Elem(), hostile)
	s := &scene{p: p, convs: convs, events: []*Event{e}}
	for path, data := range s.files(t) {
		if !strings.HasSuffix(path, ".html") {
			continue
		}
		pg, wrong := openHTML(path, data)
		wrong = slices.DeleteFunc(wrong, func(w string) bool { return strings.HasPrefix(w, "id ") })
		for _, w := range wrong {
			t.Errorf("%s: %s", path, w)
		}
		if !strings.Contains(pg.text, "<script>alert(1)</script>") {
			t.Errorf("%s: what was written is not shown", path)
		}
	}
}

// TestHTMLCheck holds the tests' own checker to finding what is wrong.
func TestHTMLCheck(t *testing.T) {
	good := `<!DOCTYPE html><html lang="en"><head><meta http-equiv="Content-Security-Policy" content="` + policy + `"></head><body><p id="a">x</p>%s</body></html>`
	if _, wrong := openHTML("data/transcript/a.html", fmt.Appendf(nil, good, "")); len(wrong) > 0 {
		t.Fatalf("%q", wrong)
	}
	for _, bad := range []string{"<script>x</script>", `<p onclick="x">y</p>`, `<a href="https://example.com">y</a>`, `<a href="javascript:x">y</a>`, `<img src="//example.com/x">`,
		`<a href="../../../x">y</a>`, `<iframe></iframe>`, `<p id="a"></p>`, "<p>\u202e</p>", `<form></form>`, "<!-- x -->", "<b>", `<a href="/etc/passwd">y</a>`} {
		if _, wrong := openHTML("data/transcript/a.html", fmt.Appendf(nil, good, bad)); len(wrong) == 0 {
			t.Errorf("%s: not found", bad)
		}
	}
	if _, wrong := openHTML("a.html", []byte("<html></html>")); len(wrong) == 0 {
		t.Error("a page without a policy: not found")
	}
}
