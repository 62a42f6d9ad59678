package archiver_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm/mem"
	"github.com/waxseal/waxseal/ledger"
)

// write is one write of an archiver.
type write struct {
	store string
	op    mem.Op
	key   string
}

// writes lists what a drain of the rig writes, without doing it to the rig.
func (r *rig) writes(t *testing.T) (out []write) {
	t.Helper()
	c := r.clone()
	c.host(t).drain()
	for _, name := range []string{"locked", "meta", "spare"} {
		for _, w := range c.store(name).Writes() {
			if x := (write{name, w.Op, w.Key}); !slices.Contains(out, x) {
				out = append(out, x)
			}
		}
	}
	return out
}

// rigWithDuties is an archive of records with a duty and without one, and of
// media, so that a step writes each sort of object.
func rigWithDuties(t *testing.T, b *rigBroker, n int) (*rig, []*record.Record) {
	t.Helper()
	bodies := texts(n)
	bodies[1] = contactSync
	fed := b.feed(t, webhooks.Name, today, bodies...)
	r := newRig(t, b, newKeys(t, nil), webhooks, media)
	r.media = b.feed(t, media.Name, today.Add(time.Second), strings.Repeat("not text \xff", 20_000))
	r.snapshots = 1
	return r, fed
}

// contactSync names people never messaged: thirty days, no duty.
const contactSync = `{"object":"whatsapp_business_account","entry":[{"id":"155501000000010","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"15550100000","phone_number_id":"155501000000020"},"state_sync":[{"type":"contact","contact":{"full_name":"Ada Example","first_name":"Ada","phone_number":"15550100990"},"action":"add","metadata":{"timestamp":"1772355600"}}]},"field":"smb_app_state_sync"}]}]}`

// TestCrashTable lets each write of a lane's life go wrong in each way, with the
// archiver dying of it and with the archiver living on, and then lets a new one
// take the lane: everything is archived once, and verification finds nothing.
func TestCrashTable(t *testing.T) {
	b := tempBroker(t, webhooks.Name, media.Name)
	base, fed := rigWithDuties(t, b, 5)
	kinds := map[string]int{}
	for _, w := range base.writes(t) {
		kinds[w.store+" "+kindOf(w.key)]++
		for _, fault := range []mem.Fault{mem.Lost, mem.Stored, mem.Partial, mem.Late} {
			if fault == mem.Partial && outsideContract(w) {
				continue // TestTornBlock, TestTornTile
			}
			for _, dies := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/%s/%s/%s/dies=%v", w.store, w.op, strings.ReplaceAll(w.key, "/", "_"), faultNames[fault], dies), func(t *testing.T) {
					crash(t, base.clone(), w, fault, dies, fed)
				})
			}
		}
	}
	for _, kind := range []string{"locked block", "locked seg", "locked media", "locked box", "meta box", "spare box", "meta outbox", "meta snapshot", "meta tile", "meta checkpoint"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s among the writes of the table: %v", kind, kinds)
		}
	}
}

var faultNames = map[mem.Fault]string{mem.Lost: "lost", mem.Stored: "stored", mem.Partial: "partly", mem.Late: "late"}

// outsideContract says that a store which keeps half of this object and answers
// for it breaks its contract in a way that no order of writes can mend.
func outsideContract(w write) bool {
	return kindOf(w.key) == "block" || kindOf(w.key) == "tile" || w.op == mem.OpSwap
}

func crash(t *testing.T, r *rig, w write, fault mem.Fault, dies bool, fed []*record.Record) {
	first := r.host(t)
	var hit atomic.Bool
	r.store(w.store).Hook(func(_ context.Context, c mem.Call) mem.Fault {
		if c.Op != w.op || c.Key != w.key || !hit.CompareAndSwap(false, true) {
			return mem.None
		}
		if dies {
			first.kill()
		}
		return fault
	})
	err := first.archiver().Drain(t.Context())
	if !dies {
		ok(t, err)
	}
	if !hit.Load() {
		t.Fatal("the write did not come")
	}
	second := r.host(t)
	second.committed = func(b *ledger.Block) {
		if b.Entry.Takeover {
			r.locked.ReleaseAll()
			r.meta.ReleaseAll()
			r.spare.ReleaseAll()
		}
	}
	second.drain()
	if late := len(r.store(w.store).Pending()); late > 0 {
		t.Errorf("%d writes have not arrived", late)
	}
	r.check(t, fed)
}
