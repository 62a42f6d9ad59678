package exporter_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter"
	"github.com/waxseal/waxseal/ledger"
)

// TestMediaStated: whichever SHA-256 was stated, in the message or beside the
// bytes, is held to them; media that arrived without bytes is not a failure to
// read; and the estimate counts what is written.
func TestMediaStated(t *testing.T) {
	s := newScene(t, archivetest.Options{MaxRecords: 50})
	bytesOf := func(id string) []byte { return []byte("bytes of " + id) }
	sum := func(b []byte) string {
		h := sha256.Sum256(b)
		return base64.StdEncoding.EncodeToString(h[:])
	}
	minute := 0
	image := func(media, hash string) *record.Record {
		minute++
		return messages([]archivetest.Person{ada}, fmt.Sprintf(
			`{"from":%q,"from_user_id":%q,"id":"wamid.%d","timestamp":"%d","type":"image","image":{"id":%q,"mime_type":"image/png","caption":%q%s}}`,
			ada.Phone, ada.BSUID, minute, s.at(9, minute), media, "caption "+media, hash))
	}
	states := func(hash string) string { return fmt.Sprintf(`,"sha256":%q`, hash) }
	arrives := func(media string, value []byte, beside string) *record.Record {
		r := &record.Record{Key: []byte(archivetest.WABA), Value: value, Headers: []record.Header{
			{Key: whatsapp.HeaderMediaID, Value: []byte(media)}, {Key: whatsapp.HeaderNumber, Value: []byte(archivetest.Number)},
		}}
		if beside != "" {
			r.Headers = append(r.Headers, record.Header{Key: whatsapp.HeaderSHA256, Value: []byte(beside)})
		}
		return r
	}
	other := sum([]byte("other bytes"))
	s.Feed(t, "wa.media",
		arrives("beside", bytesOf("beside"), other), arrives("message", bytesOf("message"), sum(bytesOf("message"))), arrives("both", bytesOf("both"), other),
		arrives("neither", bytesOf("neither"), sum(bytesOf("neither"))), arrives("empty", []byte{}, ""), arrives("void", []byte{}, sum(nil)),
		arrives("lone", bytesOf("lone"), other), arrives("hollow", []byte{}, other))
	s.sealed(t,
		image("beside", states(sum(bytesOf("beside")))), image("beside", ""), image("message", states(other)), image("both", states(other)),
		image("neither", states(sum(bytesOf("neither")))), image("empty", states(other)), image("void", ""))
	differs := "these bytes are not those of the SHA-256 that was stated "
	want := map[string]string{ // by media id
		"beside": "media_differs " + differs + "beside the bytes", "message": "media_differs " + differs + "in the message",
		"both":  "media_differs " + differs + "in the message and beside the bytes",
		"empty": "media_missing the media arrived without bytes, and the SHA-256 that was stated is of some", "void": "media_missing the media arrived without bytes",
	}
	for _, all := range []bool{false, true} {
		t.Run(fmt.Sprintf("all %v", all), func(t *testing.T) {
			req, n := exporter.Request{Search: words("caption")}, 4
			if all {
				req, n = exporter.Request{All: true}, 5
				want["lone"], want["hollow"] = "media_differs "+differs+"beside the bytes", want["empty"]
			}
			b, report := s.export(t, req)
			if report.Counts.Media != n || report.Estimate.Media != n {
				t.Errorf("%d media, %d in the estimate, want %d", report.Counts.Media, report.Estimate.Media, n)
			}
			var wanted, got []string
			for _, w := range want {
				wanted = append(wanted, w)
			}
			for _, x := range report.Exceptions {
				got = append(got, x.Code+" "+x.Reason)
			}
			slices.Sort(got)
			slices.Sort(wanted)
			if !slices.Equal(got, wanted) {
				t.Errorf("\n got %q\nwant %q", got, wanted)
			}
			page := string(b.transcript(t))
			for _, l := range b.lines(t, "data/messages.jsonl") {
				m := l["media"].(map[string]any)
				id := m["id"].(string)
				_, words, _ := strings.Cut(want[id], " ")
				if words != "" && !strings.Contains(page, words) {
					t.Errorf("%s: the transcript does not say it", id)
				}
				hash := ledger.Sum(bytesOf(id)).String()
				isOther := func(name string) bool { return m[name] != nil && m[name] != hash }
				if strings.HasPrefix(want[id], "media_missing") {
					if m["reason"] != words || m["path"] != nil {
						t.Errorf("%s: %v", id, m)
					}
				} else if m["sha256"] != hash || isOther("stated") != (id == "message" || id == "both") || isOther("stated_beside") != (id == "beside" || id == "both") {
					t.Errorf("%s: %v", id, m)
				}
			}
		})
	}
}

// transcript is the page of the only conversation.
func (b *bag) transcript(t testing.TB) []byte {
	t.Helper()
	var c struct{ Pages []string }
	if err := json.Unmarshal(bytes.TrimSpace(b.read(t, "data/conversations.jsonl")), &c); err != nil || len(c.Pages) != 1 {
		t.Fatalf("%v, %v", c, err)
	}
	return b.read(t, c.Pages[0])
}

// TestLoneHoles: an edit of which neither message nor text is told is a gap, and
// so is a revoke of which the message is not told.
func TestLoneHoles(t *testing.T) {
	s := newScene(t, archivetest.Options{})
	withheld := func(id, kind string, at int64) *record.Record {
		return messages([]archivetest.Person{ada}, fmt.Sprintf(
			`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"unsupported","unsupported":{"type":%q},"errors":[{"code":131051,"title":"unknown"}]}`,
			ada.Phone, ada.BSUID, id, at, kind))
	}
	edit, revoke := withheld("wamid.1", "edit", s.at(9, 0)), withheld("wamid.2", "revoke", s.at(9, 1))
	s.sealed(t, edit, revoke)
	b, report := s.export(t, exporter.Request{All: true})
	var list []struct{ Record, What string }
	if err := json.Unmarshal(b.read(t, "data/gaps.json"), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || len(report.Gaps) != 2 {
		t.Fatalf("%+v", list)
	}
	page, index := b.transcript(t), b.read(t, "index.html")
	for i, want := range []struct {
		record *record.Record
		what   string
	}{{edit, "edited, new text not supplied"}, {revoke, "revoked, of which message not supplied"}} {
		if list[i].Record != want.record.Coordinates.String()+"#0" || list[i].What != want.what {
			t.Errorf("%+v", list[i])
		}
		if !bytes.Contains(page, []byte(want.what)) || !bytes.Contains(index, []byte(want.what)) {
			t.Errorf("%s: in the transcript %v, in the index %v", want.what, bytes.Contains(page, []byte(want.what)), bytes.Contains(index, []byte(want.what)))
		}
	}
	if !bytes.Contains(page, []byte("An edit whose text the platform does not supply")) || !bytes.Contains(page, []byte("2 of them in this conversation")) {
		t.Error("the transcript does not say what it is")
	}
}
