package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// names remembers which numbers the writer gave to strings, lines and shapes,
// and which alias pairs it stored. Forgetting is harmless, remembering what a
// rolled-back transaction gave is not: then all is forgotten.
type names struct {
	texts   map[string]uint64
	lines   map[line]uint64
	shapes  map[shape]uint64
	aliases map[[2]index.Tag]bool
}

// maxNames bounds each memory.
const maxNames = 1 << 17

func (n *names) reset() {
	*n = names{
		texts:   map[string]uint64{},
		lines:   map[line]uint64{},
		shapes:  map[shape]uint64{},
		aliases: map[[2]index.Tag]bool{},
	}
}

// line is what the rows of one business number's lane have in common.
type line struct {
	lane              record.Lane
	waba, number      string
	display           index.Tag
	custodian, depart string
}

// shape is what kind of row it is.
type shape struct {
	kind       record.Kind
	channel    record.Channel
	direction  record.Direction
	provenance record.Provenance
	class      string
	findings   string // each between line feeds
}

func lineOf(r *index.Row) line {
	return line{r.Lane, r.WABA, r.Number, r.Display, r.Custodian, r.Department}
}

func shapeOf(r *index.Row) shape {
	s := shape{r.Kind, r.Channel, r.Direction, r.Provenance, r.Class, ""}
	for _, f := range r.Findings {
		s.findings += findingKey(f)
	}
	return s
}

// findingKey is a finding as a shape's list holds it, so that no finding's name
// is found in another's.
func findingKey(rule string) string {
	return "\n" + strings.ReplaceAll(rule, "\n", " ") + "\n"
}

// number gives the number of a value: remembered, stored, or new.
func number[K comparable](ctx context.Context, tx *sql.Tx, known map[K]uint64, v K, find, add string, args ...any) (uint64, error) {
	if n, ok := known[v]; ok {
		return n, nil
	}
	var n int64
	err := tx.QueryRowContext(ctx, find, args...).Scan(&n)
	if err == sql.ErrNoRows {
		var res sql.Result
		if res, err = tx.ExecContext(ctx, add, args...); err == nil {
			n, err = res.LastInsertId()
		}
	}
	if err != nil {
		return 0, err
	}
	if len(known) >= maxNames {
		clear(known)
	}
	known[v] = uint64(n)
	return uint64(n), nil
}

func (n *names) string(ctx context.Context, tx *sql.Tx, s string) (uint64, error) {
	return number(ctx, tx, n.texts, s,
		"SELECT id FROM string WHERE text = ?", "INSERT INTO string (text) VALUES (?)", s)
}

func (n *names) line(ctx context.Context, tx *sql.Tx, l line) (uint64, error) {
	return number(ctx, tx, n.lines, l,
		"SELECT id FROM line WHERE lane = ? AND waba = ? AND number = ? AND display = ? AND custodian = ? AND department = ?",
		"INSERT INTO line (lane, waba, number, display, custodian, department) VALUES (?, ?, ?, ?, ?, ?)",
		string(l.lane), l.waba, l.number, l.display[:], l.custodian, l.depart)
}

func (n *names) shape(ctx context.Context, tx *sql.Tx, s shape) (uint64, error) {
	return number(ctx, tx, n.shapes, s,
		"SELECT id FROM shape WHERE kind = ? AND channel = ? AND direction = ? AND provenance = ? AND class = ? AND findings = ?",
		"INSERT INTO shape (kind, channel, direction, provenance, class, findings) VALUES (?, ?, ?, ?, ?, ?)",
		string(s.kind), string(s.channel), string(s.direction), string(s.provenance), s.class, s.findings)
}

// refs gives the numbers that a row's terms refer to.
func (n *names) refs(ctx context.Context, tx *sql.Tx, r *index.Row) (out refs, err error) {
	if out.line, err = n.line(ctx, tx, lineOf(r)); err != nil {
		return out, err
	}
	if out.shape, err = n.shape(ctx, tx, shapeOf(r)); err != nil {
		return out, err
	}
	if out.template, err = n.string(ctx, tx, r.Template); err != nil {
		return out, err
	}
	out.templateID, err = n.string(ctx, tx, r.TemplateID)
	return out, err
}
