// Package dir keeps objects as plain files in a folder: the store of the
// embedded default. An object is the file its key names, byte for byte, and
// beside it lies a small text file, its lock record (FORMAT.md).
//
// # What it promises
//
// The contract of package worm, to every process that goes through this
// package. Put writes a temporary file, forces it to disk, makes its lock
// record durable, gives it its name with link(2), which never replaces, and
// forces the folder to disk. A process may die at any point, and the power may
// go: an object is there whole, with its lock, or not at all.
//
// # What it cannot promise
//
// It resists tampering; it does not prevent it. Whoever owns the files, or root,
// can change, shorten or remove them, and setting the host's clock forward ends
// every retention. File modes (read-only) and, where the kernel grants it, the
// immutable flag keep accidents and other users out; root clears both. That
// something was changed is found by the ledger, which holds each object's hash,
// retention and holds; that nothing can be changed is what an object store with
// Object Lock is for.
//
// Disks that acknowledge a flush and have not done it, and network file systems
// without working locks, break the promise of durability and of one winner.
//
// Writing works on Linux, macOS and other Unixes. OpenReadOnly works everywhere.
package dir
