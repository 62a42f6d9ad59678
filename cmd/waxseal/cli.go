package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/cmd/internal/terminal"
)

// cli is the whole grammar. kong reads it; completion walks it.
type cli struct {
	Data     *string `placeholder:"DIR" help:"Folder with everything of the archive (default ./waxseal-data)."`
	Broker   *string `placeholder:"HOST:PORT" help:"Another Kafka; without it the embedded broker."`
	Output   *string `short:"o" placeholder:"FORMAT" values:"text,json,jsonl" help:"text, json or jsonl (default text)."`
	TZ       *string `name:"tz" placeholder:"ZONE" help:"Time zone of what is shown and typed (default Local)."`
	Config   string  `placeholder:"FILE" help:"YAML file with settings ('waxseal config' lists them)."`
	LogLevel *string `name:"log-level" placeholder:"LEVEL" values:"debug,info,warn,error" help:"Least severe line of the log (default info)."`

	Run     runCmd     `cmd:"" help:"The whole appliance in one process."`
	Archive archiveCmd `cmd:"" help:"The archiver alone."`
	Gateway gatewayCmd `cmd:"" help:"Meta's webhooks and middleware's events, into Kafka."`
	Feed    feedCmd    `cmd:"" help:"Write files into Kafka, byte for byte."`

	Status  statusCmd  `cmd:"" help:"How the archive stands."`
	Verify  verifyCmd  `cmd:"" help:"Prove that nothing was changed, removed, inserted or reordered."`
	Reindex reindexCmd `cmd:"" help:"Rebuild the index from the stores."`
	Index   indexCmd   `cmd:"" help:"The index: its tables, and whether it is right."`
	Doctor  doctorCmd  `cmd:"" help:"Look for what is wrong, and say what to do."`

	Search searchCmd `cmd:"" help:"Find items."`
	Show   showCmd   `cmd:"" help:"An item with its deliveries, edits, statuses, decision and place in the ledger."`
	Cat    catCmd    `cmd:"" help:"The exact bytes that Kafka delivered."`

	Export exportCmd `cmd:"" help:"A folder for somebody else: to read, to review and to check."`

	Checkpoint checkpointCmd `cmd:"" help:"The signed checkpoint, to be filed away from the archive."`

	Keys  keysCmd  `cmd:"" help:"The archive's keys."`
	Store storeCmd `cmd:"" help:"The stores, where they are buckets."`
	Demo  demoCmd  `cmd:"" help:"The demonstration that 'waxseal run --demo' plays."`

	ShowConfig configCmd     `cmd:"" name:"config" help:"The effective settings and where each came from."`
	Version    versionCmd    `cmd:"" help:"What this binary is."`
	Completion completionCmd `cmd:"" help:"Completion for a shell."`
}

// flags gives the settings that stand on the command line.
func (c *cli) flags() map[string]string {
	out := map[string]string{}
	for name, p := range map[string]*string{"data": c.Data, "broker": c.Broker, "output": c.Output, "tz": c.TZ, "log.level": c.LogLevel} {
		if p != nil {
			out[name] = *p
		}
	}
	return out
}

// session is what a command runs with.
type session struct {
	ctx context.Context
	streams
	set     *Settings
	model   *kong.Application
	command *kong.Context
	bar     *terminal.Bar
	config  string // the settings file, as given with --config
	newApp  func(context.Context, Env) (App, error)
}

// withApp opens the App for the length of fn.
func (s *session) withApp(fn func(App) error) error {
	app, err := s.newApp(s.ctx, Env{
		Settings: s.set, Log: logger(s.err, s.set), Passphrase: s.passphrase(), Progress: s.bar.Update, Stdin: s.in,
	})
	if err != nil {
		return err
	}
	err = fn(app)
	s.bar.Clear()
	return errors.Join(err, app.Close())
}

// show writes a response in the format that was asked for.
func (s *session) show(v any, text func(io.Writer) error) error {
	s.bar.Clear()
	return terminal.Show(s.out, s.set.Output, v, text)
}

// passphrase gives the configured one, else asks on the terminal; nil where
// neither is to be had.
func (s *session) passphrase() keyring.Passphrase {
	if s.set.Passphrase != "" {
		return func(string) (string, error) { return s.set.Passphrase, nil }
	}
	if s.readPassword == nil {
		return nil
	}
	return func(prompt string) (string, error) {
		s.bar.Clear()
		return s.readPassword(prompt)
	}
}

func logger(w io.Writer, set *Settings) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(set.LogLevel)); err != nil {
		level = slog.LevelInfo // the setting allows slog's own names only
	}
	opts := &slog.HandlerOptions{Level: level}
	if set.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

const description = `Waxseal archives WhatsApp Business messages from Kafka into write-once storage, and proves it.

  To try it:  waxseal run --demo
  By hand:    waxseal feed payloads/ && waxseal archive --drain && waxseal verify

Settings come from flags, else WAXSEAL_ variables, else a YAML file, else their defaults: see 'waxseal config'.

Exit codes: 0 ok, 1 error, 2 usage, 3 verification failed, 4 incomplete, 5 denied by policy, 6 approval required, 7 held or under duty.`

// exited is how kong's --help leaves the parser.
type exited int

// execute runs one command line to its exit code.
func execute(ctx context.Context, args []string, std streams, newApp func(context.Context, Env) (App, error)) (code int) {
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
	parser, err := kong.New(&c, kong.Name("waxseal"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(std.out, std.err), kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100, NoExpandSubcommands: true}))
	if err != nil {
		return fail(std, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		return fail(std, fmt.Errorf("%w%s: %w", err, hint(err), ErrUsage))
	}
	set, err := resolve(c.flags(), std.environ, c.Config)
	if err != nil {
		return fail(std, err)
	}
	s := &session{ctx: ctx, streams: std, set: set, model: parser.Model, command: kctx, bar: std.bar(), config: c.Config, newApp: newApp}
	return fail(std, kctx.Run(s))
}

// hint points to the help of the command that was typed wrongly.
func hint(err error) string {
	var p *kong.ParseError
	cmd := "waxseal"
	if errors.As(err, &p) && p.Context != nil {
		if path := p.Context.Command(); path != "" {
			cmd += " " + strings.SplitN(path, " <", 2)[0]
		}
	}
	return " ('" + cmd + " --help' tells more)"
}

// fail reports an error, if it is one, and gives the exit code.
func fail(std streams, err error) int {
	if err != nil {
		fmt.Fprintf(std.err, "waxseal: %s\n", strings.TrimSuffix(terminal.Line(err.Error()), ": usage"))
	}
	return exitCode(err)
}
