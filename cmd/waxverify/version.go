package main

import (
	"fmt"
	"io"

	"github.com/waxseal/waxseal/cmd/internal/about"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// version is set by the linker in a release build.
var version = "dev"

type versionCmd struct{}

// Help teaches the command.
func (versionCmd) Help() string {
	return `Examples:
  waxverify version
  waxverify version --output json`
}

// Run shows the version.
func (versionCmd) Run(s *session) error {
	b := about.This(version)
	return terminal.Show(s.out, s.output, b, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, b.Line("waxverify"))
		return err
	})
}
