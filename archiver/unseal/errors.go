package unseal

import (
	"errors"

	"filippo.io/age"
)

// What callers branch on.
var (
	ErrErased     = errors.New("row was erased")                                    // lawfully, as its box says; the act stands in control
	ErrRowMissing = errors.New("row is in no box")                                  // a loss
	ErrDamaged    = errors.New("object is damaged")                                 // its bytes are not what the ledger or the format says
	ErrIdentity   = errors.New("no identity at hand opens it")                      // another key is needed
	ErrNoRecord   = errors.New("record is not where it is said to be")              // a wrong place was asked for
	ErrUncovered  = errors.New("no segment of the block holds a part of this leaf") // a loss
)

// classify tells a missing identity from damage in what age answers.
func classify(err error) error {
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return ErrIdentity
	}
	return errors.Join(ErrDamaged, err)
}
