// Package about says what a binary is.
package about

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// Binary is what a build is.
type Binary struct {
	Version string `json:"version"`
	Commit  string `json:"commit"` // "" where the build did not say
	Go      string `json:"go"`
	OS      string `json:"os"`
	Arch    string `json:"arch"`
}

// This gives what the running binary is; version is the one its linker set.
func This(version string) Binary {
	b := Binary{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, kv := range info.Settings {
			if kv.Key == "vcs.revision" {
				b.Commit = kv.Value
			}
		}
	}
	return b
}

// Line is the binary in a line, as "waxseal v1 go1.26 linux/amd64".
func (b Binary) Line(name string) string {
	return strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s %s/%s", name, b.Version, b.Commit, b.Go, b.OS, b.Arch)), " ")
}
