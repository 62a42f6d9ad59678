package archivetest

import (
	"bytes"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/erase/desk"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/ledger"
)

func (a *Archive) controlConfig() control.Config {
	return control.Config{
		Config: lane.Config{
			Lane: record.Control, Origin: origin + "/control", Locked: a.Locked, Meta: a.Meta, Spare: a.Spare, Signer: a.signer,
			Horizon: archiver.Horizon(archiver.Production, a.Policy.Horizon), Now: a.Now, Sleep: archiver.Sleep,
			Report: func(string, error) {},
		},
		Archive: origin, Recipients: []age.Recipient{a.Firm.Recipient()}, Retention: auditRetention, Publish: a.Meta,
	}
}

// genesis makes the control lane, with the archive's keys sealed to the firm.
func (a *Archive) genesis(t testing.TB) {
	t.Helper()
	token := a.Tokens[1]
	g := ledger.Genesis{
		Archive: origin, Mode: ledger.Production, Created: a.Now().Format(ledger.TimeFormat),
		Keys:       ledger.PublicKeys{Ed25519: a.signer.Public()},
		Recipients: ledger.Recipients{Firm: []string{a.Firm.Recipient().String()}, Indexer: []string{a.Indexer.Recipient().String()}},
		Sealed:     ledger.Sealed{Subject: a.toFirm(t, a.Subject[:]), Token: a.toFirm(t, token[:]), State: a.toFirm(t, a.State[:])},
	}
	must(t, control.Create(t.Context(), a.controlConfig(), g, "test"))
	var err error
	a.Log, err = control.Open(t.Context(), a.controlConfig())
	must(t, err)
	t.Cleanup(func() { a.Log.Close() }) // a rotation opens another
}

// start enters a start act: what is archived from here on names it.
func (a *Archive) start(t testing.TB) {
	t.Helper()
	var err error
	a.writer, err = a.Log.Start(t.Context(), ledger.Start{
		Binary: "test", Policy: a.Policy.Revision(), Clock: a.Now().Format(ledger.TimeFormat), Instance: string(rune('a' + a.epoch)),
	}, "test")
	must(t, err)
}

func (a *Archive) toFirm(t testing.TB, secret []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := age.Encrypt(&buf, a.Firm.Recipient())
	must(t, err)
	_, err = w.Write(secret)
	must(t, err)
	must(t, w.Close())
	return buf.Bytes()
}

// NewEpoch steps the token key: words archived from here on are hashed with
// another.
func (a *Archive) NewEpoch(t testing.TB) {
	t.Helper()
	a.epoch++
	key := [32]byte{4, byte(a.epoch)}
	a.Tokens[a.epoch] = key
	_, err := a.Log.Commit(t.Context(), control.Draft{Act: ledger.Act{
		Type: ledger.ActTokenEpoch, Actor: "test", TokenEpoch: &ledger.TokenEpoch{Epoch: a.epoch, Sealed: a.toFirm(t, key[:])},
	}})
	must(t, err)
	a.start(t)
}

// Erase removes a person's rows, and those of media that only they are known to
// have, with the act and its receipt. ids are as index.PersonID writes them.
func (a *Archive) Erase(t testing.TB, number string, ids ...string) {
	t.Helper()
	var people []index.Tag
	for _, id := range ids {
		people = append(people, a.Keys().PersonTag(number, id))
	}
	lib := &retrieve.Library{Index: a.Index, Reader: a.Reader(t), Locked: a.Locked, Keys: a.Keys(), Topics: a.Topics}
	media, err := lib.PersonMedia(t.Context(), people)
	must(t, err)
	var tags [][16]byte
	for _, tag := range append(people, media.Own...) {
		tags = append(tags, tag)
	}
	desk := desk.New(a.Locked, a.Log, "test")
	e, err := erase.New(erase.Config{
		Reader: a.Reader(t), Identities: []age.Identity{a.Firm}, Recipients: []age.Recipient{a.Firm.Recipient()},
		Locked: a.Locked, Unlocked: a.Meta, Spare: a.Spare, Ledger: desk, Acts: desk, Now: a.Now,
	})
	must(t, err)
	plan, err := e.Plan(t.Context(), erase.Request{Tags: tags})
	must(t, err)
	if len(plan.Boxes) == 0 {
		t.Fatal("nothing to erase")
	}
	must(t, e.Execute(t.Context(), plan))
}

// Rows gives all rows of an index, in item order.
func Rows(t testing.TB, x index.Index) []index.Row {
	t.Helper()
	var rows []index.Row
	must(t, x.All(t.Context(), func(r index.Row) error {
		rows = append(rows, r)
		return nil
	}))
	return rows
}
