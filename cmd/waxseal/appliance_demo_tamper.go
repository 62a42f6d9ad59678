package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/cmd/internal/demo"
	"github.com/waxseal/waxseal/cmd/internal/verdict"
)

// DemoTamperResponse is what became of a copy in which one byte was changed.
type DemoTamperResponse struct {
	Archive  string         `json:"archive"`
	Item     string         `json:"item"` // the message whose sealed bytes were changed
	Lane     string         `json:"lane"`
	Block    uint64         `json:"block,string"`
	Object   string         `json:"object"`     // where it is sealed
	At       int64          `json:"at"`         // which byte was changed
	Before   byte           `json:"before"`     // and what it was
	After    byte           `json:"after"`      // and became
	Copy     VerifyResponse `json:"copy"`       // what verification says of the changed copy
	Original VerifyResponse `json:"original"`   // and of the archive, which nobody touched
	Found    bool           `json:"found"`      // the verification of the copy names the object
	Copied   int64          `json:"copy_bytes"` // size of the copy, which is removed
}

// tamperCopies is how often a copy is made while another process writes on.
const tamperCopies = 20

// errMoving says that no copy was whole.
var errMoving = errors.New("the archive is written to so fast that no copy of it was whole: try again in a moment")

// DemoTamper flips one bit of a message's segment in a copy of the stores, and
// verifies the copy and the archive.
func (a *appliance) DemoTamper(ctx context.Context) (resp DemoTamperResponse, err error) {
	r, err := a.openStores(ctx)
	if err != nil {
		return resp, err
	}
	if err := r.fold(ctx); err != nil {
		return resp, err
	}
	if !isDemo(r.view.Genesis) {
		return resp, fmt.Errorf("%s holds the archive %s, and only a demonstration is tampered with: %w", a.set.Data, r.view.Genesis.Archive, ErrUsage)
	}
	day, err := theDay(r.view.Genesis)
	if err != nil {
		return resp, err
	}
	message := demo.Message(day, demo.MarkPromise)
	shown, err := a.Show(ctx, NameRequest{Name: message})
	if err != nil || len(shown.Items) == 0 {
		return resp, errors.Join(fmt.Errorf("the promise of the first story is not archived: 'waxseal run --demo' plays it: %w", ErrIncomplete), err)
	}
	it := shown.Items[0]
	resp = DemoTamperResponse{Archive: r.view.Genesis.Archive, Item: it.Item, Lane: it.Ledger.Lane, Block: it.Ledger.Block, Object: it.Ledger.Segment}
	if resp.Original, err = a.Verify(ctx, VerifyRequest{}); err != nil || !resp.Original.OK {
		return resp, err
	}
	temp, err := os.MkdirTemp("", "waxseal-tamper-")
	if err != nil {
		return resp, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	if err := resp.copyWhole(ctx, a.set.Data, temp); err != nil {
		return resp, err
	}
	if err := resp.flip(temp); err != nil {
		return resp, err
	}
	if resp.Copy, err = verifyFolder(ctx, temp); err != nil {
		return resp, err
	}
	resp.Found = !resp.Copy.OK && slices.ContainsFunc(resp.Copy.Findings, func(f verdict.Finding) bool {
		return f.Object == resp.Object && f.Lane == resp.Lane && f.Entry != nil && uint64(*f.Entry) == resp.Block
	})
	return resp, nil
}

// copyWhole copies the three stores until a copy verifies: while a process
// archives, files of one moment lie beside files of the next.
func (r *DemoTamperResponse) copyWhole(ctx context.Context, from, to string) error {
	for range tamperCopies {
		r.Copied = 0
		for _, store := range []string{"locked", "meta", "spare"} {
			if err := os.RemoveAll(filepath.Join(to, store)); err != nil {
				return err
			}
			n, err := copyTree(ctx, filepath.Join(from, store), filepath.Join(to, store))
			if r.Copied += n; err != nil {
				return fmt.Errorf("copy the %s store: %w", store, err)
			}
		}
		v, err := verifyFolder(ctx, to)
		if err != nil {
			return err
		}
		if v.OK {
			return nil
		}
	}
	return errMoving
}

// copyTree copies files and folders, and nothing of another kind. What is
// renamed or removed meanwhile is left out.
func copyTree(ctx context.Context, from, to string) (n int64, err error) {
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != from {
			return nil
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		name := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(name, 0o700)
		case !d.Type().IsRegular() || strings.HasPrefix(rel, "@tmp"):
			return nil
		}
		m, err := copyFile(path, name)
		n += m
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return n, err
}

func copyFile(from, to string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	return n, errors.Join(err, out.Close())
}

// flip changes one bit in the middle of the object's file in the copy.
func (r *DemoTamperResponse) flip(temp string) error {
	store, err := dir.OpenReadOnly(filepath.Join(temp, "locked"))
	if err != nil {
		return err
	}
	file, err := store.File(r.Object)
	if err != nil {
		return err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	at := len(b) / 2
	r.At, r.Before = int64(at), b[at]
	b[at] ^= 1
	r.After = b[at]
	return os.WriteFile(file, b, 0o600)
}

// verifyFolder verifies the stores in a folder.
func verifyFolder(ctx context.Context, folder string) (VerifyResponse, error) {
	a := &appliance{set: &Settings{Data: folder}}
	r, err := a.openStores(ctx)
	if err != nil {
		return VerifyResponse{}, err
	}
	report, err := verifyStores(ctx, r.locked, r.meta, r.spare, verifyOptions{})
	if err != nil {
		return VerifyResponse{}, err
	}
	return verdict.Of(report), nil
}
