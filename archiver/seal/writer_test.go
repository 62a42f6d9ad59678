package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/seal/sealtest"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/ledger"
)

// lane drives a writer and opens its boxes.
type lane struct {
	t   *testing.T
	w   *seal.Writer
	ids []age.Identity
	now time.Time
	tr  *sealtest.Traffic
}

func newLane(t *testing.T, change func(*seal.Config)) *lane {
	t.Helper()
	id := sealtest.Classic(t)
	l := &lane{t: t, ids: []age.Identity{id}, now: time.Unix(1764000000, 0), tr: sealtest.NewTraffic(1)}
	cfg := seal.Config{Origin: sealtest.Origin, Lane: "0", Recipients: []age.Recipient{id.Recipient()}, Now: func() time.Time { return l.now }}
	change(&cfg)
	var err error
	if l.w, err = seal.NewWriter(cfg); err != nil {
		t.Fatal(err)
	}
	return l
}

// block seals one message of each person and gives the people whose rows are new.
func (l *lane) block(n uint64, people ...int) (*seal.Sealed, string) {
	l.t.Helper()
	if err := l.w.Begin(n); err != nil {
		l.t.Fatal(err)
	}
	for _, p := range people {
		if _, _, err := l.w.Add(l.tr.Message(p, sealtest.Free)); err != nil {
			l.t.Fatal(err)
		}
	}
	s, err := l.w.Finish()
	if err != nil {
		l.t.Fatal(err)
	}
	var fresh []int
	for _, b := range s.Boxes {
		box, err := unseal.DecodeBox(b.Body, l.ids)
		if err != nil {
			l.t.Fatal(err)
		}
		if box.About.Block != n || ledger.Root(box.Clear.Hashes) != b.RowsRoot || int(b.Rows) != len(box.Rows) {
			l.t.Fatalf("block %d: box %+v", n, box.About)
		}
		for _, row := range box.Rows {
			for _, p := range people {
				if row.Owner == sealtest.Person(p) {
					fresh = append(fresh, p)
				}
			}
		}
	}
	return s, fmt.Sprint(fresh)
}

func (l *lane) want(n uint64, fresh string, from uint64, people ...int) {
	l.t.Helper()
	s, got := l.block(n, people...)
	if got != fresh || s.RowsFrom != from {
		l.t.Errorf("block %d: new rows of %s, rows from %d; want %s, %d", n, got, s.RowsFrom, fresh, from)
	}
}

func TestRowsAreReused(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	l.want(5, "[1 2]", 5, 1, 2)
	l.want(6, "[3]", 5, 1, 3)
	l.want(7, "[]", 5, 1, 2, 3)
}

func TestRowsAge(t *testing.T) {
	l := newLane(t, func(c *seal.Config) { c.RowAge = time.Hour })
	l.want(0, "[1 2]", 0, 1, 2)
	l.now = l.now.Add(40 * time.Minute)
	l.want(1, "[3]", 0, 1, 3)
	l.now = l.now.Add(20 * time.Minute)
	l.want(2, "[1]", 1, 1, 3)
	l.now = l.now.Add(time.Hour)
	l.want(3, "[]", 3)
	l.want(4, "[3]", 4, 3)
}

func TestRowsAreBounded(t *testing.T) {
	l := newLane(t, func(c *seal.Config) { c.MaxRows = 3 })
	l.want(0, "[1 2]", 0, 1, 2)
	l.want(1, "[3 4]", 0, 3, 4)
	l.want(2, "[1]", 1, 1, 3)
	l.want(3, "[2]", 1, 1, 2, 3)
	l.want(4, "[3]", 2, 1, 3)
}

func TestRetire(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	l.want(0, "[1]", 0, 1)
	l.want(1, "[2]", 0, 1, 2)
	l.w.Retire(1)
	l.want(2, "[1]", 1, 1, 2)
	l.w.Retire(1 << 39)
	l.want(3, "[]", 3)
}

// TestAbort: rows first made in a block that was forgotten are never used again,
// also when it had been finished.
func TestAbort(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	l.want(0, "[1]", 0, 1)
	if err := l.w.Begin(1); err != nil {
		t.Fatal(err)
	}
	if _, _, err := l.w.Add(l.tr.Message(2, sealtest.Free)); err != nil {
		t.Fatal(err)
	}
	l.w.Abort()
	l.want(1, "[2]", 0, 1, 2)
	l.w.Abort()
	l.want(1, "[2]", 0, 1, 2)
	l.want(2, "[]", 0, 1, 2)
	if err := l.w.Begin(2); !errors.Is(err, seal.ErrState) {
		t.Errorf("the same number again: %v", err)
	}
	if _, err := l.w.Finish(); !errors.Is(err, seal.ErrState) {
		t.Errorf("finish without begin: %v", err)
	}
	if _, _, err := l.w.Add(l.tr.Message(2, sealtest.Free)); !errors.Is(err, seal.ErrState) {
		t.Errorf("add without begin: %v", err)
	}
}

// TestRandomFails: without randomness nothing is sealed, and the writer recovers.
func TestRandomFails(t *testing.T) {
	for limit := range 3 {
		src := iotest.TimeoutReader(bytes.NewReader(make([]byte, 32*limit)))
		l := newLane(t, func(c *seal.Config) { c.Rand = src })
		if err := l.w.Begin(0); err != nil {
			t.Fatal(err)
		}
		_, _, err := l.w.Add(l.tr.Message(1, sealtest.Free))
		if err == nil {
			_, err = l.w.Finish()
		}
		if err == nil {
			if limit < 2 {
				t.Errorf("%d random bytes were enough", 32*limit)
			}
			continue
		}
		if err := l.w.Begin(0); err != nil {
			t.Errorf("after the error: %v", err)
		}
	}
}

func TestKeys(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	s, _ := l.block(17, 1)
	if s.Segments[0].Key != "lanes/0/data/000000000017/seg-0" || s.Boxes[0].Key != "lanes/0/data/000000000017/box-0" {
		t.Errorf("%s, %s", s.Segments[0].Key, s.Boxes[0].Key)
	}
	l = newLane(t, func(c *seal.Config) {
		c.KeyPrefix = func(n uint64) string { return fmt.Sprintf("lanes/control/data/%012d/abcd-", n) }
	})
	if s, _ = l.block(17, 1); s.Boxes[0].Key != "lanes/control/data/000000000017/abcd-box-0" {
		t.Errorf("%s", s.Boxes[0].Key)
	}
	e := s.Boxes[0].Entry()
	if s.Boxes[0].Locked || e.DutyUntil != "" || e.RetainUntil != "" || s.Segments[0].Entry().RetainUntil != "2031-01-01T00:00:00Z" {
		t.Errorf("%+v, %+v", e, s.Segments[0].Entry())
	}
}

// TestNothingInTheClear looks for what is personal in everything stored.
func TestNothingInTheClear(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	s, _ := l.block(0, 1, 2, 3)
	for _, o := range append([]seal.Object{s.Boxes[0].Object}, s.Segments...) {
		for _, canary := range []string{"1555010", "wamid", "MTU1NTAxMD", "Person", "wa.webhooks", "sha256="} {
			if bytes.Contains(o.Body, []byte(canary)) {
				t.Errorf("%s holds %q", o.Key, canary)
			}
		}
	}
}

func TestCutsRefused(t *testing.T) {
	l := newLane(t, func(*seal.Config) {})
	if err := l.w.Begin(0); err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(*seal.Cut){
		"value not covered":  func(c *seal.Cut) { c.Pieces[0].Bytes = c.Pieces[0].Bytes[1:] },
		"value cut short":    func(c *seal.Cut) { c.Pieces[0].Bytes = c.Pieces[0].Bytes[:9] },
		"no value":           func(c *seal.Cut) { c.Pieces = c.Pieces[1:] },
		"no key and headers": func(c *seal.Cut) { c.Pieces = append(c.Pieces[:1], c.Pieces[2]) },
		"two of them":        func(c *seal.Cut) { c.Pieces = append(c.Pieces[:2], c.Pieces[1:]...) },
		"order":              func(c *seal.Cut) { c.Pieces[1], c.Pieces[2] = c.Pieces[2], c.Pieces[1] },
		"media":              func(c *seal.Cut) { c.Pieces[2].Type = ledger.PieceMedia },
		"no owner":           func(c *seal.Cut) { c.Pieces[1].Owner.Kind = 0 },
		"tagged record":      func(c *seal.Cut) { c.Pieces[1].Owner.Kind = seal.OwnerRecord },
		"class too long":     func(c *seal.Cut) { c.Pieces[1].Retention.Class = strings.Repeat("x", 256) },
		"no rule":            func(c *seal.Cut) { c.Pieces[2].Rulings = []seal.Ruling{{}} },
		"rulings elsewhere":  func(c *seal.Cut) { c.Pieces[1].Rulings = c.Pieces[2].Rulings },
		"negative item":      func(c *seal.Cut) { c.Pieces[0].FirstItem = -1 },
		"negative offset":    func(c *seal.Cut) { c.Record.Offset = -1 },
		"no topic":           func(c *seal.Cut) { c.Record.Coordinates = record.Coordinates{} },
		"topic too long":     func(c *seal.Cut) { c.Record.Topic = strings.Repeat("t", 250) },
		"nothing":            func(c *seal.Cut) { c.Pieces, c.Record.Value = nil, nil },
	}
	for name, change := range cases {
		cut := l.tr.Message(1, sealtest.Free)
		change(cut)
		_, _, err := l.w.Add(cut)
		if !errors.Is(err, seal.ErrCut) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "1555010") {
			t.Errorf("%s: error tells a number", name)
		}
	}
	s, err := l.w.Finish()
	if err != nil || len(s.Segments)+len(s.Boxes) != 0 {
		t.Errorf("refused cuts left %+v, %v", s, err)
	}
}
