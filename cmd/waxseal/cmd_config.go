package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/cmd/internal/about"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

type configCmd struct {
	Example bool `help:"A YAML file with every setting at its default, each explained."`
}

// Help teaches the command.
func (configCmd) Help() string {
	return `A setting comes from its flag, else its WAXSEAL_ variable, else the YAML file of --config or WAXSEAL_CONFIG, else its default. Secrets are not shown.

Examples:
  waxseal config
  WAXSEAL_TOPICS_WEBHOOKS=hooks waxseal config --output json
  waxseal config --example > waxseal.yaml`
}

// configResponse is the output of config.
type configResponse struct {
	Settings []shownSetting `json:"settings"`
	Unknown  []string       `json:"unknown"` // WAXSEAL_ variables nothing reads
}

type shownSetting struct {
	Name   string `json:"name"`
	Value  any    `json:"value"`  // a text, or a list of texts
	Source string `json:"source"` // flag --X, WAXSEAL_X, FILE:LINE or default
	Env    string `json:"env"`
}

// hidden stands in a secret's place, where there is one.
const hidden = "(hidden)"

// Run shows the settings.
func (c configCmd) Run(s *session) error {
	if c.Example {
		return exampleConfig(s.out)
	}
	r := configResponse{Unknown: append([]string{}, unknownEnv(s.environ)...)}
	for _, v := range s.set.values {
		shown := shownSetting{Name: v.name, Value: v.shown(), Source: v.source, Env: v.env()}
		if v.list {
			shown.Value = append([]string{}, v.items...)
		}
		if v.secret && v.text != "" {
			shown.Value = hidden
		}
		r.Settings = append(r.Settings, shown)
	}
	return s.show(r, func(w io.Writer) error { return configText(w, r) })
}

func configText(w io.Writer, r configResponse) error {
	rows := [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, v := range r.Settings {
		val := fmt.Sprint(v.Value)
		if list, ok := v.Value.([]string); ok {
			val = strings.Join(list, " ")
		}
		rows = append(rows, []string{v.Name, terminal.Cut(val, 60), v.Source})
	}
	if err := terminal.Table(w, rows...); err != nil {
		return err
	}
	for _, name := range r.Unknown {
		fmt.Fprintf(w, "WARNING nothing reads %s\n", name)
	}
	return nil
}

// exampleConfig writes every setting as a comment, so that the file changes nothing.
func exampleConfig(w io.Writer) error {
	var b strings.Builder
	b.WriteString("## Settings of waxseal, each at its default. Take the first # of a line away to change one.\n")
	group := ""
	for _, s := range settings() {
		name, indent := s.name, ""
		if g, rest, ok := strings.Cut(s.name, "."); ok {
			if g != group {
				fmt.Fprintf(&b, "\n#%s:\n", g)
			}
			group, name, indent = g, rest, "  "
		} else {
			b.WriteByte('\n')
			group = ""
		}
		fmt.Fprintf(&b, "#%s# %s", indent, s.help)
		if s.values != nil {
			fmt.Fprintf(&b, " (%s)", strings.Join(s.values, ", "))
		}
		def := s.def
		switch {
		case s.list:
			def = "[]"
		case def == "":
			def = `""`
		}
		fmt.Fprintf(&b, "\n#%s%s: %s\n", indent, name, def)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// version is set by the linker in a release build.
var version = "dev"

type versionCmd struct{}

// Help teaches the command.
func (versionCmd) Help() string {
	return `Examples:
  waxseal version
  waxseal version --output json`
}

// Run shows the version.
func (versionCmd) Run(s *session) error {
	b := about.This(version)
	return s.show(b, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, b.Line("waxseal"))
		return err
	})
}
