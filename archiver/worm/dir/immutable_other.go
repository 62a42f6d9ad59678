//go:build !linux

package dir

import "errors"

// freeze sets the immutable flag of a file: here there is none.
func freeze(string) error { return errors.ErrUnsupported }

// thaw clears the immutable flag of a file: here there is none.
func thaw(string) error { return nil }
