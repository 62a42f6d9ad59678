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
	Fingerprint string     `json:"fingerprint"` // "" before genesis
	Removed     []DemoPart `json:"removed"`     // empty where the answer was no
	Left        []string   `json:"left"`        // paths of what waxseal did not make
}

// DemoPart is a file or folder of a demonstration.
type DemoPart struct {
	Name  string `json:"name"`
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
}

// errNoDemo says that a folder is not for sure a demonstration.
var errNoDemo = errors.New("this is not for sure a demonstration, so nothing was touched")

// DemoRemove removes the data folder of a demonstration.
func (a *appliance) DemoRemove(ctx context.Context, req DemoRemoveRequest) (resp DemoRemoveResponse, err error) {
	g, fingerprint, err := proveDemo(ctx, a.set)
	if err != nil {
		return resp, err
	}
	resp = DemoRemoveResponse{Folder: a.set.Data, Archive: g.Archive, Fingerprint: fingerprint.String(), Removed: []DemoPart{}, Left: []string{}}
	if fingerprint.IsZero() {
		resp.Fingerprint = "" // begun, and no genesis yet
	}
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

// proveDemo reads genesis itself, with the signature over it, or where there is
// none the mark of a demonstration that was begun, and answers errNoDemo for every
// doubt. It writes nothing and follows no link.
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
	if there, err := foundedIn(filepath.Join(set.Data, lockedPart)); err != nil {
		return no("%w", err)
	} else if !there {
		begun, err := readMark(set)
		if err != nil {
			return no("%w", err)
		}
		if begun != "" {
			return &ledger.Genesis{Archive: begun}, ledger.Hash{}, nil
		}
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
	names, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	parts := slices.Clone(demoParts)
	for _, e := range names {
		if slices.ContainsFunc(litter, func(begins string) bool { return strings.HasPrefix(e.Name(), begins) }) {
			parts = slices.Insert(parts, 0, e.Name())
		}
	}
	for _, name := range parts {
		info, err := root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		part := DemoPart{Name: name}
		if info.IsDir() {
			err = r.removeFolder(root, &part, name)
		} else {
			err = part.remove(root, name)
		}
		if err != nil {
			return err
		}
		if part.Files > 0 || !info.IsDir() {
			r.Removed = append(r.Removed, part)
		}
	}
	if err := root.Remove(lockPart); err != nil { // ours until the file is closed
		return err
	}
	rest, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, e := range rest {
		if !slices.Contains(parts, e.Name()) { // what lies below one is named already
			r.Left = append(r.Left, e.Name())
		}
	}
	if len(rest) > 0 {
		return nil
	}
	return os.Remove(r.Folder)
}

// removeFolder removes what waxseal made below a folder of the data folder, and
// that folder where nothing else lies in it; what is left is named. Where it holds
// genesis, that goes last, but for the name of the store's format.
func (r *DemoRemoveResponse) removeFolder(root *os.Root, part *DemoPart, name string) error {
	entries, err := fs.ReadDir(root.FS(), name)
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		return lateness(path.Join(name, a.Name())) - lateness(path.Join(name, b.Name()))
	})
	left := false
	for _, e := range entries {
		below := path.Join(name, e.Name())
		switch {
		case e.IsDir() && isMade(below, true):
			if err := r.removeFolder(root, part, below); err != nil {
				return err
			}
			_, err := root.Lstat(below)
			left = left || err == nil
		case e.Type().IsRegular() && isMade(below, false):
			if err := part.remove(root, below); err != nil {
				return err
			}
		default:
			r.Left, left = append(r.Left, below), true
		}
	}
	if left {
		return nil
	}
	if err := root.Remove(name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

// lateness orders what lies beside each other: the way to genesis is last, and
// behind it what opens the store.
func lateness(name string) int {
	const genesis = lockedPart + "/" + genesisFile
	switch {
	case name == lockedPart+"/@format":
		return 2
	case strings.HasPrefix(genesis+"@lock", name): // genesis, its lock record, and the folders above
		return 1
	}
	return 0
}

// remove removes a file and counts it.
func (p *DemoPart) remove(root *os.Root, name string) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if err := root.Remove(name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	p.Files++
	p.Bytes += info.Size()
	return nil
}
