package retrieve

import (
	"context"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// threads gives the logical messages of some ids: everything the index knows
// with that id or about it.
func (l *Library) threads(ctx context.Context, ids []index.Tag) (map[index.Tag]*index.Thread, error) {
	rows := map[index.Tag][]index.Row{}
	for _, id := range ids {
		rows[id] = nil
	}
	if len(rows) == 0 {
		return nil, nil
	}
	m := l.merge([]index.Query{{IDs: ids}, {Targets: ids}}, false, nil)
	for {
		row, err := m.next(ctx)
		if err != nil {
			return nil, err
		}
		if row == nil {
			break
		}
		for _, id := range [...]index.Tag{row.ID, row.Target} {
			if list, ok := rows[id]; ok {
				rows[id] = append(list, *row)
			}
			if row.ID == row.Target {
				break
			}
		}
	}
	out := make(map[index.Tag]*index.Thread, len(rows))
	for id, list := range rows {
		t := index.Join(id, list)
		out[id] = &t
	}
	return out, nil
}

// status fills in how the message of a hit stands.
func (h *Hit) status(t *index.Thread) {
	h.Edited, h.Revoked = len(t.Edits) > 0, t.Revoked()
	if h.Row.Direction == record.Outbound {
		h.State = t.State()
	}
}

// statuses fills in how the messages of the hits stand.
func (l *Library) statuses(ctx context.Context, hits []*Hit) error {
	var ids []index.Tag
	for _, h := range hits {
		if isMessage(&h.Row) {
			ids = append(ids, h.Row.ID)
		}
	}
	threads, err := l.threads(ctx, ids)
	if err != nil {
		return err
	}
	for _, h := range hits {
		if isMessage(&h.Row) {
			h.status(threads[h.Row.ID])
		}
	}
	return nil
}
