package bundle

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Problem is one thing that is wrong with a bag.
type Problem struct {
	File   string `json:"file"` // path in the bag, "" the bag as a whole
	Record string `json:"record,omitempty"`
	What   string `json:"what"`
}

func (p Problem) String() string {
	var parts []string
	for _, s := range []string{p.File, p.Record, p.What} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ": ")
}

// maxTagFile bounds what is read into memory.
const maxTagFile = 256 << 20

// folder is a bag's folder being read. Nothing outside of it can be reached.
type folder struct {
	root  *os.Root
	files map[string]int64 // size by path

	manifests []*manifest
	mu        sync.Mutex // guards problems
	problems  []Problem
}

func (f *folder) find(file, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems = append(f.problems, Problem{File: file, What: fmt.Sprintf(format, args...)})
}

// Validate holds a folder to BagIt 1.0: every file its manifests list is there and
// unchanged, and nothing lies in the payload that a payload manifest does not
// list. It knows SHA-256 and SHA-512. An error says that the folder could not be
// read; a bag that is not valid gives problems.
func Validate(ctx context.Context, dir string) ([]Problem, error) {
	f, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer f.root.Close()
	f.structure()
	if _, err := f.sums(ctx, nil); err != nil {
		return nil, err
	}
	return f.sorted(), nil
}

func (f *folder) sorted() []Problem {
	slices.SortStableFunc(f.problems, func(a, b Problem) int { return strings.Compare(a.File, b.File) })
	return slices.Compact(f.problems)
}

// openFolder lists a bag's files.
func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open bag: %w", err)
	}
	f := &folder{root: root, files: map[string]int64{}}
	seen := map[string]bool{}
	err = fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == "." {
			return nil
		}
		if seen[folded(p)] {
			f.find(p, "differs from another name in capitals alone")
		}
		seen[folded(p)] = true
		if d.IsDir() {
			return nil
		}
		if !d.Type().IsRegular() {
			f.find(p, "is no plain file: a link, or something else that shows what is not in the bag")
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if err := checkPath(p); err != nil {
			f.find(p, "has a name that is no path in a bag")
			return nil
		}
		f.files[p] = info.Size()
		return nil
	})
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("list bag: %w", err)
	}
	return f, nil
}

// read reads a tag file; false, and a problem, where there is none or it is too long.
func (f *folder) read(p string) ([]byte, bool) {
	size, ok := f.files[p]
	if !ok {
		f.find(p, "is missing")
		return nil, false
	}
	if size > maxTagFile {
		f.find(p, "is too long to be one")
		return nil, false
	}
	r, err := f.root.Open(p)
	if err != nil {
		f.find(p, "cannot be read: %v", cause(err))
		return nil, false
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxTagFile))
	if err != nil {
		f.find(p, "cannot be read: %v", cause(err))
		return nil, false
	}
	return b, true
}

// cause is an error without the operation and the path, which stand beside it.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// structure reads the declaration and the manifests.
func (f *folder) structure() {
	if b, ok := f.read(declarationFile); ok {
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
		if strings.TrimSuffix(text, "\n")+"\n" != declaration {
			f.find(declarationFile, "is not the two lines of BagIt 1.0")
		}
	}
	if _, ok := f.files[fetchFile]; ok {
		f.find(fetchFile, "names files that are elsewhere: the bag is not complete")
	}
	payloads := 0
	for _, p := range slices.Sorted(maps.Keys(f.files)) {
		algorithm, tag, ok := manifestName(p)
		if !ok {
			continue
		}
		m := &manifest{file: p, algorithm: algorithm, tag: tag}
		if algorithms[algorithm] == nil {
			f.find(p, "is of a checksum that shows nothing, or that is not known")
			continue
		}
		if !tag {
			payloads++
		}
		b, ok := f.read(p)
		if !ok {
			continue
		}
		if err := parseManifest(m, b); err != nil {
			f.find(p, "%v", err)
			continue
		}
		f.manifests = append(f.manifests, m)
	}
	if payloads == 0 {
		f.find(manifestFile, "is missing, or is of a checksum that is not known")
	}
	f.complete()
	f.oxum()
}

// complete holds the manifests to the list of files.
func (f *folder) complete() {
	for _, m := range f.manifests {
		for p := range m.sums {
			_, there := f.files[p]
			_, tag, isManifest := manifestName(p)
			switch {
			case !there:
				f.find(p, "is missing: %s lists it", m.file)
			case m.tag && isManifest && tag:
				f.find(m.file, "lists a tag manifest")
			}
		}
		for p := range f.files {
			if _, listed := m.sums[p]; !m.tag && !listed && strings.HasPrefix(p, payload) {
				f.find(p, "is not listed in %s", m.file)
			}
		}
	}
}

// oxum holds the payload to what bag-info.txt says of its size.
func (f *folder) oxum() {
	if _, ok := f.files[infoFile]; !ok {
		return
	}
	b, ok := f.read(infoFile)
	if !ok {
		return
	}
	var bytes, files int64
	for p, size := range f.files {
		if strings.HasPrefix(p, payload) {
			bytes, files = bytes+size, files+1
		}
	}
	for line := range strings.Lines(string(b)) {
		label, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if strings.EqualFold(label, "Payload-Oxum") && strings.TrimSpace(value) != fmt.Sprintf("%d.%d", bytes, files) {
			f.find(infoFile, "says that the payload is %s, and it is %d.%d", strings.TrimSpace(value), bytes, files)
		}
	}
}

// sums computes every checksum that a manifest lists, and holds it to that. It
// gives the SHA-256 of every file in also, beside.
func (f *folder) sums(ctx context.Context, also []string) (sums, error) {
	want := map[string]bool{}
	for _, m := range f.manifests {
		for p := range m.sums {
			want[p] = true
		}
	}
	for _, p := range also {
		want[p] = true
	}
	out := sums{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.NumCPU())
	for p := range want {
		if _, ok := f.files[p]; !ok || gctx.Err() != nil {
			continue
		}
		g.Go(func() error {
			sum, err := f.sum(gctx, p)
			f.mu.Lock()
			defer f.mu.Unlock()
			out[p] = sum
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// sum computes a file's checksums and compares them. An error is ctx's.
func (f *folder) sum(ctx context.Context, p string) (string, error) {
	hashes := map[string]hash.Hash{"sha256": algorithms["sha256"]()}
	for _, m := range f.manifests {
		if _, listed := m.sums[p]; listed && hashes[m.algorithm] == nil {
			hashes[m.algorithm] = algorithms[m.algorithm]()
		}
	}
	var all []io.Writer
	for _, h := range hashes {
		all = append(all, h)
	}
	r, err := f.root.Open(p)
	if err == nil {
		_, err = io.Copy(io.MultiWriter(all...), &cancelled{ctx, r})
		r.Close()
	}
	if ctx.Err() != nil {
		return "", fmt.Errorf("read %s: %w", path.Base(p), context.Cause(ctx))
	}
	if err != nil {
		f.find(p, "cannot be read: %v", cause(err))
		return "", nil
	}
	for _, m := range f.manifests {
		if sum, listed := m.sums[p]; listed && hex.EncodeToString(hashes[m.algorithm].Sum(nil)) != sum {
			f.find(p, "is not what %s says: changed", m.file)
		}
	}
	return hex.EncodeToString(hashes["sha256"].Sum(nil)), nil
}

// cancelled ends a long read with its context.
type cancelled struct {
	ctx context.Context
	io.Reader
}

func (c *cancelled) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(b)
}
