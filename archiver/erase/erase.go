package erase

import (
	"context"
	"errors"
	"time"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Ledger is what an erasure must know of the lanes that hold records.
type Ledger interface {
	// Lanes lists them.
	Lanes(ctx context.Context) ([]record.Lane, error)
	// Head is the number of the lane's last committed block.
	Head(ctx context.Context, lane record.Lane) (uint64, error)
	// Entry reads the entry of a committed block.
	Entry(ctx context.Context, lane record.Lane, block uint64) (*ledger.Entry, error)
	// Boxes answers as unseal.Boxes: current boxes, by the committed erase acts.
	Boxes(ctx context.Context, lane record.Lane, block uint64) ([]ledger.Box, error)
}

// Acts commits what was decided in control. Each call is durable when it
// returns nil; after an error it may be committed all the same, and Pending
// tells. Ledger.Boxes sees a committed act at once.
type Acts interface {
	// Commit commits an erase act. A lost race is judged again and retried within.
	Commit(ctx context.Context, act ledger.Erase) (ledger.ActRef, error)
	// Receipt commits the receipt of an act.
	Receipt(ctx context.Context, receipt ledger.EraseReceipt) error
	// Pending lists the committed acts without a receipt, oldest first.
	Pending(ctx context.Context) ([]Pending, error)
}

// Pending is an act that waits for its receipt.
type Pending struct {
	Ref   ledger.ActRef
	Erase ledger.Erase
}

// Config is what an Eraser needs, with the credentials of a keeper.
type Config struct {
	Reader          *unseal.Reader  // with identities of segments and boxes
	Identities      []age.Identity  // of boxes
	Recipients      []age.Recipient // of the new boxes
	Locked          worm.Keeper     // boxes whose duty has ended lie here
	Unlocked, Spare worm.Keeper
	Ledger          Ledger
	Acts            Acts
	Now             func() time.Time // nil: time.Now
}

// Eraser plans and carries out erasures. Not safe for concurrent use.
type Eraser struct{ cfg Config }

// New makes an eraser.
func New(cfg Config) (*Eraser, error) {
	if cfg.Reader == nil || cfg.Locked == nil || cfg.Unlocked == nil || cfg.Spare == nil || cfg.Ledger == nil || cfg.Acts == nil {
		return nil, errors.New("erase: reader, stores, ledger and acts must be given")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Eraser{cfg}, nil
}

// Request says who is to be erased.
type Request struct {
	Tags [][16]byte // of every alias of the person, on every number meant, and of media that only the person's items name (retrieve.PersonMedia)
	// Partial leaves rows under duty and lists their boxes, where otherwise the
	// whole request is ErrUnderDuty.
	Partial bool
}

// Plan is what an erasure will do. Nothing is changed by making one.
type Plan struct {
	Boxes  []Rewrite
	Waste  []Waste  // boxes of uncommitted steps that hold rows of the person
	Duty   []string // keys of boxes under duty whose rows are left; Partial only
	Locked []string // boxes of uncommitted steps with rows of the person that are locked: they stay until their lock ends
}

// Empty says that there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Boxes) == 0 && len(p.Waste) == 0 }

// Rewrite is a box that loses rows.
type Rewrite struct {
	Lane  record.Lane
	Block uint64
	First uint32     // index of its first row in the block
	Box   ledger.Box // as it is now
	Rows  []int      // to be removed, ascending
}

// Waste is an object that no committed block names.
type Waste struct {
	Spare bool // in the second copy; else in the first
	Key   string
}
