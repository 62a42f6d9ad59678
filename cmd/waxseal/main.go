// Command waxseal is the archive in one binary: the whole appliance (run), the
// archiver alone (archive), and the verbs an operator or an officer types.
//
// A command is a struct in a cmd_*.go file: its flags, its help, and a Run that
// makes a request, hands it to the App (app.go) and shows the response. What
// scripts may rely on stands in SCRIPTING.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // --tz works on a machine without a time zone database
)

func main() { os.Exit(mainCode()) }

// mainCode runs the process's command line to its exit code. A first SIGINT or
// SIGTERM asks for a clean stop; a second one ends the process as usual.
func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return execute(ctx, os.Args[1:], process(), newApp)
}
