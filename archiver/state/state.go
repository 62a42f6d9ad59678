// Package state is the lane state: what an archive decision must know of
// earlier items. Consent, service windows, template status, aliases, who
// answers on which number: as keyed hashes, enums and times, never as text or
// phone numbers.
//
// The state lives in memory. It is derived from items in ledger order and
// travels outside the seal as a snapshot and a delta a block, both encrypted
// under the archive's state key, because the ingest host cannot open what it
// sealed and another host must be able to take the lane over.
package state
