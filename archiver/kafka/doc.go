// Package kafka brings records in: it reads topic partitions byte for byte,
// writes records, and holds the embedded broker of the one-process default.
//
// It speaks through kafka-go: routing, connections, TLS, SASL, metadata and
// producing are kafka-go's. The answer to a fetch is decoded here, because an
// archive needs what kafka-go's decoder drops: the last offset of a batch
// (without it a compacted tail can never be passed), aborted transactions,
// control batches, leader epochs, and the broker's time where a topic is set
// to it. The bytes of a fetch are read once, into one buffer that the records
// of the batch share.
//
// What a reader promises: from any offset on, each offset is told exactly once,
// in order, as a record or within a gap that says why there is none. It reads
// committed records only. It knows nothing of groups.
//
// A Group divides lanes among archivers, and does no more: positions are the
// ledger's, and what keeps a lane from two writers is its next block. How to run
// archivers on a Kafka of a firm's, with which rights, is in OPERATING.md.
//
// Kafka 0.11 and later, message format 2.
package kafka
