package main

import (
	"fmt"
	"strings"
)

// report shows an event of run on standard output.
func (s *session) report(e Event) {
	s.bar.clear()
	if s.set.Output != "text" {
		writeJSON(s.out, e, "") // events are lines in both JSON forms
		return
	}
	fmt.Fprintln(s.out, eventText(e))
}

// logEvent shows an event of archive on standard error, since its standard
// output is the response.
func (s *session) logEvent(e Event) {
	s.bar.clear()
	fmt.Fprintln(s.err, eventText(e))
}

// eventText is one line, or for a checkpoint the note below it.
func eventText(e Event) string {
	switch e.Event {
	case "listening":
		return fmt.Sprintf("%-10s %s", e.What, e.Address)
	case "fed":
		return fmt.Sprintf("fed        %s, %s", count(e.Records, "record"), size(e.Bytes))
	case "archived":
		return fmt.Sprintf("archived   lane %s block %d: %s, %s", e.Lane, e.Block, count(e.Records, "record"), size(e.Bytes))
	case "verified":
		line := fmt.Sprintf("verified   %s, size %d, root %s", count(e.Records, "record"), e.Size, e.Root)
		if e.Checkpoint != "" {
			line += "\n\n    " + strings.ReplaceAll(strings.TrimRight(e.Checkpoint, "\n"), "\n", "\n    ") + "\n"
		}
		return line
	case "ready":
		return "ready      " + e.What
	case "alarm":
		return "ALARM      " + oneLine(e.What)
	case "stopped":
		return "stopped    everything is closed"
	default:
		return strings.TrimSpace(e.Event + "  " + oneLine(e.What))
	}
}
