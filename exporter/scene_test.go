package exporter_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/retrieve/archivetest"
	"github.com/waxseal/waxseal/exporter"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

var ada, bea, cem = archivetest.Ada, archivetest.Bea, archivetest.Cem

// scene is a small archive to export from.
type scene struct {
	*archivetest.Archive
	looks []exporter.Estimate
}

func newScene(t testing.TB, opts archivetest.Options) *scene {
	return &scene{Archive: archivetest.New(t, opts)}
}

// at is a time on the archive's first day.
func (s *scene) at(hour, minute int) int64 {
	return time.Date(2026, 3, 1, hour, minute, 0, 0, time.UTC).Unix()
}

// messages wraps messages and the contacts of who wrote them as one webhook.
func messages(people []archivetest.Person, list ...string) *record.Record {
	return archivetest.Record(archivetest.Webhook("messages", archivetest.Contacts(people...)+`,"messages":[`+strings.Join(list, ",")+`]`))
}

// text is a webhook with one text.
func text(from archivetest.Person, id string, at int64, body string) *record.Record {
	return messages([]archivetest.Person{from}, archivetest.Text(from, id, at, body))
}

// status is a webhook with one status of a message to somebody.
func status(to archivetest.Person, id, state string, at int64) *record.Record {
	return archivetest.Record(archivetest.Webhook("messages", fmt.Sprintf(
		`"statuses":[{"id":%q,"status":%q,"timestamp":"%d","recipient_id":%q,"recipient_user_id":%q}]`, id, state, at, to.Phone, to.BSUID)))
}

// echo is a webhook with one message that the business wrote in the app.
func echo(to archivetest.Person, id string, at int64, body string) *record.Record {
	return archivetest.Record(archivetest.Webhook("smb_message_echoes", fmt.Sprintf(
		`"message_echoes":[{"from":%q,"to":%q,"to_user_id":%q,"id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]`,
		archivetest.Display, to.Phone, to.BSUID, id, at, body)))
}

// sealed feeds webhooks, archives them and seals the heads.
func (s *scene) sealed(t testing.TB, records ...*record.Record) {
	t.Helper()
	s.Feed(t, "wa.webhooks", records...)
	s.Archive.Archive(t)
	s.Heads(t, "0", "1")
}

func (s *scene) library(t testing.TB) *retrieve.Library {
	return &retrieve.Library{Index: s.Index, Reader: s.Reader(t), Locked: s.Locked, Keys: s.Keys(), Topics: s.Topics}
}

func (s *scene) config(t testing.TB) exporter.Config {
	return exporter.Config{
		Library: s.library(t), Generator: "waxseal test",
		Prover: func(ctx context.Context) (*prove.Prover, error) { return prove.Open(ctx, s.Locked, s.Meta) },
		Seal: func(context.Context) error {
			s.Heads(t, "0", "1")
			return nil
		},
		Look: func(_ context.Context, e *exporter.Estimate) error {
			s.looks = append(s.looks, *e)
			return nil
		},
		Sign: func(_ context.Context, fingerprint, sum ledger.Hash) ([]byte, error) {
			return bundle.SignNote(s.Signer(), fingerprint, sum), nil
		},
	}
}

// export exports into a new folder, and holds it to its proofs.
func (s *scene) export(t testing.TB, req exporter.Request) (*bag, *exporter.Report) {
	t.Helper()
	if req.Zone == nil {
		req.Zone = time.UTC
	}
	if req.Unit == "" {
		req.Unit = exporter.Messages
	}
	req.Out = filepath.Join(t.TempDir(), "bag")
	report, err := exporter.Export(t.Context(), s.config(t), req)
	if err != nil {
		t.Fatal(err)
	}
	b := &bag{dir: req.Out}
	b.check(t, report.Fingerprint)
	return b, report
}

// bag is what was written.
type bag struct {
	dir    string
	proven map[string]proof.Shown // by record
	files  map[string]bool        // proven
}

func (b *bag) read(t testing.TB, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(b.dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// check verifies the bag as a stranger would, and notes what it proves.
func (b *bag) check(t testing.TB, fingerprint ledger.Hash) {
	t.Helper()
	v, err := bundle.Verify(t.Context(), b.dir, bundle.Trust{Fingerprint: &fingerprint})
	if err != nil || !v.OK || !v.Pinned {
		t.Fatalf("%+v, %v", v, err)
	}
	a, err := proof.Check(b.read(t, "proofs/anchor.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	b.proven, b.files = map[string]proof.Shown{}, map[string]bool{}
	list, err := filepath.Glob(filepath.Join(b.dir, "proofs", "*-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range list {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := proof.DecodeFile(body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		r, err := a.Check(f, func(path string) (io.ReadCloser, error) { return os.Open(filepath.Join(b.dir, path)) })
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, shown := range r.Records {
			b.proven[shown.Record] = shown
		}
		for _, file := range r.Files {
			b.files[file] = true
		}
	}
	for _, path := range b.paths(t) {
		if (strings.HasPrefix(path, "data/raw/") || strings.HasPrefix(path, "data/media/")) && !b.files[path] {
			t.Errorf("%s is proven by nothing", path)
		}
	}
}

// paths lists the files.
func (b *bag) paths(t testing.TB) (out []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(b.dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// line is what tests look at of a line of messages.jsonl.
type line map[string]any

func (b *bag) lines(t testing.TB, file string) (out []line) {
	t.Helper()
	scan := bufio.NewScanner(bytes.NewReader(b.read(t, file)))
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		var l line
		if err := json.Unmarshal(scan.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// texts are the texts of the messages, in order; a message that did not match the
// search stands in parentheses.
func (b *bag) texts(t testing.TB) (out []string) {
	t.Helper()
	for _, l := range b.lines(t, "data/messages.jsonl") {
		s, _ := l["text"].(string)
		if l["hit"] != true {
			s = "(" + s + ")"
		}
		out = append(out, s)
	}
	return out
}

// exceptions are ITEM and code of each, in order.
func (b *bag) exceptions(t testing.TB) (out []string) {
	t.Helper()
	var list []struct{ Item, Code string }
	if err := json.Unmarshal(b.read(t, "data/exceptions.json"), &list); err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		out = append(out, x.Item+" "+x.Code)
	}
	return out
}

func (b *bag) zone() *time.Location { return time.UTC }

func base64Of(sum [32]byte) string {
	text, _ := json.Marshal(sum[:])
	return string(text)
}

// insert puts one row into the index, as a block of its own.
func insert(t testing.TB, s *scene, row *index.Row) {
	t.Helper()
	if err := s.Index.Insert(t.Context(), index.Batch{Lane: row.Lane, Block: row.Block, Rows: []index.Row{*row}}); err != nil {
		t.Fatal(err)
	}
}
