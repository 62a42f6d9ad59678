package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// TileWidth is the number of hashes in a full tile and of entries in a full
// bundle.
const TileWidth = 256

// Entries is the level of a tile that is a bundle of entries.
const Entries = -1

// maxLevel is the highest level a tile can have while sizes have 63 bits.
const maxLevel = 7

// ErrTile is returned for bytes that are no tile, and for a stored tile that is
// not the log's.
var ErrTile = errors.New("not a tile of this log")

// Tile names a tile of a log (C2SP tlog-tiles): Width hashes of a level,
// starting at N*256.
type Tile struct {
	Level int // 0 leaves, up to 7; Entries for a bundle
	N     uint64
	Width int // 1 to 256; below 256 it is partial
}

// Path is the tile's path below the log's prefix.
func (t Tile) Path() string {
	var b strings.Builder
	b.WriteString("tile/")
	if t.Level == Entries {
		b.WriteString("entries/")
	} else {
		b.WriteString(strconv.Itoa(t.Level) + "/")
	}
	digits := strconv.FormatUint(t.N, 10)
	digits = strings.Repeat("0", (3-len(digits)%3)%3) + digits
	for ; len(digits) > 3; digits = digits[3:] {
		b.WriteString("x" + digits[:3] + "/")
	}
	b.WriteString(digits)
	if t.Width < TileWidth {
		b.WriteString(".p/" + strconv.Itoa(t.Width))
	}
	return b.String()
}

// ParseTilePath reads what Path writes, and nothing else. Errors are ErrTile.
func ParseTilePath(path string) (Tile, error) {
	rest, ok := strings.CutPrefix(path, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return Tile{}, fmt.Errorf("path: %w", ErrTile)
	}
	t := Tile{Level: Entries, Width: TileWidth}
	if level != "entries" {
		l, err := strconv.Atoi(level)
		if err != nil || l < 0 || l > maxLevel {
			return Tile{}, fmt.Errorf("path: %w", ErrTile)
		}
		t.Level = l
	}
	if n, w, partial := strings.Cut(rest, ".p/"); partial {
		width, err := strconv.Atoi(w)
		if err != nil || width < 1 || width >= TileWidth {
			return Tile{}, fmt.Errorf("path: %w", ErrTile)
		}
		t.Width, rest = width, n
	}
	n, err := strconv.ParseUint(strings.NewReplacer("x", "", "/", "").Replace(rest), 10, 63)
	if err != nil {
		return Tile{}, fmt.Errorf("path: %w", ErrTile)
	}
	if t.N = n; t.Path() != path {
		return Tile{}, fmt.Errorf("path: %w", ErrTile)
	}
	return t, nil
}

// span is the number of entries one hash of the level stands for.
func span(level int) uint64 { return 1 << (8 * max(level, 0)) }

// InSize says whether the tile is full in, or is cut by, a log of that size:
// whether all it holds is there.
func (t Tile) InSize(size uint64) bool {
	// Overflow-free: (n*256 + width) * 256^level <= size.
	return size/span(t.Level) >= uint64(t.Width) && t.N <= (size/span(t.Level)-uint64(t.Width))/TileWidth
}

// TilesOf gives every tile and bundle that must be served for a log of that
// size, level by level, bundles first.
func TilesOf(size uint64) iter.Seq[Tile] {
	return func(yield func(Tile) bool) {
		for level := Entries; level <= maxLevel; level++ {
			hashes := size / span(level)
			if hashes == 0 {
				return
			}
			for n := range hashes / TileWidth {
				if !yield(Tile{level, n, TileWidth}) {
					return
				}
			}
			if t, ok := EdgeTile(level, size); ok && !yield(t) {
				return
			}
		}
	}
}

// EdgeTile is the partial tile of the level at the right edge of a log of that
// size; false where there is none.
func EdgeTile(level int, size uint64) (Tile, bool) {
	hashes := size / span(level)
	w := int(hashes % TileWidth)
	return Tile{level, hashes / TileWidth, w}, w > 0
}

// LogPrefix is the prefix of a lane's published log in the meta store.
func LogPrefix(lane record.Lane) string { return "log/" + string(lane) + "/" }

// CheckpointKey is where a lane's live checkpoint stands in the meta store.
func CheckpointKey(lane record.Lane) string { return LogPrefix(lane) + "checkpoint" }

// TileKey is where a tile of a lane stands in the meta store.
func TileKey(lane record.Lane, t Tile) string { return LogPrefix(lane) + t.Path() }

// AppendBundle appends an entry to a bundle.
func AppendBundle(bundle, entry []byte) []byte {
	bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(entry)))
	return append(bundle, entry...)
}

// CutBundle takes the first entry off a bundle.
func CutBundle(bundle []byte) (entry, rest []byte, err error) {
	if len(bundle) < 2 {
		return nil, nil, fmt.Errorf("bundle: %w", ErrTile)
	}
	n := int(binary.BigEndian.Uint16(bundle))
	if bundle = bundle[2:]; n > len(bundle) {
		return nil, nil, fmt.Errorf("bundle: %w", ErrTile)
	}
	return bundle[:n:n], bundle[n:], nil
}
