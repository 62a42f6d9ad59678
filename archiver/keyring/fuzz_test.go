package keyring

import (
	"bytes"
	"errors"
	"testing"
)

// A key file is exactly what encodeKey writes, or damage.
func FuzzKeyFile(f *testing.F) {
	f.Add(encodeKey(subjectLabel, 1, Key{1, 2, 3}))
	f.Add(encodeKey(tokenLabel, 7, Key{}))
	f.Add([]byte("waxseal-subject 1 "))
	f.Fuzz(func(t *testing.T, data []byte) {
		k, err := decodeKey(data, subjectLabel, 1)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("not damage: %v", err)
			}
			return
		}
		if again := encodeKey(subjectLabel, 1, k); !bytes.Equal(again, data) {
			t.Errorf("read from %q, written as %q", data, again)
		}
	})
}
