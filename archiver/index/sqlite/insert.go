package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// Insert adds the rows of blocks in one transaction, with the lanes' positions.
func (x *Index) Insert(ctx context.Context, batches ...index.Batch) error {
	err := x.change(ctx, func(tx *sql.Tx) error {
		in, err := newInserter(tx, &x.names)
		if err != nil {
			return err
		}
		for i := range batches {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := in.batch(&batches[i]); err != nil {
				return fmt.Errorf("lane %s, block %d: %w", batches[i].Lane, batches[i].Block, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("insert rows: %w", err)
	}
	return nil
}

// change runs fn in the one writer's transaction.
func (x *Index) change(ctx context.Context, fn func(*sql.Tx) error) error {
	if x.db == nil {
		return ErrReadOnly
	}
	x.write.Lock()
	defer x.write.Unlock()
	tx, err := x.db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	if err = fn(tx); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		x.names.reset()
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// inserter is one transaction's statements and buffers. Its statements do not
// watch a context: that costs a goroutine each.
type inserter struct {
	ctx                                   context.Context
	tx                                    *sql.Tx
	names                                 *names
	item, term, unterm, update, find, ali *sql.Stmt
	rows                                  *index.Appender
	body, terms                           []byte
	failed                                error // of intern
}

func newInserter(tx *sql.Tx, names *names) (*inserter, error) {
	in := &inserter{ctx: context.Background(), tx: tx, names: names}
	in.rows = index.NewAppender(in.intern)
	for _, s := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&in.item, "INSERT INTO item (key, time, line, shape, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"},
		{&in.find, "SELECT id, body FROM item WHERE key = ?"},
		{&in.update, "UPDATE item SET time = ?, line = ?, shape = ?, body = ? WHERE id = ?"},
		{&in.term, "INSERT INTO term (rowid, terms) VALUES (?, ?)"},
		{&in.unterm, "INSERT INTO term (term, rowid, terms) VALUES ('delete', ?, ?)"},
		{&in.ali, "INSERT INTO alias (tag, other) VALUES (?, ?) ON CONFLICT DO NOTHING"},
	} {
		stmt, err := tx.PrepareContext(in.ctx, s.sql)
		if err != nil {
			return nil, err
		}
		*s.to = stmt
	}
	return in, nil
}

func (in *inserter) batch(b *index.Batch) error {
	for i := range b.Rows {
		if err := in.row(&b.Rows[i]); err != nil {
			return fmt.Errorf("item %s: %w", b.Rows[i].Item, err)
		}
	}
	return in.position(b.Lane, b.Block)
}

func (in *inserter) row(r *index.Row) error {
	in.body = in.rows.Append(in.body[:0], r)
	if in.failed != nil {
		return in.failed
	}
	n, err := in.names.refs(in.ctx, in.tx, r)
	if err != nil {
		return err
	}
	key := index.ItemKey(r.Item)
	res, err := in.item.Exec(key, r.Time(), int64(n.line), int64(n.shape), in.body)
	if err != nil {
		return err
	}
	added, err := res.RowsAffected()
	if err != nil {
		return err
	}
	if added == 0 {
		return in.replace(r, n, key)
	}
	id, err := res.LastInsertId()
	if err != nil {
		return err
	}
	if err := in.index(in.term, id, r, n); err != nil {
		return err
	}
	return in.aliases(r.Aliases)
}

// intern numbers a string; it keeps the first error.
func (in *inserter) intern(s string) uint64 {
	n, err := in.names.string(in.ctx, in.tx, s)
	if err != nil && in.failed == nil {
		in.failed = err
	}
	return n
}

// index adds or removes the terms of a row.
func (in *inserter) index(stmt *sql.Stmt, id int64, r *index.Row, n refs) error {
	in.terms = appendTerms(in.terms[:0], r, n)
	_, err := stmt.Exec(id, string(in.terms))
	return err
}

// replace puts r, encoded in in.body, in the place of the row with the key. The
// same row changes nothing.
func (in *inserter) replace(r *index.Row, n refs, key []byte) error {
	var id int64
	var body []byte
	if err := in.find.QueryRow(key).Scan(&id, &body); err != nil {
		return err
	}
	if bytes.Equal(body, in.body) {
		return nil
	}
	old, err := index.DecodeRow(body, in.text)
	if err != nil {
		return err
	}
	was, err := in.names.refs(in.ctx, in.tx, &old)
	if err != nil {
		return err
	}
	if err := in.index(in.unterm, id, &old, was); err != nil {
		return err
	}
	if _, err := in.update.Exec(r.Time(), int64(n.line), int64(n.shape), in.body, id); err != nil {
		return err
	}
	if err := in.index(in.term, id, r, n); err != nil {
		return err
	}
	return in.aliases(r.Aliases)
}

// text is the string of a number, within the transaction.
func (in *inserter) text(id uint64) (s string, ok bool) {
	return s, in.tx.QueryRow("SELECT text FROM string WHERE id = ?", int64(id)).Scan(&s) == nil
}

// aliases notes that tags were seen beside each other.
func (in *inserter) aliases(tags []index.Tag) error {
	for _, a := range tags {
		for _, b := range tags {
			pair := [2]index.Tag{a, b}
			if a == b || in.names.aliases[pair] {
				continue
			}
			if _, err := in.ali.Exec(a[:], b[:]); err != nil {
				return err
			}
			if len(in.names.aliases) >= maxNames {
				clear(in.names.aliases)
			}
			in.names.aliases[pair] = true
		}
	}
	return nil
}

// position notes that a block is indexed, and moves the lane's position over it
// and over those that came before it out of order.
func (in *inserter) position(lane record.Lane, block uint64) error {
	next, err := position(in.ctx, in.tx, lane)
	if err != nil || block < next {
		return err
	}
	if _, err := in.tx.Exec("INSERT INTO ahead (lane, block) VALUES (?, ?) ON CONFLICT DO NOTHING", string(lane), int64(block)); err != nil {
		return err
	}
	if block > next {
		return nil
	}
	for {
		res, err := in.tx.Exec("DELETE FROM ahead WHERE lane = ? AND block = ?", string(lane), int64(next))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			break
		}
		next++
	}
	_, err = in.tx.Exec("INSERT INTO lane (name, next) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET next = excluded.next", string(lane), int64(next))
	return err
}

func position(ctx context.Context, q queryer, lane record.Lane) (uint64, error) {
	var next int64
	err := q.QueryRowContext(ctx, "SELECT next FROM lane WHERE name = ?", string(lane)).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return uint64(next), err
}

// Position is the number of the lane's first block that is missing.
func (x *Index) Position(ctx context.Context, lane record.Lane) (uint64, error) {
	next, err := position(ctx, x.read, lane)
	if err != nil {
		return 0, fmt.Errorf("read the position of lane %s: %w", lane, err)
	}
	return next, nil
}

// Reset empties the index.
func (x *Index) Reset(ctx context.Context) error {
	err := x.change(ctx, func(tx *sql.Tx) error {
		_, err := tx.Exec(`
			DELETE FROM item; DELETE FROM line; DELETE FROM shape; DELETE FROM string;
			DELETE FROM alias; DELETE FROM lane; DELETE FROM ahead;
			INSERT INTO term (term) VALUES ('delete-all')`)
		x.names.reset()
		return err
	})
	if err != nil {
		return fmt.Errorf("empty the index: %w", err)
	}
	return nil
}
