package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/whatsapp"
	"go.yaml.in/yaml/v3"
)

// resolve finds the effective settings. flags holds the ones given on the
// command line by setting name; environ is as os.Environ gives it; file is the
// YAML file, "" none. Every error is ErrUsage and names where the value stands.
func resolve(flags map[string]string, environ []string, file string) (*Settings, error) {
	env := waxsealEnv(environ)
	if file == "" {
		file = env["WAXSEAL_CONFIG"]
	}
	fromFile, err := readConfig(file)
	if err != nil {
		return nil, err
	}
	s := &Settings{Topics: map[whatsapp.Role]string{}, Buckets: map[string]place{}, Recipients: map[keyring.Role][]string{}}
	for _, def := range settings() {
		v := value{setting: def, text: def.def, source: "default"}
		if f, ok := fromFile[def.name]; ok {
			v.text, v.items, v.source = f.text, f.items, f.source
		}
		if t, ok := env[def.env()]; ok {
			v.text, v.items, v.source = t, splitList(t), def.env()
		}
		if t, ok := flags[def.name]; ok {
			v.text, v.items, v.source = t, splitList(t), "flag --"+def.name
		}
		if err := s.put(v); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Settings) put(v value) error {
	if v.values != nil && !slices.Contains(v.values, v.text) {
		return fmt.Errorf("%s (%s): %q is none of %s: %w", v.name, v.source, v.text, strings.Join(v.values, ", "), ErrUsage)
	}
	if !v.list {
		v.items = nil
	}
	if err := v.set(s, v); err != nil {
		if v.secret {
			err = errors.New("not a usable value")
		}
		return fmt.Errorf("%s (%s): %w: %w", v.name, v.source, err, ErrUsage)
	}
	s.values = append(s.values, v)
	return nil
}

// waxsealEnv picks the variables that are ours.
func waxsealEnv(environ []string) map[string]string {
	out := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(k, "WAXSEAL_") {
			out[k] = v
		}
	}
	return out
}

// unknownEnv names WAXSEAL_ variables that no setting reads: most likely typing errors.
func unknownEnv(environ []string) []string {
	known := []string{"WAXSEAL_CONFIG", "WAXSEAL_PYTHON", "WAXSEAL_REQUIRE_SERVICES", "WAXSEAL_TORTURE"} // the last three are read by tests
	for _, s := range settings() {
		known = append(known, s.env())
	}
	var out []string
	for k := range waxsealEnv(environ) {
		if !slices.Contains(known, k) {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
}

// readConfig reads the YAML file into values by setting name.
func readConfig(file string) (map[string]value, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w: %w", err, ErrUsage)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: not YAML: %w", file, ErrUsage) // the library's text may quote a secret
	}
	out := map[string]value{}
	if err := flatten(out, file, "", doc.Content[0]); err != nil {
		return nil, err
	}
	return out, nil
}

// flatten walks nested mappings to dotted names; lists and scalars are values.
func flatten(out map[string]value, file, prefix string, n *yaml.Node) error {
	at := fmt.Sprintf("%s:%d", file, n.Line)
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			name := n.Content[i].Value
			if prefix != "" {
				name = prefix + "." + name
			}
			if err := flatten(out, file, name, n.Content[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	def, ok := findSetting(prefix)
	if !ok {
		return fmt.Errorf("%s: no setting %q (waxseal config lists them): %w", at, prefix, ErrUsage)
	}
	if _, twice := out[prefix]; twice {
		return fmt.Errorf("%s: %s stands there twice: %w", at, prefix, ErrUsage)
	}
	v := value{source: at}
	switch {
	case n.Kind == yaml.ScalarNode:
		v.text, v.items = n.Value, splitList(n.Value)
	case n.Kind == yaml.SequenceNode && def.list:
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode {
				return fmt.Errorf("%s: %s is a list of texts: %w", at, prefix, ErrUsage)
			}
			v.items = append(v.items, item.Value)
		}
		v.text = strings.Join(v.items, ",")
	default:
		return fmt.Errorf("%s: %s is one value: %w", at, prefix, ErrUsage)
	}
	out[prefix] = v
	return nil
}

func findSetting(name string) (setting, bool) {
	all := settings()
	i := slices.IndexFunc(all, func(s setting) bool { return s.name == name })
	if i < 0 {
		return setting{}, false
	}
	return all[i], true
}
