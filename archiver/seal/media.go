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
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// MagicMedia opens a media object, inside age; its last byte is the version.
const MagicMedia = "waxmed\x00\x01"

// Sizes of a media object.
const (
	MediaChunk    = 64 << 10 // plaintext of each chunk but the last
	MediaOverhead = 16       // tag of a chunk
	MediaSaltSize = 16
	MaxMedia      = 1 << 40 // bytes of one media
)

const labelMedia = "waxseal media key v1"

// MediaHeader opens a media object, inside age.
type MediaHeader struct {
	Origin      ledger.Hash // SHA-256 of the archive's origin
	Salt        [MediaSaltSize]byte
	Block       uint64
	Index       uint32 // in the entry's list of media
	Row         RowID
	Retention   Retention
	Length      uint64 // of the media
	Coordinates record.Coordinates
	Lane        string
}

// Append appends the header's bytes.
func (h *MediaHeader) Append(b []byte) []byte {
	b = append(b, MagicMedia...)
	b = append(b, h.Origin[:]...)
	b = append(b, h.Salt[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Block)
	b = binary.BigEndian.AppendUint32(b, h.Index)
	b = binary.BigEndian.AppendUint64(b, uint64(h.Row))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Retention.Duty))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Retention.Retain))
	b = binary.BigEndian.AppendUint64(b, h.Length)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Coordinates.Era))
	b = binary.BigEndian.AppendUint32(b, uint32(h.Coordinates.Partition))
	b = binary.BigEndian.AppendUint64(b, uint64(h.Coordinates.Offset))
	b = appendShort(b, h.Coordinates.Topic)
	b = appendShort(b, h.Lane)
	return appendShort(b, h.Retention.Class)
}

// MediaCipher is the cipher of one media object: its key follows from the row
// and from the whole header, which has a salt of its own, so that it is never
// used for other bytes.
func MediaCipher(row *[32]byte, header *ledger.Hash) (cipher.AEAD, error) {
	key := expand(row, labelMedia+string(header[:]))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// MediaNonce is the nonce of chunk n; last marks the media's last chunk.
func MediaNonce(n uint64, last bool) (nonce [NonceSize]byte) {
	binary.BigEndian.PutUint64(nonce[3:], n)
	if last {
		nonce[NonceSize-1] = 1
	}
	return nonce
}

// media is a media object of the open block. Its bytes alias the record's.
type media struct {
	row        *liveRow
	rec        int32 // position of its leaf
	index      int
	bytes      []byte
	sum        ledger.Hash // SHA-256 of the bytes, for whoever compares
	commitment ledger.Hash
}

// mediaSize is about what stands in a cell in place of a media.
const mediaSize = 72

// addMedia notes the media of the record in hand.
func (w *Writer) addMedia(row *liveRow, b []byte, commitment ledger.Hash) *media {
	m := &media{row: row, rec: int32(len(w.recs)), index: len(w.media), bytes: b, sum: ledger.Sum(b), commitment: commitment}
	w.media = append(w.media, m)
	return m
}

// appendRef appends what stands in the cell in place of the bytes.
func (m *media) appendRef(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(m.index))
	b = binary.AppendUvarint(b, uint64(len(m.bytes)))
	b = append(b, m.sum[:]...)
	return append(b, m.commitment[:]...)
}

// sealMedia makes the object of a media, chunk by chunk into one buffer.
func (w *Writer) sealMedia(m *media) (Object, error) {
	h := MediaHeader{
		Origin: w.origin, Block: w.block, Index: uint32(m.index), Row: m.row.ID, Retention: m.row.class.retention,
		Length: uint64(len(m.bytes)), Coordinates: w.recs[m.rec].Coordinates, Lane: string(w.cfg.Lane),
	}
	if _, err := io.ReadFull(w.rand, h.Salt[:]); err != nil {
		return Object{}, fmt.Errorf("make a salt: %w", err)
	}
	head := h.Append(nil)
	sum := ledger.Sum(head)
	gcm, err := MediaCipher(&m.row.Key, &sum)
	if err != nil {
		return Object{}, err
	}
	chunks := (len(m.bytes) + MediaChunk - 1) / MediaChunk
	inner := len(head) + len(m.bytes) + chunks*MediaOverhead
	var buf bytes.Buffer
	buf.Grow(inner + (inner>>16+1)*16 + 256 + 2048*len(w.cfg.Recipients))
	a, err := age.Encrypt(&buf, w.cfg.Recipients...)
	if err != nil {
		return Object{}, fmt.Errorf("seal to the recipients: %w", err)
	}
	if _, err := a.Write(head); err != nil {
		return Object{}, fmt.Errorf("seal: %w", err)
	}
	part := make([]byte, 0, MediaChunk+MediaOverhead)
	for n := range chunks {
		nonce := MediaNonce(uint64(n), n == chunks-1)
		chunk := m.bytes[n*MediaChunk : min(len(m.bytes), (n+1)*MediaChunk)]
		if _, err := a.Write(gcm.Seal(part[:0], nonce[:], chunk, nil)); err != nil {
			return Object{}, fmt.Errorf("seal: %w", err)
		}
	}
	if err := a.Close(); err != nil {
		return Object{}, fmt.Errorf("seal: %w", err)
	}
	return Object{Body: buf.Bytes(), SHA256: sha256.Sum256(buf.Bytes()), Retention: h.Retention}, nil
}

// checkMedia holds the media piece of a cut to what the format allows: it is the
// record's whole value, alone, under the one row of the record.
func checkMedia(cut *Cut) error {
	for i := range cut.Pieces {
		p := &cut.Pieces[i]
		switch {
		case p.Owner != cut.Pieces[0].Owner || p.Retention != cut.Pieces[0].Retention:
			return fmt.Errorf("piece %d: media is not of one row: %w", i, ErrCut)
		case p.Type == ledger.PieceValue || p.Type == ledger.PieceBody:
			return fmt.Errorf("piece %d: beside media: %w", i, ErrCut)
		case p.Type == ledger.PieceMedia && (len(p.Bytes) == 0 || !bytes.Equal(p.Bytes, cut.Record.Value)):
			return fmt.Errorf("piece %d: media is not the value: %w", i, ErrCut)
		case p.Type == ledger.PieceMedia && uint64(len(p.Bytes)) > MaxMedia:
			return fmt.Errorf("media of %d bytes: %w", len(p.Bytes), ErrLarge)
		}
	}
	return nil
}
