package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/index/sqlite"
	"github.com/waxseal/waxseal/archiver/lane"
	"github.com/waxseal/waxseal/archiver/reindex"
)

// indexFile is where the SQLite index is.
func indexFile(set *Settings) string { return filepath.Join(set.Data, "index.db") }

// openIndex opens the index that archiving feeds. A ClickHouse that is away holds
// nothing up: it is fed from the outboxes once it is back.
func openIndex(ctx context.Context, env Env) (index.Index, error) {
	if env.Settings.ClickHouse == "" {
		return sqlite.Open(ctx, indexFile(env.Settings))
	}
	x, err := clickhouse.New(env.Settings.ClickHouse, true)
	if err != nil {
		return nil, err
	}
	err = x.Ready(ctx)
	if errors.Is(err, clickhouse.ErrVersion) || errors.Is(err, clickhouse.ErrTables) {
		return nil, errors.Join(err, x.Close())
	}
	if err != nil {
		env.Log.Warn("the index is away: archiving goes on without it, and feeds it once it is back", "err", err)
	}
	return x, nil
}

// openIndexToRead opens the index as it is.
func openIndexToRead(ctx context.Context, set *Settings) (index.Index, error) {
	if set.ClickHouse != "" {
		x, err := clickhouse.OpenExisting(ctx, set.ClickHouse)
		if err != nil {
			return nil, err
		}
		return x, nil
	}
	x, err := sqlite.OpenReadOnly(ctx, indexFile(set))
	if err != nil {
		return nil, fmt.Errorf("open index ('waxseal reindex' makes it anew): %w", err)
	}
	return x, nil
}

// mendIndex says what to do about an index that cannot be read.
func (s *Settings) mendIndex() string {
	if s.ClickHouse != "" {
		return "see that ClickHouse answers at " + clickhouse.Redact(s.ClickHouse) + "; if its tables are lost, 'waxseal reindex' makes them anew"
	}
	return "'waxseal reindex' makes it anew"
}

// behind says of which lanes the index lacks blocks that are committed.
func (r *reading) behind(ctx context.Context) ([]IndexLag, error) {
	lanes, err := reindex.Lanes(ctx, r.locked)
	if err != nil {
		return nil, err
	}
	var out []IndexLag
	for _, l := range lanes {
		last, err := lane.Last(ctx, r.locked, l, r.hint(ctx, l))
		if err != nil {
			return nil, err
		}
		if last == nil {
			continue
		}
		next, err := r.index.Position(ctx, l)
		if err != nil {
			return nil, err
		}
		if blocks := last.Entry.N + 1; next < blocks {
			out = append(out, IndexLag{Lane: string(l), Indexed: next, Blocks: blocks})
		}
	}
	return out, nil
}
