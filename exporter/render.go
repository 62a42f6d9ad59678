package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/waxseal/waxseal/exporter/format"
)

// rendered is one conversation, written but for its lines of messages.jsonl.
type rendered struct {
	conversation *format.Conversation
	summary      format.Summary
}

// render writes everything that people and review platforms read. One
// conversation after the other becomes a model, is written and forgotten.
func (e *export) render(ctx context.Context, j *joined) (err error) {
	e.sortNotes()
	p, err := e.production()
	if err != nil {
		return err
	}
	lines, err := e.bag.Create(format.MessagesPath)
	if err != nil {
		return err
	}
	keys := slices.SortedFunc(maps.Keys(j.talks), func(a, b talkKey) int {
		return cmp.Or(compareFacts(j.talks[a][0].shown(), j.talks[b][0].shown()), cmp.Compare(j.people.id(a), j.people.id(b)))
	})
	var all []format.Summary
	one := func(_ context.Context, k talkKey) (rendered, error) { return e.conversation(p, j, k) }
	err = ordered(ctx, keys, one, func(r rendered) error {
		all = append(all, r.summary)
		e.progress("conversations written", int64(len(all)), int64(len(keys)))
		return format.WriteMessages(lines, p, r.conversation)
	})
	if err = errors.Join(err, lines.Close()); err != nil {
		return fmt.Errorf("write conversations: %w", err)
	}
	sortFacts(j.events)
	events := make([]*format.Event, len(j.events))
	for i, f := range j.events {
		events[i] = e.happened(j, f)
	}
	files, err := p.Files(all, events)
	if err != nil {
		return err
	}
	return e.files(ctx, files)
}

// conversation makes the model of one conversation and writes its files.
func (e *export) conversation(p *format.Production, j *joined, k talkKey) (rendered, error) {
	c := e.model(j, k)
	files, err := c.Files(p)
	if err != nil {
		return rendered{}, err
	}
	for _, f := range files {
		if err := e.file(f); err != nil {
			return rendered{}, err
		}
	}
	return rendered{c, c.Summary()}, nil
}

func (e *export) files(ctx context.Context, files []format.File) error {
	for _, f := range files {
		if err := e.file(f); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (e *export) file(f format.File) error {
	w, err := e.bag.Create(f.Path)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Write(w), w.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return nil
}

// production is what all files say of the whole.
func (e *export) production() (*format.Production, error) {
	doc := e.anchor.Doc()
	_, signed := e.anchor.Checkpoint()
	return &format.Production{
		Archive: doc.Archive, Fingerprint: doc.Fingerprint.String(), Generator: e.cfg.Generator,
		Scope: e.req.Scope, Zone: e.req.Zone, Unit: string(e.req.Unit), Context: e.req.Context,
		Checkpoint: string(signed), Sealed: e.anchor.Sealed(), Counts: e.counts, Gaps: e.gaps, Exceptions: e.exceptions,
	}, nil
}
