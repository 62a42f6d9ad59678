// Package reindex makes the index out of the stores.
//
// Rebuild makes it from segments and key boxes with age identities: every record
// is opened, held to its leaf, read again, and becomes the rows it had when it
// was archived, less what was lawfully erased. Feeder catches an index up from
// the outboxes of committed blocks, which hold the same rows sealed to the
// indexer; where an outbox is gone or bad, the block's rows are rebuilt.
package reindex
