package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// ErrVersion is returned for a database that a newer release made. The index is
// a cache: remove it and run reindex.
var ErrVersion = errors.New("index was made by a newer release")

// migrations lead from one version of the schema to the next; user_version
// counts those that were run. A released migration is never edited.
var migrations = []string{`
-- Repeated strings of the rows. Numbers are never given twice, so that whoever
-- remembers one is never wrong.
CREATE TABLE string (id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE);

-- What all rows of one business number's lane have in common, and what kind of
-- row it is: each combination once, so that one term in a row stands for all of it.
CREATE TABLE line (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	lane TEXT NOT NULL, waba TEXT NOT NULL, number TEXT NOT NULL, display BLOB NOT NULL,
	custodian TEXT NOT NULL, department TEXT NOT NULL,
	UNIQUE (number, lane, waba, display, custodian, department));
CREATE TABLE shape (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL, channel TEXT NOT NULL, direction TEXT NOT NULL, provenance TEXT NOT NULL,
	class TEXT NOT NULL, findings TEXT NOT NULL, -- each finding between line feeds
	UNIQUE (kind, channel, direction, provenance, class, findings));

-- The rows. key is index.ItemKey, body index.AppendRow with strings by number.
CREATE TABLE item (
	id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, time INTEGER NOT NULL,
	line INTEGER NOT NULL, shape INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX item_time ON item (time, key);

-- The inverted index: item id by term (terms.go).
CREATE VIRTUAL TABLE term USING fts5 (terms, content='', columnsize=0, detail=none, tokenize='ascii');
INSERT INTO term (term, rank) VALUES ('automerge', 8);
-- 32 MiB of terms in memory: a block makes one sorted run, not several.
INSERT INTO term (term, rank) VALUES ('hashsize', 33554432);

-- Tags seen beside each other as aliases of one person, both ways.
CREATE TABLE alias (tag BLOB NOT NULL, other BLOB NOT NULL, PRIMARY KEY (tag, other)) WITHOUT ROWID;

-- The first block of a lane that is missing, and the blocks above it that are not.
CREATE TABLE lane (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE ahead (lane TEXT NOT NULL, block INTEGER NOT NULL, PRIMARY KEY (lane, block)) WITHOUT ROWID;
`}

// migrate brings the schema up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	v, err := version(ctx, tx)
	if err != nil {
		return err
	}
	for ; v < len(migrations); v++ {
		if _, err := tx.ExecContext(ctx, migrations[v]); err != nil {
			return fmt.Errorf("migrate to version %d: %w", v+1, err)
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", v)); err != nil {
		return err
	}
	return tx.Commit()
}

// version reads and judges the schema's version.
func version(ctx context.Context, q queryer) (int, error) {
	var v int
	if err := q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err != nil {
		return 0, err
	}
	if v > len(migrations) {
		return 0, fmt.Errorf("version %d, this release knows %d: %w", v, len(migrations), ErrVersion)
	}
	return v, nil
}

// queryer is a database or a transaction.
type queryer interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}
