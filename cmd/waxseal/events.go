package main

import (
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// report shows an event of run on standard output.
func (s *session) report(e Event) {
	s.bar.Clear()
	if s.set.Output != "text" {
		terminal.WriteJSON(s.out, e, "") // events are lines in both JSON forms
		return
	}
	fmt.Fprintln(s.out, eventText(e))
}

// logEvent shows an event of archive on standard error, since its standard
// output is the response.
func (s *session) logEvent(e Event) {
	s.bar.Clear()
	fmt.Fprintln(s.err, eventText(e))
}

// eventText is one line, or for a checkpoint the note below it.
func eventText(e Event) string {
	switch e.Event {
	case "listening":
		return fmt.Sprintf("%-10s %s", e.What, e.Address)
	case "fed":
		return fmt.Sprintf("fed        %s, %s", terminal.Count(e.Records, "record"), terminal.Size(e.Bytes))
	case "archived":
		return fmt.Sprintf("archived   lane %s block %d: %s, %s", e.Lane, e.Block, terminal.Count(e.Records, "record"), terminal.Size(e.Bytes))
	case "verified":
		line := fmt.Sprintf("verified   %s, %s of control, root %s", terminal.Count(e.Records, "record"), terminal.Count(e.Size, "block"), e.Root)
		if e.Checkpoint != "" {
			line += "\n\n    " + strings.ReplaceAll(strings.TrimRight(e.Checkpoint, "\n"), "\n", "\n    ") + "\n"
		}
		return line
	case "story":
		return fmt.Sprintf("story      %s\n\n    %s\n\n        %s\n", e.Title, strings.ReplaceAll(e.What, "\n", "\n    "), e.Command)
	case "counted":
		return fmt.Sprintf("counted    %s with %s, %d of them with a finding", terminal.Count(e.Records, "record"), terminal.Count(e.Items, "item"), e.Findings)
	case "try":
		return fmt.Sprintf("try        %s\n        %s", e.What, e.Command)
	case "ready":
		return "ready      " + e.What
	case "alarm":
		return "ALARM      " + terminal.Line(e.What)
	case "stopped":
		return "stopped    everything is closed"
	default:
		return strings.TrimSpace(e.Event + "  " + terminal.Line(e.What))
	}
}
