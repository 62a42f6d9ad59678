package exporter

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/retrieve"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/exporter/format"
	"github.com/waxseal/waxseal/exporter/prove"
	"github.com/waxseal/waxseal/ledger"
	"github.com/waxseal/waxseal/ledger/proof"
)

// What callers branch on.
var (
	// ErrNothing says that nothing in the archive is in scope. No folder was written.
	ErrNothing = errors.New("nothing in the archive is in scope")
	// ErrRequest says that a request asks for what it cannot mean.
	ErrRequest = errors.New("not an export")
)

// Unit is what a hit brings along.
type Unit string

// The units of a production.
const (
	Messages      Unit = "message"      // the messages that the hits are, or are about
	Days          Unit = "day"          // all of the conversation on the days of its hits
	Conversations Unit = "conversation" // all of the conversation
)

// Units lists the units.
func Units() []Unit { return []Unit{Messages, Days, Conversations} }

// Request says what a production is about.
type Request struct {
	All      bool                 // everything in the archive; Search is not looked at
	Search   retrieve.SearchQuery // Limit, Cursor, Count and Newest are not looked at
	Scope    string               // that, in words, for the production to say
	Zone     *time.Location       // in which a day is a day
	Unit     Unit
	Context  int    // messages before and after each hit in its conversation; with Messages alone
	Since    []byte // a signed checkpoint of control that somebody kept; nil none
	Out      string // folder that is made
	Estimate bool   // only say how much it is
}

func (r *Request) check() error {
	switch {
	case !slices.Contains(Units(), r.Unit):
		return fmt.Errorf("no unit %q: %w", r.Unit, ErrRequest)
	case r.Context < 0:
		return fmt.Errorf("context of %d messages: %w", r.Context, ErrRequest)
	case r.Context > 0 && (r.Unit != Messages || r.All):
		return fmt.Errorf("context goes with unit %s, and with a scope: %w", Messages, ErrRequest)
	case r.Zone == nil:
		return fmt.Errorf("no time zone: %w", ErrRequest)
	case r.Out == "" && !r.Estimate:
		return fmt.Errorf("no folder to write to: %w", ErrRequest)
	}
	return nil
}

// Config is what an export works with.
type Config struct {
	Library   *retrieve.Library
	Generator string // tool and version

	// Prover opens what makes proofs, as the archive stands then.
	Prover func(context.Context) (*prove.Prover, error)
	// Seal has the heads of the lanes sealed up to their last blocks.
	Seal func(context.Context) error
	// Look is told what is in scope before anything is written, and enters it in the
	// ledger. Its error ends the export.
	Look func(context.Context, *Estimate) error
	// Sign signs the bag, as bundle.Ending says.
	Sign func(ctx context.Context, fingerprint, tagmanifest ledger.Hash) ([]byte, error)
	// Progress is told how far long work has come; nil nobody.
	Progress func(what string, done, total int64)
}

// Estimate is how much is in scope, before it is written.
type Estimate struct {
	Items, Records, Conversations, Days, Messages, Events, Media int
	Bytes                                                        int64 // raw, of the records

	Names []string // of the records
}

// Report says what was written.
type Report struct {
	Archive     string
	Fingerprint ledger.Hash
	Checkpoint  ledger.Checkpoint
	Counts      format.Counts
	Gaps        []format.Gap
	Exceptions  []format.Exception
	Estimate    Estimate
	Files       int
	Bytes       int64

	// Tampered says that something in scope contradicts the ledger.
	Tampered bool
}

// export is one export under way.
type export struct {
	cfg Config
	req Request

	rules      rules
	exceptions []format.Exception
	gaps       []format.Gap
	counts     format.Counts

	anchor *prove.Anchor
	bag    *bundle.Writer

	mediaMu    sync.Mutex      // guards what follows
	mediaFiles map[string]bool // by path: written
}

// Export writes a production, or says how much it would be. What the ledger
// contradicts is among the Exceptions, and the rest goes on. After an error there
// is no folder that looks finished.
func Export(ctx context.Context, cfg Config, req Request) (*Report, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	e := &export{cfg: cfg, req: req, mediaFiles: map[string]bool{}}
	report, err := e.run(ctx)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return report, nil
}

func (e *export) run(ctx context.Context) (report *Report, err error) {
	if !e.req.Estimate { // the place is taken before the work is done
		if e.bag, err = bundle.Create(e.req.Out); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, e.bag.Abort()) }()
	}
	picks, err := e.choose(ctx)
	if err != nil {
		return nil, err
	}
	facts, err := e.read(ctx, picks)
	if err != nil {
		return nil, err
	}
	if facts, err = e.withMedia(ctx, facts); err != nil {
		return nil, err
	}
	j, facts := e.settle(facts)
	estimate := e.estimate(j, facts)
	if err := e.cfg.Look(ctx, &estimate); err != nil {
		return nil, err
	}
	report = &Report{Estimate: estimate}
	switch {
	case e.req.Estimate:
		e.finish(report)
		return report, nil
	case len(facts) == 0:
		return nil, errors.Join(ErrNothing, e.onlyTampered())
	}
	return report, e.write(ctx, j, facts, report)
}

// onlyTampered says so where something is in scope and all of it contradicts the
// ledger.
func (e *export) onlyTampered() error {
	for _, x := range e.exceptions {
		if x.Code == codeTampered {
			return fmt.Errorf("%s: %s: %w", x.Item, x.Reason, retrieve.ErrTampered)
		}
	}
	return nil
}

// write makes the folder.
func (e *export) write(ctx context.Context, j *joined, facts []*fact, report *Report) (err error) {
	if err := e.cover(ctx, facts); err != nil {
		return err
	}
	var kept *proof.Consistency
	if e.req.Since != nil {
		if kept, err = e.anchor.Consistency(ctx, e.req.Since); err != nil {
			return err
		}
	}
	if err := e.prove(ctx, facts); err != nil {
		return err
	}
	if err := e.ledgerGaps(ctx, facts); err != nil {
		return err
	}
	e.itemGaps(j)
	if err := e.render(ctx, j); err != nil {
		return err
	}
	cp, _ := e.anchor.Checkpoint()
	doc := e.anchor.Doc()
	report.Archive, report.Fingerprint, report.Checkpoint = doc.Archive, doc.Fingerprint, cp
	e.finish(report)
	return e.bag.Finish(ctx, bundle.Ending{
		Anchor: doc, Rotations: e.anchor.Rotations(), Consistency: kept, Date: e.anchor.Date(),
		Info: []bundle.Field{
			{Label: "Bag-Software-Agent", Value: e.cfg.Generator},
			{Label: "External-Description", Value: oneLine("WhatsApp messages: " + e.req.Scope)},
		},
		Sign: func(ctx context.Context, sum ledger.Hash) ([]byte, error) {
			return e.cfg.Sign(ctx, doc.Fingerprint, sum)
		},
	})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// finish takes over what was counted.
func (e *export) finish(r *Report) {
	r.Counts, r.Gaps, r.Exceptions = e.counts, e.gaps, e.exceptions
	for _, x := range e.exceptions {
		r.Tampered = r.Tampered || x.Code == codeTampered
	}
}

// cover finds where the proofs end; where heads are not sealed that far yet, it
// has them sealed first.
func (e *export) cover(ctx context.Context, facts []*fact) error {
	need := map[record.Lane]uint64{}
	for lane, s := range stretches(facts) {
		need[lane] = s[1] + 1
	}
	for sealed := false; ; sealed = true {
		p, err := e.cfg.Prover(ctx)
		if err != nil {
			return err
		}
		if e.anchor, err = p.Cover(ctx, need); err == nil || sealed || !errors.Is(err, prove.ErrHeads) {
			return err
		}
		if err := e.cfg.Seal(ctx); err != nil {
			return err
		}
	}
}

// estimate counts what is in scope.
func (e *export) estimate(j *joined, facts []*fact) Estimate {
	out := Estimate{Items: len(facts), Events: len(j.events)}
	seen := map[record.Coordinates]bool{}
	for _, f := range facts {
		if c := f.item.Coordinates; !seen[c] {
			seen[c] = true
			out.Records++
			out.Bytes += f.from.size
			out.Names = append(out.Names, c.String())
		}
		if f.bytes {
			out.Media++
		}
	}
	days := map[string]bool{}
	for k, list := range j.talks {
		out.Conversations++
		out.Messages += len(list)
		for _, t := range list {
			days[j.people.id(k)+e.day(t.shown().unix())] = true
		}
	}
	out.Days = len(days)
	e.counts = format.Counts{Conversations: out.Conversations, Days: out.Days, Messages: out.Messages, Events: out.Events}
	return out
}

func (e *export) query() retrieve.SearchQuery {
	if e.req.All {
		return retrieve.SearchQuery{}
	}
	q := e.req.Search
	q.Newest, q.Limit, q.Cursor, q.Count = false, 0, "", false
	return q
}

func (e *export) progress(what string, done, total int64) {
	if e.cfg.Progress != nil {
		e.cfg.Progress(what, done, total)
	}
}

// sortNotes puts gaps and exceptions in order, each once.
func (e *export) sortNotes() {
	slices.SortFunc(e.gaps, func(a, b format.Gap) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Record, b.Record), cmp.Compare(a.What, b.What), cmp.Compare(a.Number, b.Number))
	})
	e.gaps = slices.Compact(e.gaps)
	slices.SortFunc(e.exceptions, func(a, b format.Exception) int {
		return cmp.Or(cmp.Compare(a.Item, b.Item), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Reason, b.Reason))
	})
	e.exceptions = slices.Compact(e.exceptions)
}
