// Package prove makes the proofs of a production from an archive's stores: for
// records that were opened, what ledger/proof checks without any of it.
//
// All proofs of a production end in one checkpoint of control, the first one
// that covers everything asked for, so that the same production asked for later
// has the same proofs. Paths come from the published tiles, and where tiles are
// missing or wrong from the blocks they were derived from.
package prove
