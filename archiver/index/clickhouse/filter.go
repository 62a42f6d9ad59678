package clickhouse

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// filter gives the conditions of a query, all of which a row must meet.
func filter(q *index.Query) []string {
	var all []string
	add := func(condition string) { all = append(all, condition) }
	if len(q.Items) > 0 {
		add(itemKey + " IN (" + join(q.Items, itemLiteral) + ")")
	}
	if len(q.Records) > 0 {
		add(recordKey + " IN (" + join(q.Records, recordLiteral) + ")")
	}
	if q.From != 0 {
		add(fmt.Sprintf("time >= %d", q.From))
	}
	if q.To != 0 {
		add(fmt.Sprintf("time < %d", q.To))
	}
	if len(q.People) > 0 {
		add("(hasAny(aliases, [" + join(q.People, tagLiteral) + "]) OR subject IN (" + join(q.People, tagLiteral) + "))")
	}
	for _, f := range []struct {
		column string
		tags   []index.Tag
	}{{"display", q.Displays}, {"group_tag", q.Groups}, {"conversation", q.Conversations}, {"id", q.IDs}, {"target", q.Targets}} {
		if len(f.tags) > 0 {
			add(f.column + " IN (" + join(f.tags, tagLiteral) + ")")
		}
	}
	for _, f := range []struct {
		column string
		values string
	}{
		{"number", literals(q.Numbers)}, {"waba", literals(q.WABAs)}, {"custodian", literals(q.Custodians)}, {"department", literals(q.Departments)},
		{"kind", literals(q.Kinds)}, {"channel", literals(q.Channels)}, {"direction", literals(q.Directions)}, {"provenance", literals(q.Provenances)},
		{"class", literals(q.Classes)}, {"lane", literals(q.Lanes)},
	} {
		if f.values != "" {
			add(f.column + " IN (" + f.values + ")")
		}
	}
	if len(q.Templates) > 0 {
		add("(template IN (" + literals(q.Templates) + ") OR template_id IN (" + literals(q.Templates) + "))")
	}
	switch {
	case slices.Contains(q.Findings, "*"):
		add("notEmpty(findings)")
	case len(q.Findings) > 0:
		add("hasAny(findings, [" + literals(q.Findings) + "])")
	}
	if q.Words != nil {
		add(words(q.Words))
	}
	return all
}

// words gives the condition of a word expression.
func words(e *index.Expr) string {
	switch {
	case e.And != nil:
		return "(" + joinBy(e.And, words, " AND ") + ")"
	case e.Or != nil:
		return "(" + joinBy(e.Or, words, " OR ") + ")"
	case e.Not != nil:
		return "NOT " + words(e.Not)
	case len(e.Any) == 1:
		return "has(tokens, " + tokenLiteral(e.Any[0]) + ")"
	}
	return "hasAny(tokens, [" + join(e.Any, tokenLiteral) + "])"
}

// where gives the clause of conditions.
func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// The names of an item and of its record, as tuples.
const (
	recordColumns = "topic, era, kafka_partition, kafka_offset"
	itemColumns   = recordColumns + ", item"
	recordKey     = "(" + recordColumns + ")"
	itemKey       = "(" + itemColumns + ")"
)

func recordLiteral(c record.Coordinates) string {
	return fmt.Sprintf("(%s, %d, %d, %d)", literal(c.Topic), c.Era, c.Partition, c.Offset)
}

func itemLiteral(id record.ItemID) string {
	return fmt.Sprintf("(%s, %d, %d, %d, %d)", literal(id.Topic), id.Era, id.Partition, id.Offset, id.N)
}

func tagLiteral(t index.Tag) string { return fmt.Sprintf("toFixedString(unhex('%x'), 16)", t[:]) }

func tokenLiteral(t index.Token) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(t))
	return fmt.Sprintf("toFixedString(unhex('%x'), 8)", b)
}

func literals[S ~string](list []S) string {
	return join(list, func(s S) string { return literal(string(s)) })
}

// literal quotes a string. Whatever could end the string, or be taken for
// something else on the way, stands as its bytes in hex.
func literal(s string) string {
	b := []byte{'\''}
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte(" ._-/:@#~", c) >= 0:
			b = append(b, c)
		default:
			b = fmt.Appendf(b, `\x%02X`, c)
		}
	}
	return string(append(b, '\''))
}

func join[T any](list []T, text func(T) string) string { return joinBy(list, text, ", ") }

func joinBy[T any](list []T, text func(T) string, by string) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = text(v)
	}
	return strings.Join(parts, by)
}
