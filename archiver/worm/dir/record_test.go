package dir

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

func sample() *record {
	return &record{
		key: "lanes/0/blocks/000000012345", size: 8192, sum: sha256.Sum256([]byte("x")),
		created:  time.Date(2026, 3, 1, 9, 30, 0, 123456789, time.UTC),
		lock:     worm.Lock{RetainUntil: time.Date(2033, 4, 1, 0, 0, 0, 0, time.UTC)},
		revision: 1,
	}
}

// TestRecordFormat holds the format to what FORMAT.md draws.
func TestRecordFormat(t *testing.T) {
	t.Parallel()
	want := `waxseal-lock 1
key lanes/0/blocks/000000012345
size 8192
sha256 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
created 2026-03-01T09:30:00.123456789Z
retain 2033-04-01T00:00:00Z
hold no
revision 1
`
	got := string(sample().encode())
	if body, ok := strings.CutPrefix(got, want); !ok || !strings.HasPrefix(body, "sum ") || len(body) != 4+64+1 {
		t.Fatalf("record is\n%s", got)
	}
	held := sample()
	held.lock = worm.Lock{Hold: true}
	if got := string(held.encode()); !strings.Contains(got, "\nretain -\nhold yes\n") {
		t.Fatalf("held record is\n%s", got)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	for _, edit := range []func(*record){
		func(*record) {},
		func(r *record) { r.lock.Hold = true },
		func(r *record) { r.lock = worm.Lock{} },
		func(r *record) { r.size, r.revision = 0, 1<<64-1 },
		func(r *record) { r.created = time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC) },
	} {
		r := sample()
		edit(r)
		got, err := parseRecord(r.encode())
		if err != nil || *got != *r {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
	}
}

func FuzzRecord(f *testing.F) {
	f.Add(sample().encode())
	f.Add([]byte{})
	f.Add([]byte("waxseal-lock 1\nkey \nsize -1\nsha256 \ncreated \nretain \nhold \nrevision \nsum \n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRecord(b)
		if err != nil {
			if !errors.Is(err, worm.ErrDamaged) {
				t.Fatalf("error %v is not ErrDamaged", err)
			}
			return
		}
		if !bytes.Equal(r.encode(), b) {
			t.Fatal("parsed what is not written so")
		}
	})
}

func TestPlace(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"a":                           "R/a",
		"lanes/0/blocks/000000012345": "R/lanes/0/blocks/000000012@/000000012345",
		"lanes/0/data/000000012345/x": "R/lanes/0/data/000000012@/000000012345/x",
		"t/00000001234":               "R/t/00000001234",
		"t/0000000123456":             "R/t/0000000123456",
		"t/00000001234a":              "R/t/00000001234a",
	} {
		if got, err := place("R", key); err != nil || strings.ReplaceAll(got, `\`, "/") != want {
			t.Errorf("place(%q) = %q, %v, want %q", key, got, err, want)
		}
	}
}
