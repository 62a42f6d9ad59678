package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/record"
)

// Rows as bytes (FORMAT.md). The same rows give the same bytes, and bytes that
// are not what EncodeRows would have written are refused.

// ErrRows is returned for bytes that are no encoded rows.
var ErrRows = errors.New("not encoded rows")

const rowsMagic = "waxrows\x01"

// EncodeRows encodes rows for the outbox.
func EncodeRows(rows []Row) []byte {
	var e Encoder
	for i := range rows {
		e.Add(&rows[i])
	}
	return e.encode(0)
}

// Encoder encodes the rows of a block as they are made, so that a block under way
// holds bytes and no rows. The zero value is ready; its memory is used again
// after Reset. Not safe for concurrent use.
type Encoder struct {
	strings table[string]
	tags    hashes[Tag]
	tokens  hashes[Token]
	row     encoder
	rows    int
	sealed  int // where the first row's Sealed stands in row.body
}

// Reset forgets all rows.
func (e *Encoder) Reset() {
	e.strings.reset()
	e.tags.reset()
	e.tokens.reset()
	e.row.reset()
	e.rows = 0
}

// Rows is the number of rows added.
func (e *Encoder) Rows() int { return e.rows }

// Add encodes one more row, which is the caller's again.
func (e *Encoder) Add(r *Row) {
	if e.row.text == nil {
		e.row.text = e.strings.ref
		e.row.tag = func(dst []byte, t Tag) []byte { return binary.AppendUvarint(dst, e.tags.ref(t)) }
		e.row.token = func(dst []byte, t Token) []byte { return binary.AppendUvarint(dst, e.tokens.ref(t)) }
	}
	e.row.row(r)
	if e.rows == 0 {
		e.sealed = e.row.sealed
	}
	e.rows++
}

// Seal gives the rows, each with that Sealed, as EncodeRows gives them. The rows
// must have been added with Sealed 0: when a block is sealed is known last. The
// bytes are the caller's.
func (e *Encoder) Seal(sealed int64) []byte { return e.encode(sealed) }

func (e *Encoder) encode(sealed int64) []byte {
	size := len(rowsMagic) + 4*binary.MaxVarintLen64 + e.strings.bytes + 2*len(e.strings.list) + 16*len(e.tags.list) + 8*len(e.tokens.list) + len(e.row.body) + binary.MaxVarintLen64
	out := append(make([]byte, 0, size), rowsMagic...)
	out = binary.AppendUvarint(out, uint64(len(e.strings.list)))
	for _, s := range e.strings.list {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	out = binary.AppendUvarint(out, uint64(len(e.tags.list)))
	for i := range e.tags.list {
		out = append(out, e.tags.list[i][:]...)
	}
	out = binary.AppendUvarint(out, uint64(len(e.tokens.list)))
	for _, tok := range e.tokens.list {
		out = binary.BigEndian.AppendUint64(out, uint64(tok))
	}
	out = binary.AppendUvarint(out, uint64(e.rows))
	if sealed == 0 || e.rows == 0 {
		return append(out, e.row.body...)
	}
	out = append(out, e.row.body[:e.sealed]...)
	out = binary.AppendVarint(out, sealed)
	return append(out, e.row.body[e.sealed+1:]...) // behind the 0 that stands there
}

// Encoded is the rows of one block as EncodeRows writes them.
type Encoded struct {
	Lane  record.Lane
	Block uint64
	Rows  int
	Data  []byte
}

// Batch decodes the rows. Data must be of this process: it is not held to the
// one form of its rows.
func (e Encoded) Batch() (Batch, error) {
	b := Batch{Lane: e.Lane, Block: e.Block}
	if e.Rows == 0 {
		return b, nil
	}
	var err error
	b.Rows, err = decodeRows(e.Data, false)
	return b, err
}

// Appender encodes rows one by one, for an engine that keeps them so: numbers and
// hashes in place, strings as the numbers that intern gives them.
type Appender struct{ row encoder }

// NewAppender makes an Appender. The number of a string must not change while it
// is used.
func NewAppender(intern func(string) uint64) *Appender {
	return &Appender{encoder{text: intern, tag: tagInPlace, token: tokenInPlace}}
}

// Append appends one row to dst.
func (a *Appender) Append(dst []byte, r *Row) []byte {
	a.row.body, a.row.last = dst, numbers{}
	a.row.row(r)
	dst, a.row.body = a.row.body, nil
	return dst
}

func tagInPlace(dst []byte, tag Tag) []byte { return append(dst, tag[:]...) }

func tokenInPlace(dst []byte, tok Token) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(tok))
}

// encoder writes rows one behind the other.
type encoder struct {
	body   []byte
	last   numbers // of the row before
	sealed int     // where Sealed of the last row stands in body
	seen   [23]struct {
		text   string
		number uint64
		ok     bool
	} // by field: the string before, which mostly comes again
	text  func(string) uint64
	tag   func([]byte, Tag) []byte
	token func([]byte, Token) []byte
}

// numbers are those fields of a row that are stored as differences.
type numbers struct {
	era, partition, offset, n, block, cell, platform, kafka, sealed, duty, retain int64
}

func (r *Row) numbers() numbers {
	return numbers{
		int64(r.Item.Era), int64(r.Item.Partition), r.Item.Offset, int64(r.Item.N), int64(r.Block), int64(r.Cell),
		r.Platform, r.Kafka, r.Sealed, r.Duty, r.Retain,
	}
}

func (e *encoder) reset() {
	e.body, e.last = e.body[:0], numbers{}
	clear(e.seen[:])
}

// row writes one row, field by field as FORMAT.md lists them.
func (e *encoder) row(r *Row) {
	now, last := r.numbers(), &e.last
	e.string(0, r.Item.Topic)
	e.number(now.era - last.era)
	e.number(now.partition - last.partition)
	e.number(now.offset - last.offset)
	e.number(now.n - last.n)
	e.string(1, string(r.Lane))
	e.number(now.block - last.block)
	e.string(2, r.Segment)
	e.number(now.cell - last.cell)
	e.number(int64(r.Span.Start))
	e.number(int64(r.Span.End) - int64(r.Span.Start))
	e.flags(r)
	e.number(now.platform - last.platform)
	e.number(now.kafka - last.kafka)
	e.sealed = len(e.body)
	e.number(now.sealed - last.sealed)
	for i, s := range r.texts() {
		e.string(3+i, *s)
	}
	for _, t := range r.tags() {
		if *t != (Tag{}) {
			e.body = e.tag(e.body, *t)
		}
	}
	e.count(len(r.Aliases))
	for _, t := range r.Aliases {
		e.body = e.tag(e.body, t)
	}
	e.count(len(r.Codes))
	for _, c := range r.Codes {
		e.number(int64(c))
	}
	e.number(now.duty - last.duty)
	e.number(now.retain - last.retain)
	e.count(len(r.Findings))
	for _, f := range r.Findings {
		e.count(int(e.text(f)))
	}
	e.count(int(r.TokenEpoch))
	e.count(len(r.Tokens))
	for _, t := range r.Tokens {
		e.body = e.token(e.body, t)
	}
	e.last = now
}

// texts gives the string fields that need no more than their table entry, in
// the order they are stored.
func (r *Row) texts() [20]*string {
	return [...]*string{
		(*string)(&r.Kind), &r.Sub, &r.Detail, (*string)(&r.Channel), (*string)(&r.Direction), (*string)(&r.Provenance),
		&r.Provider, (*string)(&r.Signature), &r.Field, &r.WABA, &r.Number, &r.Custodian, &r.Department, &r.Actor,
		&r.Template, &r.TemplateID, &r.Reason, &r.Class, &r.Severity, &r.Policy,
	}
}

// tags gives the tag fields in the order they are stored; a bit of the flags
// says which are there.
func (r *Row) tags() [7]*Tag {
	return [...]*Tag{&r.Display, &r.Subject, &r.Group, &r.Conversation, &r.ID, &r.Target, &r.ReplyTo}
}

func (e *encoder) flags(r *Row) {
	var f uint64
	for i, t := range r.tags() {
		if *t != (Tag{}) {
			f |= 1 << i
		}
	}
	if r.Device {
		f |= flagDevice
	}
	if r.Provisional {
		f |= flagProvisional
	}
	e.body = binary.AppendUvarint(e.body, f)
}

const (
	flagDevice      = 1 << 7
	flagProvisional = 1 << 8
	flagsKnown      = 1<<9 - 1
)

func (e *encoder) number(v int64) { e.body = binary.AppendVarint(e.body, v) }
func (e *encoder) count(n int)    { e.body = binary.AppendUvarint(e.body, uint64(n)) }

// string writes the number of the string in a field.
func (e *encoder) string(field int, s string) {
	seen := &e.seen[field]
	if !seen.ok || seen.text != s {
		seen.text, seen.number, seen.ok = s, e.text(s), true
	}
	e.body = binary.AppendUvarint(e.body, seen.number)
}

// DecodeRows reads what EncodeRows wrote. It allocates at most some hundred
// times the length of data, whatever data says.
func DecodeRows(data []byte) ([]Row, error) { return decodeRows(data, true) }

func decodeRows(data []byte, strict bool) ([]Row, error) {
	body, ok := bytes.CutPrefix(data, []byte(rowsMagic))
	if !ok {
		return nil, fmt.Errorf("%w: unknown version", ErrRows)
	}
	d := decoder{rest: body}
	d.tables()
	n := d.size(minRow)
	rows := make([]Row, n)
	for i := range rows {
		if d.err != nil {
			break
		}
		d.row(&rows[i])
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind the last row")
	}
	if d.err == nil && strict && !bytes.Equal(EncodeRows(rows), data) {
		d.fail("not in the one form of these rows")
	}
	if d.err != nil {
		return nil, fmt.Errorf("%w: byte %d: %w", ErrRows, len(data)-len(d.rest), d.err)
	}
	return rows, nil
}

// DecodeRow reads what an Appender wrote. Lookup gives the string of a number.
func DecodeRow(data []byte, lookup func(uint64) (string, bool)) (Row, error) {
	d := decoder{rest: data}
	d.text = func() string {
		s, ok := lookup(d.uvarint())
		if !ok {
			d.fail("a string is not known")
		}
		return s
	}
	d.tag = func() (t Tag) { copy(t[:], d.take(len(t))); return t }
	d.token = d.tokenInPlace
	var r Row
	d.row(&r)
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind the row")
	}
	if d.err != nil {
		return Row{}, fmt.Errorf("%w: byte %d: %w", ErrRows, len(data)-len(d.rest), d.err)
	}
	return r, nil
}

// minRow is the fewest bytes a row can take.
const minRow = 42

// decoder reads rows; after the first error it gives zeros.
type decoder struct {
	rest  []byte
	err   error
	last  numbers
	text  func() string
	tag   func() Tag
	token func() Token

	aliases arena[Tag]
	tokens  arena[Token]
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = errors.New(what)
	}
}

// tables reads what the rows of a batch share.
func (d *decoder) tables() {
	strings := list(d, newList[string], func() string { return string(d.take(d.size(1))) })
	tags := make([]Tag, d.size(len(Tag{})))
	for i := range tags {
		copy(tags[i][:], d.take(len(Tag{})))
	}
	tokens := make([]Token, d.size(8))
	for i := range tokens {
		tokens[i] = d.tokenInPlace()
	}
	d.text = func() string { return ref(d, strings) }
	d.tag = func() Tag { return ref(d, tags) }
	d.token = func() Token { return ref(d, tokens) }
}

func (d *decoder) tokenInPlace() Token {
	b := d.take(8)
	if b == nil {
		return 0
	}
	return Token(binary.BigEndian.Uint64(b))
}

// row reads into a zero row.
func (d *decoder) row(r *Row) {
	last := &d.last
	r.Item.Topic = d.text()
	r.Item.Era = record.Era(d.within(d.delta(last.era), 0, 1<<32-1))
	r.Item.Partition = int32(d.within(d.delta(last.partition), -1<<31, 1<<31-1))
	r.Item.Offset = d.delta(last.offset)
	r.Item.N = int(d.delta(last.n))
	r.Lane = record.Lane(d.text())
	r.Block = uint64(d.delta(last.block))
	r.Segment = d.text()
	r.Cell = int(d.delta(last.cell))
	r.Span.Start = int(d.number())
	r.Span.End = r.Span.Start + int(d.number())
	flags := d.uvarint()
	if flags&^flagsKnown != 0 {
		d.fail("unknown flags")
	}
	r.Device, r.Provisional = flags&flagDevice != 0, flags&flagProvisional != 0
	r.Platform = d.delta(last.platform)
	r.Kafka = d.delta(last.kafka)
	r.Sealed = d.delta(last.sealed)
	for _, s := range r.texts() {
		*s = d.text()
	}
	for i, t := range r.tags() {
		if flags&(1<<i) != 0 {
			*t = d.tag()
		}
	}
	r.Aliases = list(d, d.aliases.make, d.tag)
	r.Codes = list(d, newList[int], func() int { return int(d.number()) })
	r.Duty = d.delta(last.duty)
	r.Retain = d.delta(last.retain)
	r.Findings = list(d, newList[string], d.text)
	r.TokenEpoch = uint32(d.within(int64(d.uvarint()), 0, 1<<32-1))
	r.Tokens = list(d, d.tokens.make, d.token)
	d.last = r.numbers()
}

// list reads a count and so many elements of at least a byte each; nil for none.
func list[T any](d *decoder, room func(int) []T, elem func() T) []T {
	n := d.size(1)
	if n == 0 {
		return nil
	}
	out := room(n)
	for i := range out {
		out[i] = elem()
	}
	return out
}

func newList[T any](n int) []T { return make([]T, n) }

// arena makes many short lists in few pieces of memory.
type arena[T any] struct{ free []T }

func (a *arena[T]) make(n int) []T {
	const piece = 512
	if n > piece/4 {
		return make([]T, n)
	}
	if n > len(a.free) {
		a.free = make([]T, piece)
	}
	out := a.free[:n:n]
	a.free = a.free[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.fail("a number is cut off or too large")
		d.rest = nil
		return 0
	}
	d.rest = d.rest[n:]
	return v
}

func (d *decoder) number() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *decoder) delta(last int64) int64 { return last + d.number() }

func (d *decoder) within(v, lo, hi int64) int64 {
	if v < lo || v > hi {
		d.fail("a number is out of range")
		return 0
	}
	return v
}

// size reads a count of things of at least each bytes, which must still be there.
func (d *decoder) size(each int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/each) {
		d.fail("a count is larger than what follows")
		d.rest = nil
		return 0
	}
	return int(n)
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail("cut off")
		d.rest = nil
		return nil
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

// ref reads a position in a table and gives what stands there.
func ref[T any](d *decoder, table []T) T {
	n := d.uvarint()
	if n >= uint64(len(table)) {
		d.fail("a reference points beyond its table")
		var zero T
		return zero
	}
	return table[n]
}
