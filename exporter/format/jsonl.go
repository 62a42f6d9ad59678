package format

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"time"
)

// WriteMessages writes the conversation's lines of messages.jsonl, one a logical
// message, in the order of the model.
func WriteMessages(w io.Writer, p *Production, c *Conversation) error {
	return lines(w, func(put func(any) error) error {
		names := c.names()
		for i := range c.Days {
			for _, m := range c.Days[i].Messages {
				if err := put(messageLine(c, c.Days[i].Date, m, names)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func writeConversations(w io.Writer, list []Summary) error {
	return lines(w, func(put func(any) error) error {
		for i := range list {
			if err := put(conversationLine(&list[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeEvents(w io.Writer, p *Production, events []*Event) error {
	return lines(w, func(put func(any) error) error {
		for _, e := range events {
			if err := put(eventLine(p, e)); err != nil {
				return err
			}
		}
		return nil
	})
}

func writeExceptions(w io.Writer, list []Exception) error {
	out := make([]exceptionJSON, 0, len(list))
	for _, e := range list {
		out = append(out, exceptionJSON(e))
	}
	return array(w, out)
}

func writeGaps(w io.Writer, list []Gap) error {
	out := make([]gapJSON, 0, len(list))
	for _, g := range list {
		out = append(out, gapJSON{utc(g.Time), g.What, g.Record, g.Number})
	}
	return array(w, out)
}

// lines gives fn a put that writes one value a line.
func lines(w io.Writer, fn func(put func(any) error) error) error {
	out := bufio.NewWriterSize(w, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := fn(enc.Encode); err != nil {
		return err
	}
	return out.Flush()
}

// array writes one element a line, and [] for none.
func array[T any](w io.Writer, list []T) error {
	var b bytes.Buffer
	b.WriteByte('[')
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
		if err := enc.Encode(list[i]); err != nil {
			return err
		}
		b.Truncate(b.Len() - 1)
	}
	if len(list) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString("]\n")
	_, err := w.Write(b.Bytes())
	return err
}

// utc is RFC 3339 in UTC, "" for no time.
func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
