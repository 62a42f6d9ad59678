package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// What opening a folder may answer.
var (
	ErrNoStore  = errors.New("not a store folder")                              // Open: no @format there, or of another kind or version
	ErrNotEmpty = errors.New("folder is not empty")                             // Create
	ErrReadOnly = errors.New("writing a store is not supported on this system") // Create, Open: Windows
)

// Options of a store. The zero value is good.
type Options struct {
	// Immutable has the kernel's immutable flag set on objects and lock records
	// where it is granted (Linux, root, ext4 and the like). Store.Immutable
	// tells. Only root can clear it.
	Immutable bool
	// Now is the clock, time.Now if nil.
	Now func() time.Time
}

// Store is a locked store: it implements worm.Keeper. Safe for concurrent use,
// also by several processes.
type Store struct {
	Reader
	now       func() time.Time
	immutable bool
	folders   *folders
	commits   *committer
	at        func(point string) // tests stop here; else nil
}

// Meta is an unlocked store: it implements worm.Meta.
type Meta struct{ Store }

var (
	_ worm.Keeper = (*Store)(nil)
	_ worm.Meta   = (*Meta)(nil)
)

// staleAfter is how old a file in @tmp is when Open takes it for left over. A
// writer frozen for longer finds its file gone, and its Put fails.
const staleAfter = time.Hour

const (
	formatLocked   = "waxseal dir 1 locked\n"
	formatUnlocked = "waxseal dir 1 unlocked\n"
)

// Create makes a locked store in root, which must not exist or be empty.
func Create(root string, opts Options) (*Store, error) {
	if err := create(root, formatLocked); err != nil {
		return nil, err
	}
	return Open(root, opts)
}

// Open opens the locked store in root.
func Open(root string, opts Options) (*Store, error) {
	s, err := open(root, opts, false)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// CreateMeta makes an unlocked store in root, which must not exist or be empty.
func CreateMeta(root string, opts Options) (*Meta, error) {
	if err := create(root, formatUnlocked); err != nil {
		return nil, err
	}
	return OpenMeta(root, opts)
}

// OpenMeta opens the unlocked store in root.
func OpenMeta(root string, opts Options) (*Meta, error) {
	s, err := open(root, opts, true)
	if err != nil {
		return nil, err
	}
	return &Meta{*s}, nil
}

// OpenReadOnly opens the store of either kind in root for reading. It creates
// and changes nothing, so root may be a copy on read-only media.
func OpenReadOnly(root string) (*Reader, error) {
	b, err := os.ReadFile(filepath.Join(root, formatName))
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("open store: %w", err)
	}
	switch string(b) {
	case formatLocked:
		return &Reader{root: root}, nil
	case formatUnlocked:
		return &Reader{root: root, unlocked: true}, nil
	}
	return nil, fmt.Errorf("open %s: %w", root, ErrNoStore)
}

func create(root, format string) error {
	if !canWrite {
		return ErrReadOnly
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	if err := newFolders(existing(filepath.Dir(root))).ensure(root); err != nil {
		return fmt.Errorf("create store: %w", full(err))
	}
	names, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	for _, n := range names {
		if n.Name() != tmpName { // a Create that died before its last step may be tried again
			return fmt.Errorf("create %s: %w", root, ErrNotEmpty)
		}
	}
	tmp := filepath.Join(root, tmpName)
	if err := os.Mkdir(tmp, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create store: %w", full(err))
	}
	name, err := writeTemp(tmp, []byte(format))
	if err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	if err := os.Rename(name, filepath.Join(root, formatName)); err != nil {
		return fmt.Errorf("create store: %w", full(err))
	}
	if err := syncDir(root); err != nil {
		return fmt.Errorf("create store: %w", err)
	}
	return nil
}

// existing is the deepest folder on the way to dir that is there.
func existing(dir string) string {
	for {
		if _, err := os.Lstat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func open(root string, opts Options, unlocked bool) (*Store, error) {
	if !canWrite {
		return nil, ErrReadOnly
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	r, err := OpenReadOnly(root)
	if err != nil {
		return nil, err
	}
	if r.unlocked != unlocked {
		return nil, fmt.Errorf("open %s: store of the other kind: %w", root, ErrNoStore)
	}
	s := &Store{Reader: *r, now: opts.Now, folders: newFolders(root)}
	s.commits = &committer{lock: newFileLock(filepath.Join(root, flockName))}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	if opts.Immutable {
		s.immutable = s.grantsImmutable()
	}
	return s, nil
}

// sweep removes what writers that died left in @tmp, and makes the folder if a
// copy came without it.
func (s *Store) sweep() error {
	dir := filepath.Join(s.root, tmpName)
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("open store: %w", full(err))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	for _, e := range entries {
		if st, err := e.Info(); err == nil && time.Since(st.ModTime()) > staleAfter {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !absent(err) {
				return fmt.Errorf("open store: remove a left-over: %w", err)
			}
		}
	}
	return nil
}

// Immutable says whether objects get the immutable flag.
func (s *Store) Immutable() bool { return s.immutable }

// Now implements worm.Store: the host's clock.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	return s.now().UTC(), nil
}

// Close gives back what the store holds open. Only the last call before the
// store is dropped may be Close.
func (s *Store) Close() error {
	if err := s.commits.lock.Close(); err != nil {
		return fmt.Errorf("close store: %w", err)
	}
	return nil
}
