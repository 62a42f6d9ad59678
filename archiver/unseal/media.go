package unseal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"filippo.io/age"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/seal"
	"github.com/waxseal/waxseal/ledger"
)

// MediaRef is what stands in a cell in place of a media's bytes. The commitment
// is what the record's leaf vouches for; SHA256 is held to the bytes when they
// are read.
type MediaRef struct {
	Object     int // index in the entry's list of media
	Length     int64
	SHA256     ledger.Hash
	Commitment ledger.Hash
}

// heldMedia is up to which length a media is kept in memory between the check
// and the giving out. A longer one is read twice.
const heldMedia = 8 << 20

// Media gives the piece whose bytes are a media object, nil where the record has
// none. Record.Value is empty then: see Reader.Media.
func (o *Opened) Media() *Piece {
	for i := range o.Pieces {
		if p := &o.Pieces[i]; p.Media != nil {
			return p
		}
	}
	return nil
}

// Media opens the bytes of a record that is a media object; e is the entry of its
// block. They are read to the end and held to the piece's commitment and length
// first, and only then given out; a longer media is read a second time for that,
// under the same checks, and what differs then ends the stream with ErrDamaged in
// place of io.EOF. ErrErased: its row is gone. ErrNoRecord: it has no media. An
// error names the object. The reader is for one goroutine.
func (r *Reader) Media(ctx context.Context, e *ledger.Entry, o *Opened) (io.ReadCloser, error) {
	m, err := r.media(ctx, e, o)
	if err != nil {
		return nil, err
	}
	if m.ref.Length <= heldMedia {
		b, err := m.bytes()
		if err != nil {
			return nil, err
		}
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	if err := m.check(io.Discard); err != nil {
		return nil, err
	}
	s, err := m.stream()
	if err != nil {
		return nil, err
	}
	return io.NopCloser(s), nil
}

// MediaBytes gives the bytes of a record that is a media object, held to its
// commitment, in memory. Errors as of Media.
func (r *Reader) MediaBytes(ctx context.Context, e *ledger.Entry, o *Opened) ([]byte, error) {
	m, err := r.media(ctx, e, o)
	if err != nil {
		return nil, err
	}
	return m.bytes()
}

// CheckMedia reads the bytes of a record that is a media object and holds them to
// its commitment. Errors as of Media.
func (r *Reader) CheckMedia(ctx context.Context, e *ledger.Entry, o *Opened) error {
	m, err := r.media(ctx, e, o)
	if err != nil {
		return err
	}
	return m.check(io.Discard)
}

// mediaObject is a media object about to be read.
type mediaObject struct {
	r     *Reader
	ctx   context.Context
	entry *ledger.Entry
	obj   *ledger.Segment
	piece *Piece
	ref   *MediaRef
	row   *rowKeys
	name  record.Coordinates
}

func (r *Reader) media(ctx context.Context, e *ledger.Entry, o *Opened) (*mediaObject, error) {
	p := o.Media()
	if p == nil {
		return nil, fmt.Errorf("record %s is no media object: %w", o.Record.Coordinates, ErrNoRecord)
	}
	if p.Media.Object >= len(e.Media) {
		return nil, fmt.Errorf("record %s: media %d of %d: %w", o.Record.Coordinates, p.Media.Object, len(e.Media), ErrDamaged)
	}
	obj := &e.Media[p.Media.Object]
	row, err := r.row(ctx, e.Lane, p.Row)
	if err != nil {
		return nil, fmt.Errorf("media %s: %w", obj.Key, err)
	}
	return &mediaObject{r, ctx, e, obj, p, p.Media, row, o.Record.Coordinates}, nil
}

// check reads all of it into w.
func (m *mediaObject) check(w io.Writer) error {
	s, err := m.stream()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, s)
	return err
}

// bytes gives all of it. The buffer grows with what is read, so that an object
// that lies about its length takes no more than it has.
func (m *mediaObject) bytes() ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(int(min(m.ref.Length, m.obj.Bytes)) + bytes.MinRead)
	if err := m.check(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// stream begins at the media's first byte.
func (m *mediaObject) stream() (*mediaStream, error) {
	src := &storeReader{ctx: m.ctx, store: m.r.cfg.Locked, key: m.obj.Key}
	s := &mediaStream{m: m, src: src, left: m.ref.Length, bare: sha256.New(), salted: sha256.New()}
	s.salted.Write(m.piece.Salt[:])
	plain, err := age.Decrypt(bufio.NewReaderSize(io.NewSectionReader(src, 0, m.obj.Bytes), 1<<20), m.r.cfg.Identities...)
	if err != nil {
		err = classify(err)
		if errors.Is(err, ErrIdentity) && src.fault() == nil {
			err = m.r.damaged(m.ctx, m.obj, err)
		}
		return nil, s.failed(err)
	}
	s.plain = bufio.NewReaderSize(plain, 1<<17)
	if err := s.header(); err != nil {
		return nil, s.failed(err)
	}
	return s, nil
}

// mediaStream gives a media's bytes, each chunk once its tag is right; its end
// only if all of them are what was committed to.
type mediaStream struct {
	m     *mediaObject
	src   *storeReader
	plain *bufio.Reader
	gcm   cipher.AEAD
	n     uint64 // of the next chunk
	left  int64  // bytes not read yet
	chunk []byte // not given out yet
	buf   []byte
	err   error

	bare, salted hash.Hash
}

// failed names the object, and prefers what the store answered to what that
// looked like.
func (s *mediaStream) failed(err error) error {
	if fault := s.src.fault(); fault != nil {
		err = fault
	}
	return fmt.Errorf("media %s: %w", s.m.obj.Key, err)
}

// header reads the header and holds it to where the object was named.
func (s *mediaStream) header() error {
	b, err := s.plain.Peek(maxMediaHeader)
	if err != nil && !errors.Is(err, io.EOF) {
		return classify(err)
	}
	h, n, err := DecodeMediaHeader(b)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	m := s.m
	switch {
	case h.Lane != string(m.entry.Lane) || h.Block != m.entry.N || int64(h.Index) != int64(m.ref.Object) || h.Retention.Class != m.obj.Class:
		return fmt.Errorf("is media %d of block %d in lane %s: %w", h.Index, h.Block, h.Lane, ErrDamaged)
	case m.r.cfg.Origin != "" && h.Origin != m.r.origin:
		return fmt.Errorf("belongs to another archive: %w", ErrDamaged)
	case h.Row != m.row.ID || h.Retention != m.row.Retention || h.Coordinates != m.name || h.Length != uint64(m.ref.Length):
		return fmt.Errorf("is not that of %s: %w", m.name, ErrDamaged)
	}
	sum := ledger.Sum(b[:n])
	if s.gcm, err = seal.MediaCipher(&m.row.Key, &sum); err != nil {
		return err
	}
	_, err = s.plain.Discard(n)
	s.buf = make([]byte, 0, seal.MediaChunk+seal.MediaOverhead)
	return err
}

// Read gives what is next of the media.
func (s *mediaStream) Read(p []byte) (int, error) {
	for len(s.chunk) == 0 && s.err == nil {
		s.err = s.next()
	}
	if len(s.chunk) == 0 {
		return 0, s.err
	}
	n := copy(p, s.chunk)
	s.chunk = s.chunk[n:]
	return n, nil
}

// next opens the next chunk; io.EOF where all of the media was right.
func (s *mediaStream) next() error {
	if s.left == 0 {
		return s.end()
	}
	size := min(s.left, seal.MediaChunk)
	b := s.buf[:size+seal.MediaOverhead]
	if _, err := io.ReadFull(s.plain, b); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			err = errShort
		}
		return s.failed(errors.Join(ErrDamaged, err))
	}
	nonce := seal.MediaNonce(s.n, size == s.left)
	chunk, err := s.gcm.Open(b[:0], nonce[:], b, nil)
	if err != nil {
		return s.failed(fmt.Errorf("chunk %d: row does not open it: %w", s.n, ErrDamaged))
	}
	s.n++
	s.left -= size
	s.bare.Write(chunk)
	s.salted.Write(chunk)
	s.chunk = chunk
	return nil
}

func (s *mediaStream) end() error {
	switch _, err := s.plain.ReadByte(); {
	case err == nil:
		return s.failed(fmt.Errorf("bytes too many: %w", ErrDamaged))
	case !errors.Is(err, io.EOF):
		return s.failed(classify(err))
	}
	if ledger.Hash(s.salted.Sum(nil)) != s.m.piece.Commitment || ledger.Hash(s.bare.Sum(nil)) != s.m.ref.SHA256 {
		return s.failed(fmt.Errorf("not the bytes committed to: %w", ErrDamaged))
	}
	return io.EOF
}

// maxMediaHeader is the most bytes a media header takes.
const maxMediaHeader = 8 + 32 + seal.MediaSaltSize + 8 + 4 + 8 + 8 + 8 + 8 + 4 + 4 + 8 + 3*256

// DecodeMediaHeader reads the header at the front of a media object's plaintext
// and gives its length.
func DecodeMediaHeader(b []byte) (h seal.MediaHeader, n int, err error) {
	c := cursor{b: b}
	c.magic(seal.MagicMedia)
	h.Origin = c.hash()
	copy(h.Salt[:], c.take(seal.MediaSaltSize))
	h.Block, h.Index, h.Row = c.u64(), c.u32(), seal.RowID(c.u64())
	h.Retention.Duty, h.Retention.Retain = int64(c.u64()), int64(c.u64())
	h.Length = c.u64()
	h.Coordinates.Era, h.Coordinates.Partition, h.Coordinates.Offset = record.Era(c.u32()), int32(c.u32()), int64(c.u64())
	h.Coordinates.Topic = c.short()
	h.Lane, h.Retention.Class = c.short(), c.short()
	if c.err == nil && (h.Block >= seal.MaxBlock || h.Length == 0 || h.Length > seal.MaxMedia) {
		c.failf("block or length beyond its range")
	}
	if c.err != nil {
		return h, 0, fmt.Errorf("media header: %w", c.err)
	}
	return h, len(b) - len(c.b), nil
}

// media reads the content of a media piece.
func (p *PartPiece) media(c *cursor) {
	m := &MediaRef{Object: int(c.upTo(maxInt)), Length: int64(c.upTo(seal.MaxMedia)), SHA256: c.hash(), Commitment: c.hash()}
	if c.err == nil && m.Length == 0 {
		c.failf("media without bytes")
	}
	p.Media = m
}
