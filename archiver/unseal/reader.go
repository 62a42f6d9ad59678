package unseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/ledger"
)

// Boxes tells the key boxes of a block, in the order of its entry. A box that an
// erase act replaced is given as its replacement: key, SHA-256 and size of the
// new object, everything else as in the entry.
type Boxes func(ctx context.Context, lane record.Lane, block uint64) ([]ledger.Box, error)

// Config is what a Reader needs.
type Config struct {
	Identities      []age.Identity
	Origin          string      // of the archive; "" accepts any
	Locked          worm.Reader // segments and boxes under duty
	Unlocked, Spare worm.Reader // the two copies of the other boxes
	Boxes           Boxes
}

// Reader opens segments. Safe for concurrent use. It remembers rows; Forget
// makes it forget.
type Reader struct {
	cfg    Config
	origin ledger.Hash
	dict   *seal.Dictionary
	pool   sync.Pool // of *seal.Decompressor

	mu    sync.Mutex // guards the rest
	boxes map[boxName]*openBox
	order []boxName // oldest first
	held  int       // rows in boxes
}

// New makes a reader.
func New(cfg Config) (*Reader, error) {
	dict, err := seal.LoadDictionary()
	if err != nil {
		return nil, err
	}
	r := &Reader{cfg: cfg, dict: dict, boxes: map[boxName]*openBox{}}
	if cfg.Origin != "" {
		r.origin = seal.OriginHash(cfg.Origin)
	}
	return r, nil
}

// decompressor lends a decompressor; put it back into the pool.
func (r *Reader) decompressor() *seal.Decompressor {
	if d, ok := r.pool.Get().(*seal.Decompressor); ok {
		return d
	}
	return seal.NewDecompressor(r.dict)
}

// Segment is a segment whose header and directory have been read.
type Segment struct {
	Key       string
	Header    seal.Header
	Directory *Directory

	r      *Reader
	header ledger.Hash // SHA-256 of the header's bytes
	plain  io.ReaderAt
	fault  func() error // what the store answered last, nil where nothing was wrong
}

// Segment fetches segment i of an entry whole, holds it to the entry's SHA-256
// and opens it.
func (r *Reader) Segment(ctx context.Context, e *ledger.Entry, i int) (*Segment, error) {
	seg, err := segmentOf(e, i)
	if err != nil {
		return nil, err
	}
	body, _, err := r.cfg.Locked.Get(ctx, seg.Key)
	if err != nil {
		return nil, fmt.Errorf("read segment %s: %w", seg.Key, err)
	}
	if int64(len(body)) != seg.Bytes || ledger.Sum(body) != seg.SHA256 {
		return nil, fmt.Errorf("segment %s: not the bytes of the entry: %w", seg.Key, ErrDamaged)
	}
	plain, err := decrypt(body, r.cfg.Identities)
	if err != nil {
		return nil, fmt.Errorf("open segment %s: %w", seg.Key, err)
	}
	s := &Segment{Key: seg.Key, r: r, plain: bytes.NewReader(plain), fault: func() error { return nil }}
	return s, s.open(e, i, int64(len(plain)))
}

// Peek opens segment i of an entry by reading its header and directory alone;
// its cells are read when asked for. Only what is read is held to age's own
// authentication, and nothing to the entry's SHA-256: a leaf computed from it
// vouches for the record.
func (r *Reader) Peek(ctx context.Context, e *ledger.Entry, i int) (*Segment, error) {
	seg, err := segmentOf(e, i)
	if err != nil {
		return nil, err
	}
	src := &storeReader{ctx: ctx, store: r.cfg.Locked, key: seg.Key}
	plain, size, err := age.DecryptReaderAt(src, seg.Bytes, r.cfg.Identities...)
	if err != nil {
		if src.err != nil {
			return nil, fmt.Errorf("read segment %s: %w", seg.Key, src.err)
		}
		return nil, fmt.Errorf("open segment %s: %w", seg.Key, r.damaged(ctx, seg, classify(err)))
	}
	s := &Segment{Key: seg.Key, r: r, plain: plain, fault: src.fault}
	return s, s.open(e, i, size)
}

// damaged says whether a segment that no identity opens is the one of the entry at
// all: a changed age header looks like another recipient's.
func (r *Reader) damaged(ctx context.Context, seg *ledger.Segment, err error) error {
	if !errors.Is(err, ErrIdentity) {
		return err
	}
	body, _, getErr := r.cfg.Locked.Get(ctx, seg.Key)
	if getErr != nil {
		return getErr
	}
	if ledger.Sum(body) != seg.SHA256 {
		return fmt.Errorf("not the bytes of the entry: %w", ErrDamaged)
	}
	return err
}

func segmentOf(e *ledger.Entry, i int) (*ledger.Segment, error) {
	if i < 0 || i >= len(e.Segments) {
		return nil, fmt.Errorf("segment %d of block %d in lane %s: %w", i, e.N, e.Lane, ErrNoRecord)
	}
	return &e.Segments[i], nil
}

// decrypt opens an age file in memory.
func decrypt(body []byte, ids []age.Identity) ([]byte, error) {
	a, err := age.Decrypt(bytes.NewReader(body), ids...)
	if err != nil {
		return nil, classify(err)
	}
	buf := bytes.NewBuffer(make([]byte, 0, len(body)))
	if _, err := buf.ReadFrom(a); err != nil {
		return nil, classify(err)
	}
	return buf.Bytes(), nil
}

// open reads header, trailer and directory and holds them to the entry.
func (s *Segment) open(e *ledger.Entry, i int, size int64) error {
	err := s.parse(size)
	if err == nil {
		err = s.belongs(e, i)
	}
	if err != nil {
		return fmt.Errorf("segment %s: %w", s.Key, err)
	}
	return nil
}

func (s *Segment) parse(size int64) error {
	head, err := s.read(0, min(size, maxHeader))
	if err != nil {
		return err
	}
	h, n, err := DecodeHeader(head)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	s.Header, s.header = h, ledger.Sum(head[:n])
	if size < int64(n)+seal.TrailerSize {
		return fmt.Errorf("no room for a trailer: %w", ErrDamaged)
	}
	end, err := s.read(size-seal.TrailerSize, seal.TrailerSize)
	if err != nil {
		return err
	}
	t, err := decodeTrailer(end)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	room := uint64(size - seal.TrailerSize)
	if t.offset < uint64(n) || t.offset > room || t.length != room-t.offset {
		return fmt.Errorf("directory is not between cells and trailer: %w", ErrDamaged)
	}
	return s.directory(&t, int64(n))
}

func (s *Segment) directory(t *trailer, cells int64) error {
	b, err := s.read(int64(t.offset), int64(t.length))
	if err != nil {
		return err
	}
	if ledger.Sum(b) != t.sum {
		return fmt.Errorf("directory differs from its SHA-256: %w", ErrDamaged)
	}
	if s.Header.Dictionary != s.r.dict.Hash {
		return fmt.Errorf("dictionary %s: %w", s.Header.Dictionary, seal.ErrDictionary)
	}
	d := s.r.decompressor()
	defer s.r.pool.Put(d)
	if b, err = d.Decompress(t.method, b, t.plain); err != nil {
		return fmt.Errorf("directory: %w: %w", ErrDamaged, err)
	}
	if s.Directory, err = DecodeDirectory(b, cells, int64(t.offset)); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// belongs holds the header to the entry that names the segment.
func (s *Segment) belongs(e *ledger.Entry, i int) error {
	h := &s.Header
	if h.Lane != string(e.Lane) || h.Block != e.N || int(h.Segment) != i || h.Retention.Class != e.Segments[i].Class {
		return fmt.Errorf("is segment %d of block %d in lane %s: %w", h.Segment, h.Block, h.Lane, ErrDamaged)
	}
	if s.r.cfg.Origin != "" && h.Origin != s.r.origin {
		return fmt.Errorf("belongs to another archive: %w", ErrDamaged)
	}
	for i := range s.Directory.Shared {
		for _, row := range s.Directory.Shared[i].Rows {
			if row.Segment >= len(e.Segments) {
				return fmt.Errorf("names segment %d of %d: %w", row.Segment, len(e.Segments), ErrDamaged)
			}
		}
	}
	return nil
}

// read gives n bytes of the plaintext at off.
func (s *Segment) read(off, n int64) ([]byte, error) {
	b := make([]byte, n)
	if k, err := s.plain.ReadAt(b, off); err != nil && !(errors.Is(err, io.EOF) && int64(k) == n) {
		if fault := s.fault(); fault != nil {
			return nil, fmt.Errorf("read: %w", fault)
		}
		return nil, fmt.Errorf("at %d: %w", off, classify(err))
	}
	return b, nil
}

// Cell opens cell n. ErrErased: its row was erased, as its box says.
func (s *Segment) Cell(ctx context.Context, n int) (*Cell, error) {
	if n < 0 || n >= len(s.Directory.Cells) {
		return nil, fmt.Errorf("segment %s cell %d: %w", s.Key, n, ErrNoRecord)
	}
	info := &s.Directory.Cells[n]
	row, err := s.r.row(ctx, record.Lane(s.Header.Lane), info.Row)
	if err != nil {
		return nil, fmt.Errorf("segment %s cell %d: %w", s.Key, n, err)
	}
	if row.Retention != s.Header.Retention {
		return nil, fmt.Errorf("segment %s cell %d: its row belongs to another class: %w", s.Key, n, ErrDamaged)
	}
	parts, err := s.openCell(n, info, row)
	if err != nil {
		return nil, fmt.Errorf("segment %s cell %d: %w", s.Key, n, err)
	}
	return &Cell{Row: row.Row, Parts: parts, keys: row}, nil
}

func (s *Segment) openCell(n int, info *CellInfo, row *rowKeys) ([]Part, error) {
	b, err := s.read(info.Offset, info.Length)
	if err != nil {
		return nil, err
	}
	m := seal.Method(b[0])
	packed, err := row.open(b, seal.CellAAD(nil, &s.header, uint32(n), info.Row, m))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	d := s.r.decompressor()
	defer s.r.pool.Put(d)
	plain, err := d.Decompress(m, packed, info.Plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	parts, err := DecodeCell(plain, s.Directory, info.Leaves)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return parts, nil
}

// storeReader reads an object of a store as age wants it and remembers what the
// store answered, so that an outage is not taken for damage.
type storeReader struct {
	ctx   context.Context
	store worm.Reader
	key   string

	mu  sync.Mutex
	err error
}

func (s *storeReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.store.ReadAt(s.ctx, s.key, p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		s.mu.Lock()
		s.err = err
		s.mu.Unlock()
	}
	return n, err
}

func (s *storeReader) fault() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}
