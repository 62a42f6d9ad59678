// Package archiver is the pipeline, from a Kafka record to a ledger entry. For
// each lane, one after the other:
//
//	take     commit an empty block; the lane is ours alone from here (lane)
//	load     lane state from the last snapshot and the outboxes since (state)
//	seek     every topic to the position the head's entry states (kafka)
//	fetch    records with exact bytes, gaps with their cause
//	parse    items by byte range; what is not understood is kept whole (whatsapp)
//	decide   what the policy says of each item, seeing the lane state (policy)
//	cut      pieces by person and retention (cut.go)
//	seal     cells, segments, rows, key boxes; a leaf a record (seal)
//	commit   objects first, then the block: the durable step (lane)
//	index    rows from memory, or after a crash from the outboxes
//
// The ledger is the truth: positions come from it, never from Kafka's committed
// offsets, and a lane that lost anything on the way is dropped and taken anew
// from what was committed. Nothing here can open what it sealed: this package
// does not reach archiver/unseal, and a test holds it to that.
package archiver
