package main

import (
	"context"
	"errors"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
)

// What an App answers for the exit codes that scripts branch on.
var (
	ErrUsage        = errors.New("usage")
	ErrVerification = errors.New("verification failed")
	ErrIncomplete   = errors.New("incomplete")          // stopped before the end, or part of what was asked is gone
	ErrDenied       = errors.New("denied by policy")    // and the denial is in the ledger
	ErrApproval     = errors.New("approval required")   // of a second person
	ErrHeld         = errors.New("held, or under duty") // nothing was changed
)

// Exit codes. They are part of the interface and do not change.
const (
	exitOK         = 0
	exitError      = 1
	exitUsage      = 2
	exitVerify     = 3
	exitIncomplete = 4
	exitDenied     = 5
	exitApproval   = 6
	exitHeld       = 7
)

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, ErrVerification):
		return exitVerify
	case errors.Is(err, ErrDenied):
		return exitDenied
	case errors.Is(err, ErrApproval):
		return exitApproval
	case errors.Is(err, ErrHeld), errors.Is(err, worm.ErrLocked):
		return exitHeld
	case errors.Is(err, ErrUsage), errors.Is(err, record.ErrName), errors.Is(err, index.ErrCursor):
		return exitUsage
	case errors.Is(err, ErrIncomplete), errors.Is(err, context.Canceled):
		return exitIncomplete
	default:
		return exitError
	}
}
