package archivetest

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/erase"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
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
	t.Cleanup(a.Log.Close)
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

// Erase removes a person's rows, with the act and its receipt. ids are as
// index.PersonID writes them.
func (a *Archive) Erase(t testing.TB, number string, ids ...string) {
	t.Helper()
	var tags [][16]byte
	for _, id := range ids {
		tags = append(tags, a.Keys().PersonTag(number, id))
	}
	desk := desk{a}
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

// desk is the archive's ledger and control lane as an erasure needs them.
type desk struct{ *Archive }

// Lanes implements erase.Ledger.
func (d desk) Lanes(context.Context) ([]record.Lane, error) { return []record.Lane{"0", "1"}, nil }

// Head implements erase.Ledger.
func (d desk) Head(ctx context.Context, l record.Lane) (uint64, error) {
	var n uint64
	for ; ; n++ {
		if _, err := d.Locked.Head(ctx, lane.BlockKey(l, n)); err != nil {
			return n - 1, nil
		}
	}
}

// Entry implements erase.Ledger.
func (d desk) Entry(ctx context.Context, l record.Lane, n uint64) (*ledger.Entry, error) {
	b, err := lane.ReadBlock(ctx, d.Locked, l, n)
	if err != nil {
		return nil, err
	}
	return b.Entry, nil
}

// Commit implements erase.Acts.
func (d desk) Commit(ctx context.Context, act ledger.Erase) (ledger.ActRef, error) {
	refs, err := d.Log.Commit(ctx, control.Draft{Act: ledger.Act{Type: ledger.ActErase, Actor: "test", Erase: &act}})
	if err != nil {
		return ledger.ActRef{}, err
	}
	return refs[0], nil
}

// Receipt implements erase.Acts.
func (d desk) Receipt(ctx context.Context, receipt ledger.EraseReceipt) error {
	_, err := d.Log.Commit(ctx, control.Draft{Act: ledger.Act{Type: ledger.ActEraseReceipt, Actor: "test", EraseReceipt: &receipt}})
	return err
}

// Pending implements erase.Acts.
func (d desk) Pending(context.Context) ([]erase.Pending, error) {
	var out []erase.Pending
	d.Log.View(func(v *control.View) {
		for _, p := range v.Pending {
			out = append(out, erase.Pending{Ref: p.Act, Erase: p.Erase})
		}
	})
	slices.SortFunc(out, func(a, b erase.Pending) int { return int(a.Ref.Block) - int(b.Ref.Block) })
	return out, nil
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
