package format

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func rsmfOf(t testing.TB, s *scene, c *Conversation) []*opened {
	t.Helper()
	files, err := c.Files(s.p)
	if err != nil {
		t.Fatal(err)
	}
	var list []*opened
	for _, f := range files {
		if strings.HasSuffix(f.Path, ".rsmf") {
			var b bytes.Buffer
			if err := f.Write(&b); err != nil {
				t.Fatal(err)
			}
			list = append(list, mustRSMF(t, f.Path, b.Bytes()))
		}
	}
	return list
}

// event finds the event of a message made by msg(n, …).
func event(t testing.TB, o *opened, n int) *eventIn {
	t.Helper()
	want := msg(n, "24 00:00", ana, "")
	for i := range o.manifest.Events {
		if o.manifest.Events[i].custom("item") == want.Item {
			return &o.manifest.Events[i]
		}
	}
	t.Fatalf("no event for %s", want.Item)
	return nil
}

func TestRSMFScene(t *testing.T) {
	s := newScene(t)
	days := rsmfOf(t, s, s.convs[0])
	if len(days) != 2 {
		t.Fatalf("%d files for two days", len(days))
	}
	first, second := days[0], days[1]

	e := event(t, first, 2)
	if e.Body != "Yes. Delivery is €40, free from €500." || len(e.Edits) != 2 || e.Edits[0].Previous != "Yes, and delivery is free." || e.Edits[0].New != "Yes, and delivery is €40." {
		t.Errorf("edited: %+v", e)
	}
	if len(e.Receipts) != 2 || e.Receipts[1].Action != "read" || e.Receipts[1].Participant != ana || e.custom("status_sent") == "" {
		t.Errorf("statuses: %+v", e)
	}
	if e.Parent != "wamid.TEST000001" || e.Direction != "outgoing" || e.custom("employee") != "e.example" {
		t.Errorf("reply: %+v", e)
	}
	if e = event(t, first, 3); e.Edits[0].New != "" || e.custom("edit_text_not_supplied") != "true" || e.Body != "I will take two." {
		t.Errorf("edit without text: %+v", e)
	}
	if e = event(t, first, 4); !e.Deleted || !strings.HasPrefix(e.Body, "Between us") {
		t.Errorf("revoked: %+v", e)
	}
	if e = event(t, first, 1); len(e.Reactions) != 1 || e.Reactions[0].Value != "❤️" || e.custom("deliveries") != "3" {
		t.Errorf("reactions: %+v", e)
	}
	if e = event(t, first, 5); len(e.Attachments) != 1 || !strings.HasSuffix(e.Attachments[0].ID, "_room.png") || !bytes.Equal(first.files[e.Attachments[0].ID], picture()) {
		t.Errorf("media: %+v", e.Attachments)
	}
	if e = event(t, first, 9); e.custom("media_missing") == "" || !strings.Contains(string(first.files[e.Attachments[0].ID]), "does not hold the bytes") {
		t.Errorf("media without bytes: %+v", e)
	}
	if e = event(t, first, 10); !strings.Contains(e.custom("findings"), "marketing-after-withdrawal") || !strings.Contains(e.custom("status_failed"), "131050") || e.custom("actor") != "campaign:spring-2026" {
		t.Errorf("campaign: %+v", e)
	}
	for n, kind := range map[int]string{11: "unsupported", 12: "call"} {
		if e = event(t, first, n); e.Type != "unknown" || e.custom("kind") != kind || e.custom("raw_type") == "" || e.custom("placeholder") != "true" {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	// The second day's reply brings its parent along from the first.
	if e = event(t, second, 2); e.custom("carried") != "true" || second.manifest.Events[0].ID != e.ID || e.Parent != "" {
		t.Errorf("carried: %+v", e)
	}
	if e = event(t, second, 13); e.Parent != "wamid.TEST000002" || e.custom("forwarded") != "true" {
		t.Errorf("reply across days: %+v", e)
	}
	if e = event(t, second, 15); e.custom("erased") != "true" || !strings.Contains(e.Body, "no longer exists") {
		t.Errorf("erased: %+v", e)
	}
	if e = event(t, second, 17); e.Participant != unknownParty {
		t.Errorf("unknown sender: %+v", e)
	}
	if e = event(t, second, 18); e.custom("context") != "true" {
		t.Errorf("context: %+v", e)
	}
	for i := range first.manifest.Events {
		e := &first.manifest.Events[i]
		for _, name := range []string{"sha256", "ledger", "item", "kind", "channel", "clock"} {
			if e.custom(name) == "" {
				t.Errorf("event %s has no %s", e.ID, name)
			}
		}
		if !strings.HasPrefix(e.Timestamp, "2026-11-24T") || !strings.HasSuffix(e.Timestamp, "+01:00") {
			t.Errorf("time %s is not in the zone", e.Timestamp)
		}
	}
	group := rsmfOf(t, s, s.convs[2])[0]
	if c := group.manifest.Conversations[0]; c.Type != "channel" || len(c.Participants) != 4 || c.Display != "Site <b>7</b>" {
		t.Errorf("group: %+v", c)
	}
	if e = event(t, group, 62); e.Reactions[0].Count != 3 || len(e.Receipts) != 3 || e.Receipts[2].Participant != unknownParty {
		t.Errorf("group message: %+v", e)
	}
}

func TestRSMFGolden(t *testing.T) {
	s := newScene(t)
	for path, data := range s.files(t) {
		if path == s.convs[1].slices(rsmfBounds)[0].path(s.convs[1]) {
			golden(t, "omar.rsmf", data)
		}
	}
}

func golden(t *testing.T, name string, data []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("%s differs from the golden file; look at it, then run with -update", name)
	}
}

// TestRSMFSplit holds the cutting of a day to its bounds: each message is in one
// file of its own, no file is over, and parents come along.
func TestRSMFSplit(t *testing.T) {
	c := &Conversation{ID: "c", Parties: []Party{parties[shop], parties[ana]}, Days: []Day{{Date: "2026-11-24"}}}
	for n := range 100 {
		m := msg(n, "24 09:00", ana, "x")
		m.Time = m.Time.Add(time.Duration(n) * time.Second)
		if n%3 == 2 {
			m.ReplyTo = c.Days[0].Messages[n*7%n].ID
		}
		if n%10 == 5 {
			m.Media = &Media{SHA256: strings.Repeat("0", 64), Path: "data/media/x.bin", Size: 40}
		}
		c.Days[0].Messages = append(c.Days[0].Messages, m)
	}
	for _, b := range []bounds{{events: 1, bytes: 1000}, {events: 2, bytes: 1000}, {events: 7, bytes: 1000}, {events: 1000, bytes: 100}, {events: 1000, bytes: 10}, {events: 100, bytes: 1 << 30}} {
		list := c.slices(b)
		seen := map[string]bool{}
		paths := map[string]bool{}
		for _, s := range list {
			paths[s.path(c)] = true
			events, size := s.events(), int64(0)
			for _, m := range events {
				size += m.Media.stored()
			}
			if len(s.own) > 1 && (len(events) > b.events || size > b.bytes) {
				t.Errorf("%+v: part %d has %d events, %d bytes", b, s.part, len(events), size)
			}
			for _, m := range s.own {
				if seen[m.Item] {
					t.Errorf("%+v: %s twice", b, m.Item)
				}
				seen[m.Item] = true
				if m.ReplyTo != "" && !slices.ContainsFunc(events, func(p *Message) bool { return p.ID == m.ReplyTo }) {
					t.Errorf("%+v: %s without its parent", b, m.Item)
				}
			}
		}
		if len(seen) != 100 || len(paths) != len(list) || list[0].parts != len(list) {
			t.Errorf("%+v: %d messages in %d files with %d names", b, len(seen), len(list), len(paths))
		}
	}
	if n := len(c.slices(rsmfBounds)); n != 1 {
		t.Errorf("%d files for 100 messages", n)
	}
}

// TestRSMFStreams writes media of 40 MB and looks at what was allocated.
func TestRSMFStreams(t *testing.T) {
	const size = 40 << 20
	sum := sha256.New()
	if _, err := io.CopyN(sum, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	s := newScene(t)
	m := msg(1, "24 09:00", ana, "")
	m.Media = &Media{MIME: "video/mp4", Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Path: "data/media/x.mp4",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(io.LimitReader(zeros{}, size)), nil }}
	c := &Conversation{ID: "c", Parties: []Party{parties[shop], parties[ana]}, Days: []Day{{"2026-11-24", []*Message{m}}}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var n counter
	if err := writeRSMF(&n, s.p, c, c.slices(rsmfBounds)[0]); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes allocated for media of %d", got, size)
	}
	if n < size*4/3 {
		t.Errorf("%d bytes written", n)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

type counter int64

func (c *counter) Write(b []byte) (int, error) { *c += counter(len(b)); return len(b), nil }

// TestRSMFMediaChanged refuses bytes that are not what the model says.
func TestRSMFMediaChanged(t *testing.T) {
	s := newScene(t)
	for name, change := range map[string]func(*Media){
		"other bytes":   func(a *Media) { a.SHA256 = strings.Repeat("0", 64) },
		"other size":    func(a *Media) { a.Size++ },
		"cannot open":   func(a *Media) { a.Open = func() (io.ReadCloser, error) { return nil, os.ErrPermission } },
		"second differ": func(a *Media) { a.Open = changing(a.Open) },
	} {
		m := msg(1, "24 09:00", ana, "")
		m.Media = media("a.bin", "application/octet-stream", []byte("hello"))
		change(m.Media)
		c := &Conversation{ID: "c", Parties: []Party{parties[shop], parties[ana]}, Days: []Day{{"2026-11-24", []*Message{m}}}}
		err := writeRSMF(io.Discard, s.p, c, c.slices(rsmfBounds)[0])
		if err == nil || !strings.Contains(err.Error(), m.Media.Path) || !strings.Contains(err.Error(), "data/rsmf/c_2026-11-24.rsmf") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func changing(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	n := 0
	return func() (io.ReadCloser, error) {
		if n++; n == 2 {
			return io.NopCloser(strings.NewReader("HELLO")), nil
		}
		return open()
	}
}

// TestRSMFWriteErrors passes on what the writer says, wherever it says it.
func TestRSMFWriteErrors(t *testing.T) {
	s := newScene(t)
	c := s.convs[0]
	part := c.slices(rsmfBounds)[0]
	var n counter
	if err := writeRSMF(&n, s.p, c, part); err != nil {
		t.Fatal(err)
	}
	for at := range int(n) {
		if at%997 != 0 {
			continue
		}
		if err := writeRSMF(&fails{after: at}, s.p, c, part); !errors.Is(err, errFull) {
			t.Fatalf("after %d bytes: %v", at, err)
		}
	}
}

var errFull = errors.New("full")

type fails struct{ after int }

func (f *fails) Write(b []byte) (int, error) {
	if f.after -= len(b); f.after < 0 {
		return 0, errFull
	}
	return len(b), nil
}
