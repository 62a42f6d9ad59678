package boxclear_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/seal/boxclear"
	"github.com/waxseal/waxseal/ledger"
)

func sample(rows int) *boxclear.Clear {
	c := &boxclear.Clear{Hashes: make([]ledger.Hash, rows), Removed: make([]bool, rows), Sealed: []byte("age")}
	for i := range c.Hashes {
		c.Hashes[i], c.Removed[i] = ledger.Hash{byte(i), 1}, i%3 == 1
	}
	return c
}

func TestRoundTrip(t *testing.T) {
	for _, rows := range []int{1, 7, 8, 9, 64} {
		want := sample(rows)
		got, err := boxclear.Decode(want.Append(nil))
		if err != nil {
			t.Fatalf("%d rows: %v", rows, err)
		}
		if !slices.Equal(got.Hashes, want.Hashes) || !slices.Equal(got.Removed, want.Removed) || !bytes.Equal(got.Sealed, want.Sealed) {
			t.Errorf("%d rows come back as %+v", rows, got)
		}
	}
}

func TestRefused(t *testing.T) {
	good := sample(9).Append(nil)
	front := len(good) - len("age")
	padded := slices.Clone(good)
	padded[front-1] |= 0x80
	other := slices.Clone(good)
	other[7]++ // a version to come
	for name, b := range map[string][]byte{
		"nothing": nil, "short": good[:11], "cut": good[:front-1], "padding": padded, "version": other,
		"no rows":       append([]byte(boxclear.Magic), 0, 0, 0, 0),
		"too many rows": append([]byte(boxclear.Magic), 0xff, 0xff, 0xff, 0xff),
	} {
		if _, _, err := boxclear.RowHashes(b); !errors.Is(err, boxclear.ErrBox) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
