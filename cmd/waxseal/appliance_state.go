package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
	"github.com/waxseal/waxseal/ledger"
)

// fullDisk is so little space, in bytes, that the next blocks may not fit.
const fullDisk = 64 << 20

// Status says how the archive stands, from the stores, the index and, where one
// runs, the process that archives.
func (a *appliance) Status(ctx context.Context) (resp StatusResponse, err error) {
	r, err := a.openStores(ctx)
	if err != nil {
		return resp, err
	}
	if err := r.fold(ctx); err != nil {
		return resp, err
	}
	resp = StatusResponse{Identification: identification(r.view), Store: a.set.place(storeLocked).text, Lanes: []LaneStatus{}, Alarms: []string{}}
	if free, ok := freeSpace(a.set.Data); ok && free < fullDisk {
		resp.Alarms = append(resp.Alarms, terminal.Size(int64(free))+" free on the disk of the data folder: archiving waits, and loses nothing, until you make room")
	}
	l, err := dial(ctx, a.set)
	if err != nil {
		return resp, err
	}
	lags := map[string]laneLag{}
	resp.Broker = cmp.Or(a.set.Broker, "embedded")
	if l != nil {
		resp.Running, resp.Broker = true, l.Broker
		now, err := l.standing(ctx)
		if err != nil {
			return resp, err
		}
		if resp.Ready = now.Waiting == ""; !resp.Ready {
			resp.Alarms = append(resp.Alarms, "nothing is archived: "+now.Waiting)
		}
		for _, x := range now.Lanes {
			lags[x.Lane] = x
			resp.Ready = resp.Ready && x.Writable
		}
	}
	if a.set.Unindexed {
		resp.Alarms = append(resp.Alarms, "the index is off: what is archived meanwhile is counted and found once 'waxseal reindex' has run")
	}
	ix, err := openIndexToRead(ctx, a.set)
	if err != nil {
		if !a.set.Unindexed {
			resp.Alarms = append(resp.Alarms, "the index cannot be read: "+a.set.mendIndex())
		}
	} else {
		defer func() { err = errors.Join(err, ix.Close()) }()
	}
	if resp.Control, err = a.laneStatus(ctx, r, ix, record.Control); err != nil {
		return resp, err
	}
	for p := int32(0); ; p++ {
		s, err := a.laneStatus(ctx, r, ix, record.PartitionLane(p))
		if err != nil {
			return resp, err
		}
		if s.Size == 0 {
			break
		}
		s.Lag = -1
		if x, ok := lags[s.Lane]; ok {
			s.Lag, s.Source, s.Writable = x.Lag, x.Source, x.Writable
			if x.Error != "" {
				resp.Alarms = append(resp.Alarms, "lane "+s.Lane+": "+x.Error)
			}
		}
		resp.Lanes = append(resp.Lanes, s)
	}
	return resp, a.indexStatus(ctx, ix, &resp)
}

func (a *appliance) indexStatus(ctx context.Context, ix index.Index, resp *StatusResponse) error {
	if ix == nil {
		return nil
	}
	rows, records, err := ix.Count(ctx, index.Query{})
	if err != nil {
		return fmt.Errorf("count index: %w", err)
	}
	found, _, err := ix.Count(ctx, index.Query{Findings: []string{"*"}})
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	resp.Indexed, resp.Records, resp.Findings = uint64(rows), uint64(records), uint64(found)
	return nil
}

// laneStatus reads a lane's head; Size 0 is a lane that is not there.
func (a *appliance) laneStatus(ctx context.Context, r *reading, ix index.Index, l record.Lane) (LaneStatus, error) {
	s := LaneStatus{Lane: string(l), Writable: true}
	b, err := lane.Last(ctx, r.locked, l, r.hint(ctx, l))
	if err != nil || b == nil {
		return s, err
	}
	s.Blocks, s.Size, s.Time = b.Entry.N+1, b.Entry.N+1, b.Entry.Time
	tree, err := b.Tree()
	if err != nil {
		return s, fmt.Errorf("head of lane %s: %w", l, err)
	}
	s.Root = tree.Root().String()
	for _, x := range b.Entry.Source {
		s.Source = append(s.Source, Position{Topic: x.Topic, Era: uint32(x.Era), Partition: x.Partition, Next: x.Next, End: -1})
	}
	if ix == nil || l == record.Control {
		return s, nil
	}
	if s.Indexed, err = ix.Position(ctx, l); err != nil {
		return s, fmt.Errorf("index position of lane %s: %w", l, err)
	}
	_, records, err := ix.Count(ctx, index.Query{Lanes: []record.Lane{l}})
	s.Records = uint64(records)
	return s, err
}

// hint is the size that a lane's live checkpoint states, 0 where it says nothing.
func (r *reading) hint(ctx context.Context, l record.Lane) uint64 {
	keys, err := r.view.Verifier()
	if err != nil {
		return 0
	}
	signed, _, err := r.meta.Get(ctx, ledger.CheckpointKey(l))
	if err != nil {
		return 0
	}
	cp, err := keys.Open(l, signed)
	if err != nil {
		return 0
	}
	return cp.Size
}

// Doctor looks at each part and says what to do about what is wrong.
func (a *appliance) Doctor(ctx context.Context) (DoctorResponse, error) {
	d := &doctor{a: a, resp: DoctorResponse{OK: true, Checks: []Check{}}}
	d.folder()
	d.keys()
	d.policy(ctx)
	d.stores(ctx)
	d.broker(ctx)
	d.index(ctx)
	return d.resp, nil
}

type doctor struct {
	a    *appliance
	name string // of the archive, "" before genesis
	resp DoctorResponse
}

func (d *doctor) says(name string, ok bool, says, do string) {
	if ok {
		do = ""
	}
	d.resp.OK = d.resp.OK && ok
	d.resp.Checks = append(d.resp.Checks, Check{Name: name, OK: ok, Says: says, Do: do})
}

func (d *doctor) folder() {
	info, err := os.Stat(d.a.set.Data)
	if err != nil {
		d.says("data", false, "no data folder at "+d.a.set.Data, "'waxseal run' or 'waxseal archive' makes one; --data names another")
		return
	}
	open := info.Mode().Perm()&0o077 != 0
	d.says("data", !open, fmt.Sprintf("%s, mode %s", d.a.set.Data, strconv.FormatUint(uint64(info.Mode().Perm()), 8)), "others on this host can look into it: chmod 700")
	if free, ok := freeSpace(d.a.set.Data); ok {
		d.says("space", free > 1<<30, terminal.Size(int64(free))+" free", "archiving stops, and loses nothing, when the disk is full: make room")
	}
}

func (d *doctor) keys() {
	ring, err := keyring.Open(d.a.set.Keys())
	if err != nil {
		d.says("keys", false, err.Error(), "'waxseal keys new' makes keys for a new archive; for an old one restore the folder")
		return
	}
	if _, err := ring.Ingest(); err != nil {
		d.says("keys", false, err.Error(), "restore the key folder from your copy")
		return
	}
	d.says("keys", true, "recipients and working keys load", "")
	exposed, err := ring.Exposed()
	if err != nil {
		d.says("key files", false, err.Error(), "look at the key folder's permissions")
		return
	}
	d.says("key files", len(exposed) == 0, fmt.Sprintf("%d can be read by others on this host", len(exposed)), "chmod 700 the key folder and 600 the files in it")
	held, err := ring.Holdings()
	if err != nil {
		d.says("identities", false, err.Error(), "restore the key folder from your copy")
		return
	}
	bare := 0
	for _, h := range held {
		if h.Here && !h.Protected {
			bare++
		}
	}
	says := "none lies here without a passphrase"
	if bare > 0 {
		says = fmt.Sprintf("%d lie here without a passphrase: whoever has this host can read the archive", bare)
	}
	d.says("identities", true, says, "")
}

func (d *doctor) policy(ctx context.Context) {
	e, err := loadPolicy(ctx, d.a.set)
	if err != nil {
		d.says("policy", false, err.Error(), "mend the bundle or the rules in the configuration")
		return
	}
	d.says("policy", true, "revision "+e.Revision(), "")
}

func (d *doctor) stores(ctx context.Context) {
	r, err := d.a.openStores(ctx)
	if err != nil {
		d.says("stores", false, err.Error(), "'waxseal run' or 'waxseal archive' makes the stores of a new archive")
		return
	}
	if err := r.fold(ctx); err != nil {
		d.says("ledger", false, err.Error(), "'waxseal verify' says what is wrong")
		return
	}
	d.name = r.view.Genesis.Archive
	d.says("ledger", true, "archive "+r.view.Genesis.Archive+", fingerprint "+r.view.Fingerprint.String(), "")
	d.says("erasures", len(r.view.Pending) == 0, fmt.Sprintf("%d erasures without a receipt", len(r.view.Pending)), "an erasure was interrupted: run it again")
}

func (d *doctor) index(ctx context.Context) {
	ix, err := openIndexToRead(ctx, d.a.set)
	if err != nil && d.a.set.Unindexed {
		d.says("index", true, "off, and there is none", "")
		return
	}
	if err != nil {
		d.says("index", false, err.Error(), d.a.set.mendIndex())
		return
	}
	defer ix.Close()
	rows, records, err := ix.Count(ctx, index.Query{})
	if err != nil {
		d.says("index", false, err.Error(), d.a.set.mendIndex())
		return
	}
	d.says("index", true, fmt.Sprintf("%d items of %d records", rows, records), "")
}
