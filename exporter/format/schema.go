package format

import (
	"embed"
	"io"
	"path"
)

//go:embed schema/*.json
var schemaFiles embed.FS

// schemas are the JSON Schemas of the production's JSON files.
func schemas() []File {
	entries, err := schemaFiles.ReadDir("schema")
	if err != nil {
		panic(err) // it is in the program
	}
	var files []File
	for _, e := range entries {
		data, err := schemaFiles.ReadFile(path.Join("schema", e.Name()))
		if err != nil {
			panic(err)
		}
		files = append(files, File{"schemas/" + e.Name(), func(w io.Writer) error {
			_, err := w.Write(data)
			return err
		}})
	}
	return files
}
