package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/exporter/bundle"
	"github.com/waxseal/waxseal/ledger"
)

// Run is the whole appliance in one process.
func (a *appliance) Run(ctx context.Context, req RunRequest, report func(Event)) error {
	if req.Demo {
		if err := a.set.forDemo(); err != nil {
			return err
		}
	}
	w, err := openWorks(ctx, a.env, report)
	if err != nil {
		return err
	}
	report(event("listening", Event{What: "broker", Address: w.address}))
	stopLink, err := serveLink(ctx, a.set, w.address, w)
	if err != nil {
		return errors.Join(err, w.Close())
	}
	report(event("listening", Event{What: "data", Address: a.set.Data}))
	var show *showing
	if req.Demo {
		if show, err = w.play(ctx); err != nil {
			return w.unplayed(ctx, err, stopLink)
		}
	}
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan error, 1)
	go func() {
		err := w.work(work, false)
		cancel(err) // nothing to welcome anybody to
		done <- err
	}()
	if err := w.welcome(work, show, req); err != nil && work.Err() == nil {
		cancel(err)
		return errors.Join(err, <-done, stopLink(), w.Close())
	}
	err = <-done
	err = errors.Join(err, stopLink(), w.Close())
	if err == nil {
		report(event("stopped", Event{}))
	}
	return err
}

// unplayed ends an appliance whose demonstration could not be fed. Interrupted,
// it ends as cleanly as later.
func (w *works) unplayed(ctx context.Context, err error, stopLink func() error) error {
	if ctx.Err() != nil {
		err = nil
	}
	if err = errors.Join(err, stopLink(), w.Close()); err == nil {
		w.report(event("stopped", Event{}))
	}
	return err
}

// welcome waits until all that is in Kafka is archived, verifies, tells the
// stories of a demonstration, and says that the appliance is ready.
func (w *works) welcome(ctx context.Context, show *showing, req RunRequest) error {
	if err := w.settled(ctx); err != nil {
		return err
	}
	if err := w.heads(ctx); err != nil {
		return err
	}
	if err := w.control.Publish(ctx); err != nil {
		return err
	}
	if err := w.showVerified(ctx); err != nil {
		return err
	}
	if show != nil {
		if err := w.tell(ctx, show, req); err != nil {
			return err
		}
	}
	w.report(event("ready", Event{What: "waxseal search, show, cat, verify in another terminal; Ctrl-C stops"}))
	return nil
}

// settled waits until every lane stands at the end of what Kafka holds, with its
// live checkpoint published.
func (w *works) settled(ctx context.Context) error {
	for {
		lanes, err := w.archiver.Lanes(ctx)
		if err != nil {
			return err
		}
		lag, known := int64(0), true
		for _, l := range w.lags(ctx) {
			known = known && l.Lag >= 0
			lag += max(l.Lag, 0)
		}
		published, ours := true, 0
		for _, p := range w.archiver.Progress() {
			if !p.Left {
				published, ours = published && p.Published == p.Size, ours+1
			}
		}
		if known && lag == 0 && published && ours >= lanes {
			return w.indexed(ctx)
		}
		if err := archiver.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// showVerified verifies the archive as it stands and shows its control checkpoint.
func (w *works) showVerified(ctx context.Context) error {
	r, err := verifyStores(ctx, w.locked, w.meta, w.spare, verifyOptions{})
	if err != nil {
		return err
	}
	if !r.OK {
		w.report(event("alarm", Event{What: fmt.Sprintf("verification failed: %d contradictions; 'waxseal verify' names them", r.Failures)}))
		return nil
	}
	signed, _, err := w.meta.Get(ctx, ledger.CheckpointKey("control"))
	if err != nil {
		return fmt.Errorf("read the checkpoint of control: %w", err)
	}
	cp, err := w.keys.Open("control", signed)
	if err != nil {
		return err
	}
	w.report(event("verified", Event{Lane: "control", Records: r.Records, Size: cp.Size, Root: cp.Root.String(), Checkpoint: string(signed)}))
	return nil
}

// act enters what another command asks for.
func (w *works) act(ctx context.Context, in looked) (ledger.ActRef, error) {
	refs, err := w.control.Commit(ctx, in.draft())
	if err != nil {
		return ledger.ActRef{}, err
	}
	if in.Look != nil && in.Look.Kind == lookExport {
		w.mu.Lock()
		w.exports[refs[0]] = true
		w.mu.Unlock()
	}
	return refs[0], nil
}

// signBag signs the bag of an export whose look was entered here, once.
func (w *works) signBag(in bagToSign) ([]byte, error) {
	w.mu.Lock()
	known := w.exports[in.Look]
	delete(w.exports, in.Look)
	w.mu.Unlock()
	if !known {
		return nil, errors.New("no export that was entered here waits for a signature")
	}
	var fingerprint ledger.Hash
	w.control.View(func(v *control.View) { fingerprint = v.Fingerprint })
	return bundle.SignNote(w.signer, fingerprint, in.TagManifest), nil
}

// lagWait is how long Kafka may take to say how far its logs reach.
const lagWait = 3 * time.Second

// standing says what the archiver waits for, and how far its lanes are behind.
func (w *works) standing(ctx context.Context) standing {
	s := standing{Lanes: w.lags(ctx)}
	if err := w.archiver.Waiting(); err != nil {
		s.Waiting = err.Error()
	}
	return s
}

// lags compares each lane's position with Kafka's high watermarks.
func (w *works) lags(ctx context.Context) []laneLag {
	ctx, cancel := context.WithTimeout(ctx, lagWait)
	defer cancel()
	topics, topicsErr := w.source.Topics(ctx)
	progress := slices.DeleteFunc(w.archiver.Progress(), func(p archiver.Progress) bool { return p.Left })
	out := make([]laneLag, len(progress))
	var wg sync.WaitGroup
	for i, p := range progress {
		l := &out[i]
		*l = laneLag{Lane: string(p.Lane), Writable: true, Source: make([]Position, len(p.Sources))}
		if p.Err != nil {
			l.Error, l.Writable = p.Err.Error(), false
		}
		if topicsErr != nil {
			l.Lag = -1
		}
		for j, s := range p.Sources {
			l.Source[j] = Position{Topic: s.Topic, Era: uint32(s.Era), Partition: s.Partition, Next: s.Next, End: -1}
			if s.Partition < topics[s.Topic] {
				wg.Go(func() {
					if _, high, err := w.source.Watermarks(ctx, s.Topic, s.Partition); err == nil {
						l.Source[j].End = high
					}
				})
			}
		}
	}
	wg.Wait()
	for i := range out {
		l := &out[i]
		for _, s := range l.Source {
			switch {
			case l.Lag < 0 || s.Partition >= topics[s.Topic]: // unknown, or nothing to read
			case s.End < 0:
				l.Lag = -1
			default:
				l.Lag += max(0, s.End-s.Next)
			}
		}
	}
	slices.SortFunc(out, func(a, b laneLag) int { return strings.Compare(a.Lane, b.Lane) })
	return out
}

// Archive is the archiver alone.
func (a *appliance) Archive(ctx context.Context, req ArchiveRequest, report func(Event)) (ArchiveResponse, error) {
	w, err := openWorks(ctx, a.env, report)
	if err != nil {
		return ArchiveResponse{}, err
	}
	stopLink, err := serveLink(ctx, a.set, w.address, w)
	if err != nil {
		return ArchiveResponse{}, errors.Join(err, w.Close())
	}
	err = w.work(ctx, req.Drain)
	w.mu.Lock()
	resp := w.total
	w.mu.Unlock()
	for _, p := range w.archiver.Progress() {
		lane := LaneArchive{Lane: string(p.Lane), Head: max(p.Size, 1) - 1, Records: p.Records}
		for _, s := range p.Sources {
			lane.Source = append(lane.Source, Position{Topic: s.Topic, Era: uint32(s.Era), Partition: s.Partition, Next: s.Next, End: -1})
		}
		resp.Lanes = append(resp.Lanes, lane)
	}
	slices.SortFunc(resp.Lanes, func(a, b LaneArchive) int { return strings.Compare(a.Lane, b.Lane) })
	if err == nil && req.Drain && ctx.Err() != nil {
		err = fmt.Errorf("stopped before everything was sealed: %w", ErrIncomplete)
	}
	return resp, errors.Join(err, stopLink(), w.Close())
}
