package seal

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/waxseal/waxseal/ledger"
)

// Method says how a plaintext is compressed.
type Method byte

// The methods.
const (
	Raw  Method = 0
	S2   Method = 1 // an S2 block with the dictionary
	Zstd Method = 2 // a Zstandard frame
)

// zstdFrom is the plaintext size from which Zstandard without a dictionary pays:
// some 30 records of one person, or one large batch.
const zstdFrom = 16 << 10

// maxWindow bounds how far back a frame refers, and so a decoder's memory.
const maxWindow = 1 << 20

//go:embed dictionary.bin
var dictionaryFile []byte

// ErrMethod is returned for compressed bytes that are not what FORMAT.md allows.
var ErrMethod = errors.New("compressed bytes are damaged")

// ErrDictionary is returned for a segment made with a dictionary this release
// does not have.
var ErrDictionary = errors.New("unknown dictionary")

// Dictionary is what both sides of S2 must have.
type Dictionary struct {
	Hash ledger.Hash // SHA-256 of the file
	s2   *s2.Dict
}

// LoadDictionary gives the dictionary this release writes with.
func LoadDictionary() (*Dictionary, error) {
	d := s2.NewDict(dictionaryFile)
	if d == nil {
		return nil, fmt.Errorf("embedded dictionary: %w", ErrDictionary)
	}
	return &Dictionary{ledger.Sum(dictionaryFile), d}, nil
}

// compressor compresses one plaintext at a time into memory of its own.
type compressor struct {
	dict *Dictionary
	zstd *zstd.Encoder
	buf  []byte
}

func newCompressor(d *Dictionary) (*compressor, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithWindowSize(maxWindow))
	if err != nil {
		return nil, fmt.Errorf("prepare zstd: %w", err)
	}
	return &compressor{dict: d, zstd: z}, nil
}

// compress gives the shortest of what the methods worth trying make of plain.
// The result is valid until the next call. A small segment's directory has no
// window to share, so only cells try Zstandard.
func (c *compressor) compress(plain []byte, cell bool) (Method, []byte) {
	m, out := S2, []byte(nil)
	if cell && len(plain) >= zstdFrom {
		m = Zstd
		out = c.zstd.EncodeAll(plain, c.buf[:0])
		c.buf = out
	} else {
		if need := s2.MaxEncodedLen(len(plain)); cap(c.buf) < need {
			c.buf = make([]byte, need+need/2)
		}
		out = c.dict.s2.Encode(c.buf[:cap(c.buf)], plain)
	}
	if len(out) >= len(plain) || len(plain) > MaxRatio*len(out)+RatioSlack {
		return Raw, plain
	}
	return m, out
}

// Decompressor reads what the writer compressed. Not safe for concurrent use.
type Decompressor struct {
	dict *Dictionary
	zstd *zstd.Decoder // made when first needed
}

// NewDecompressor reads what was made with that dictionary.
func NewDecompressor(d *Dictionary) *Decompressor { return &Decompressor{dict: d} }

// Decompress gives the plaintext, which has the length the directory says. It
// allocates that length at most, and refuses a length beyond the format's bounds
// before it allocates.
func (d *Decompressor) Decompress(m Method, b []byte, plain uint64) ([]byte, error) {
	if plain > MaxPlain || plain > MaxRatio*uint64(len(b))+RatioSlack {
		return nil, fmt.Errorf("plaintext of %d bytes in %d: %w", plain, len(b), ErrMethod)
	}
	var out []byte
	var err error
	switch m {
	case Raw:
		out = b
	case S2:
		var n int
		if n, err = s2.DecodedLen(b); err == nil && uint64(n) == plain {
			out, err = d.dict.s2.Decode(nil, b)
		}
	case Zstd:
		out, err = d.unzstd(b, plain)
	default:
		err = fmt.Errorf("method %d", m)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMethod, err)
	}
	if uint64(len(out)) != plain {
		return nil, fmt.Errorf("plaintext is not of %d bytes: %w", plain, ErrMethod)
	}
	return out, nil
}

// unzstd reads one frame through a reader, so that no more than plain bytes are
// made whatever the frame declares.
func (d *Decompressor) unzstd(b []byte, plain uint64) ([]byte, error) {
	if d.zstd == nil {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderMaxMemory(MaxPlain), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		d.zstd = z
	}
	if err := d.zstd.Reset(bytes.NewReader(b)); err != nil {
		return nil, err
	}
	out := make([]byte, plain+1)
	n, err := io.ReadFull(d.zstd, out)
	switch {
	case err == nil:
		return nil, errors.New("longer than declared")
	case errors.Is(err, io.ErrUnexpectedEOF) || n == 0 && errors.Is(err, io.EOF):
		return out[:n], nil
	}
	return nil, err
}
