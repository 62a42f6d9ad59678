// Package verify reads a whole archive and says what is wrong with it. It
// believes nothing but the fingerprint it is given: from the genesis act follow
// the keys, from the keys the checkpoints, from those the entries, and from the
// entries every object of every store. It does no input or output of its own;
// it reads through a small interface, so that an auditor runs it against a copy.
//
// # What is a finding of which class
//
// Failure: what is stored contradicts what was signed, or what was signed
// contradicts itself. A changed byte; a missing, inserted, reordered or
// truncated block; a fork; a missing object; a key box without one of its rows
// and without the act that removed it; a hole in the coverage; a wrong
// signature; a lock that ends before the entry says; a tile or checkpoint that
// is not the log's, or is gone although an entry says it was published; an
// object in the locked store that nothing accounts for.
//
// Warning: worth a look, proves no loss. A newer version or a delete marker
// above an object (the oldest version is the object); a clock that went back; a
// writer that took a lane without saying so; an object in the unlocked stores
// that nothing accounts for; an old key box that a decided erasure has not
// deleted yet while its copy is gone.
//
// Verification may run while the archive goes on: what was written since it
// began is not judged, or is judged by the acts that came with it. Waste and in
// flight may then count what a moment later is named.
//
// Waste and in flight: counted, never wrong. What lies under the number of a
// block that does not name it is waste by definition: a writer stored it and
// then lost the lane. What lies above a lane's head is a step being made.
//
// # What plain verification cannot see
//
// The last blocks of a lane, above the last sealed head and above the live
// checkpoint, can be cut off unseen, and the live checkpoint with its tiles can
// be set back to the last size that an entry calls published, unless a newer
// checkpoint is given (Config.Trusted). Outboxes at or below the older of the last two
// snapshots, and snapshots before these, may be gone: nothing is read of them.
// A partial tile may be gone once its full tile exists. Keys under selftest/ in
// the locked store belong to the lock self-test.
package verify
