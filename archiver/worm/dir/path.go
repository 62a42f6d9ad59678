package dir

import (
	"errors"
	"path/filepath"
	"strings"

	"github.com/waxseal/waxseal/archiver/worm"
)

var errField = errors.New("not what the format says")

// Names of the store's own files. No key contains "@".
const (
	formatName = "@format"
	flockName  = "@flock"
	tmpName    = "@tmp"
	lockSuffix = "@lock"
	groupMark  = "@"
)

// groupDigits is the length of a segment that lies in a group folder, and
// groupPrefix how many of its digits name that folder.
const (
	groupDigits = 12
	groupPrefix = 9
)

// groupOf gives the group folder of a segment, "" if it has none.
func groupOf(seg string) string {
	if len(seg) != groupDigits || strings.Trim(seg, "0123456789") != "" {
		return ""
	}
	return seg[:groupPrefix] + groupMark
}

// isGroup says whether a file name is that of a group folder.
func isGroup(name string) bool {
	p, ok := strings.CutSuffix(name, groupMark)
	return ok && len(p) == groupPrefix && strings.Trim(p, "0123456789") == ""
}

// place gives the path of a key below root.
func place(root, key string) (string, error) {
	if err := worm.CheckKey(key); err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(len(root) + len(key) + 2*(groupPrefix+2))
	b.WriteString(root)
	for seg := range strings.SplitSeq(key, "/") {
		b.WriteByte(filepath.Separator)
		if g := groupOf(seg); g != "" {
			b.WriteString(g)
			b.WriteByte(filepath.Separator)
		}
		b.WriteString(seg)
	}
	return b.String(), nil
}
