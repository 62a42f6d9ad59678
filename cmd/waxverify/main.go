// Command waxverify is the auditor's tool: it verifies a copy of an archive with
// nothing but the copy and, from elsewhere, the archive's fingerprint. It holds
// no key, reaches no network and writes nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
	"github.com/waxseal/waxseal/exporter/bundle"
)

// cli is the whole grammar.
type cli struct {
	Output  string     `short:"o" enum:"text,json,jsonl" default:"text" help:"text, json or jsonl (default text)."`
	Archive archiveCmd `cmd:"" help:"Verify a copy of an archive."`
	Bag     bagCmd     `cmd:"" help:"Verify a production: the folder that 'waxseal export' writes."`
	Proof   proofCmd   `cmd:"" help:"Verify one proof of a production."`
	Version versionCmd `cmd:"" help:"What this binary is."`
}

const description = `Waxverify proves that nothing in a Waxseal archive, or in a production of one, was changed, removed, inserted or reordered. It needs a copy of the archive's data folder,
or the production, and the archive's fingerprint; neither keys nor network nor the people who run the archive.

  waxverify archive copy-of-data/ --key FINGERPRINT
  waxverify bag production/ --key FINGERPRINT

Exit codes: 0 ok, 1 error, 2 usage, 3 verification failed, 4 incomplete: nothing contradicts, but without --key nobody knows whose archive it is.`

// session is what a command runs with.
type session struct {
	ctx      context.Context
	out, err io.Writer
	output   string
	bar      *terminal.Bar
}

func main() { os.Exit(mainCode()) }

// mainCode runs the process's command line to its exit code.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process as usual
	s := &session{ctx: ctx, out: os.Stdout, err: os.Stderr}
	if st, err := os.Stderr.Stat(); err == nil && st.Mode()&os.ModeCharDevice != 0 {
		s.bar = terminal.NewBar(os.Stderr, 80)
	}
	return execute(s, os.Args[1:])
}

// exited is how kong's --help leaves the parser.
type exited int

// execute runs one command line to its exit code.
func execute(s *session, args []string) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exited)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("waxverify"), kong.Description(description),
		kong.Writers(s.out, s.err), kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}))
	if err != nil {
		return s.fail(err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		return s.fail(fmt.Errorf("%w ('waxverify --help' tells more): %w", err, errUsage))
	}
	s.output = c.Output
	return s.fail(kctx.Run(s))
}

// What scripts branch on.
var (
	errUsage         = errors.New("usage")
	errVerification  = errors.New("verification failed")
	errIntegrityOnly = errors.New("integrity only: the signer is not authenticated, because no --key was given. " +
		"The archive agrees with itself; whoever holds the stores could have made all of it anew. " +
		"Compare the fingerprint above with the archive's card, or give the card's with --key")
	errBag           = fmt.Errorf("%w: this is not what the archive signed and sealed", errVerification)
	errUnknownSigner = errors.New("integrity only: the signer is not authenticated, because no --key was given. " +
		"The bag agrees with itself; anybody could have made it, with an archive of their own. " +
		"Compare the fingerprint above with the archive's card, or give the card's with --key")
)

// fail reports an error, if it is one, and gives the exit code.
func (s *session) fail(err error) int {
	s.bar.Clear()
	if err != nil {
		fmt.Fprintf(s.err, "waxverify: %s\n", strings.TrimSuffix(terminal.Line(err.Error()), ": usage"))
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errVerification):
		return 3
	case errors.Is(err, errUsage), errors.Is(err, dir.ErrNoStore), errors.Is(err, bundle.ErrPath):
		return 2
	case errors.Is(err, errIntegrityOnly), errors.Is(err, errUnknownSigner), errors.Is(err, context.Canceled):
		return 4
	default:
		return 1
	}
}
