package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/cmd/internal/demo"
	"github.com/waxseal/waxseal/ledger"
)

// tell says what to look at, with commands for a shell.
func (w *works) tell(ctx context.Context, s *showing, req RunRequest) error {
	switch {
	case s.other:
		w.report(event("alarm", Event{What: "another version of waxseal played this day, so its stories are not told: 'waxseal demo remove', then 'waxseal run --demo'"}))
		return nil
	case s.lost:
		w.report(event("alarm", Event{What: "the broker has lost records of the day that were archived: nothing is fed again, and the stories are not told"}))
		return nil
	}
	rows, records, err := w.index.Count(ctx, index.Query{})
	if err != nil {
		return fmt.Errorf("count: %w", err)
	}
	found, _, err := w.index.Count(ctx, index.Query{Findings: []string{"*"}})
	if err != nil {
		return fmt.Errorf("count findings: %w", err)
	}
	w.report(event("counted", Event{Records: uint64(records), Items: uint64(rows), Findings: uint64(found)}))
	name := w.namer(s)
	for _, story := range demo.Stories(name) {
		w.report(event("story", Event{Title: story.Name, What: story.Text, Command: typed(append(slices.Clone(req.Self), story.Show...)...)}))
	}
	for _, try := range w.trials(name, req) {
		w.report(event("try", try))
	}
	return nil
}

// namer gives the archive's names of marked records.
func (w *works) namer(s *showing) func(mark string) string {
	type place struct {
		topic     string
		partition int32
	}
	eras := map[place]record.Era{}
	for _, p := range w.archiver.Progress() {
		for _, x := range p.Sources {
			eras[place{x.Topic, x.Partition}] = x.Era
		}
	}
	return func(mark string) string {
		i := slices.IndexFunc(s.day, func(r demo.Record) bool { return r.Mark == mark })
		c := s.where[i]
		c.Era = eras[place{c.Topic, c.Partition}]
		return c.String()
	}
}

// trials are what to try next.
func (w *works) trials(name func(mark string) string, req RunRequest) []Event {
	const out = "waxseal-export"
	var fingerprint ledger.Hash
	w.control.View(func(v *control.View) { fingerprint = v.Fingerprint })
	own := func(words ...string) string { return typed(append(slices.Clone(req.Self), words...)...) }
	return []Event{
		{What: "find a word, in whatever script it was written", Command: own("search", "cellar OR поліс OR 保険")},
		{What: "all that one customer wrote and got", Command: own("search", "--person", demo.Customer)},
		{What: "a message by its name, with what was decided and why", Command: own("show", name(demo.MarkAfterStop)+"#0")},
		{What: "the exact bytes that Kafka delivered: a photo", Command: own("cat", name(demo.MarkPhoto)) + " > photo.jpg"},
		{What: "how the archive stands", Command: own("status")},
		{What: "prove that nothing was changed, down to each message", Command: own("verify", "--deep")},
		{What: "change one byte of a copy, and see it found", Command: own("demo", "tamper")},
		{What: "the signed checkpoint: file it away from the archive, and nobody can change unseen what it covers", Command: own("checkpoint") + " > checkpoint.txt"},
		{What: "a folder for somebody else: open " + out + "/index.html", Command: own("export", "--all", "--out", out)},
		{What: "check that folder as a stranger would, who has the fingerprint from the archive's card (" + typed(append(slices.Clone(req.Self), "keys", "card")...) + ")",
			Command: typed(append(slices.Clone(req.Verifier), "bag", out, "--key", fingerprint.String())...)},
	}
}
