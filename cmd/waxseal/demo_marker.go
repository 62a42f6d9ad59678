package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// markPart is the file that says of a folder without genesis that a demonstration
// was begun there. Where genesis is, the file says nothing.
const markPart = "demo.json"

// mark is what the file holds: the name that the archive was to have.
type mark struct {
	Demonstration string `json:"demonstration"`
}

func markFile(set *Settings) string { return filepath.Join(set.Data, markPart) }

// readMark gives the name in the mark, "" where there is none.
func readMark(set *Settings) (string, error) {
	text, err := os.ReadFile(markFile(set))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the mark of a demonstration: %w", err)
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil || !strings.HasPrefix(m.Demonstration, demoPrefix) {
		return "", fmt.Errorf("%s is not what waxseal writes there", markFile(set))
	}
	return m.Demonstration, nil
}

// meant refuses to go on with what was begun as the other sort of archive, and
// marks a folder in which a demonstration begins, before anything else is made
// there. The data folder is held.
func meant(ctx context.Context, set *Settings) error {
	founded, err := set.founded(ctx)
	if err != nil || founded {
		return err // genesis says which it is
	}
	begun, err := readMark(set)
	switch {
	case err != nil:
		return err
	case begun != "" && !set.Demo:
		return begunDemo(set, begun)
	case begun != "" || !set.Demo:
		return nil
	}
	for _, part := range []string{set.Keys(), set.place(storeLocked).folder, set.place(storeMeta).folder, set.place(storeSpare).folder} {
		if exists(part) {
			return fmt.Errorf("%s is there already, and not of a demonstration: --data names another folder for one: %w", part, ErrUsage)
		}
	}
	text, err := json.Marshal(mark{set.Name})
	if err != nil {
		return err
	}
	if err := writeDurably(markFile(set), append(text, '\n')); err != nil {
		return fmt.Errorf("mark the demonstration: %w", err)
	}
	return nil
}

func begunDemo(set *Settings, name string) error {
	return fmt.Errorf("%s holds the beginning of a demonstration (%s): 'waxseal run --demo' goes on with it, 'waxseal demo remove' removes it, --data names another folder: %w",
		set.Data, name, ErrUsage)
}

// founded says whether the locked store has genesis, or something in its place.
func (s *Settings) founded(ctx context.Context) (bool, error) {
	p := s.place(storeLocked)
	if p.bucket != nil {
		ok, err := p.founded(ctx)
		if err != nil {
			return false, fmt.Errorf("open locked store: %w", err)
		}
		return ok, nil
	}
	return foundedIn(p.folder)
}

var blockFile = regexp.MustCompile(`^[0-9]{12}$`)

// foundedIn says whether a block lies in a folder store, whatever it is worth.
func foundedIn(folder string) (bool, error) {
	if exists(filepath.Join(folder, filepath.FromSlash(genesisFile))) {
		return true, nil
	}
	files, err := fs.Glob(os.DirFS(folder), "lanes/*/blocks/*/*")
	return slices.ContainsFunc(files, func(f string) bool { return blockFile.MatchString(path.Base(f)) }), err
}

// writeDurably writes a file and makes its name durable: by another name first,
// so that it is whole or not there.
func writeDurably(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
