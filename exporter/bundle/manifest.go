package bundle

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// The file names of BagIt.
const (
	declarationFile = "bagit.txt"
	infoFile        = "bag-info.txt"
	fetchFile       = "fetch.txt"
	manifestFile    = "manifest-sha256.txt"
	tagManifestFile = "tagmanifest-sha256.txt"
	payload         = "data/"
)

// declaration is the one content of bagit.txt, lines ended as ours are.
const declaration = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// algorithms are the checksums we compute. BagIt knows weaker ones, which show
// nothing against somebody who wants to deceive.
var algorithms = map[string]func() hash.Hash{"sha256": sha256.New, "sha512": sha512.New}

// sums are the checksums of files by path.
type sums map[string]string

// text is the manifest: sorted by path, as sha256sum -c reads it.
func (s sums) text() []byte {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(s[path] + "  " + escape.Replace(path) + "\n")
	}
	return []byte(b.String())
}

// manifest is one manifest as read.
type manifest struct {
	file      string // its name
	algorithm string
	tag       bool // of tag files
	sums      sums
}

// manifestName says of what a file is the manifest, by its name.
func manifestName(path string) (algorithm string, tag, ok bool) {
	name, ok := strings.CutSuffix(path, ".txt")
	if !ok || strings.Contains(name, "/") {
		return "", false, false
	}
	if a, ok := strings.CutPrefix(name, "tagmanifest-"); ok {
		return a, true, true
	}
	a, ok := strings.CutPrefix(name, "manifest-")
	return a, false, ok
}

// parseManifest reads a manifest's lines: checksum, blanks, path.
func parseManifest(m *manifest, text []byte) error {
	if !utf8.Valid(text) || strings.HasPrefix(string(text), "\ufeff") {
		return fmt.Errorf("not UTF-8 without a byte order mark")
	}
	m.sums = sums{}
	seen := map[string]bool{}
	size := algorithms[m.algorithm]().Size()
	lines := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(text)), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		sum, rest, ok := strings.Cut(strings.Replace(line, "\t", " ", 1), " ")
		if raw, err := hex.DecodeString(sum); !ok || err != nil || len(raw) != size {
			return fmt.Errorf("line %d: not a %s checksum, a blank and a path", i+1, m.algorithm)
		}
		path, err := unescape(strings.TrimPrefix(strings.TrimLeft(rest, " \t"), "*"))
		if err == nil {
			path = strings.TrimPrefix(path, "./")
			err = checkPath(path)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		if m.tag == strings.HasPrefix(path, payload) {
			return fmt.Errorf("line %d: %q is not what this manifest is of", i+1, path)
		}
		if seen[folded(path)] {
			return fmt.Errorf("line %d: %q is listed twice, or differs from another in capitals alone", i+1, path)
		}
		seen[folded(path)] = true
		m.sums[path] = strings.ToLower(sum)
	}
	return nil
}
