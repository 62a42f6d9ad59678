package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
)

// match gives the FTS5 expression of what a query asks of terms; "" where it
// asks nothing of them. What would take too many terms is added to where.
// FTS5 knows no NOT alone, only "a NOT b".
func (x *Index) match(ctx context.Context, q *index.Query, where *conditions) (string, error) {
	m := matcher{ctx: ctx, db: x.read, where: where, terms: x.terms}
	m.lines(q)
	m.shapes(q)
	m.tags(termPerson, q.People)
	m.tags(termGroup, q.Groups)
	m.tags(termConversation, q.Conversations)
	m.tags(termID, q.IDs)
	m.tags(termTarget, q.Targets)
	m.templates(q.Templates)
	switch {
	case q.Words == nil:
	case q.Words.Not != nil:
		m.without = append(m.without, m.expr(q.Words.Not))
	default:
		m.all = append(m.all, m.expr(q.Words))
	}
	return m.join(m.all, m.without), m.err
}

// matcher collects the parts of an expression.
type matcher struct {
	ctx          context.Context
	db           *sql.DB
	all, without []string
	where        *conditions
	terms        int    // maxTerms, but in tests
	every        string // matches every row, once needed
	err          error
}

// join gives the rows that each of all finds and none of without.
func (m *matcher) join(all, without []string) string {
	if len(all) == 0 && len(without) == 0 {
		return ""
	}
	if len(all) == 0 {
		all = []string{m.everything()}
	}
	s := strings.Join(all, " AND ")
	if len(without) > 0 {
		s = "(" + s + ") NOT (" + strings.Join(without, " OR ") + ")"
	}
	return s
}

// anyOf gives the rows that have one of the terms.
func anyOf(terms []string) string {
	switch len(terms) {
	case 0:
		return nothing
	case 1:
		return terms[0]
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

// expr gives the expression of a word expression.
func (m *matcher) expr(e *index.Expr) string {
	switch {
	case e.And != nil:
		var all, without []string
		for _, part := range e.And {
			if part.Not != nil {
				without = append(without, m.expr(part.Not))
			} else {
				all = append(all, m.expr(part))
			}
		}
		return "(" + m.join(all, without) + ")"
	case e.Or != nil:
		parts := make([]string, len(e.Or))
		for i, part := range e.Or {
			parts[i] = m.expr(part)
		}
		return anyOf(parts)
	case e.Not != nil:
		return "(" + m.join(nil, []string{m.expr(e.Not)}) + ")"
	}
	terms := make([]string, len(e.Any))
	for i, t := range e.Any {
		terms[i] = string(appendToken(nil, t))
	}
	return anyOf(terms)
}

// everything gives an expression for every row: each has a shape.
func (m *matcher) everything() string {
	if m.every == "" {
		m.every = anyOf(m.numbers(termShape, "SELECT id FROM shape"))
	}
	return m.every
}

func (m *matcher) tags(kind byte, tags []index.Tag) {
	if len(tags) == 0 {
		return
	}
	terms := make([]string, len(tags))
	for i, t := range tags {
		terms[i] = string(appendTag(nil, kind, t))
	}
	m.all = append(m.all, anyOf(terms))
}

func (m *matcher) templates(names []string) {
	if len(names) == 0 {
		return
	}
	where := conditions{}
	in(&where, "text", names)
	m.all = append(m.all, anyOf(m.numbers(termTemplate, "SELECT id FROM string"+where.sql(), where.args...)))
}

// lines asks for the lines that a query's fields select.
func (m *matcher) lines(q *index.Query) {
	var where conditions
	in(&where, "lane", q.Lanes)
	in(&where, "waba", q.WABAs)
	in(&where, "number", q.Numbers)
	in(&where, "custodian", q.Custodians)
	in(&where, "department", q.Departments)
	if len(q.Displays) > 0 {
		displays := make([]any, len(q.Displays))
		for i := range q.Displays {
			displays[i] = q.Displays[i][:]
		}
		where.in("display", displays)
	}
	m.combination(termLine, "line", where)
}

// maxTerms is how many lines or shapes are looked up as terms. Each costs some
// 20 us; beyond that their column is asked, row by row.
const maxTerms = 256

// combination asks for the lines or shapes that a condition selects.
func (m *matcher) combination(term byte, table string, where conditions) {
	if len(where.parts) == 0 {
		return
	}
	ids := "SELECT id FROM " + table + where.sql()
	terms := m.numbers(term, ids+fmt.Sprintf(" LIMIT %d", m.terms+1), where.args...)
	if len(terms) <= m.terms {
		m.all = append(m.all, anyOf(terms))
		return
	}
	m.where.add("i."+table+" IN ("+ids+")", where.args...)
}

// shapes asks for the shapes that a query's fields select.
func (m *matcher) shapes(q *index.Query) {
	var where conditions
	in(&where, "kind", q.Kinds)
	in(&where, "channel", q.Channels)
	in(&where, "direction", q.Directions)
	in(&where, "provenance", q.Provenances)
	in(&where, "class", q.Classes)
	switch {
	case len(q.Findings) == 0:
	case slices.Contains(q.Findings, "*"):
		where.add("findings <> ''")
	default:
		parts := make([]string, len(q.Findings))
		args := make([]any, len(q.Findings))
		for i, f := range q.Findings {
			parts[i], args[i] = "instr(findings, ?) > 0", findingKey(f)
		}
		where.add("("+strings.Join(parts, " OR ")+")", args...)
	}
	m.combination(termShape, "shape", where)
}

// numbers gives a term for each number a statement selects.
func (m *matcher) numbers(kind byte, query string, args ...any) []string {
	if m.err != nil {
		return nil
	}
	var terms []string
	m.err = each(m.ctx, m.db, query, args, func(rows *sql.Rows) error {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		terms = append(terms, string(appendNumber(nil, kind, uint64(n))))
		return nil
	})
	return terms
}

// each runs a query and calls fn for each row.
func each(ctx context.Context, db *sql.DB, query string, args []any, fn func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// conditions are the parts of a WHERE clause, all of which must hold.
type conditions struct {
	parts []string
	args  []any
}

func (c *conditions) add(part string, args ...any) {
	c.parts = append(c.parts, part)
	c.args = append(c.args, args...)
}

func (c *conditions) in(column string, values []any) {
	c.add(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
}

// in restricts a column to a list, an empty list restricting nothing.
func in[S ~string](c *conditions, column string, list []S) {
	if len(list) == 0 {
		return
	}
	values := make([]any, len(list))
	for i, v := range list {
		values[i] = string(v)
	}
	c.in(column, values)
}

func (c *conditions) sql() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}
