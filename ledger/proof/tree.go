package proof

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/waxseal/waxseal/ledger"
)

// maxSize bounds the sizes of trees, far above any log's and far below where
// tlog's arithmetic ends.
const maxSize = 1 << 48

var (
	errSize = errors.New("size of a tree is out of bounds")
	errPath = errors.New("its path does not lead there")
)

func hashes(path []ledger.Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(path))
	for i, h := range path {
		out[i] = tlog.Hash(h)
	}
	return out
}

// included checks an RFC 6962 inclusion proof (section 2.1.1).
func included(path []ledger.Hash, size uint64, root ledger.Hash, index uint64, leaf ledger.Hash) error {
	if size > maxSize || index >= size {
		return errSize
	}
	if tlog.CheckRecord(hashes(path), int64(size), tlog.Hash(root), int64(index), tlog.Hash(leaf)) != nil {
		return errPath
	}
	return nil
}

// consistent checks an RFC 6962 consistency proof (section 2.1.2).
func consistent(path []ledger.Hash, large, small ledger.Checkpoint) error {
	if large.Size > maxSize || small.Size == 0 || small.Size > large.Size {
		return errSize
	}
	if tlog.CheckTree(hashes(path), int64(large.Size), tlog.Hash(large.Root), int64(small.Size), tlog.Hash(small.Root)) != nil {
		return errPath
	}
	return nil
}
