package seal

import "github.com/waxseal/waxseal/ledger"

// Commitments are those of the record added last, in the order of its pieces.
// They are the Writer's until the next Add.
func (w *Writer) Commitments() []ledger.Hash { return w.commitments }
