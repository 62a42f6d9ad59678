package dir

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Put implements worm.Store.
func (s *Store) Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	info, err := s.put(ctx, key, body, sum, lock.Whole())
	if err != nil {
		return worm.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return info, nil
}

func (s *Store) put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	if err := ctx.Err(); err != nil {
		return worm.Info{}, err
	}
	path, err := place(s.root, key)
	if err != nil {
		return worm.Info{}, err
	}
	now := s.now()
	switch {
	case s.unlocked && lock != worm.Lock{}:
		return worm.Info{}, worm.ErrNoLocks
	case !lock.RetainUntil.IsZero() && !lock.RetainUntil.After(now):
		return worm.Info{}, worm.ErrPast
	case sha256.Sum256(body) != sum:
		return worm.Info{}, worm.ErrSum
	}
	if err := free(path); err != nil {
		return worm.Info{}, err // no need to write the bytes
	}
	rec := &record{key: key, size: int64(len(body)), sum: sum, created: now.UTC(), lock: lock, revision: 1}
	p, err := s.stage(path, body, rec)
	if err != nil {
		return worm.Info{}, err
	}
	defer p.drop()
	s.stop("put staged")
	if err := s.commits.run(p.change(key)); err != nil {
		return worm.Info{}, err
	}
	if s.unlocked {
		return s.Head(ctx, key)
	}
	return rec.info(), nil
}

// placing is a Put whose files lie in @tmp, durable.
type placing struct {
	s      *Store
	path   string
	object string // in @tmp
	record string // in @tmp; "" in an unlocked store, or once placed
}

// stage writes the object, and in a locked store its record, both at once.
func (s *Store) stage(path string, body []byte, rec *record) (*placing, error) {
	tmp := filepath.Join(s.root, tmpName)
	p := &placing{s: s, path: path}
	recErr := make(chan error, 1)
	go func() {
		var err error
		if !s.unlocked {
			p.record, err = writeTemp(tmp, rec.encode())
		}
		recErr <- err
	}()
	var err error
	p.object, err = writeTemp(tmp, body)
	if err = errors.Join(err, <-recErr); err != nil {
		p.drop()
		return nil, err
	}
	return p, nil
}

// drop removes what is still in @tmp.
func (p *placing) drop() {
	for _, name := range []string{p.object, p.record} {
		if name != "" {
			_ = os.Remove(name) // Open sweeps what stays
		}
	}
}

func (p *placing) change(key string) *change {
	return &change{key: key, path: p.path, synced: !p.s.unlocked, first: p.placeRecord, second: p.placeObject, last: p.protect}
}

// placeRecord makes sure that the name is free and gives the record its name.
// It replaces the record of a Put that died: no object belongs to that.
func (p *placing) placeRecord() error {
	if err := p.s.folders.ensure(filepath.Dir(p.path)); err != nil {
		if errors.Is(err, syscall.ENOTDIR) {
			return fmt.Errorf("below another object: %w", worm.ErrKey)
		}
		p.s.folders.prune(filepath.Dir(p.path))
		return err
	}
	if err := free(p.path); err != nil {
		return err
	}
	if p.record == "" {
		return nil
	}
	if err := thaw(p.path + lockSuffix); err != nil {
		return err
	}
	if err := os.Rename(p.record, p.path+lockSuffix); err != nil {
		p.undo()
		return err
	}
	p.record = ""
	p.s.stop("put record placed")
	return nil
}

// placeObject gives the object its name. It takes the record back if it cannot.
func (p *placing) placeObject() error {
	if err := os.Link(p.object, p.path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return worm.ErrExists // by somebody who does not heed the lock
		}
		p.undo()
		return err
	}
	p.s.stop("put object linked")
	if err := os.Remove(p.object); err == nil {
		p.object = ""
	}
	return nil
}

// undo removes the record of an object that could not be placed.
func (p *placing) undo() {
	if !p.s.unlocked {
		_ = os.Remove(p.path + lockSuffix) // a record without an object is no object
	}
	p.s.folders.prune(filepath.Dir(p.path))
}

// protect sets the immutable flag. The object is durable by now: an error
// takes nothing from the contract.
func (p *placing) protect() {
	if p.s.immutable {
		_ = freeze(p.path)
		if !p.s.unlocked {
			_ = freeze(p.path + lockSuffix)
		}
	}
}

// free answers nil if nothing has the name, ErrExists if an object has.
func free(path string) error {
	st, err := os.Lstat(path)
	switch {
	case err != nil && absent(err):
		return nil
	case err != nil:
		return err
	case st.IsDir():
		return fmt.Errorf("folder of other objects: %w", worm.ErrKey)
	}
	return worm.ErrExists
}

// stop is where a test may stop the process.
func (s *Store) stop(point string) {
	if s.at != nil {
		s.at(point)
	}
}
