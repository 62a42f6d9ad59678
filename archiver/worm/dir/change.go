package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Extend implements worm.Keeper.
func (s *Store) Extend(ctx context.Context, key string, until time.Time) error {
	until = worm.WholeSecond(until)
	return s.relock(ctx, "extend", key, func(lock *worm.Lock) error {
		switch {
		case until.Before(lock.RetainUntil):
			return worm.ErrLocked
		case !until.After(s.now()):
			return worm.ErrPast
		}
		lock.RetainUntil = until
		return nil
	})
}

// Hold implements worm.Keeper.
func (s *Store) Hold(ctx context.Context, key string, on bool) error {
	return s.relock(ctx, "hold", key, func(lock *worm.Lock) error {
		lock.Hold = on
		return nil
	})
}

// relock replaces the lock record by one with the lock that edit makes of it.
func (s *Store) relock(ctx context.Context, what, key string, edit func(*worm.Lock) error) error {
	err := s.alter(ctx, key, func(c *change) {
		var name string
		c.first = func() error {
			if s.unlocked {
				return worm.ErrNoLocks
			}
			rec, err := s.current(key, c.path)
			if err != nil {
				return err
			}
			before := rec.lock
			if err := edit(&rec.lock); err != nil || rec.lock == before {
				return err
			}
			rec.revision++
			name, err = writeTemp(filepath.Join(s.root, tmpName), rec.encode())
			return err
		}
		c.second = func() error { return s.replaceRecord(name, c.path) }
	})
	if err != nil {
		return fmt.Errorf("%s %s: %w", what, key, err)
	}
	return nil
}

// replaceRecord gives the file in @tmp the name of path's lock record; "" changes nothing.
func (s *Store) replaceRecord(name, path string) error {
	if name == "" {
		return nil
	}
	s.stop("record staged")
	err := thaw(path + lockSuffix)
	if err == nil {
		err = os.Rename(name, path+lockSuffix)
	}
	if err != nil {
		_ = os.Remove(name) // Open sweeps what stays
		return err
	}
	s.stop("record replaced")
	if s.immutable {
		_ = freeze(path + lockSuffix)
	}
	return nil
}

// current gives the valid record of an object that is there, under the lock.
func (s *Store) current(key, path string) (*record, error) {
	info, err := s.lookOnce(key, path, func(*os.File, worm.Info) error { return nil })
	if err != nil {
		return nil, err
	}
	rec, err := readRecord(key, path)
	if err != nil {
		return nil, err
	}
	if rec.info() != info {
		return nil, fmt.Errorf("lock record changed under the lock: %w", worm.ErrDamaged)
	}
	return rec, nil
}

// Delete implements worm.Keeper. It leaves a damaged object alone.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := s.alter(ctx, key, func(c *change) {
		c.first = func() error { return s.mayDelete(key, c.path) }
		c.second = func() error {
			if err := thaw(c.path); err != nil {
				return err
			}
			if err := os.Remove(c.path); err != nil {
				return err
			}
			s.stop("object removed")
			return nil
		}
		c.last = func() {
			if !s.unlocked && thaw(c.path+lockSuffix) == nil {
				_ = os.Remove(c.path + lockSuffix) // a record without an object is no object
			}
			s.folders.prune(filepath.Dir(c.path))
		}
	})
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (s *Store) mayDelete(key, path string) error {
	info, err := s.lookOnce(key, path, func(*os.File, worm.Info) error { return nil })
	if err != nil {
		return err
	}
	if info.Lock.Protects(s.now()) {
		return worm.ErrLocked
	}
	return nil
}

// alter runs a change of the key that build describes.
func (s *Store) alter(ctx context.Context, key string, build func(*change)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	path, err := place(s.root, key)
	if err != nil {
		return err
	}
	c := &change{key: key, path: path}
	build(c)
	return s.commits.run(c)
}

// Swap implements worm.Swapper.
func (m *Meta) Swap(ctx context.Context, key string, old, new []byte) error {
	s := &m.Store
	err := s.alter(ctx, key, func(c *change) {
		var name string
		c.first = func() (err error) {
			if err := s.compare(key, c.path, old); err != nil {
				return err
			}
			if err := s.folders.ensure(filepath.Dir(c.path)); err != nil {
				return err
			}
			name, err = writeTemp(filepath.Join(s.root, tmpName), new)
			return err
		}
		c.second = func() error {
			s.stop("swap staged")
			err := s.exchange(name, c.path, old == nil)
			if err != nil {
				_ = os.Remove(name) // Open sweeps what stays
			}
			s.stop("swapped")
			return err
		}
	})
	if err != nil {
		return fmt.Errorf("swap %s: %w", key, err)
	}
	return nil
}

// compare answers nil if the object is exactly old, or not there if that is nil.
func (s *Store) compare(key, path string, old []byte) error {
	var body []byte
	_, err := s.lookOnce(key, path, func(f *os.File, _ worm.Info) (err error) {
		body, err = io.ReadAll(f)
		return err
	})
	switch {
	case errors.Is(err, worm.ErrNotFound):
		if old != nil {
			return worm.ErrChanged
		}
		if err := free(path); err != nil {
			return err // a folder
		}
		return nil
	case err != nil:
		return err
	case old == nil || !bytes.Equal(body, old):
		return worm.ErrChanged
	}
	return nil
}

func (s *Store) exchange(name, path string, create bool) error {
	if !create {
		if err := thaw(path); err != nil {
			return err
		}
		return os.Rename(name, path)
	}
	err := os.Link(name, path)
	if errors.Is(err, fs.ErrExist) {
		return worm.ErrChanged
	}
	if err == nil {
		_ = os.Remove(name) // Open sweeps what stays
	}
	return err
}
