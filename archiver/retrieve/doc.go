// Package retrieve is the reading side of an archive: it finds items, shows
// logical messages and gives out records byte for byte. It holds identities, so
// the archiver never imports it.
//
// The index says where things are and is believed in nothing else. Content comes
// from sealed cells, and every record is held to its leaf in the ledger before a
// byte of it is given out; a record whose name is known is found without the
// index, by the coverage that the entries state. Whether the ledger itself is
// whole is for ledger/verify to say.
//
// What was lawfully erased is shown as erased. It is never an error.
package retrieve
