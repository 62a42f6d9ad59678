package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// outside refuses a path within the archive: what is written for somebody else
// must not lie among what is sealed, nor be copied and removed along with it.
// Links are followed, and folders are compared as the system knows them, so that
// another name for one makes no difference.
func (s *Settings) outside(flag, path string) error {
	real, err := resolved(path)
	if err != nil {
		return fmt.Errorf("%s %s: %w", flag, path, err)
	}
	mine := []struct{ what, path string }{{"key folder", s.Keys()}}
	for _, store := range []string{storeLocked, storeMeta, storeSpare} {
		if p := s.place(store); p.bucket == nil {
			mine = append(mine, struct{ what, path string }{store + " store", p.folder})
		}
	}
	mine = append(mine, struct{ what, path string }{"data folder", s.Data})
	for above := real; ; above = filepath.Dir(above) {
		if info, err := os.Stat(above); err == nil {
			for _, m := range mine {
				if own, err := os.Stat(m.path); err == nil && os.SameFile(info, own) {
					return fmt.Errorf("%s %s lies inside the archive (its %s is %s): name a place outside: %w", flag, path, m.what, m.path, ErrUsage)
				}
			}
		}
		if above == filepath.Dir(above) {
			return nil
		}
	}
}

// maxLinks is how many links that lead nowhere may follow each other.
const maxLinks = 40

// resolved is a path without links, also where its end is not there yet.
func resolved(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	rest := ""
	for links := 0; ; {
		real, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Join(real, rest), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		if to, err := os.Readlink(path); err == nil { // a link to what is not there yet
			if links++; links > maxLinks {
				return "", errors.New("too many links")
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(path), to)
			}
			path = to
			continue
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}
