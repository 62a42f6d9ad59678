// Package ledger is what anybody can verify: per lane a chain of entries, each
// the leaf of a C2SP tlog-tiles log, signed and stored with the hashes of the
// records it covers. The writing side is Chain, which knows the next block, and
// Publisher, which derives the public log; ledger/verify reads it all again.
// FORMAT.md draws every stored byte.
//
// Nothing here reads or writes by itself, and nothing here knows what a record
// says: it deals in hashes, keys of objects and numbers.
package ledger
