// Package unseal is the reading half of sealing: with age identities and the
// key boxes it opens segments, computes every commitment again and says what was
// lawfully erased. The archiver never imports it.
//
// Everything read is taken for hostile until a hash of the ledger vouches for
// it. Decoding never panics, names the object and what is wrong with it, and
// allocates at most: twice an object's stored bytes to read it whole, 64 times
// the length of a directory's plaintext, 64 times that of a cell's plaintext;
// and a plaintext itself is at most 256 times its stored bytes plus 64 KiB, and
// 256 MiB in all (archiver/seal/FORMAT.md).
package unseal
