package main

import (
	"io"
	"os"

	"golang.org/x/term"

	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// streams is what a command reads from and writes to. Data goes to out,
// everything else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	terminal bool // err is a terminal: progress is welcome
	width    int  // columns of the terminal, 80 where unknown

	readPassword func(prompt string) (string, error) // nil: nobody to ask
}

// bar gives a bar for a terminal; on anything else nil, which draws nothing.
func (s streams) bar() *terminal.Bar {
	if !s.terminal {
		return nil
	}
	return terminal.NewBar(s.err, s.width)
}

// process gives the streams of this process.
func process() streams {
	s := streams{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), width: 80}
	fd := int(os.Stderr.Fd())
	if term.IsTerminal(fd) {
		s.terminal = true
		if w, _, err := term.GetSize(fd); err == nil && w > 0 {
			s.width = w
		}
	}
	if term.IsTerminal(int(os.Stdin.Fd())) {
		s.readPassword = readPassword
	}
	return s
}

func readPassword(prompt string) (string, error) {
	if _, err := os.Stderr.WriteString(prompt + ": "); err != nil {
		return "", err
	}
	pass, err := term.ReadPassword(int(os.Stdin.Fd()))
	os.Stderr.WriteString("\n")
	return string(pass), err
}
