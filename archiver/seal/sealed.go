package seal

import (
	"time"

	"github.com/waxseal/waxseal/ledger"
)

// Object is a sealed object, ready to be stored create-only under its key.
type Object struct {
	Key       string
	Body      []byte
	SHA256    ledger.Hash
	Retention Retention
}

// BoxObject is a key box, ready to be stored.
type BoxObject struct {
	Object
	Rows     uint32
	RowsRoot ledger.Hash
	Locked   bool // under duty: into the locked store, until Retention.Duty. Else into both copies of the unlocked one
}

// Sealed is what a block's records became. Segments, media and boxes stand in
// the order of the entry: their places and row ids count on it.
type Sealed struct {
	Segments []Object
	Media    []Object
	Boxes    []BoxObject
	RowsFrom uint64 // oldest block whose rows the writer may still use, for the entry
	Raw      int64  // committed bytes sealed, before compression
}

// Entry is the segment, or media object, as the ledger entry names it.
func (o *Object) Entry() ledger.Segment {
	return ledger.Segment{
		Object: ledger.Object{Key: o.Key, SHA256: o.SHA256, Bytes: int64(len(o.Body))},
		Class:  o.Retention.Class, DutyUntil: stamp(o.Retention.Duty), RetainUntil: stamp(o.Retention.Retain),
	}
}

// Entry is the box as the ledger entry names it. A locked box is locked until
// its duty ends and not longer: between duty and retention a person can be erased.
func (b *BoxObject) Entry() ledger.Box {
	e := ledger.Box{
		Object: ledger.Object{Key: b.Key, SHA256: b.SHA256, Bytes: int64(len(b.Body))},
		Class:  b.Retention.Class, Rows: b.Rows, RowsRoot: b.RowsRoot, DutyUntil: stamp(b.Retention.Duty),
	}
	if b.Locked {
		e.RetainUntil = e.DutyUntil
	}
	return e
}

// stamp gives Unix seconds as the ledger writes them; 0 is "".
func stamp(unix int64) string {
	if unix == 0 {
		return ""
	}
	return time.Unix(unix, 0).UTC().Format(time.RFC3339)
}
