package main

import (
	"fmt"
	"io"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type runCmd struct {
	Demo bool `help:"Play a day of a small firm into the embedded broker, and tell what to look at."`
}

// Help teaches the command.
func (runCmd) Help() string {
	return `Starts broker, archiver, store and index in one process on free ports of the loopback address and says which. Ctrl-C stops it cleanly; the next start goes on
where this one stopped.

With --demo the archive is a demonstration: some 300 records of an invented firm's day are fed, once, whatever interrupts it; then it tells three stories
with the commands that show them. Such an archive has demo/ in front of its name and locks of minutes; 'waxseal demo remove' removes it. It is never
mixed with a real one: without --demo, run and archive refuse it, and with --demo run refuses every other.

Examples:
  waxseal run --demo                     see what it is
  waxseal run                            everything in ./waxseal-data
  waxseal run --data /srv/archive        another folder
  waxseal run --broker kafka:9092        read another Kafka in place of the embedded broker
  waxseal run --output jsonl             one line of JSON an event, for a supervisor`
}

// Run runs the appliance until it is interrupted.
func (c runCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		self := s.self()
		return app.Run(s.ctx, RunRequest{Demo: c.Demo, Self: self, Verifier: []string{beside(self[0], "waxverify")}}, s.report)
	})
}

type archiveCmd struct {
	Drain bool `help:"Stop once everything that is in Kafka now is sealed."`
}

// Help teaches the command.
func (archiveCmd) Help() string {
	return `Seals what is in Kafka, lane by lane, and goes on until it is interrupted. With --drain it stops, with exit code 0, once the high watermarks it saw at
its start are sealed; stopped before that it says so with exit code 4. Without --broker, and with no 'waxseal run' on the data folder, it starts the
embedded broker for its own duration.

Examples:
  waxseal archive --drain
  waxseal archive --broker kafka:9092 --config /etc/waxseal.yaml`
}

// Run archives, and shows what was archived.
func (c archiveCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		resp, err := app.Archive(s.ctx, ArchiveRequest{Drain: c.Drain}, s.logEvent)
		if err != nil {
			return err
		}
		return s.show(resp, func(w io.Writer) error { return archiveText(w, resp) })
	})
}

func archiveText(w io.Writer, r ArchiveResponse) error {
	fmt.Fprintf(w, "archived %s (%s) in %s: %s raw, %s stored\n",
		terminal.Count(r.Records, "record"), terminal.Count(r.Items, "item"), terminal.Count(r.Blocks, "block"), terminal.Size(r.Bytes), terminal.Size(r.Stored))
	rows := [][]string{{"LANE", "HEAD", "RECORDS", "TOPIC", "NEXT"}}
	for _, lane := range r.Lanes {
		for i, p := range lane.Source {
			row := []string{"", "", "", topic(p), fmt.Sprint(p.Next)}
			if i == 0 {
				row[0], row[1], row[2] = lane.Lane, fmt.Sprint(lane.Head), fmt.Sprint(lane.Records)
			}
			rows = append(rows, row)
		}
	}
	if len(rows) == 1 {
		return nil
	}
	return terminal.Table(w, rows...)
}

// topic names a partition as records are named, less the offset.
func topic(p Position) string {
	if p.Era > 1 {
		return fmt.Sprintf("%s~%d/%d", p.Topic, p.Era, p.Partition)
	}
	return fmt.Sprintf("%s/%d", p.Topic, p.Partition)
}

type feedCmd struct {
	Paths []string `arg:"" name:"file" placeholder:"FILE" help:"Files, folders, or - for standard input."`
	Topic string   `placeholder:"TOPIC" help:"Topic to write to (default: the webhooks topic)."`
	Key   string   `placeholder:"KEY" help:"Key of every record (default: the WABA id found in the payload)."`
	Lines bool     `help:"Each line is a record, also in files that are not .jsonl."`

	Header []string `placeholder:"NAME=VALUE" sep:"none" help:"Header of every record; may be given again."`
}

// Help teaches the command.
func (feedCmd) Help() string {
	return `Each file becomes one record, byte for byte; of a .jsonl file each line. A folder stands for all files in it, in the order of their names. It returns when
Kafka has acknowledged everything, and says which file became which record.

Examples:
  waxseal feed payloads/
  waxseal feed webhook.json --key 102290129340398
  waxseal feed consents.jsonl --topic wa.consent
  waxseal feed photo.jpg --topic wa.media --header x-waxseal-media-id=1000000000000001 --header content-type=image/jpeg
  curl -s … | waxseal feed -`
}

// Run feeds the files.
func (c feedCmd) Run(s *session) error {
	return s.withApp(func(app App) error {
		resp, err := app.Feed(s.ctx, FeedRequest{Paths: c.Paths, Topic: c.Topic, Key: c.Key, Lines: c.Lines, Headers: c.Header})
		if err != nil {
			return err
		}
		return s.show(resp, func(w io.Writer) error { return feedText(w, resp) })
	})
}

// feedText shows each file with its record, or with its number of them.
func feedText(w io.Writer, r FeedResponse) error {
	rows := make([][]string, 0, len(r.Files))
	for _, f := range r.Files {
		where := terminal.Count(len(f.Records), "record")
		if len(f.Records) == 1 {
			where = f.Records[0]
		}
		rows = append(rows, []string{f.File, where})
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "fed %s, %s\n", terminal.Count(r.Records, "record"), terminal.Size(r.Bytes))
	return err
}
