//go:build !unix

package dir

// canWrite says whether a store can be written here: a folder cannot be forced
// to disk.
const canWrite = false

func syncDir(string) error { return ErrReadOnly }

// fileLock is of no use where nothing is written; the real one would reach
// package net on Windows.
type fileLock struct{}

func newFileLock(string) *fileLock { return &fileLock{} }

func (*fileLock) Lock() error   { return ErrReadOnly }
func (*fileLock) Unlock() error { return nil }
func (*fileLock) Close() error  { return nil }
