// Package exporter makes productions: everything that answers a question, in
// formats that people and review platforms read, with proofs that a stranger can
// check without us. One after the other:
//
//	choose   index rows say which items answer, and which stand beside them
//	read     their records are opened block by block, each held to its leaf
//	join     deliveries, edits, statuses and media become logical messages
//	keep     the unit that was asked for: messages, days or conversations
//	tell     how much it is; the look is in the ledger before a byte is written
//	prove    raw bytes and proofs, block by block: what is not in scope is withheld
//	write    transcripts, RSMF, JSON Lines, media; the bag is sealed and signed
//
// The index selects and is believed in nothing else. What the ledger contradicts
// is an exception in the production, and the rest goes on.
//
// The same question gives the same bytes, also after more was archived outside of
// it: all proofs end in the first heads act that covers what is in the bag, and
// nothing later enters.
//
// Memory grows with the number of items in scope, some 2 KB and their text each,
// and with nothing else: blocks, raw bytes, proofs and media pass through.
package exporter
