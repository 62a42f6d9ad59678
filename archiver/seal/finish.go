package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/waxseal/waxseal/ledger"
)

// Finish seals the block. What it gives is the caller's; a block with nothing
// added gives no objects. After an error the block is aborted.
func (w *Writer) Finish() (*Sealed, error) {
	if !w.open {
		return nil, fmt.Errorf("finish block: %w", ErrState)
	}
	s, err := w.finish()
	if err != nil {
		w.Abort()
		return nil, fmt.Errorf("finish block %d: %w", w.block, err)
	}
	w.open = false
	w.reset()
	return s, nil
}

func (w *Writer) finish() (*Sealed, error) {
	prefix := w.cfg.KeyPrefix(w.block)
	out := &Sealed{RowsFrom: w.rows.from, Raw: w.raw}
	var next uint32
	for _, b := range w.boxes {
		b.first = next
		for _, row := range b.rows {
			row.ID = MakeRowID(w.block, next)
			next++
		}
	}
	for i, b := range w.boxes {
		o, err := w.sealBox(b)
		if err != nil {
			return nil, fmt.Errorf("box %d: %w", i, err)
		}
		o.Key = fmt.Sprintf("%sbox-%d", prefix, i)
		out.Boxes = append(out.Boxes, o)
	}
	for i, m := range w.media {
		o, err := w.sealMedia(m)
		if err != nil {
			return nil, fmt.Errorf("media %d: %w", i, err)
		}
		o.Key = fmt.Sprintf("%smedia-%d", prefix, i)
		out.Media = append(out.Media, o)
	}
	for i, s := range w.segments {
		o, err := w.sealSegment(s)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", i, err)
		}
		o.Key = fmt.Sprintf("%sseg-%d", prefix, i)
		out.Segments = append(out.Segments, o)
	}
	return out, nil
}

func (w *Writer) sealSegment(s *segment) (Object, error) {
	h := Header{
		Origin: w.origin, Dictionary: w.dict.Hash, Block: w.block, Segment: uint32(s.index),
		Retention: s.class.retention, Lane: string(w.cfg.Lane),
	}
	w.plain = h.Append(w.plain[:0])
	header := ledger.Sum(w.plain)
	d := newDirectory()
	for _, i := range s.cells {
		c := &w.cells[i]
		w.part = w.appendParts(w.part[:0], d, c)
		if err := w.sealCell(&header, c); err != nil {
			return Object{}, err
		}
	}
	w.part = w.appendDirectory(w.part[:0], d, s)
	w.appendTrailer()
	body, err := Encrypt(w.cfg.Recipients, w.plain)
	if err != nil {
		return Object{}, err
	}
	return Object{Body: body, SHA256: sha256.Sum256(body), Retention: s.class.retention}, nil
}

// sealCell appends the cell whose plaintext is w.part to w.plain.
func (w *Writer) sealCell(header *ledger.Hash, c *cell) error {
	m, packed := w.comp.compress(w.part, true)
	block, err := aes.NewCipher(c.row.enc[:])
	if err != nil {
		return err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return err
	}
	var aad [64]byte
	at := len(w.plain)
	w.plain = append(w.plain, byte(m), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	nonce := w.plain[at+1 : at+1+NonceSize]
	if _, err := io.ReadFull(w.rand, nonce); err != nil {
		return fmt.Errorf("make a nonce: %w", err)
	}
	w.plain = gcm.Seal(w.plain, nonce, packed, CellAAD(aad[:0], header, uint32(c.number), c.row.ID, m))
	c.stored, c.size = len(w.plain)-at, len(w.part)
	return nil
}

// appendTrailer appends the directory in w.part, compressed, and the trailer.
func (w *Writer) appendTrailer() {
	at := len(w.plain)
	m, packed := w.comp.compress(w.part, false)
	sum := sha256.Sum256(packed)
	b := append(w.plain, packed...)
	b = binary.BigEndian.AppendUint64(b, uint64(at))
	b = binary.BigEndian.AppendUint64(b, uint64(len(packed)))
	b = binary.BigEndian.AppendUint64(b, uint64(len(w.part)))
	b = append(b, byte(m), 0, 0, 0, 0, 0, 0, 0)
	b = append(b, sum[:]...)
	w.plain = append(b, MagicTrailer...)
}

// Encrypt makes an age file in memory of its own.
func Encrypt(to []age.Recipient, plain []byte) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(len(plain) + (len(plain)>>16+1)*16 + 256 + 2048*len(to))
	a, err := age.Encrypt(&buf, to...)
	if err != nil {
		return nil, fmt.Errorf("seal to the recipients: %w", err)
	}
	if _, err := a.Write(plain); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	if err := a.Close(); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return buf.Bytes(), nil
}
