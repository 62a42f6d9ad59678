package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// self gives the words by which this binary is called as it was now, with the
// settings file and the data folder where they are not the usual ones.
func (s *session) self() []string {
	words := []string{os.Args[0]}
	if s.config != "" {
		words = append(words, "--config", s.config)
	}
	for _, v := range s.set.values {
		if v.name == "data" && v.source != "default" && (s.config == "" || !strings.HasPrefix(v.source, s.config+":")) {
			words = append(words, "--data", v.text)
		}
	}
	return words
}

// beside gives the name of another program that lies where this one does.
func beside(program, other string) string {
	dir, file := filepath.Split(program)
	if strings.HasSuffix(file, ".exe") {
		other += ".exe"
	}
	return dir + other
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-][A-Za-z0-9_./:@%+=,#-]*$`)

// typed gives words as somebody types them in a shell.
func typed(words ...string) string {
	out := make([]string, len(words))
	for i, w := range words {
		if out[i] = w; !plainWord.MatchString(w) {
			out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(out, " ")
}
