package main

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the scripts run this binary's own main as "waxseal", and as
// "answering" the same command line over an App with fixed answers, for what is
// about the command line alone: forms of output and exit codes.
func TestMain(m *testing.M) {
	testscript.Main(built{m}, map[string]func(){
		"waxseal": main,
		"answering": func() {
			os.Exit(execute(context.Background(), os.Args[1:], process(), func(_ context.Context, e Env) (App, error) {
				return &answering{env: e, fails: os.Getenv("ANSWER_ERROR")}, nil
			}))
		},
	})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", RequireExplicitExec: true, Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"code": exitCodeCmd,
	}})
}

// exitCodeCmd runs a command and demands its exit code: code 3 answering verify.
func exitCodeCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N command …")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if e, ok := err.(interface{ ExitCode() int }); ok {
		got = string(rune('0' + e.ExitCode()))
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}
