package main

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/erase/desk"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/ledger"
)

// The person whom the golden archive has erased.
const (
	goldenNumber = "200000000000001"
	goldenWAID   = "15550100002"
	goldenBSUID  = "US.24602319766413852029"
)

// makeGolden makes an archive with the real commands: records of each role, one
// of several people, media of one chunk and of two, several starts, a rotation of
// the signing and of the token key, and a person erased.
func makeGolden(t *testing.T, dir string) {
	data := filepath.Join(t.TempDir(), "data")
	a := openFolder(t, data)
	fed := feedGolden(t, a,
		"directory/entry.json", "templates/snapshot.json", "consent/given.json", "webhooks/message_text.json", "webhooks/batch_people.json",
		"webhooks/status_delivered.json", "sends/template.json", "sends/text.json", "webhooks/echo_text.json", "webhooks/14-three-people-in-one-webhook.json",
		"webhooks/contact_sync.json", "webhooks/history_chunk.json", "webhooks/broken.json", "webhooks/unknown_shape.json")
	maps.Copy(fed, feedGoldenMedia(t, a))
	drain(t, a)
	rotateGolden(t, a, "signing")
	rotateGolden(t, a, "token")
	more := feedGolden(t, a,
		"webhooks/edit_text.json", "webhooks/revoke.json", "webhooks/message_reaction.json", "consent/withdrawn.json", "sends/refused.json",
		"webhooks/message_image.json", "webhooks/message_text_bsuid_only.json", "webhooks/04-ana-asks.json", "webhooks/account_alert.json")
	drain(t, a)
	drain(t, a) // a new writer: nobody uses the rows of before
	eraseGolden(t, a)

	maps.Copy(fed, more)
	want := golden{}
	for name := range fed {
		want.Records = append(want.Records, goldenRecord{CatRecord: CatRecord{Record: name}})
	}
	slices.SortFunc(want.Records, func(a, b goldenRecord) int { return strings.Compare(a.Record, b.Record) })
	save(t, data, dir)
	a = openGolden(t, dir) // from here on a copy: what is saved stays as it is
	if _, err := a.Reindex(t.Context()); err != nil {
		t.Fatal(err)
	}
	want.Records = catAll(t, a, want.Records)
	for _, r := range want.Records {
		if r.Erased {
			want.Erased++
		} else if r.SHA256 != ledger.Sum(fed[r.Record]).String() {
			t.Fatalf("%s is not what was fed", r.Record)
		}
	}
	v, err := openGolden(t, dir).Verify(t.Context(), VerifyRequest{})
	if err != nil || !v.OK || len(v.Findings) > 0 {
		t.Fatalf("%v: %+v", err, v)
	}
	want.Fingerprint, want.Blocks, want.ErasedRows = v.Fingerprint, v.Blocks, v.Erased
	writeGolden(t, filepath.Join(dir, "golden.json"), want)
	writeGolden(t, filepath.Join(dir, "rows.json"), rowsOf(t, a))
}

// goldenOf leaves out long values, of which the hash is enough.
func goldenOf(c CatRecord) goldenRecord {
	g := goldenRecord{CatRecord: c, SHA256: ledger.Sum(c.Value).String()}
	if len(c.Value) > 16<<10 {
		g.Value = nil
	}
	return g
}

// feedGoldenMedia feeds media: of the person who is erased, of one who is not,
// and by a message's own words alone.
func feedGoldenMedia(t *testing.T, a *appliance) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	number := whatsapp.HeaderNumber + "=" + goldenNumber
	for i, m := range []struct {
		size    int
		headers []string
	}{
		{1000, []string{whatsapp.HeaderMediaID + "=300000000000777", whatsapp.HeaderWaID + "=" + goldenWAID, whatsapp.HeaderUserID + "=" + goldenBSUID, number}},
		{65_537, []string{whatsapp.HeaderMediaID + "=300000000000778", whatsapp.HeaderWaID + "=15550100001", number, "content-type=application/pdf"}},
		{10, []string{whatsapp.HeaderMediaID + "=300000000000001", number, "content-type=image/jpeg"}},
		{0, []string{whatsapp.HeaderMessageID + "=wamid.none"}},
	} {
		body := bytes.Repeat([]byte{byte(0xf0 + i)}, m.size)
		path := filepath.Join(t.TempDir(), "media")
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := a.Feed(t.Context(), FeedRequest{Paths: []string{path}, Topic: "wa.media", Key: "100000000000001", Headers: m.headers})
		if err != nil {
			t.Fatal(err)
		}
		out[r.Files[0].Records[0]] = body
	}
	return out
}

func rotateGolden(t *testing.T, a *appliance, what string) {
	t.Helper()
	if _, err := a.RotateKeys(t.Context(), RotateRequest{What: what}); err != nil {
		t.Fatal(err)
	}
}

// eraseGolden erases the person with the archive's own keys.
func eraseGolden(t *testing.T, a *appliance) {
	t.Helper()
	ctx := t.Context()
	n, err := openNode(ctx, a.env, false)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if err := n.start(ctx); err != nil {
		t.Fatal(err)
	}
	e, tags := goldenEraser(t, a, n)
	plan, err := e.Plan(ctx, erase.Request{Tags: tags})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Boxes) == 0 {
		t.Fatal("nothing to erase")
	}
	if err := e.Execute(ctx, plan); err != nil {
		t.Fatal(err)
	}
}

func goldenEraser(t *testing.T, a *appliance, n *node) (*erase.Eraser, [][16]byte) {
	t.Helper()
	r, err := a.openReading(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	d := desk.New(n.locked, n.control, "golden")
	e, err := erase.New(erase.Config{
		Reader: r.reader, Identities: r.ids, Recipients: n.ingest.Boxes, Locked: n.locked.(worm.Keeper),
		Unlocked: n.meta.(*dir.Meta), Spare: n.spare.(*dir.Meta), Ledger: d, Acts: d,
	})
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(a.set.Keys())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ringKeys(ring)
	if err != nil {
		t.Fatal(err)
	}
	var tags [][16]byte
	for _, id := range []string{goldenWAID, goldenBSUID} {
		tags = append(tags, keys.PersonTag(goldenNumber, id))
	}
	return e, tags
}

// save copies what is an archive: stores and keys, without the broker, the index
// and what marks a folder as in use.
func save(t *testing.T, data, to string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(to, "data")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"locked", "meta", "spare", "keys"} {
		from := filepath.Join(data, name)
		for _, inUse := range []string{"@flock", "@tmp"} {
			if err := os.RemoveAll(filepath.Join(from, inUse)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.CopyFS(filepath.Join(to, "data", name), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
}

func writeGolden(t *testing.T, name string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.ReplaceAll(b, []byte("},{"), []byte("},\n{")) // for whoever looks at a difference
	if err := os.WriteFile(name, append(lines, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
