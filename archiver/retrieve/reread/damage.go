package reread

import (
	"errors"

	"github.com/waxseal/waxseal/archiver/unseal"
	"github.com/waxseal/waxseal/archiver/worm"
)

// Contradicts says that an error of opening a record means that what is stored
// is not what the ledger says, and not that another try or another identity
// would mend it.
func Contradicts(err error) bool {
	if errors.Is(err, unseal.ErrIdentity) {
		return false
	}
	for _, known := range []error{
		unseal.ErrDamaged, unseal.ErrRowMissing, unseal.ErrUncovered, unseal.ErrNoRecord, worm.ErrDamaged, worm.ErrNotFound,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}
