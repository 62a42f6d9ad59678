package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/keyring"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/ledger"
)

// DemoRemoveRequest asks to remove a demonstration.
type DemoRemoveRequest struct {
	Confirm func(folder, archive string) (bool, error) // asked before anything is removed; nil: nobody to ask
}

// DemoRemoveResponse says what was removed.
type DemoRemoveResponse struct {
	Folder      string     `json:"folder"`
	Archive     string     `json:"archive"`
	Fingerprint string     `json:"fingerprint"`
	Removed     []DemoPart `json:"removed"` // empty where the answer was no
	Left        []string   `json:"left"`    // what waxseal did not make, and the folder for its sake
}

// DemoPart is a file or folder of a demonstration.
type DemoPart struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// demoParts are what waxseal makes in a data folder, in the order of removal:
// the store with genesis is last, so that what an interruption leaves is still a
// demonstration for sure.
var demoParts = []string{"run.json", "run.json.new", "index.db", "index.db-wal", "index.db-shm",
	"index.db.new", "index.db.new-wal", "index.db.new-shm", "kafka", "spare", "meta", "keys", lockedPart}

const (
	lockedPart = "locked"
	lockPart   = "lock"
)

// errNoDemo says that a folder is not for sure a demonstration.
var errNoDemo = errors.New("this is not for sure a demonstration, so nothing was touched")

// DemoRemove removes the data folder of a demonstration.
func (a *appliance) DemoRemove(ctx context.Context, req DemoRemoveRequest) (resp DemoRemoveResponse, err error) {
	g, fingerprint, err := proveDemo(ctx, a.set)
	if err != nil {
		return resp, err
	}
	resp = DemoRemoveResponse{Folder: a.set.Data, Archive: g.Archive, Fingerprint: fingerprint.String(), Removed: []DemoPart{}, Left: []string{}}
	if dataLocked(a.set) {
		return resp, busy(a.set)
	}
	if req.Confirm != nil {
		if ok, err := req.Confirm(resp.Folder, resp.Archive); err != nil || !ok {
			return resp, err
		}
	}
	lock, err := lockData(a.set)
	if errors.Is(err, errBusy) {
		return resp, busy(a.set)
	}
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if _, again, err := proveDemo(ctx, a.set); err != nil || again != fingerprint {
		return resp, errors.Join(fmt.Errorf("%s has changed meanwhile: %w", a.set.Data, errNoDemo), err)
	}
	return resp, resp.remove()
}

func busy(set *Settings) error { return fmt.Errorf("%s: %w: stop it first", set.Data, errBusy) }

// proveDemo reads genesis itself, with the signature over it, and answers
// errNoDemo for every doubt. It writes nothing and follows no link.
func proveDemo(ctx context.Context, set *Settings) (*ledger.Genesis, ledger.Hash, error) {
	no := func(format string, args ...any) (*ledger.Genesis, ledger.Hash, error) {
		return nil, ledger.Hash{}, fmt.Errorf("%s: %w: %w: %w", set.Data, fmt.Errorf(format, args...), errNoDemo, ErrUsage)
	}
	for _, name := range slices.Concat([]string{"."}, demoParts, []string{lockPart, "locked/lanes", "locked/lanes/control", "locked/lanes/control/blocks"}) {
		info, err := os.Lstat(filepath.Join(set.Data, name))
		switch {
		case name == "." && errors.Is(err, fs.ErrNotExist):
			return nil, ledger.Hash{}, fmt.Errorf("%s: no such folder: %w", set.Data, ErrUsage)
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return no("%w", err)
		case info.Mode()&fs.ModeSymlink != 0:
			return no("%s is a symbolic link", path.Clean(name))
		}
	}
	if info, err := os.Lstat(set.Data); err != nil || info.Mode()&fs.ModeSymlink != 0 {
		return no("it is a symbolic link: name the folder itself")
	}
	if len(set.Buckets) > 0 {
		return no("its settings name buckets, and a demonstration has folders")
	}
	store, err := dir.OpenReadOnly(filepath.Join(set.Data, lockedPart))
	if err != nil {
		return no("its locked store cannot be read: %w", err)
	}
	g, fingerprint, err := readGenesis(ctx, store)
	if err != nil {
		return no("its genesis cannot be read: %w", err)
	}
	if !isDemo(*g) {
		return no("it is the archive %s", g.Archive)
	}
	if ring, err := keyring.Open(set.Keys()); err == nil && !slices.ContainsFunc(ring.Public().Signing.Keys, func(k keyring.SigningKey) bool {
		return string(k.Ed25519) == string(g.Keys.Ed25519)
	}) {
		return no("its key folder is another archive's")
	}
	return g, fingerprint, nil
}

// readGenesis reads control's first block alone, and holds it to its signature.
func readGenesis(ctx context.Context, store *dir.Reader) (*ledger.Genesis, ledger.Hash, error) {
	raw, _, err := store.Get(ctx, ledger.BlockKey(record.Control, 0))
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	b, err := ledger.DecodeBlock(raw)
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	if len(b.Events) == 0 {
		return nil, ledger.Hash{}, errors.New("the first block holds no act")
	}
	act, err := ledger.DecodeAct(b.Events[0])
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	if act.Type != ledger.ActGenesis {
		return nil, ledger.Hash{}, errors.New("the first act is another one")
	}
	keys, err := ledger.NewVerifier(act.Genesis.Archive, act.Genesis.Keys.Ed25519)
	if err != nil {
		return nil, ledger.Hash{}, err
	}
	if _, _, err := ledger.ResumeChain(record.Control, nil, keys, raw); err != nil {
		return nil, ledger.Hash{}, err
	}
	return act.Genesis, ledger.Fingerprint(b.Events[0]), nil
}

// remove removes the parts, within the folder alone, and the folder where
// nothing else lies in it.
func (r *DemoRemoveResponse) remove() error {
	root, err := os.OpenRoot(r.Folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, name := range demoParts {
		if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		part := DemoPart{Name: name}
		if err := part.count(root); err != nil {
			return err
		}
		if name == lockedPart {
			if err := removeAround(root, lockedPart, "lanes", string(record.Control), "blocks"); err != nil {
				return err
			}
		}
		if err := root.RemoveAll(name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		r.Removed = append(r.Removed, part)
	}
	if err := root.Remove(lockPart); err != nil { // ours until the file is closed
		return err
	}
	rest, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range rest {
		r.Left = append(r.Left, e.Name())
	}
	if len(rest) > 0 {
		return nil
	}
	return os.Remove(r.Folder)
}

// removeAround removes all that lies beside a path, on each of its levels.
func removeAround(root *os.Root, parts ...string) error {
	for i := 1; i < len(parts); i++ {
		above := path.Join(parts[:i]...)
		entries, err := fs.ReadDir(root.FS(), above)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Name() == parts[i] || strings.HasPrefix(e.Name(), "@format") {
				continue
			}
			if err := root.RemoveAll(path.Join(above, e.Name())); err != nil {
				return fmt.Errorf("remove %s: %w", path.Join(above, e.Name()), err)
			}
		}
	}
	return nil
}

// count counts files and bytes.
func (p *DemoPart) count(root *os.Root) error {
	return fs.WalkDir(root.FS(), p.Name, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		p.Files++
		p.Bytes += info.Size()
		return nil
	})
}
