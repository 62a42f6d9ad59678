package terminal

import (
	"encoding/json"
	"fmt"
	"io"
)

// Show writes a response: as one indented JSON document (json), as one line of
// JSON (jsonl), or as text by the given function.
func Show(w io.Writer, format string, v any, text func(io.Writer) error) error {
	switch format {
	case "json":
		return WriteJSON(w, v, "  ")
	case "jsonl":
		return WriteJSON(w, v, "")
	default:
		return text(w)
	}
}

// WriteJSON writes a document, on one line where indent is "".
func WriteJSON(w io.Writer, v any, indent string) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
