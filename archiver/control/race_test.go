package control_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// writer opens control as a process of its own, which enters its start.
func (d *desk) writer(t *testing.T, cfg control.Config) *control.Log {
	t.Helper()
	log := open(t, cfg)
	_, err := log.Start(t.Context(), ledger.Start{Binary: "test", Policy: "p", Clock: time.Now().UTC().Format(ledger.TimeFormat)}, "test")
	must(t, err)
	return log
}

func open(t *testing.T, cfg control.Config) *control.Log {
	t.Helper()
	log, err := control.Open(t.Context(), cfg)
	must(t, err)
	t.Cleanup(log.Close)
	return log
}

func look(actor string, body []byte) control.Draft {
	return control.Draft{Act: ledger.Act{Type: ledger.ActLook, Actor: actor, Look: &ledger.Look{Kind: "cat"}}, Body: body}
}

// acts reads all of control.
func (d *desk) acts(t *testing.T) map[ledger.ActRef]*ledger.Act {
	t.Helper()
	out := map[ledger.ActRef]*ledger.Act{}
	for n := uint64(0); ; n++ {
		b, err := lane.ReadBlock(t.Context(), d.locked, record.Control, n)
		if err != nil {
			return out
		}
		for i, raw := range b.Events {
			a, err := ledger.DecodeAct(raw)
			must(t, err)
			out[ledger.ActRef{Block: n, Event: uint32(i)}] = a
		}
	}
}

// TestRaces lets three writers with four callers each enter acts at once, over a
// store that answers some commits with an error: each act is entered once, where
// Commit said, in the order of its caller; its body opens with the audit identity
// and is that act's; verification finds nothing.
func TestRaces(t *testing.T) {
	const writers, callers, each = 3, 4, 12
	d := newDesk(t)
	var calls atomic.Int64
	d.locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if c.Op == mem.OpPut {
			switch calls.Add(1) % 9 {
			case 3:
				return mem.Stored
			case 6:
				return mem.Lost
			}
		}
		return mem.None
	})
	type entered struct {
		ref   ledger.ActRef
		actor string
	}
	var mu sync.Mutex
	var all []entered
	var wg sync.WaitGroup
	for w := range writers {
		log := d.writer(t, d.cfg)
		for c := range callers {
			wg.Go(func() {
				var last ledger.ActRef
				for i := range each {
					actor := fmt.Sprintf("%d.%d.%d", w, c, i)
					refs, err := log.Commit(t.Context(), look(actor, []byte("body of "+actor)), look(actor, nil))
					if err != nil || len(refs) != 2 || refs[1].Block != refs[0].Block || refs[1].Event != refs[0].Event+1 {
						t.Errorf("commit: %v, %v", refs, err)
						return
					}
					if refs[0].Block < last.Block || refs[0].Block == last.Block && refs[0].Event <= last.Event {
						t.Errorf("act %s stands before the one before it", actor)
					}
					last = refs[1]
					mu.Lock()
					all = append(all, entered{refs[0], actor}, entered{refs[1], actor})
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	d.locked.Hook(nil)
	acts := d.acts(t)
	for _, e := range all {
		a := acts[e.ref]
		if a == nil || a.Actor != e.actor {
			t.Errorf("act %s is not where Commit said", e.actor)
			continue
		}
		if a.Body != nil {
			d.opens(t, e.ref, a, "body of "+e.actor)
		}
	}
	if want := 1 + writers + writers*callers*each*2; len(acts) != want || len(all) != want-1-writers {
		t.Errorf("%d acts entered, %d wanted", len(acts), want)
	}
	// The last publication may have lost its race: whoever comes next makes up for it.
	d.writer(t, d.cfg)
	d.verify(t)
}

// opens holds the body of an act to what it should be.
func (d *desk) opens(t *testing.T, ref ledger.ActRef, a *ledger.Act, want string) {
	t.Helper()
	b, err := lane.ReadBlock(t.Context(), d.locked, record.Control, ref.Block)
	must(t, err)
	r, err := unseal.New(unseal.Config{Identities: []age.Identity{d.id}, Origin: archive, Locked: d.locked, Unlocked: d.meta, Spare: d.spare,
		Boxes: func(context.Context, record.Lane, uint64) ([]ledger.Box, error) { return b.Entry.Boxes, nil }})
	must(t, err)
	o, err := r.RecordAt(t.Context(), b.Entry, int(a.Body.Leaf))
	must(t, err)
	if len(o.Bodies) != 1 || string(o.Bodies[0]) != want || o.Pieces[0].Commitment != a.Body.Commitment || o.Leaf.Hash() != b.Leaves[a.Body.Leaf] {
		t.Errorf("body of act %v is another", ref)
	}
}

// TestGroupCommit lets acts wait while a commit is under way: they then share
// blocks instead of queueing for one each.
func TestGroupCommit(t *testing.T) {
	d := newDesk(t)
	log := d.writer(t, d.cfg)
	const callers = 40
	reached, open := make(chan struct{}), make(chan struct{})
	var once sync.Once
	d.locked.Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if c.Op == mem.OpPut {
			once.Do(func() { close(reached); <-open })
		}
		return mem.None
	})
	size := log.Size()
	var wg sync.WaitGroup
	var ready sync.WaitGroup
	first := make(chan error, 1)
	go func() {
		_, err := log.Commit(t.Context(), look("first", nil))
		first <- err
	}()
	<-reached
	ready.Add(callers)
	for i := range callers {
		wg.Go(func() {
			ready.Done()
			if _, err := log.Commit(t.Context(), look(fmt.Sprint(i), nil)); err != nil {
				t.Error(err)
			}
		})
	}
	ready.Wait()
	close(open)
	must(t, <-first)
	wg.Wait()
	if blocks := log.Size() - size; blocks < 2 || blocks > callers/2 {
		t.Errorf("%d acts took %d blocks", callers+1, blocks)
	}
	d.verify(t)
}

// TestJudgedAgain lets a writer lose a race to an act that makes its own wrong:
// its Judge is asked again at the new head and refuses, and nothing is entered.
func TestJudgedAgain(t *testing.T) {
	d := newDesk(t)
	slow, quick := d.writer(t, d.cfg), d.writer(t, d.cfg)
	errTooMany := errors.New("somebody looked")
	asked := 0
	draft := look("slow", []byte("never seen"))
	draft.Judge = func(v *control.View) error {
		asked++
		if v.Looks > 0 {
			return errTooMany
		}
		if asked == 1 { // between the judgement and the commit
			if _, err := quick.Commit(t.Context(), look("quick", nil)); err != nil {
				t.Error(err)
			}
		}
		return nil
	}
	other := look("slow-too", nil) // in a request of its own: not refused with it
	if _, err := slow.Commit(t.Context(), draft, look("with-it", nil)); !errors.Is(err, errTooMany) {
		t.Fatalf("commit: %v", err)
	}
	_, err := slow.Commit(t.Context(), other)
	must(t, err)
	if asked != 2 {
		t.Errorf("judged %d times", asked)
	}
	for ref, a := range d.acts(t) {
		if a.Actor == "slow" || a.Actor == "with-it" {
			t.Errorf("a refused act stands at %v", ref)
		}
	}
	d.verify(t)
}

// TestRotation replaces the signing key, planned and after a compromise: what
// follows is signed by the new one, verification finds nothing, control opens with
// the new key and takes acts; the old key writes nothing more.
func TestRotation(t *testing.T) {
	for _, reason := range []ledger.RotateReason{ledger.Planned, ledger.Compromise} {
		t.Run(string(reason), func(t *testing.T) {
			d := newDesk(t)
			d.looks(t, 3)
			behind := d.writer(t, d.cfg)
			_, key, err := ed25519.GenerateKey(rand.Reader)
			must(t, err)
			n, err := control.Rotate(t.Context(), d.cfg, control.Rotation{Reason: reason, Old: d.key, New: key, MLDSA44: make([]byte, 1312), Actor: "test"})
			must(t, err)
			old := d.cfg
			d.cfg.Signer, err = ledger.NewSigner(archive, key)
			must(t, err)
			d.looks(t, 3)
			d.verify(t)
			view, _, err := control.Read(t.Context(), d.locked, d.meta)
			must(t, err)
			if !view.Current.Equal(key.Public()) || view.Looks != 6 {
				t.Errorf("current key %x, %d looks", view.Current, view.Looks)
			}
			b, err := lane.ReadBlock(t.Context(), d.locked, record.Control, n)
			must(t, err)
			if len(b.Events) != 1 {
				t.Errorf("%d events in the block of the rotation", len(b.Events))
			}
			size := len(d.acts(t))
			for _, log := range []*control.Log{behind, open(t, old)} { // one that was running, one that starts
				if _, err = log.Commit(t.Context(), look("thief", nil)); !errors.Is(err, control.ErrRotated) {
					t.Errorf("an act under the old key: %v", err)
				}
			}
			if len(d.acts(t)) != size {
				t.Error("the old key entered an act")
			}
			d.verify(t)
		})
	}
}
