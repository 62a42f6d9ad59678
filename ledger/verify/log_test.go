package verify

import (
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// long is an archive whose lane 0 has that many empty blocks, published after
// those sizes.
func long(t testing.TB, size uint64, publish ...uint64) *archive {
	a := newArchive(t)
	for a.size("0") < size {
		a.takeover("0")
		for _, p := range publish {
			if a.size("0") == p {
				a.publish("0")
			}
		}
	}
	return a
}

// Full and partial tiles of two levels: each published object that must be
// there is missed, each that is there is read.
func TestTiles(t *testing.T) {
	const live = 290
	a := long(t, 300, 100, 256, 270, live)
	r := a.verify(nil)
	r.expect(t)
	// At 100 two partial ones; at 256 two full ones and one of level 1; at 270
	// and 290 two partial ones each.
	if r.Tiles != 2+3+2+2 {
		t.Errorf("%d tiles read", r.Tiles)
	}
	// Partial tiles of the first tile may go once it is full; all else must stay.
	for key := range a.keys(meta, "log/0/") {
		path := key[len("log/0/"):]
		if path == "checkpoint" {
			continue
		}
		tile, err := ledger.ParseTilePath(path)
		if err != nil {
			t.Fatal(err)
		}
		c := a.clone()
		body, _, err := c.meta.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		c.meta.Tamper(key, flipped(body, len(body)/2))
		c.verify(nil).expect(t, Finding{Class: Failure, Code: CodeTile, Object: key})
		c.meta.Remove(key)
		superseded := tile.Width < ledger.TileWidth && (tile.N+1)*ledger.TileWidth <= live && tile.Level <= 0
		if superseded {
			c.verify(nil).expect(t)
		} else {
			c.verify(nil).expect(t, Finding{Class: Failure, Code: CodeTile, Object: key})
		}
	}
}

func TestLiveCheckpoint(t *testing.T) {
	key := ledger.CheckpointKey("0")
	a := long(t, 10, 3, 7)
	a.verify(nil).expect(t)

	b := a.clone()
	b.meta.Remove(key)
	b.verify(nil).expect(t, Finding{Class: Failure, Code: CodePublished, Object: key})

	lower, _, err := a.locked.Get(t.Context(), ledger.BlockKey("0", 2))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ledger.DecodeBlock(lower)
	if err != nil {
		t.Fatal(err)
	}
	b = a.clone()
	b.meta.Tamper(key, block.Checkpoint)
	b.verify(nil).expect(t, Finding{Class: Failure, Code: CodePublished, Object: key})

	// The blocks that it covers are gone, and nothing else tells.
	b = a.clone()
	b.locked.Remove(ledger.BlockKey("0", 9))
	b.verify(nil).expect(t) // above all that is signed elsewhere: not to be seen
	for n := range uint64(9) {
		b.locked.Remove(ledger.BlockKey("0", 8-n))
		if r := b.verify(nil); 8-n < 7 && !r.has(Failure, CodeTruncated, ledger.BlockKey("0", 8-n)) {
			r.dump(t)
			t.Errorf("cut to %d unsaid", 8-n)
		}
	}

	// One of another lane, and one that nobody signed.
	b = a.clone()
	b.meta.Tamper(key, a.heads[record.Control])
	b.verify(nil).expect(t, Finding{Class: Failure, Code: CodeSignature, Object: key})
	forged, err := signer(t, 9).Checkpoint("0", 500, ledger.Sum(nil))
	if err != nil {
		t.Fatal(err)
	}
	b.meta.Tamper(key, forged)
	b.verify(nil).expect(t, Finding{Class: Failure, Code: CodeSignature, Object: key}, Finding{Class: Failure, Code: CodeTile})
}

// A tile of more than the lane has.
func TestTileBeyondTheLane(t *testing.T) {
	a := long(t, 10, 7)
	key := ledger.TileKey("0", ledger.Tile{Level: 0, N: 0, Width: 11})
	a.meta.AddVersion(key, make([]byte, 32*11), worm.Lock{})
	a.verify(nil).expect(t, Finding{Class: Failure, Code: CodeTile, Object: key})
}

// Published sizes that only later entries state, behind a full tile.
func TestPublishedLate(t *testing.T) {
	a := long(t, 250, 250)
	a.published["0"] = 0
	a.takeover("0")
	a.publish("0")
	a.published["0"] = 0
	for a.size("0") < 260 {
		a.takeover("0")
	}
	a.published["0"] = 250
	a.takeover("0")
	a.verify(nil).expect(t)
	for _, level := range []int{ledger.Entries, 0} {
		for _, width := range []int{250, 251} {
			c := a.clone()
			key := ledger.TileKey("0", ledger.Tile{Level: level, Width: width})
			c.meta.Remove(key)
			c.verify(nil).expect(t, Finding{Class: Failure, Code: CodeTile, Object: key})
		}
	}
}

// What a takeover on a clean machine needs must be there, and no more.
func TestSnapshotsAndOutboxes(t *testing.T) {
	a := newArchive(t)
	for n := range uint64(10) {
		a.step("0", func(e *ledger.Entry) {
			if n == 3 || n == 6 || n == 8 {
				e.Snapshot = a.snapshot("0", n-1)
			}
		})
	}
	a.verify(nil).expect(t)
	for n := range uint64(10) {
		c := a.clone()
		key := ledger.DataKey("0", n, "outbox")
		c.meta.Remove(key)
		if n <= 5 { // the older of the last two snapshots is of block 5
			c.verify(nil).expect(t)
		} else {
			c.verify(nil).expect(t, Finding{Class: Failure, Code: CodeMissing, Object: key})
		}
	}
	for n, needed := range map[uint64]bool{3: false, 6: true, 8: true} {
		c := a.clone()
		key := ledger.DataKey("0", n, "snapshot")
		c.meta.Remove(key)
		if !needed {
			c.verify(nil).expect(t)
			continue
		}
		c.verify(nil).expect(t, Finding{Class: Failure, Code: CodeMissing, Object: key})
	}
	// A snapshot that waits for its entry is neither waste nor wrong.
	a.snapshot("0", 9)
	r := a.verify(nil)
	r.expect(t, Finding{Class: InFlight, Code: CodeUnnamed})
}
