// Package erase removes a person's rows, so that what write-once storage holds
// of that person can never be read again, and proves that it was done.
//
// The order is the argument. First the new boxes, in both copies: until the act
// they are waste. Then the act in control, which names the new boxes and the
// hashes of the rows removed, never the person: its commit is the decision. Then
// the old boxes are deleted in every copy, and a receipt says so. Whatever dies in
// between, either nothing has been decided, or Resume finishes it. Boxes of steps
// that were never committed are waste and go before the act: no act could name
// them.
//
// The caller judges whether the person may be erased at all (policy, holds,
// approvals); this package refuses what must not be possible: rows under duty or
// hold, and rows that a writer may still use. One erasure at a time: the caller
// sees to it.
package erase

import "errors"

// What callers branch on.
var (
	ErrUnderDuty = errors.New("rows are under duty")                                    // the law or a hold wants them kept
	ErrRowInUse  = errors.New("rows may still be used by the lane's writer")            // commit a block after seal.Writer.Retire
	ErrStale     = errors.New("boxes changed since the plan was made")                  // plan again
	ErrCopies    = errors.New("new box is in neither copy, or not as the act names it") // never delete the old one
)
