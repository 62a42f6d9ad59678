package bundle

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// ErrPath is returned for a text that names no file of a bag.
var ErrPath = errors.New("not a path in a bag")

// checkPath refuses what leads out of the bag, or what two systems would read as
// two names.
func checkPath(path string) error {
	if path == "" || len(path) > 1000 || path[0] == '~' || strings.ContainsAny(path, "\\:\x00") || !norm.NFC.IsNormalString(path) {
		return fmt.Errorf("%q: %w", path, ErrPath)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("%q: %w", path, ErrPath)
		}
	}
	return nil
}

// plain says that a path has letters, digits, dot, dash and underscore alone, as
// all paths in bags of ours.
func plain(path string) bool {
	return strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == "" && checkPath(path) == nil
}

// folded is what a path is on a disk that does not tell small letters from
// capitals: two files of a bag must not differ in less.
func folded(path string) string { return strings.ToLower(strings.ToUpper(norm.NFC.String(path))) }

var escape = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")

// unescape is the other way (RFC 8493 section 2.1.3): CR, LF and % alone are
// encoded.
func unescape(path string) (string, error) {
	var b strings.Builder
	for rest := path; ; {
		before, after, found := strings.Cut(rest, "%")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		if len(after) < 2 {
			return "", fmt.Errorf("%q: %w", path, ErrPath)
		}
		switch strings.ToUpper(after[:2]) {
		case "25":
			b.WriteByte('%')
		case "0D":
			b.WriteByte('\r')
		case "0A":
			b.WriteByte('\n')
		default:
			return "", fmt.Errorf("%q: %w", path, ErrPath)
		}
		rest = after[2:]
	}
}
