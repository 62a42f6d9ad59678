package clickhouse

import (
	"encoding/binary"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
)

// column is one column of the table item: what it is called, how rows become a
// block's column, and where a value read goes.
type column struct {
	name, kind, note string
	take             func(rows []*index.Row) any
	into             func(*index.Row) (dest any, done func() error) // what Scan takes; done, if any, comes after it
}

// The row as columns, all of it. Nothing is packed, so that a firm's own queries
// reach everything; FORMAT.md tells what each means.
var columns = []column{
	text("topic", "of the item's record in Kafka", func(r *index.Row) *string { return &r.Item.Topic }),
	number("era", "UInt32", "of the topic, from 1", func(r *index.Row) *uint32 { return (*uint32)(&r.Item.Era) }),
	number("kafka_partition", "Int32", "", func(r *index.Row) *int32 { return &r.Item.Partition }),
	number("kafka_offset", "Int64", "", func(r *index.Row) *int64 { return &r.Item.Offset }),
	whole("item", "number of the item in its record, from 0", func(r *index.Row) *int { return &r.Item.N }),
	{
		"time", "Int64", "Unix seconds: the platform's clock, else Kafka's; answers are ordered by it",
		func(rows []*index.Row) any { return each(rows, (*index.Row).Time) },
		func(*index.Row) (any, func() error) { return new(int64), nil }, // Row.Time makes it again
	},
	text("lane", "", func(r *index.Row) *string { return (*string)(&r.Lane) }),
	number("block", "UInt64", "number of the ledger entry in its lane", func(r *index.Row) *uint64 { return &r.Block }),
	plain("segment", "object that holds the item", func(r *index.Row) *string { return &r.Segment }),
	whole("cell", "of the segment", func(r *index.Row) *int { return &r.Cell }),
	whole("span_start", "first byte of the item in the record's value", func(r *index.Row) *int { return &r.Span.Start }),
	whole("span_end", "the byte behind its last", func(r *index.Row) *int { return &r.Span.End }),
	number("platform", "Int64", "Unix seconds, 0 not told", func(r *index.Row) *int64 { return &r.Platform }),
	number("device", "Bool", "platform is a device's clock", func(r *index.Row) *bool { return &r.Device }),
	number("kafka", "Int64", "Unix milliseconds", func(r *index.Row) *int64 { return &r.Kafka }),
	number("sealed", "Int64", "Unix milliseconds", func(r *index.Row) *int64 { return &r.Sealed }),
	text("kind", "", func(r *index.Row) *string { return (*string)(&r.Kind) }),
	text("sub", "", func(r *index.Row) *string { return &r.Sub }),
	text("detail", "", func(r *index.Row) *string { return &r.Detail }),
	text("channel", "", func(r *index.Row) *string { return (*string)(&r.Channel) }),
	text("direction", "", func(r *index.Row) *string { return (*string)(&r.Direction) }),
	text("provenance", "", func(r *index.Row) *string { return (*string)(&r.Provenance) }),
	text("provider", "", func(r *index.Row) *string { return &r.Provider }),
	text("signature", "", func(r *index.Row) *string { return (*string)(&r.Signature) }),
	text("field", "", func(r *index.Row) *string { return &r.Field }),
	text("waba", "", func(r *index.Row) *string { return &r.WABA }),
	text("number", "phone_number_id", func(r *index.Row) *string { return &r.Number }),
	tag("display", "of the business's own phone number", func(r *index.Row) *index.Tag { return &r.Display }),
	tag("subject", "of the person", func(r *index.Row) *index.Tag { return &r.Subject }),
	tags("aliases", "of each identity the item names the person by", func(r *index.Row) *[]index.Tag { return &r.Aliases }),
	tag("group_tag", "", func(r *index.Row) *index.Tag { return &r.Group }),
	tag("conversation", "", func(r *index.Row) *index.Tag { return &r.Conversation }),
	tag("id", "of the message id", func(r *index.Row) *index.Tag { return &r.ID }),
	tag("target", "of the message id that an edit, revoke, reaction or status is about", func(r *index.Row) *index.Tag { return &r.Target }),
	tag("reply_to", "", func(r *index.Row) *index.Tag { return &r.ReplyTo }),
	text("custodian", "", func(r *index.Row) *string { return &r.Custodian }),
	text("department", "", func(r *index.Row) *string { return &r.Department }),
	text("actor", "", func(r *index.Row) *string { return &r.Actor }),
	text("template", "", func(r *index.Row) *string { return &r.Template }),
	text("template_id", "", func(r *index.Row) *string { return &r.TemplateID }),
	{
		"codes", "Array(Int64)", "the platform's error codes",
		func(rows []*index.Row) any { return each(rows, func(r *index.Row) []int64 { return longs(r.Codes) }) },
		func(r *index.Row) (any, func() error) {
			return list(&r.Codes, func(v int64) (int, error) { return int(v), nil })
		},
	},
	plain("reason", "why an item is unknown, unparsed or without content", func(r *index.Row) *string { return &r.Reason }),
	text("class", "of retention", func(r *index.Row) *string { return &r.Class }),
	number("duty", "Int64", "Unix seconds, 0 none", func(r *index.Row) *int64 { return &r.Duty }),
	number("retain", "Int64", "Unix seconds", func(r *index.Row) *int64 { return &r.Retain }),
	{
		"findings", "Array(LowCardinality(String))", "names of rules, sorted",
		func(rows []*index.Row) any { return each(rows, func(r *index.Row) []string { return r.Findings }) },
		func(r *index.Row) (any, func() error) {
			return list(&r.Findings, func(v string) (string, error) { return v, nil })
		},
	},
	text("severity", "the highest", func(r *index.Row) *string { return &r.Severity }),
	number("provisional", "Bool", "decided without a policy", func(r *index.Row) *bool { return &r.Provisional }),
	text("policy", "revision of the bundle", func(r *index.Row) *string { return &r.Policy }),
	number("token_epoch", "UInt32", "of the key that hashed the words", func(r *index.Row) *uint32 { return &r.TokenEpoch }),
	{
		"tokens", "Array(FixedString(8))", "keyed hashes of the item's words, big endian, sorted",
		func(rows []*index.Row) any { return tokenStrings(rows) },
		func(r *index.Row) (any, func() error) {
			return list(&r.Tokens, func(v string) (index.Token, error) {
				if len(v) != 8 {
					return 0, fmt.Errorf("%w: a token of %d bytes", index.ErrRows, len(v))
				}
				return index.Token(binary.BigEndian.Uint64([]byte(v))), nil
			})
		},
	},
}

func each[T any](rows []*index.Row, get func(*index.Row) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = get(r)
	}
	return out
}

// text is a string of which there are few.
func text(name, note string, at func(*index.Row) *string) column {
	return number(name, "LowCardinality(String)", note, at)
}

// plain is a string of which there are many.
func plain(name, note string, at func(*index.Row) *string) column {
	return number(name, "String", note, at)
}

// number is a value that the driver takes as it is.
func number[T any](name, kind, note string, at func(*index.Row) *T) column {
	return column{name, kind, note,
		func(rows []*index.Row) any { return each(rows, func(r *index.Row) T { return *at(r) }) },
		func(r *index.Row) (any, func() error) { return at(r), nil }}
}

// whole is an int.
func whole(name, note string, at func(*index.Row) *int) column {
	return column{name, "Int64", note,
		func(rows []*index.Row) any { return each(rows, func(r *index.Row) int64 { return int64(*at(r)) }) },
		func(r *index.Row) (any, func() error) {
			v := new(int64)
			return v, func() error { *at(r) = int(*v); return nil }
		}}
}

// tag is 16 bytes, all zero for none.
func tag(name, note string, at func(*index.Row) *index.Tag) column {
	return column{name, "FixedString(16)", note,
		func(rows []*index.Row) any {
			all := make([]byte, 0, len(index.Tag{})*len(rows))
			for _, r := range rows {
				all = append(all, at(r)[:]...)
			}
			return cut(string(all), len(index.Tag{}), len(rows))
		},
		func(r *index.Row) (any, func() error) { return at(r), nil }}
}

// tags is any number of them.
func tags(name, note string, at func(*index.Row) *[]index.Tag) column {
	return column{name, "Array(FixedString(16))", note,
		func(rows []*index.Row) any {
			return each(rows, func(r *index.Row) []string {
				var all []byte
				for _, t := range *at(r) {
					all = append(all, t[:]...)
				}
				return cut(string(all), len(index.Tag{}), len(*at(r)))
			})
		},
		func(r *index.Row) (any, func() error) {
			return list(at(r), func(v string) (t index.Tag, err error) {
				if len(v) != len(t) {
					return t, fmt.Errorf("%w: a tag of %d bytes", index.ErrRows, len(v))
				}
				return index.Tag([]byte(v)), nil
			})
		}}
}

// tokenStrings gives each row's tokens as 8 bytes each.
func tokenStrings(rows []*index.Row) [][]string {
	n := 0
	for _, r := range rows {
		n += len(r.Tokens)
	}
	all := make([]byte, 0, 8*n)
	for _, r := range rows {
		for _, t := range r.Tokens {
			all = binary.BigEndian.AppendUint64(all, uint64(t))
		}
	}
	list, out := cut(string(all), 8, n), make([][]string, len(rows))
	for i, r := range rows {
		out[i], list = list[:len(r.Tokens):len(r.Tokens)], list[len(r.Tokens):]
	}
	return out
}

// cut gives n pieces of equal size, all parts of one string.
func cut(s string, size, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s[i*size : (i+1)*size]
	}
	return out
}

// list reads an array, nil where it is empty.
func list[From, To any](to *[]To, convert func(From) (To, error)) (any, func() error) {
	v := new([]From)
	return v, func() error {
		*to = nil
		for _, e := range *v {
			c, err := convert(e)
			if err != nil {
				return err
			}
			*to = append(*to, c)
		}
		return nil
	}
}

func longs(v []int) []int64 {
	out := make([]int64, len(v))
	for i := range v {
		out[i] = int64(v[i])
	}
	return out
}
