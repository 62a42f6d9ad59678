package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/reindex"
	"github.com/waxseal/waxseal/archiver/whatsapp"
)

// Reindex builds the index anew beside the old one, says how they differ, and
// puts it in the old one's place. It works from the stores and an identity alone.
func (a *appliance) Reindex(ctx context.Context) (resp ReindexResponse, err error) {
	rec, err := a.recorder(ctx, false)
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, rec.Close()) }()
	if rec.link != nil {
		return resp, fmt.Errorf("reindex replaces the index: %w", errBusy)
	}
	r, keys, err := a.openWhole(ctx, rec, "reindex")
	if err != nil {
		return resp, err
	}
	fresh := indexFile(a.set) + ".new"
	defer func() { err = errors.Join(err, removeIndex(fresh)) }()
	result, err := a.rebuild(ctx, r, keys, fresh)
	resp = ReindexResponse{Rows: result.Rows, Records: result.Records, Blocks: result.Blocks, Erased: result.ErasedItems + result.ErasedRecords, Changed: result.Changed + result.Dropped}
	if err != nil {
		return resp, fmt.Errorf("%w: %w", err, ErrIncomplete)
	}
	return resp, a.putInPlace(ctx, r, fresh)
}

// openWhole opens all content for the making of rows, once the look is entered,
// and the keys of tags and tokens as the archive itself holds them.
func (a *appliance) openWhole(ctx context.Context, rec *recorder, kind string) (*reading, *index.Keys, error) {
	r, err := a.openStores(ctx)
	if err != nil {
		return nil, nil, err
	}
	ring, err := keyring.Open(a.set.Keys())
	if err != nil {
		return nil, nil, err
	}
	if err := r.openReader(ctx, a, ring); err != nil {
		return nil, nil, errors.Join(err, rec.refuse(ctx, kind, "unreadable", nil))
	}
	if err := rec.look(ctx, kind, 0, nil); err != nil {
		return nil, nil, err
	}
	secrets, err := reindex.OpenSecrets(r.view, r.ids)
	if err != nil {
		return nil, nil, err
	}
	return r, secrets.Keys(), nil
}

// rebuild makes an index in a file, and compares it with the one there is.
func (a *appliance) rebuild(ctx context.Context, r *reading, keys *index.Keys, fresh string) (result reindex.Result, err error) {
	if err := removeIndex(fresh); err != nil {
		return result, err
	}
	ix, err := sqlite.Open(ctx, fresh)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, ix.Close()) }()
	cfg := reindex.Config{Index: ix, Source: r.source(a.set, keys), Progress: func(done, total uint64) { a.env.Progress("blocks", int64(done), int64(total)) }}
	if before, openErr := openIndexToRead(ctx, a.set); openErr == nil {
		defer before.Close()
		cfg.Before = before
	}
	return reindex.Rebuild(ctx, cfg)
}

// putInPlace gives the index that was made in a file the old one's place.
func (a *appliance) putInPlace(ctx context.Context, r *reading, fresh string) (err error) {
	if a.set.ClickHouse == "" {
		if err := removeIndex(indexFile(a.set)); err != nil {
			return err
		}
		return os.Rename(fresh, indexFile(a.set))
	}
	lanes, err := reindex.Lanes(ctx, r.locked)
	if err != nil {
		return err
	}
	from, err := sqlite.OpenReadOnly(ctx, fresh)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := clickhouse.Open(ctx, a.set.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return reindex.Move(ctx, from, to, lanes)
}

// source is what rows are made of.
func (r *reading) source(set *Settings, keys *index.Keys) reindex.Source {
	topics := map[string]whatsapp.Role{}
	for role, name := range set.Topics {
		topics[name] = role
	}
	return reindex.Source{Locked: r.locked, Reader: r.reader, Keys: keys, Topics: topics}
}

// removeIndex removes an index with its journal.
func removeIndex(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
