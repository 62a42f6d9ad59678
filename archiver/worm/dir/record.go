package dir

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// maxRecord bounds the bytes of a lock record: a longer file is none.
const maxRecord = 4096

// record is a lock record as FORMAT.md draws it.
type record struct {
	key      string
	size     int64
	sum      [sha256.Size]byte
	created  time.Time
	lock     worm.Lock
	revision uint64
}

func (r *record) info() worm.Info {
	return worm.Info{Key: r.key, Size: r.size, SHA256: r.sum, Lock: r.lock, ModTime: r.created}
}

// encode gives the bytes of the record.
func (r *record) encode() []byte {
	retain, hold := "-", "no"
	if !r.lock.RetainUntil.IsZero() {
		retain = r.lock.RetainUntil.UTC().Format(time.RFC3339)
	}
	if r.lock.Hold {
		hold = "yes"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "waxseal-lock 1\nkey %s\nsize %d\nsha256 %x\ncreated %s\nretain %s\nhold %s\nrevision %d\n",
		r.key, r.size, r.sum, r.created.UTC().Format(time.RFC3339Nano), retain, hold, r.revision)
	sum := sha256.Sum256(b.Bytes())
	fmt.Fprintf(&b, "sum %x\n", sum)
	return b.Bytes()
}

// parseRecord reads what encode writes, and nothing else.
func parseRecord(b []byte) (*record, error) {
	if len(b) > maxRecord {
		return nil, fmt.Errorf("lock record of %d bytes: %w", len(b), worm.ErrDamaged)
	}
	names := [...]string{"waxseal-lock", "key", "size", "sha256", "created", "retain", "hold", "revision", "sum"}
	lines := strings.Split(string(b), "\n")
	if len(lines) != len(names)+1 {
		return nil, fmt.Errorf("lock record of %d lines: %w", len(lines), worm.ErrDamaged)
	}
	var f [len(names)]string
	for i, name := range names {
		k, v, ok := strings.Cut(lines[i], " ")
		if !ok || k != name {
			return nil, fmt.Errorf("lock record, line %d is not %q: %w", i+1, name, worm.ErrDamaged)
		}
		f[i] = v
	}
	r, err := fields(f[1], f[2], f[3], f[4], f[5], f[6], f[7])
	if err != nil {
		return nil, fmt.Errorf("lock record: %w: %w", err, worm.ErrDamaged)
	}
	if !bytes.Equal(r.encode(), b) {
		return nil, fmt.Errorf("lock record is torn or not in canonical form: %w", worm.ErrDamaged)
	}
	return r, nil
}

func fields(key, size, sum, created, retain, hold, revision string) (*record, error) {
	r := &record{key: key, lock: worm.Lock{Hold: hold == "yes"}}
	var err error
	if err = worm.CheckKey(key); err != nil {
		return nil, err
	}
	if r.size, err = strconv.ParseInt(size, 10, 64); err != nil || r.size < 0 {
		return nil, fmt.Errorf("size: %w", errField)
	}
	if n, err := hex.Decode(r.sum[:], []byte(sum)); len(sum) != 2*len(r.sum) || err != nil || n != len(r.sum) {
		return nil, fmt.Errorf("sha256: %w", errField)
	}
	if r.created, err = time.Parse(time.RFC3339Nano, created); err != nil {
		return nil, fmt.Errorf("created: %w", errField)
	}
	r.created = r.created.UTC()
	if retain != "-" {
		if r.lock.RetainUntil, err = time.Parse(time.RFC3339, retain); err != nil || r.lock.RetainUntil.IsZero() {
			return nil, fmt.Errorf("retain: %w", errField)
		}
		r.lock.RetainUntil = r.lock.RetainUntil.UTC()
	}
	if r.revision, err = strconv.ParseUint(revision, 10, 64); err != nil {
		return nil, fmt.Errorf("revision: %w", errField)
	}
	return r, nil
}
