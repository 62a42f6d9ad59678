package dir

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/worm"
)

// List implements worm.Store. It opens only folders that can hold a key with
// the prefix behind startAfter. Sums and locks are for Head to tell.
func (r *Reader) List(ctx context.Context, prefix, startAfter string, fn func(worm.Version) error) error {
	l := &lister{Reader: r, ctx: ctx, prefix: prefix, after: startAfter, fn: fn}
	base := "" // the deepest folder all wanted keys lie in
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		base = prefix[:i+1]
	}
	path := r.root
	if base != "" {
		var err error
		if path, err = place(r.root, strings.TrimSuffix(base, "/")); err != nil {
			return nil // no key has such a prefix
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("list %s: %w", prefix, err)
	}
	return l.folder(path, base)
}

type lister struct {
	*Reader
	ctx           context.Context
	prefix, after string
	fn            func(worm.Version) error
}

// node is a name in a folder. sort is the part of the key it stands for: with
// a trailing slash for a folder, the first digits for a group.
type node struct {
	sort string
	path string
	kind nodeKind
}

type nodeKind byte

const (
	object nodeKind = iota
	folder
	group
)

// folder lists the folder at path, whose keys begin with base.
func (l *lister) folder(path, base string) error {
	nodes, err := l.read(path, base, true)
	if err != nil {
		return err
	}
	return l.visit(nodes, base)
}

func (l *lister) visit(nodes []node, base string) error {
	for _, n := range nodes {
		if err := l.ctx.Err(); err != nil {
			return fmt.Errorf("list %s: %w", l.prefix, err)
		}
		var err error
		switch n.kind {
		case object:
			err = l.object(base+n.sort, n.path)
		case folder:
			err = l.folder(n.path, base+n.sort)
		case group:
			var inner []node
			if inner, err = l.read(n.path, base, false); err == nil {
				err = l.visit(inner, base)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read gives the wanted names of a folder in key order. Groups are opened here
// if a name beside them falls among theirs.
func (l *lister) read(path, base string, groups bool) ([]node, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		if absent(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("list %s: %w", l.prefix, err)
	}
	nodes := make([]node, 0, len(entries))
	for _, e := range entries {
		if n, ok := nodeOf(path, e, groups); ok && l.wants(base+n.sort, n.kind) {
			nodes = append(nodes, n)
		}
	}
	nodes, err = l.open(nodes, base)
	slices.SortFunc(nodes, func(a, b node) int { return strings.Compare(a.sort, b.sort) })
	return nodes, err
}

func nodeOf(dir string, e fs.DirEntry, groups bool) (node, bool) {
	name := e.Name()
	n := node{sort: name, path: filepath.Join(dir, name)}
	switch {
	case e.IsDir() && groups && isGroup(name):
		n.sort, n.kind = strings.TrimSuffix(name, groupMark), group
	case worm.CheckKey(name) != nil || groups != (groupOf(name) == ""):
		return node{}, false // ours, or foreign
	case e.IsDir():
		n.sort, n.kind = name+"/", folder
	case !e.Type().IsRegular():
		return node{}, false
	}
	return n, true
}

// wants says whether key, or a key behind it below a folder or group, is asked for.
func (l *lister) wants(key string, kind nodeKind) bool {
	if kind == object {
		return strings.HasPrefix(key, l.prefix) && (l.after == "" || key > l.after)
	}
	if !strings.HasPrefix(key, l.prefix) && !strings.HasPrefix(l.prefix, key) {
		return false
	}
	return key > l.after || strings.HasPrefix(l.after, key)
}

// open replaces each group among whose keys another name falls by what it holds.
func (l *lister) open(nodes []node, base string) ([]node, error) {
	var plain, out []node
	for _, n := range nodes {
		if n.kind != group {
			plain = append(plain, n)
		}
	}
	for _, n := range nodes {
		mixed := n.kind == group && slices.ContainsFunc(plain, func(p node) bool { return strings.HasPrefix(p.sort, n.sort) })
		if !mixed {
			out = append(out, n)
			continue
		}
		inner, err := l.read(n.path, base, false)
		if err != nil {
			return nil, err
		}
		out = append(out, inner...)
	}
	return out, nil
}

// object gives what the folder says of an object. Its record is for Head to read.
func (l *lister) object(key, path string) error {
	if err := l.ctx.Err(); err != nil {
		return fmt.Errorf("list %s: %w", l.prefix, err)
	}
	st, err := os.Lstat(path)
	if err != nil {
		return nil // deleted meanwhile
	}
	return l.fn(worm.Version{Info: worm.Info{Key: key, Size: st.Size(), ModTime: st.ModTime().UTC()}, Latest: true})
}
