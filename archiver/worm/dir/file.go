package dir

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/waxseal/waxseal/archiver/worm"
)

const (
	fileMode fs.FileMode = 0o440
	dirMode  fs.FileMode = 0o750
)

// absent says whether the error means that there is no such file. A file where
// a folder was expected is no object either.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// full adds worm.ErrFull to an error of a file system without room.
func full(err error) error {
	for _, no := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, no) {
			return fmt.Errorf("%w: %w", worm.ErrFull, err)
		}
	}
	return err
}

// writeTemp writes a durable, read-only file of a random name into dir and
// gives its path. On an error it leaves nothing behind.
func writeTemp(dir string, body []byte) (string, error) {
	name := filepath.Join(dir, rand.Text())
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", full(err)
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(name) // the first error counts
		return "", full(err)
	}
	return name, nil
}

// folders makes folders durable: a folder counts as durable once this process
// has forced its name to disk in its parent.
type folders struct {
	root string
	mu   sync.Mutex
	done map[string]fs.FileInfo // the folder seen then: another process may have made it anew
}

// maxFolders bounds the memory of what is durable; forgetting costs a sync.
const maxFolders = 4096

func newFolders(root string) *folders {
	return &folders{root: root, done: map[string]fs.FileInfo{}}
}

// ensure makes dir and its parents below root, durably.
func (d *folders) ensure(dir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ensureLocked(dir)
}

func (d *folders) ensureLocked(dir string) error {
	if dir == d.root {
		return nil
	}
	if seen := d.done[dir]; seen != nil {
		if st, err := os.Lstat(dir); err == nil && os.SameFile(st, seen) {
			return nil
		}
	}
	parent := filepath.Dir(dir)
	if err := d.ensureLocked(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return syscall.ENOTDIR
	}
	if err := syncDir(parent); err != nil {
		return err
	}
	if len(d.done) >= maxFolders {
		clear(d.done)
	}
	d.done[dir] = st
	return nil
}

// prune removes dir and its parents below root as far as they are empty.
func (d *folders) prune(dir string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for ; len(dir) > len(d.root); dir = filepath.Dir(dir) {
		if os.Remove(dir) != nil {
			return // not empty
		}
		delete(d.done, dir)
	}
}
