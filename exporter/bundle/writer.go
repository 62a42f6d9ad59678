package bundle

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// ErrExists says that there is something where the bag should be written.
var ErrExists = errors.New("folder exists")

// partialSuffix is behind a folder's name until it is finished.
const partialSuffix = ".partial"

// Writer writes a bag. Files may be written from several goroutines at once.
// Until Finish it stands in a folder beside its place, so that what was
// interrupted never looks finished.
type Writer struct {
	out, dir string

	mu    sync.Mutex // guards the rest
	sums  sums       // of closed files
	names map[string]bool
	dirs  map[string]bool
	open  int
	bytes int64 // of payload
	files int
	done  bool

	records, withheld int // of proofs
}

// Create begins a bag that shall stand in the folder out. out must not exist, or
// be empty: else ErrExists.
func Create(out string) (*Writer, error) {
	out = filepath.Clean(out)
	if names, err := os.ReadDir(out); err == nil && len(names) > 0 {
		return nil, fmt.Errorf("%s: %w and is not empty", out, ErrExists)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look at %s: %w", out, err)
	}
	dir := out + partialSuffix
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s was left by an export that was interrupted, or another is under way; remove it first: %w", dir, ErrExists)
	}
	if err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	return &Writer{out: out, dir: dir, sums: sums{}, names: map[string]bool{}, dirs: map[string]bool{}}, nil
}

// Abort removes what was written. After Finish it does nothing.
func (w *Writer) Abort() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return nil
	}
	w.done = true
	return os.RemoveAll(w.dir)
}

// Create opens a new file of the bag, below data/ or beside it. Its path has
// letters, digits, dot, dash and underscore alone.
func (w *Writer) Create(path string) (io.WriteCloser, error) {
	if !plain(path) {
		return nil, fmt.Errorf("write %q: %w", path, ErrPath)
	}
	if err := w.reserve(path); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(w.dir, filepath.FromSlash(path)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &file{w: w, path: path, f: f, buf: buffers.Get().(*bufio.Writer), sum: sha256.New()}, nil
}

// Open reads a file of the bag that was written and closed.
func (w *Writer) Open(path string) (io.ReadCloser, error) {
	if !plain(path) {
		return nil, fmt.Errorf("read %q: %w", path, ErrPath)
	}
	return os.Open(filepath.Join(w.dir, filepath.FromSlash(path)))
}

// reserve takes a path and makes its folders.
func (w *Writer) reserve(path string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done || w.names[folded(path)] {
		return fmt.Errorf("write %s: written already, or the bag is finished: %w", path, os.ErrExist)
	}
	dir := ""
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		dir = path[:i]
	}
	if dir != "" && !w.dirs[dir] {
		if err := os.MkdirAll(filepath.Join(w.dir, filepath.FromSlash(dir)), 0o700); err != nil {
			return fmt.Errorf("make folder: %w", err)
		}
		w.dirs[dir] = true
	}
	w.names[folded(path)] = true
	w.open++
	return nil
}

// Write writes a file whole.
func (w *Writer) Write(path string, content []byte) error {
	f, err := w.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, 1<<15) }}

// file is a file of the bag being written. A write that failed fails Close too.
type file struct {
	w    *Writer
	path string
	f    *os.File
	buf  *bufio.Writer
	sum  hash.Hash
	n    int64
	used bool
	err  error
}

func (f *file) Write(b []byte) (int, error) {
	if !f.used {
		f.buf.Reset(f.f)
		f.used = true
	}
	n, err := f.buf.Write(b)
	f.sum.Write(b[:n])
	f.n += int64(n)
	if err != nil {
		f.err = fmt.Errorf("write %s: %w", f.path, err)
	}
	return n, f.err
}

func (f *file) Close() error {
	if f.buf == nil {
		return os.ErrClosed
	}
	if f.used && f.err == nil {
		f.err = f.buf.Flush()
	}
	f.buf.Reset(nil)
	buffers.Put(f.buf)
	f.buf = nil
	if err := errors.Join(f.err, f.f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.path, err)
	}
	f.w.closed(f)
	return nil
}

func (w *Writer) closed(f *file) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	w.sums[f.path] = hex.EncodeToString(f.sum.Sum(nil))
	if strings.HasPrefix(f.path, payload) {
		w.files++
		w.bytes += f.n
	}
}

// manifest gives the checksums of the payload, or of all that is beside it.
func (w *Writer) manifest(tag bool) sums {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := sums{}
	for path, sum := range w.sums {
		if tag != strings.HasPrefix(path, payload) {
			out[path] = sum
		}
	}
	return out
}

// moveIn makes the finished folder durable and puts it in its place.
func (w *Writer) moveIn() error {
	if err := syncAll(w.dir); err != nil {
		return fmt.Errorf("sync %s: %w", w.dir, err)
	}
	if err := os.Remove(w.out); err != nil && !errors.Is(err, os.ErrNotExist) { // an empty folder, else it fails
		return fmt.Errorf("put the bag into %s: %w", w.out, err)
	}
	if err := os.Rename(w.dir, w.out); err != nil {
		return fmt.Errorf("put the bag into %s: %w", w.out, err)
	}
	w.mu.Lock()
	w.done = true
	w.mu.Unlock()
	return syncDir(filepath.Dir(w.out))
}
