package dir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Reader reads a store's folder, or a copy of one, and changes nothing.
// Safe for concurrent use, also while others write.
type Reader struct {
	root     string
	unlocked bool
}

// Unlocked says whether the store keeps no locks.
func (r *Reader) Unlocked() bool { return r.unlocked }

// File is the path of an object's file, whether it is there or not.
func (r *Reader) File(key string) (string, error) { return place(r.root, key) }

// Get implements worm.Store. It answers worm.ErrDamaged if the bytes are not
// those the lock record names.
func (r *Reader) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	var body []byte
	info, err := r.look(ctx, key, func(f *os.File, info worm.Info) error {
		body = make([]byte, info.Size)
		if _, err := io.ReadFull(f, body); err != nil {
			return err
		}
		if !r.unlocked && sha256.Sum256(body) != info.SHA256 {
			return fmt.Errorf("bytes differ from the lock record's sha256: %w", worm.ErrDamaged)
		}
		return nil
	})
	if err != nil {
		return nil, worm.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return body, info, nil
}

// ReadAt implements worm.Store. Unlike Get it cannot see whether the bytes are
// those that were put, only that their number is.
func (r *Reader) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	var n int
	_, err := r.look(ctx, key, func(f *os.File, _ worm.Info) (err error) {
		if off < 0 {
			return fmt.Errorf("negative offset: %w", fs.ErrInvalid)
		}
		n, err = f.ReadAt(p, off)
		return err
	})
	if err == io.EOF {
		return n, io.EOF
	}
	if err != nil {
		return 0, fmt.Errorf("read %s at %d: %w", key, off, err)
	}
	return n, nil
}

// Head implements worm.Store.
func (r *Reader) Head(ctx context.Context, key string) (worm.Info, error) {
	info, err := r.look(ctx, key, func(*os.File, worm.Info) error { return nil })
	if err != nil {
		return worm.Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	return info, nil
}

// look opens the object of a key with its lock record and gives both to fn.
// What looks damaged is looked at again: a Put or Delete may have come between
// the reading of the record and of the object.
func (r *Reader) look(ctx context.Context, key string, fn func(*os.File, worm.Info) error) (worm.Info, error) {
	if err := ctx.Err(); err != nil {
		return worm.Info{}, err
	}
	path, err := place(r.root, key)
	if err != nil {
		return worm.Info{}, err
	}
	for range 3 {
		var info worm.Info
		if info, err = r.lookOnce(key, path, fn); !errors.Is(err, worm.ErrDamaged) {
			return info, err
		}
	}
	return worm.Info{}, err
}

func (r *Reader) lookOnce(key, path string, fn func(*os.File, worm.Info) error) (worm.Info, error) {
	var rec *record
	var damage error
	if !r.unlocked {
		rec, damage = readRecord(key, path)
	}
	f, err := openObject(path)
	if err != nil {
		return worm.Info{}, err
	}
	defer func() { _ = f.Close() }() // read only
	st, err := f.Stat()
	switch {
	case err != nil:
		return worm.Info{}, err
	case !st.Mode().IsRegular():
		return worm.Info{}, worm.ErrNotFound // a folder of other keys
	case damage != nil:
		return worm.Info{}, damage
	}
	info := worm.Info{Key: key, Size: st.Size(), ModTime: st.ModTime().UTC()}
	if rec != nil {
		if rec.size != st.Size() {
			return worm.Info{}, fmt.Errorf("%d bytes, the lock record says %d: %w", st.Size(), rec.size, worm.ErrDamaged)
		}
		info = rec.info()
	}
	return info, fn(f, info)
}

func openObject(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil && absent(err) {
		return nil, worm.ErrNotFound
	}
	return f, err
}

// readRecord reads the lock record of the key whose object has that path.
func readRecord(key, path string) (*record, error) {
	b, err := os.ReadFile(path + lockSuffix)
	if err != nil {
		if absent(err) {
			return nil, fmt.Errorf("no lock record: %w", worm.ErrDamaged)
		}
		return nil, fmt.Errorf("lock record: %w", err)
	}
	rec, err := parseRecord(b)
	if err != nil {
		return nil, err
	}
	if rec.key != key {
		return nil, fmt.Errorf("lock record of another key: %w", worm.ErrDamaged)
	}
	return rec, nil
}
