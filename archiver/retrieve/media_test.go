package retrieve_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/archiver/unseal"
)

// picture is the bytes of media n.
func picture(n int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("\xff\xd8\xff picture %d ", n)), 20_000)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// image is a message of a person with media.
func image(from archivetest.Person, id string, at int64, media string, body []byte) string {
	return fmt.Sprintf(`{"from":%q,"from_user_id":%q,"id":%q,"timestamp":"%d","type":"image","image":{"id":%q,"mime_type":"image/jpeg","sha256":%q,"caption":"look"}}`,
		from.Phone, from.BSUID, id, at, media, hash(body))
}

// mediaRecord is a record of wa.media; headers are names and values in turn.
func mediaRecord(value []byte, headers ...string) *record.Record {
	r := &record.Record{Key: []byte(archivetest.WABA), Value: value}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, record.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

// mediaScene has messages with media, and the media in every way they may be
// named.
type mediaScene struct {
	*archivetest.Archive
	lib   *retrieve.Library
	media []*record.Record
}

func (s *mediaScene) item(n int) string { return s.media[n].Coordinates.String() + "#0" }

func newMediaScene(t *testing.T) *mediaScene {
	t.Helper()
	s := &mediaScene{Archive: archivetest.New(t, archivetest.Options{MaxRecords: 4})}
	at := s.Now().Unix()
	message := func(who archivetest.Person, m string) *record.Record {
		return archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(who)+`,"messages":[`+m+`]`))
	}
	send := func(to archivetest.Person, id, media string) *record.Record {
		return &record.Record{Key: []byte(archivetest.WABA), Value: fmt.Appendf(nil,
			`{"time":"2026-03-01T09:00:00Z","waba_id":%q,"phone_number_id":%q,"http_status":200,"request":{"messaging_product":"whatsapp","to":%q,"type":"image","image":{"id":%q}},`+
				`"response":{"contacts":[{"wa_id":%q}],"messages":[{"id":%q}]}}`, archivetest.WABA, archivetest.Number, to.Phone, media, to.Phone, id)}
	}
	s.Feed(t, "wa.webhooks",
		message(ada, image(ada, "wamid.A1", at, "9001", picture(1))),
		message(ada, image(ada, "wamid.A2", at+1, "9002", picture(2))),
		message(bea, image(bea, "wamid.B1", at+2, "9003", picture(3))),
		message(ada, fmt.Sprintf(`{"from":%q,"from_user_id":%q,"id":"wamid.A3","timestamp":"%d","type":"media_placeholder"}`, ada.Phone, ada.BSUID, at+3)),
		message(ada, archivetest.Text(ada, "wamid.A4", at+4, "no picture here")))
	s.Feed(t, "wa.sends", send(ada, "wamid.S1", "9010"), send(ada, "wamid.S2", "9011"), send(bea, "wamid.S3", "9011"))
	number := []string{"x-waxseal-number", archivetest.Number, "content-type", "image/jpeg"}
	with := func(value []byte, headers ...string) *record.Record {
		return mediaRecord(value, append(slices.Clone(headers), number...)...)
	}
	s.media = []*record.Record{
		with(picture(1), "x-waxseal-media-id", "9001", "x-waxseal-user-id", ada.BSUID, "x-waxseal-wa-id", ada.Phone, "x-waxseal-sha256", hash(picture(1))), // 0: all told
		with(picture(20), "x-waxseal-media-id", "9002"),                                      // 1: nobody told, and other bytes than the message says
		with(picture(3), "x-waxseal-media-id", "9003", "x-waxseal-sha256", hash(picture(4))), // 2: Bea's, other bytes than stated
		with(picture(5), "x-waxseal-media-id", "9005", "x-waxseal-message-id", "wamid.A3"),   // 3: by the message alone
		mediaRecord(picture(2), "x-waxseal-sha256", hash(picture(2))),                        // 4: by its hash alone, and no number
		with(picture(6), "x-waxseal-media-id", "9010"),                                       // 5: sent to Ada
		with(picture(7), "x-waxseal-media-id", "9011"),                                       // 6: sent to two
		with(picture(8), "x-waxseal-media-id", "9999"),                                       // 7: nobody names it
		with([]byte{}, "x-waxseal-media-id", "9001"),                                         // 8: empty
		mediaRecord(picture(9)),                                                              // 9: says nothing
	}
	s.Feed(t, "wa.media", s.media...)
	s.Archive.Archive(t)
	s.Archive.Archive(t) // takes the lanes anew: nobody uses the rows of the first
	s.lib = library(t, s.Archive)
	return s
}

func TestMediaIsExact(t *testing.T) {
	s := newMediaScene(t)
	for n, want := range s.media {
		name := want.Coordinates.String()
		got := cat(t, s.lib, name)
		if len(got) != 1 || !bytes.Equal(got[0].Value, want.Value) || (got[0].Value == nil) != (want.Value == nil) || len(got[0].Headers) != len(want.Headers) {
			t.Fatalf("%s: %d records", name, len(got))
		}
		m := show(t, s.lib, name)[0]
		r, err := s.lib.OpenMedia(t.Context(), &m.Hit)
		if len(want.Value) == 0 {
			if !errors.Is(err, retrieve.ErrNone) {
				t.Errorf("%d: %v", n, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, want.Value) {
			t.Errorf("%d: %d bytes, %v", n, len(b), err)
		}
		same := 1
		if n == 0 {
			same = 2 // the empty one has its media id
		}
		if n != 9 && (len(m.Media) != same || !strings.Contains(m.Media[0].Object(), "/media-") || m.Media[0].Size != int64(len(want.Value)) || m.Media[0].SHA256 != sha256.Sum256(want.Value)) {
			t.Errorf("%d: %+v", n, m.Media)
		}
	}
}

// TestMediaOfMessages: a message shows the bytes held of its media, however they
// were named, and whether they are what was said.
func TestMediaOfMessages(t *testing.T) {
	s := newMediaScene(t)
	for id, want := range map[string][]struct {
		media           int
		stated, differs bool
	}{
		"wamid.A1": {{0, true, false}, {8, true, true}}, // 8 arrived without bytes
		"wamid.A2": {{1, true, true}, {4, true, false}},
		"wamid.B1": {{2, true, true}},
		"wamid.A3": {{3, false, false}},
		"wamid.A4": nil,
		"wamid.S1": {{5, false, false}},
		"wamid.S2": {{6, false, false}},
		"wamid.S3": {{6, false, false}},
	} {
		m := show(t, s.lib, id)[0]
		var got []string
		for _, one := range m.Media {
			got = append(got, fmt.Sprint(one.Row.Item, " ", one.Stated, one.Differs))
			if one.Empty != (one.Row.Item.String() == s.item(8)) || one.Problem != nil {
				t.Errorf("%s: empty %v, %v", one.Row.Item, one.Empty, one.Problem)
			}
		}
		var wanted []string
		for _, w := range want {
			wanted = append(wanted, fmt.Sprint(s.item(w.media), " ", w.stated, w.differs))
		}
		slices.Sort(got)
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) || len(m.Others) > 0 {
			t.Errorf("%s: %v, want %v; others %v", id, got, wanted, names(m.Others))
		}
	}
	hits, _ := search(t, s.lib, retrieve.SearchQuery{People: []string{ada.Phone}})
	held, differs, empty := map[string]int{}, "", ""
	for _, h := range hits {
		held[string(h.Row.Kind)] += len(h.Held)
		if h.Differs {
			differs += " " + h.Item.ID
		}
		if len(h.Empty) > 0 {
			empty += " " + h.Item.ID
		}
	}
	// A2 states another hash than its bytes have, which came with none.
	if differs != " wamid.A2" || empty != " wamid.A1" {
		t.Errorf("differs%s, empty%s", differs, empty)
	}
	hits, _ = search(t, s.lib, retrieve.SearchQuery{People: []string{bea.Phone}, Kinds: []record.Kind{record.Image}})
	for _, h := range hits { // B1's bytes came with another hash, and it states theirs
		if h.Differs != (h.Item.ID == "wamid.B1") {
			t.Errorf("%s: differs %v", h.Item.ID, h.Differs)
		}
	}
	if held["image"] != 1+2+1+1 || held["media_placeholder"] != 1 || held["text"] != 0 || held["media"] != 1 {
		t.Errorf("%v", held)
	}
}

// TestMediaIsReindexed: the rows are rebuilt from the stores, equal in all.
func TestMediaIsReindexed(t *testing.T) {
	s := newMediaScene(t)
	fresh := archivetest.OpenIndex(t)
	res, err := reindex.Rebuild(t.Context(), reindex.Config{
		Source: reindex.Source{Locked: s.Locked, Reader: s.Reader(t), Keys: s.Keys(), Topics: s.Topics}, Index: fresh, Before: s.Index,
	})
	if err != nil || res.Changed+res.Dropped+res.Failed != 0 || res.Rows == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
}

// TestMediaTampered: what is not what the ledger says is named and not given out.
func TestMediaTampered(t *testing.T) {
	s := newMediaScene(t)
	m := show(t, s.lib, s.item(1))[0]
	key := m.Media[0].Object()
	body, _, err := s.Locked.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Clone(body)
	bad[len(bad)/2]++
	s.Locked.Tamper(key, bad)
	for _, l := range []*retrieve.Library{s.lib, library(t, s.Archive)} {
		_, err = l.OpenMedia(t.Context(), &m.Hit)
		isTampered(t, err, key)
		err = l.Cat(t.Context(), s.media[1].Coordinates.String(), func(*retrieve.Record) error {
			t.Error("a record was given out")
			return nil
		})
		isTampered(t, err, key)
	}
	s.Locked.Remove(key)
	_, err = s.lib.OpenMedia(t.Context(), &m.Hit)
	isTampered(t, err, key)
}

func isTampered(t *testing.T, err error, key string) {
	t.Helper()
	if !errors.Is(err, retrieve.ErrTampered) || !bytes.Contains([]byte(err.Error()), []byte(key)) {
		t.Errorf("%v", err)
	}
}

// TestErasingErasesMedia: nobody reads the media of an erased person any more,
// whether it named the person or only the person's messages named it. What others
// have too stays, and what is nobody's.
func TestErasingErasesMedia(t *testing.T) {
	s := newMediaScene(t)
	keys := s.Keys()
	person := []index.Tag{keys.PersonTag(archivetest.Number, ada.BSUID), keys.PersonTag(archivetest.Number, ada.Phone)}
	media, err := s.lib.PersonMedia(t.Context(), person)
	if err != nil || len(media.Own) != 5 || !slices.Equal(media.Shared, []index.Tag{keys.MediaTag(archivetest.Number, "9011")}) {
		t.Fatalf("%+v, %v", media, err)
	}
	before := map[int]retrieve.Hit{}
	for n := range s.media {
		before[n] = show(t, s.lib, s.item(n))[0].Hit
	}
	s.Erase(t, archivetest.Number, ada.BSUID, ada.Phone)
	s.lib = library(t, s.Archive)
	for n, r := range s.media {
		gone := slices.Contains([]int{0, 1, 3, 4, 5}, n)
		got := cat(t, s.lib, r.Coordinates.String())[0]
		if got.Gone != gone || gone && len(got.Value) > 0 || !gone && !bytes.Equal(got.Value, r.Value) {
			t.Errorf("media %d: gone %v, %d bytes", n, got.Gone, len(got.Value))
		}
		if !gone {
			continue
		}
		h := before[n] // who opened the record before the erasure gets nothing either
		if _, err := s.lib.OpenMedia(t.Context(), &h); !errors.Is(err, unseal.ErrErased) {
			t.Errorf("media %d: %v", n, err)
		}
		if m := show(t, s.lib, s.item(n))[0]; !m.Erased || len(m.Media) == 0 || !m.Media[0].Erased {
			t.Errorf("media %d: %+v", n, m)
		}
	}
}
