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
	t := tables{strings: newTable[string](), tags: newTable[Tag](), tokens: newTable[Token]()}
	e := encoder{text: t.strings.ref, tag: t.tagRef, token: t.tokenRef}
	for i := range rows {
		e.row(&rows[i])
	}
	out := append([]byte(nil), rowsMagic...)
	out = binary.AppendUvarint(out, uint64(len(t.strings.list)))
	for _, s := range t.strings.list {
		out = binary.AppendUvarint(out, uint64(len(s)))
		out = append(out, s...)
	}
	out = binary.AppendUvarint(out, uint64(len(t.tags.list)))
	for _, tag := range t.tags.list {
		out = append(out, tag[:]...)
	}
	out = binary.AppendUvarint(out, uint64(len(t.tokens.list)))
	for _, tok := range t.tokens.list {
		out = binary.BigEndian.AppendUint64(out, uint64(tok))
	}
	out = binary.AppendUvarint(out, uint64(len(rows)))
	return append(out, e.body...)
}

// AppendRow appends one row to dst, for an engine that keeps rows one by one:
// numbers and hashes in place, strings as the numbers that intern gives them.
func AppendRow(dst []byte, r *Row, intern func(string) uint64) []byte {
	e := encoder{body: dst, text: intern, tag: tagInPlace, token: tokenInPlace}
	e.row(r)
	return e.body
}

// table numbers values in the order of their first use.
type table[T comparable] struct {
	number map[T]uint64
	list   []T
}

func newTable[T comparable]() table[T] { return table[T]{number: map[T]uint64{}} }

func (t *table[T]) ref(v T) uint64 {
	n, ok := t.number[v]
	if !ok {
		n = uint64(len(t.list))
		t.number[v] = n
		t.list = append(t.list, v)
	}
	return n
}

// tables are what the rows of a batch share.
type tables struct {
	strings table[string]
	tags    table[Tag]
	tokens  table[Token]
}

func (t *tables) tagRef(dst []byte, tag Tag) []byte {
	return binary.AppendUvarint(dst, t.tags.ref(tag))
}

func (t *tables) tokenRef(dst []byte, tok Token) []byte {
	return binary.AppendUvarint(dst, t.tokens.ref(tok))
}

func tagInPlace(dst []byte, tag Tag) []byte { return append(dst, tag[:]...) }

func tokenInPlace(dst []byte, tok Token) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(tok))
}

// encoder writes rows one behind the other.
type encoder struct {
	body  []byte
	last  Row // the row before: numbers are differences to it
	text  func(string) uint64
	tag   func([]byte, Tag) []byte
	token func([]byte, Token) []byte
}

// row writes one row, field by field as FORMAT.md lists them.
func (e *encoder) row(r *Row) {
	e.string(r.Item.Topic)
	e.delta(int64(r.Item.Era), int64(e.last.Item.Era))
	e.delta(int64(r.Item.Partition), int64(e.last.Item.Partition))
	e.delta(r.Item.Offset, e.last.Item.Offset)
	e.delta(int64(r.Item.N), int64(e.last.Item.N))
	e.string(string(r.Lane))
	e.delta(int64(r.Block), int64(e.last.Block))
	e.string(r.Segment)
	e.delta(int64(r.Cell), int64(e.last.Cell))
	e.number(int64(r.Span.Start))
	e.number(int64(r.Span.End) - int64(r.Span.Start))
	e.flags(r)
	e.delta(r.Platform, e.last.Platform)
	e.delta(r.Kafka, e.last.Kafka)
	e.delta(r.Sealed, e.last.Sealed)
	for _, s := range r.texts() {
		e.string(*s)
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
	e.delta(r.Duty, e.last.Duty)
	e.delta(r.Retain, e.last.Retain)
	e.count(len(r.Findings))
	for _, f := range r.Findings {
		e.string(f)
	}
	e.count(int(r.TokenEpoch))
	e.count(len(r.Tokens))
	for _, t := range r.Tokens {
		e.body = e.token(e.body, t)
	}
	e.last = *r
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

func (e *encoder) delta(v, last int64) { e.body = binary.AppendVarint(e.body, v-last) }
func (e *encoder) number(v int64)      { e.body = binary.AppendVarint(e.body, v) }
func (e *encoder) count(n int)         { e.body = binary.AppendUvarint(e.body, uint64(n)) }

func (e *encoder) string(s string) { e.body = binary.AppendUvarint(e.body, e.text(s)) }

// DecodeRows reads what EncodeRows wrote. It allocates at most some hundred
// times the length of data, whatever data says.
func DecodeRows(data []byte) ([]Row, error) {
	body, ok := bytes.CutPrefix(data, []byte(rowsMagic))
	if !ok {
		return nil, fmt.Errorf("%w: unknown version", ErrRows)
	}
	d := decoder{rest: body}
	d.tables()
	n := d.size(minRow)
	rows := make([]Row, 0, n)
	for range n {
		if d.err != nil {
			break
		}
		rows = append(rows, d.row())
	}
	if d.err == nil && len(d.rest) > 0 {
		d.fail("bytes behind the last row")
	}
	if d.err == nil && !bytes.Equal(EncodeRows(rows), data) {
		d.fail("not in the one form of these rows")
	}
	if d.err != nil {
		return nil, fmt.Errorf("%w: byte %d: %w", ErrRows, len(data)-len(d.rest), d.err)
	}
	return rows, nil
}

// DecodeRow reads what AppendRow wrote. Lookup gives the string of a number.
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
	r := d.row()
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
	last  Row
	text  func() string
	tag   func() Tag
	token func() Token
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = errors.New(what)
	}
}

// tables reads what the rows of a batch share.
func (d *decoder) tables() {
	strings := list(d, func() string { return string(d.take(d.size(1))) })
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

func (d *decoder) row() Row {
	var r Row
	r.Item.Topic = d.text()
	r.Item.Era = record.Era(d.within(d.delta(int64(d.last.Item.Era)), 0, 1<<32-1))
	r.Item.Partition = int32(d.within(d.delta(int64(d.last.Item.Partition)), -1<<31, 1<<31-1))
	r.Item.Offset = d.delta(d.last.Item.Offset)
	r.Item.N = int(d.delta(int64(d.last.Item.N)))
	r.Lane = record.Lane(d.text())
	r.Block = uint64(d.delta(int64(d.last.Block)))
	r.Segment = d.text()
	r.Cell = int(d.delta(int64(d.last.Cell)))
	r.Span.Start = int(d.number())
	r.Span.End = r.Span.Start + int(d.number())
	flags := d.uvarint()
	if flags&^flagsKnown != 0 {
		d.fail("unknown flags")
	}
	r.Device, r.Provisional = flags&flagDevice != 0, flags&flagProvisional != 0
	r.Platform = d.delta(d.last.Platform)
	r.Kafka = d.delta(d.last.Kafka)
	r.Sealed = d.delta(d.last.Sealed)
	for _, s := range r.texts() {
		*s = d.text()
	}
	for i, t := range r.tags() {
		if flags&(1<<i) != 0 {
			*t = d.tag()
		}
	}
	r.Aliases = list(d, d.tag)
	r.Codes = list(d, func() int { return int(d.number()) })
	r.Duty = d.delta(d.last.Duty)
	r.Retain = d.delta(d.last.Retain)
	r.Findings = list(d, d.text)
	r.TokenEpoch = uint32(d.within(int64(d.uvarint()), 0, 1<<32-1))
	r.Tokens = list(d, d.token)
	d.last = r
	return r
}

// list reads a count and so many elements of at least a byte each; nil for none.
func list[T any](d *decoder, elem func() T) []T {
	n := d.size(1)
	if n == 0 {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		out[i] = elem()
	}
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
