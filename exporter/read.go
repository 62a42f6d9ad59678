package exporter

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"github.com/waxseal/waxseal/exporter/format"
)

// The codes of exceptions.
const (
	codeErased       = "erased"
	codeTampered     = "tampered"
	codeNotThere     = "not_there" // the index names an item that its record does not have
	codeMediaMissing = "media_missing"
	codeMediaDiffers = "media_differs"
	codeBeyond       = "beyond_scope"
)

// batch is the picks of one block, those of a record next to each other.
type batch struct {
	block blockID
	picks []*pick
}

// batches groups picks, which are in order, by block.
func batches(picks []*pick) []batch {
	var out []batch
	for _, p := range picks {
		n := len(out)
		if n == 0 || out[n-1].block != p.block {
			out = append(out, batch{block: p.block})
			n++
		}
		out[n-1].picks = append(out[n-1].picks, p)
	}
	return out
}

func last[T any](s []T) T { return s[len(s)-1] }

// open opens the records of a batch.
func (e *export) open(ctx context.Context, b batch) ([]retrieve.Opening, error) {
	rows := make([]index.Row, len(b.picks))
	for i, p := range b.picks {
		rows[i] = index.Row{Item: p.item, Lane: p.block.lane, Block: p.block.n, Segment: p.segment, Cell: p.cell}
	}
	return e.cfg.Library.Open(ctx, rows)
}

// ordered makes a value of each element, several at a time, and gives them out in
// order. Some twice as many are held as there are processors. The first error
// ends it.
func ordered[T, V any](ctx context.Context, list []T, do func(context.Context, T) (V, error), give func(V) error) error {
	outer, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(outer)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1) // one hands out the work
	line := make(chan chan V, runtime.GOMAXPROCS(0))
	g.Go(func() error {
		defer close(line)
		for _, x := range list {
			done := make(chan V, 1)
			select {
			case line <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			g.Go(func() error {
				v, err := do(ctx, x)
				if err == nil {
					done <- v
				}
				return err
			})
		}
		return nil
	})
	var err error
	for done := range line {
		select {
		case v := <-done:
			if err == nil {
				err = give(v)
			}
		case <-ctx.Done():
		}
		if err != nil {
			cancel()
		}
	}
	if waited := g.Wait(); err == nil {
		err = cmp.Or(waited, outer.Err())
	}
	return err
}

// opened is what one batch gave.
type opened struct {
	facts      []*fact
	exceptions []format.Exception
}

// read opens the picks and gives what the archive has of them.
func (e *export) read(ctx context.Context, picks []*pick) ([]*fact, error) {
	var out []*fact
	same := newSame()
	err := ordered(ctx, batches(picks), e.readBatch, func(o opened) error {
		for _, f := range o.facts {
			same.fact(f)
		}
		out = append(out, o.facts...)
		e.exceptions = append(e.exceptions, o.exceptions...)
		e.progress("items read", int64(len(out)), int64(len(picks)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return out, nil
}

func (e *export) readBatch(ctx context.Context, b batch) (opened, error) {
	records, err := e.open(ctx, b)
	if err != nil {
		return opened{}, err
	}
	byRecord := map[record.Coordinates][]*pick{}
	for _, p := range b.picks {
		byRecord[p.item.Coordinates] = append(byRecord[p.item.Coordinates], p)
	}
	var out opened
	var erased []*fact
	for i := range records {
		facts, exceptions, err := e.facts(&records[i], byRecord[records[i].Coordinates])
		if err != nil {
			return opened{}, err
		}
		for _, f := range facts {
			if f.erased {
				erased = append(erased, f)
			}
		}
		out.facts, out.exceptions = append(out.facts, facts...), append(out.exceptions, exceptions...)
	}
	if err := e.recall(ctx, erased); err != nil {
		return opened{}, err
	}
	return out, nil
}

// recall asks the index what it knows of erased items.
func (e *export) recall(ctx context.Context, erased []*fact) error {
	for batch := range slices.Chunk(erased, pullTags) {
		byItem := map[record.ItemID]*fact{}
		var q index.Query
		for _, f := range batch {
			byItem[f.item] = f
			q.Items = append(q.Items, f.item)
		}
		err := e.rows(ctx, q, func(row *index.Row) error {
			if f := byItem[row.Item]; f != nil {
				f.recall(row)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// same keeps one copy of strings and people that come again and again.
type same struct {
	strings map[string]string
	people  map[string]*personOf
}

func newSame() *same { return &same{map[string]string{}, map[string]*personOf{}} }

func (s *same) string(text *string) {
	if *text == "" {
		return
	}
	if have, ok := s.strings[*text]; ok {
		*text = have
		return
	}
	s.strings[*text] = *text
}

func (s *same) fact(f *fact) {
	for _, text := range []*string{&f.number, &f.display, &f.sub, &f.detail, &f.custodian, &f.class, &f.policy, &f.template, &f.actor, &f.reason} {
		s.string(text)
	}
	if f.person != nil {
		f.person = s.person(f.person)
	}
}

// person gives the one copy of somebody who is named in exactly these words.
func (s *same) person(p *personOf) *personOf {
	key := p.WaID + "\x00" + p.UserID + "\x00" + p.ParentID + "\x00" + p.Username + "\x00" + p.Name
	if have, ok := s.people[key]; ok {
		return have
	}
	s.people[key] = p
	return p
}

type personOf = whatsapp.Person
