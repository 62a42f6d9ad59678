package format

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// opened is an RSMF file taken apart by other code than wrote it.
type opened struct {
	header   mail.Header
	body     string
	manifest manifestIn
	files    map[string][]byte // of the zip, without the manifest
}

type manifestIn struct {
	Version      string `json:"version"`
	Collection   string `json:"eventcollectionid"`
	Participants []struct {
		ID, Display, Email string
		Account            string `json:"account_id"`
		Custom             []pair
	} `json:"participants"`
	Conversations []struct {
		ID, Display, Platform, Type, Custodian string
		Participants                           []string
		Custom                                 []pair
	} `json:"conversations"`
	Events []eventIn `json:"events"`
}

type eventIn struct {
	ID, Type, Parent, Body, Participant, Conversation, Timestamp, Direction string
	Deleted                                                                 bool
	Reactions                                                               []struct {
		Value        string
		Count        int
		Participants []string
	}
	Attachments []struct {
		ID, Display string
		Size        int64
	}
	Edits    []struct{ Participant, Timestamp, Previous, New string }
	Receipts []struct{ Participant, Timestamp, Action string } `json:"read_receipts"`
	Custom   []pair
}

type pair struct{ Name, Value string }

func (e *eventIn) custom(name string) string {
	for _, c := range e.Custom {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

var rsmfSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	data, err := os.ReadFile("testdata/rsmf/rsmf_schema_2_0_0.json")
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("rsmf.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("rsmf.json")
})

// rsmfProperties is the schema's own list of what there may be.
var rsmfProperties = sync.OnceValues(func() (map[string]any, error) {
	data, err := os.ReadFile("testdata/rsmf/rsmf_schema_2_0_0.json")
	if err != nil {
		return nil, err
	}
	var raw struct{ Properties map[string]any }
	err = json.Unmarshal(data, &raw)
	return raw.Properties, err
})

// openRSMF takes a file apart and says everything that is against the format, as
// the vendor's validator would and where it does not look.
func openRSMF(data []byte) (*opened, []string) {
	v := &validator{o: &opened{files: map[string][]byte{}}}
	v.mail(data)
	return v.o, v.wrong
}

type validator struct {
	o     *opened
	wrong []string
}

func (v *validator) say(format string, args ...any) {
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

func (v *validator) is(ok bool, format string, args ...any) {
	if !ok {
		v.say(format, args...)
	}
}

func (v *validator) mail(data []byte) {
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		v.is(bytes.HasSuffix(line, []byte("\r\n")) && bytes.Count(line, []byte("\r")) == 1, "line %d does not end in CRLF alone", i+1)
		v.is(len(line) <= 200, "line %d is %d long", i+1, len(line))
	}
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		v.say("mail: %v", err)
		return
	}
	v.o.header = m.Header
	for name, list := range m.Header {
		v.is(len(list) == 1, "header %s %d times", name, len(list))
		v.is(!strings.Contains(strings.ToLower(list[0]), "=?utf-8?q?"), "header %s in Q encoding", name)
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		v.say("content type %q: %v", kind, err)
		return
	}
	var zips [][]byte
	r := multipart.NewReader(m.Body, params["boundary"])
	for n := 0; ; n++ {
		p, err := r.NextRawPart()
		if err == io.EOF {
			v.is(n == 2, "%d parts", n)
			break
		}
		if err != nil {
			v.say("part %d: %v", n, err)
			return
		}
		encoding := p.Header.Get("Content-Transfer-Encoding")
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") {
			v.is(encoding == "quoted-printable" && strings.Contains(p.Header.Get("Content-Type"), "charset=utf-8"), "text part: %v", p.Header)
			text, err := io.ReadAll(quotedprintable.NewReader(p))
			v.is(err == nil, "text: %v", err)
			v.o.body = strings.ReplaceAll(string(text), "\r\n", "\n")
			continue
		}
		v.is(encoding == "base64" && p.Header.Get("Content-Disposition") == `attachment; filename="rsmf.zip"`, "attachment: %v", p.Header)
		z, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, p))
		v.is(err == nil, "base64: %v", err)
		zips = append(zips, z)
	}
	v.is(v.o.body != "", "no text body")
	if len(zips) != 1 {
		v.say("%d attachments", len(zips))
		return
	}
	v.zip(zips[0])
}

var flat = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

func (v *validator) zip(data []byte) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		v.say("zip: %v", err)
		return
	}
	var manifest []byte
	for i, f := range z.File {
		v.is(flat.MatchString(f.Name), "file name %q", f.Name)
		v.is(f.Method == zip.Store && f.Flags&8 == 0, "%s: method %d, flags %d", f.Name, f.Method, f.Flags)
		v.is(f.ModTime().Equal(time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)), "%s: time %v", f.Name, f.ModTime())
		r, err := f.Open()
		if err != nil {
			v.say("%s: %v", f.Name, err)
			return
		}
		content, err := io.ReadAll(r) // holds it to its checksum
		v.is(err == nil, "%s: %v", f.Name, err)
		if f.Name == "rsmf_manifest.json" {
			v.is(i == 0 && manifest == nil, "manifest is file %d", i)
			manifest = content
			continue
		}
		v.is(v.o.files[f.Name] == nil, "%s twice", f.Name)
		v.o.files[f.Name] = content
	}
	v.manifest(manifest)
}

func (v *validator) manifest(data []byte) {
	schema, err := rsmfSchema()
	if err != nil {
		v.say("schema: %v", err)
		return
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		v.say("manifest: %v", err)
		return
	}
	if err := schema.Validate(doc); err != nil {
		v.say("schema: %v", err)
	}
	properties, err := rsmfProperties()
	if err != nil {
		v.say("schema: %v", err)
		return
	}
	v.shape("", doc, map[string]any{"properties": properties})
	if err := json.Unmarshal(data, &v.o.manifest); err != nil {
		v.say("manifest: %v", err)
		return
	}
	v.head()
	v.events()
}

// shape refuses properties that the schema does not have, null, and empty lists.
func (v *validator) shape(at string, value any, schema map[string]any) {
	switch value := value.(type) {
	case nil:
		v.say("%s is null", at)
	case map[string]any:
		known, _ := schema["properties"].(map[string]any)
		for name, sub := range value {
			s, ok := known[name].(map[string]any)
			v.is(ok, "%s.%s is no property of RSMF", at, name)
			v.shape(at+"."+name, sub, s)
		}
	case []any:
		v.is(len(value) > 0, "%s is empty", at)
		s, _ := schema["items"].(map[string]any)
		for _, sub := range value {
			v.shape(at, sub, s)
		}
	}
}

// word decodes a header.
func (v *validator) word(name string) string {
	s, err := new(mime.WordDecoder).DecodeHeader(v.o.header.Get(name))
	v.is(err == nil, "header %s: %v", name, err)
	return s
}

func (v *validator) head() {
	m := &v.o.manifest
	display := map[string]string{}
	var displays []string
	for _, p := range m.Participants {
		v.is(display[p.ID] == "" && p.Display != "" && !strings.Contains(p.Display, ","), "participant %s: display %q", p.ID, p.Display)
		v.is(!slices.Contains(displays, p.Display), "display of %s twice", p.ID)
		v.is(p.Email == "", "participant %s has an e-mail", p.ID)
		v.is(p.Account == "" || regexp.MustCompile(`^\+[0-9]+$`).MatchString(p.Account), "participant %s: account %q", p.ID, p.Account)
		display[p.ID] = p.Display
		displays = append(displays, p.Display)
	}
	if len(m.Conversations) != 1 || len(m.Events) == 0 || len(m.Events) > 10_000 {
		v.say("%d conversations, %d events", len(m.Conversations), len(m.Events))
		return
	}
	c := &m.Conversations[0]
	ids := slices.Clone(c.Participants)
	slices.Sort(ids)
	v.is(len(slices.Compact(ids)) == len(m.Participants), "%d members, %d participants", len(c.Participants), len(m.Participants))
	for _, id := range c.Participants {
		v.is(display[id] != "", "member %s is no participant", id)
	}
	v.is(c.Custodian == "" || slices.Contains(c.Participants, c.Custodian), "custodian is no member")
	v.is(v.word("X-RSMF-Custodian") == display[c.Custodian], "custodian %q", v.word("X-RSMF-Custodian"))
	attachments := 0
	for i := range m.Events {
		attachments += len(m.Events[i].Attachments)
	}
	for name, want := range map[string]string{
		"X-RSMF-Version": m.Version, "X-RSMF-EventCollectionID": m.Collection, "X-RSMF-Application": "WhatsApp",
		"X-RSMF-BeginDate": m.Events[0].Timestamp, "X-RSMF-EndDate": m.Events[len(m.Events)-1].Timestamp,
		"X-RSMF-EventCount": strconv.Itoa(len(m.Events)), "X-RSMF-AttachmentCount": strconv.Itoa(attachments),
		"X-RSMF-Participants": strings.Join(displays, ", "), "MIME-Version": "1.0",
	} {
		v.is(v.word(name) == want, "%s is %q, not %q", name, v.word(name), want)
	}
	v.is(m.Version == "2.0.0", "version %q", m.Version)
	from, err := v.o.header.AddressList("From")
	v.is(err == nil && len(from) == 1, "From: %v", err)
	to, err := v.o.header.AddressList("To")
	v.is(err == nil && len(to) == len(displays), "To: %d of %d, %v", len(to), len(displays), err)
	v.is(v.word("Subject") != "" && v.o.header.Get("Message-ID") != "", "no subject or id")
	_, err = v.o.header.Date()
	v.is(err == nil, "Date: %v", err)
}

func (v *validator) events() {
	m := &v.o.manifest
	c := &m.Conversations[0]
	at := map[string]time.Time{}
	var last time.Time
	used := map[string]bool{}
	member := func(what, id string) {
		v.is(slices.Contains(c.Participants, id), "%s by %q, who is no member", what, id)
	}
	for i := range m.Events {
		e := &m.Events[i]
		when, err := time.Parse(time.RFC3339, e.Timestamp)
		v.is(err == nil && !when.Before(last), "event %d: time %q, %v", i, e.Timestamp, err)
		last = when
		_, twice := at[e.ID]
		v.is(e.ID != "" && !twice, "event %d: id empty or taken", i)
		at[e.ID] = when
		v.is(e.Conversation == c.ID, "event %d: conversation %q", i, e.Conversation)
		v.is(e.Type == "message" || e.Type == "unknown", "event %d: type %q", i, e.Type)
		if e.Participant != "" || e.Type == "message" {
			member("event", e.Participant)
		}
		for _, d := range e.Edits {
			member("edit", d.Participant)
			if d.Timestamp != "" {
				t, err := time.Parse(time.RFC3339, d.Timestamp)
				v.is(err == nil && !t.Before(when), "event %d: edit at %s", i, d.Timestamp)
			}
		}
		for _, r := range e.Reactions {
			v.is(len([]rune(r.Value)) <= 30 && r.Count == len(r.Participants), "event %d: reaction %q, %d of %d", i, r.Value, r.Count, len(r.Participants))
			for _, p := range r.Participants {
				member("reaction", p)
			}
		}
		for _, r := range e.Receipts {
			member("receipt", r.Participant)
		}
		for _, a := range e.Attachments {
			v.is(!used[a.ID], "attachment %s twice", a.ID)
			used[a.ID] = true
			v.is(int64(len(v.o.files[a.ID])) == a.Size && v.o.files[a.ID] != nil, "attachment %s: %d bytes of %d", a.ID, len(v.o.files[a.ID]), a.Size)
		}
		v.is(strings.Contains(v.o.body, indent(strings.ToValidUTF8(e.Body, "\uFFFD"), "    ")), "event %d: its body is not in the transcript", i)
	}
	for i := range m.Events {
		if p := m.Events[i].Parent; p != "" {
			when, ok := at[p]
			v.is(ok && !when.After(at[m.Events[i].ID]), "event %d: parent %q unknown or later", i, p)
		}
	}
	v.is(len(used) == len(v.o.files), "%d files, %d attachments", len(v.o.files), len(used))
}

// mustRSMF opens a file that has to be right.
func mustRSMF(t testing.TB, path string, data []byte) *opened {
	t.Helper()
	o, wrong := openRSMF(data)
	for _, w := range wrong {
		t.Errorf("%s: %s", path, w)
	}
	if len(wrong) > 0 {
		t.FailNow()
	}
	return o
}
