// Package reread understands records a second time: what unseal opened, with
// holes where people were erased, becomes items again, under the numbers they
// had, and index rows equal field for field to those the archiver made.
//
// The rows are a function of the sealed bytes, the ledger entry and the
// archive's keys, so this is the proof that the index is a cache.
package reread
