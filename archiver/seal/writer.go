package seal

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// What Add and Finish refuse.
var (
	ErrCut   = errors.New("not a cut of the record") // pieces do not cover the value, or stand out of order
	ErrLarge = errors.New("larger than a cell can be")
	ErrState = errors.New("out of order") // Add or Finish without Begin or after an error; a block number again
)

// Bounds taken where Config says nothing.
const (
	DefaultMaxRows      = 200_000
	DefaultRowAge       = 24 * time.Hour
	DefaultSegmentBytes = 32 << 20
	DefaultCellBytes    = 256 << 10
)

// maxRecord bounds the bytes of one record, so that a cell stays below MaxPlain.
const maxRecord = MaxPlain / 2

// Config is what a Writer needs. Zero fields take the defaults named.
type Config struct {
	Origin        string // of the archive, the same for all its lanes
	Lane          record.Lane
	Recipients    []age.Recipient           // of segments
	BoxRecipients []age.Recipient           // of key boxes; nil: Recipients. Better others
	Rand          io.Reader                 // crypto/rand
	MaxRows       int                       // rows kept in memory for reuse, about; DefaultMaxRows
	RowAge        time.Duration             // how long a row may be used; DefaultRowAge
	Now           func() time.Time          // for RowAge; time.Now
	KeyPrefix     func(block uint64) string // what stands before seg-0 and box-0; "lanes/<lane>/data/<block, 12 digits>/"
	SegmentBytes  int                       // committed bytes after which a segment is closed; DefaultSegmentBytes
	CellBytes     int                       // committed bytes after which a cell is closed; DefaultCellBytes
}

// Writer seals the blocks of one lane, one after the other. Not safe for
// concurrent use. It holds, in memory alone, the rows it may use again.
//
// A block is Begin, any number of Add, Finish. Abort forgets the block begun
// last, also after Finish: rows first made in it are not used again.
type Writer struct {
	cfg    Config
	origin ledger.Hash
	dict   *Dictionary
	comp   *compressor
	rand   *bufio.Reader
	rows   *rows

	// Of the open block; memory is used again by the next.
	block        uint64
	open         bool
	began        bool // a block was begun and not aborted
	recs         []rec
	pieces       []piece
	rulings      []Ruling
	parts        []part
	cells        []cell
	shared       []shared
	sharedPieces []sharedPiece
	sharedRows   []sharedRow
	segments     []*segment
	media        []*media
	boxes        []*box
	newRows      int
	raw          int64
	adds         uint64 // Adds ever
	serial       uint64 // segments ever

	// Of the Add in hand.
	slots       []slot
	refs        []ledger.PieceRef
	commitments []ledger.Hash
	places      []Place
	scratch     []byte
	last        *class // of the piece before
	plain       []byte // of the segment in hand
	part        []byte // plaintext of the cell in hand
}

// NewWriter checks recipients and dictionary, so that what cannot be sealed to
// shows at the start.
func NewWriter(cfg Config) (*Writer, error) {
	if cfg.Origin == "" || cfg.Lane == "" || len(cfg.Lane) > 255 {
		return nil, errors.New("seal: origin and lane must be given")
	}
	if cfg.BoxRecipients == nil {
		cfg.BoxRecipients = cfg.Recipients
	}
	if err := CheckRecipients(cfg.Recipients); err != nil {
		return nil, fmt.Errorf("segment recipients: %w", err)
	}
	if err := CheckRecipients(cfg.BoxRecipients); err != nil {
		return nil, fmt.Errorf("box recipients: %w", err)
	}
	cfg.defaults()
	dict, err := LoadDictionary()
	if err != nil {
		return nil, err
	}
	comp, err := newCompressor(dict)
	if err != nil {
		return nil, err
	}
	return &Writer{
		cfg: cfg, origin: OriginHash(cfg.Origin), dict: dict, comp: comp,
		rand: bufio.NewReaderSize(cfg.Rand, 512), rows: newRows(cfg.MaxRows, cfg.RowAge),
	}, nil
}

func (c *Config) defaults() {
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.MaxRows <= 0 {
		c.MaxRows = DefaultMaxRows
	}
	if c.RowAge <= 0 {
		c.RowAge = DefaultRowAge
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.KeyPrefix == nil {
		lane := c.Lane
		c.KeyPrefix = func(block uint64) string { return fmt.Sprintf("lanes/%s/data/%012d/", lane, block) }
	}
	if c.SegmentBytes <= 0 {
		c.SegmentBytes = DefaultSegmentBytes
	}
	if c.CellBytes <= 0 {
		c.CellBytes = DefaultCellBytes
	}
}

// OriginHash is how headers name the archive.
func OriginHash(origin string) ledger.Hash { return sha256.Sum256([]byte(origin)) }

// Begin opens a block, with a number above that of the block before unless that
// was aborted; an open one is aborted first. Rows beyond the bounds of time and
// count are let go.
func (w *Writer) Begin(block uint64) error {
	if w.open {
		w.Abort()
	}
	if block >= MaxBlock || w.began && block <= w.block {
		return fmt.Errorf("begin block %d behind %d: %w", block, w.block, ErrState)
	}
	w.reset()
	w.block, w.open, w.began = block, true, true
	w.rows.begin(block, w.cfg.Now())
	return nil
}

// Retire lets go of all rows first made in blocks below, so that they can be
// erased once a block is committed. Call it between blocks.
func (w *Writer) Retire(below uint64) {
	if w.open {
		below = min(below, w.block)
	}
	w.rows.retire(below)
}

// Abort forgets the block begun last. Rows first made in it are not used again,
// because what it stored may never be committed. It may be called at any time.
func (w *Writer) Abort() {
	if w.began {
		w.rows.abort(w.block)
	}
	w.open, w.began = false, false
	w.reset()
}

func (w *Writer) reset() {
	clear(w.recs)
	clear(w.pieces)
	clear(w.rulings)
	clear(w.cells)
	clear(w.slots)
	clear(w.segments)
	clear(w.media)
	clear(w.boxes)
	clear(w.sharedRows)
	w.recs, w.pieces, w.rulings, w.parts = w.recs[:0], w.pieces[:0], w.rulings[:0], w.parts[:0]
	w.cells, w.shared, w.slots = w.cells[:0], w.shared[:0], w.slots[:0]
	w.sharedPieces, w.sharedRows = w.sharedPieces[:0], w.sharedRows[:0]
	w.segments, w.media, w.boxes = w.segments[:0], w.media[:0], w.boxes[:0]
	w.newRows, w.raw, w.last = 0, 0, nil
}
