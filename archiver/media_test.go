package archiver

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/ledger"
)

// TestFullEntryFits: an entry at all bounds of a block at once still fits, with
// the longest keys, classes and topic names that are usual.
func TestFullEntryFits(t *testing.T) {
	const lane, n, many = record.Lane("4095"), uint64(1e11), int64(1e12)
	object := func(name string) ledger.Object { return ledger.Object{Key: ledger.DataKey(lane, n, name), Bytes: many} }
	sealed := func(name string) ledger.Segment {
		return ledger.Segment{Object: object(name), Class: strings.Repeat("c", 20), DutyUntil: "2031-12-01T00:00:00Z", RetainUntil: "2033-12-01T00:00:00Z"}
	}
	e := ledger.Entry{V: ledger.EntryVersion, Lane: lane, N: n, Time: "2026-11-24T00:00:00.000Z", RowsFrom: n, Published: n, Policy: strings.Repeat("0", 64)}
	for i := range maxPairs {
		s := sealed(fmt.Sprintf("seg-%d", i))
		e.Segments = append(e.Segments, s)
		e.Boxes = append(e.Boxes, ledger.Box{Object: object(fmt.Sprintf("box-%d", i)), Class: s.Class, Rows: 1 << 24, DutyUntil: s.DutyUntil, RetainUntil: s.RetainUntil})
	}
	for i := range maxMedia {
		e.Media = append(e.Media, sealed(fmt.Sprintf("media-%d", i)))
	}
	for i := range 6 {
		e.Source = append(e.Source, ledger.Source{Topic: strings.Repeat("t", 40), Era: 1, First: many, Next: many + 1000, Last: strings.Repeat("0", 64), Epoch: int32(i)})
	}
	for range maxGaps {
		e.Source[0].Gaps = append(e.Source[0].Gaps, ledger.Gap{First: many, Next: many + 1, Cause: record.GapCompacted})
	}
	b, err := e.Encode()
	if err != nil || len(b) < ledger.MaxEntry/2 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	t.Logf("%d of %d bytes", len(b), ledger.MaxEntry)
}

// TestMediaCut: the record's value is one piece of its own, under the row of
// whoever the headers name, else of what messages name it by, else of the record.
func TestMediaCut(t *testing.T) {
	keys := index.NewKeys([32]byte{1}, map[uint32][32]byte{1: {2}})
	b := &building{s: &session{cfg: &Config{Tags: keys}}, ruled: randomRulings(rand.New(rand.NewPCG(1, 2)), 1)}
	parser := whatsapp.NewParser(whatsapp.Options{})
	cut := func(value []byte, headers ...string) *seal.Cut {
		r := &record.Record{Value: value}
		for i := 0; i < len(headers); i += 2 {
			r.Headers = append(r.Headers, record.Header{Key: headers[i], Value: []byte(headers[i+1])})
		}
		return b.cut(whatsapp.RoleMedia, r, parser.Parse(whatsapp.RoleMedia, r, nil))
	}
	person := func(id string) seal.Owner { return seal.Owner{Kind: seal.OwnerSubject, Tag: keys.PersonTag("2", id)} }
	for name, tt := range map[string]struct {
		headers []string
		want    seal.Owner
	}{
		"a person":              {[]string{whatsapp.HeaderMediaID, "1", whatsapp.HeaderNumber, "2", whatsapp.HeaderWaID, "15550100001"}, person("15550100001")},
		"a person by the BSUID": {[]string{whatsapp.HeaderNumber, "2", whatsapp.HeaderWaID, "15550100001", whatsapp.HeaderUserID, "US.1"}, person("US.1")},
		"a media id":            {[]string{whatsapp.HeaderMediaID, "1", whatsapp.HeaderNumber, "2"}, seal.Owner{Kind: seal.OwnerMedia, Tag: keys.MediaTag("2", "1")}},
		"a message":             {[]string{whatsapp.HeaderMessageID, "wamid.A"}, seal.Owner{Kind: seal.OwnerMedia, Tag: keys.MediaTag("", "message:wamid.A")}},
		"nothing":               {nil, seal.Owner{Kind: seal.OwnerRecord}},
	} {
		c := cut([]byte("bytes"), tt.headers...)
		if len(c.Pieces) != 3 || c.Pieces[2].Type != ledger.PieceMedia || string(c.Pieces[2].Bytes) != "bytes" {
			t.Fatalf("%s: %+v", name, c.Pieces)
		}
		for i := range c.Pieces {
			if p := &c.Pieces[i]; p.Owner != tt.want || p.Retention != b.ruled[0].retention {
				t.Errorf("%s: piece %d: %+v, want %+v", name, i, p.Owner, tt.want)
			}
		}
	}
	if b.media != 5 {
		t.Errorf("%d media counted", b.media)
	}
	for _, empty := range [][]byte{nil, {}} {
		if c := cut(empty, whatsapp.HeaderMediaID, "1"); len(c.Pieces) != 2 || b.media != 5 {
			t.Errorf("empty: %+v", c.Pieces)
		}
	}
}
