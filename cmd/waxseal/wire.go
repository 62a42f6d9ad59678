package main

import (
	"context"
	"errors"
)

// errUnwired is what this binary answers for a command that reads or writes an archive.
var errUnwired = errors.New("this binary was built without an archive behind it")

// newApp makes the App of the process: the place where the packages are wired together.
func newApp(context.Context, Env) (App, error) { return nil, errUnwired }
