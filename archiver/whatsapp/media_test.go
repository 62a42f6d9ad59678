package whatsapp

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// mediaHeaders makes a record of wa.media; headers are names and values in turn.
func mediaHeaders(value []byte, headers ...string) *record.Record {
	r := &record.Record{Value: value}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, record.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

// TestMediaSchema: the schema has the headers of the page, each of them is read,
// and it takes what is understood and refuses what is not.
func TestMediaSchema(t *testing.T) {
	s := compile(t, RoleMedia)
	page, err := os.ReadFile("INPUTS.md")
	if err != nil {
		t.Fatal(err)
	}
	section := string(page[strings.Index(string(page), "## wa.media"):])
	names := []string{HeaderMediaID, HeaderSHA256, HeaderMessageID, HeaderNumber, HeaderWABA, HeaderContentType, HeaderWaID, HeaderUserID, HeaderFilename}
	if len(s.Properties) != len(names) {
		t.Errorf("%d properties", len(s.Properties))
	}
	for _, name := range names {
		if s.Properties[name] == nil || !strings.Contains(section, "`"+name+"`") {
			t.Errorf("%s is not in the schema and on the page", name)
		}
	}
	sum := sha256.Sum256([]byte("x"))
	p := NewParser(Options{})
	for i, tt := range []struct {
		headers []string
		kind    record.Kind
		link    string
	}{
		{[]string{HeaderMediaID, "1"}, record.MediaBytes, "1"},
		{[]string{HeaderMediaID, "1", HeaderSHA256, fmt.Sprintf("%x", sum), HeaderMessageID, "wamid.A"}, record.MediaBytes, "1"},
		{[]string{HeaderSHA256, fmt.Sprintf("%x", sum), HeaderMessageID, "wamid.A"}, record.MediaBytes, fmt.Sprintf("sha256:%x", sum)},
		{[]string{HeaderSHA256, base64.StdEncoding.EncodeToString(sum[:])}, record.MediaBytes, fmt.Sprintf("sha256:%x", sum)},
		{[]string{HeaderMessageID, "wamid.A", HeaderContentType, "image/jpeg"}, record.MediaBytes, "message:wamid.A"},
		{[]string{HeaderNumber, "2", HeaderFilename, "a.pdf"}, record.Unknown, ""},
		{[]string{HeaderSHA256, "not a hash"}, record.Unknown, ""},
		{nil, record.Unknown, ""},
	} {
		r := mediaHeaders([]byte("x"), tt.headers...)
		doc := map[string]string{}
		for _, h := range r.Headers {
			doc[h.Key] = string(h.Value)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := valid(t, s, text); (err == nil) != (tt.kind == record.MediaBytes) {
			t.Errorf("case %d: schema: %v", i, err)
		}
		it := p.Parse(RoleMedia, r, nil).Items[0]
		if it.Kind != tt.kind || it.MediaLink() != tt.link || it.Media.Size != 1 || it.Media.Held != sum || it.Detail != "" {
			t.Errorf("case %d: %+v", i, it)
		}
	}
}

// TestMediaHold: a record read again without its bytes becomes what it was with
// them.
func TestMediaHold(t *testing.T) {
	value := []byte("some bytes")
	sum := sha256.Sum256(value)
	p := NewParser(Options{})
	for _, stated := range []string{fmt.Sprintf("%x", sum), strings.Repeat("00", 32), ""} {
		headers := []string{HeaderMediaID, "1", HeaderNumber, "2", HeaderWaID, "15550100001", HeaderFilename, "a b.pdf"}
		if stated != "" {
			headers = append(headers, HeaderSHA256, stated)
		}
		want := p.Parse(RoleMedia, mediaHeaders(value, headers...), nil)
		got := p.Parse(RoleMedia, mediaHeaders([]byte{}, headers...), nil)
		if reflect.DeepEqual(got, want) {
			t.Fatal("an empty value is read as a full one")
		}
		got.Hold(sum, int64(len(value)))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		if differs := want.Items[0].Detail == MediaDiffers; differs != (strings.HasPrefix(stated, "00")) || len(want.Regions) != 1 {
			t.Errorf("stated %q: %+v", stated, want.Items[0])
		}
	}
	named := &Item{ID: "wamid.A", Media: Media{ID: "1", SHA256: sum, Hashed: true}}
	if links := named.MediaLinks(); !reflect.DeepEqual(links, []string{"1", fmt.Sprintf("sha256:%x", sum), "message:wamid.A"}) {
		t.Errorf("%q", links)
	}
}
