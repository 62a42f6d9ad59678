package whatsapp

import (
	"embed"
	"fmt"
)

//go:embed schema/*.json
var schemas embed.FS

// Schema is the JSON Schema (2020-12) of the inputs of our own that are JSON,
// sends, consent, templates, directory, and of the headers of media. It is advice for whoever writes the
// middleware; the archiver takes what breaks it too. INPUTS.md explains it.
func Schema(role Role) ([]byte, error) {
	b, err := schemas.ReadFile("schema/" + string(role) + ".json")
	if err != nil {
		return nil, fmt.Errorf("schema of %q: %w", role, err)
	}
	return b, nil
}
