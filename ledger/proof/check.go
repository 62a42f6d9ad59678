package proof

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/ledger"
)

// Error says of which record, and of which file beside the proof itself, a check
// failed.
type Error struct {
	Record string // "" the block as a whole
	File   string // path in the bag, "" the proof itself
	Err    error
}

func (e *Error) Error() string {
	var where []string
	if e.Record != "" {
		where = append(where, "record "+e.Record)
	}
	if e.File != "" {
		where = append(where, "file "+e.File)
	}
	return strings.Join(append(where, e.Err.Error()), ": ")
}

// Unwrap gives what was wrong.
func (e *Error) Unwrap() []error { return []error{e.Err, ErrProof} }

// Errors are all that is wrong with a File.
type Errors []*Error

func (e Errors) Error() string {
	var lines []string
	for _, one := range e {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the errors.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i := range e {
		out[i] = e[i]
	}
	return out
}

// Result is what a File proves.
type Result struct {
	Lane    record.Lane
	Block   uint64
	Records []Shown
	Files   []string // whose every byte is proven, in order of appearance
}

// Shown is a proven record.
type Shown struct {
	Record   string
	Pieces   int
	Withheld int // pieces of which only the commitment is shown
}

// Open opens a file of the bag by its path.
type Open func(path string) (io.ReadCloser, error)

// Check holds a File to the anchor. The error is of type Errors; what is left in
// the result then is proven all the same. Everything about a record must hold:
// one byte more or less in a file it names, and it does not.
func (a *Anchored) Check(f *File, open Open) (*Result, error) {
	e, err := a.checkLane(f)
	if err == nil && len(f.Records) == 0 {
		err = errors.New("it speaks of no record")
	}
	if err != nil {
		return &Result{}, Errors{{Err: err}}
	}
	out := &Result{Lane: e.Lane, Block: e.N}
	var wrong Errors
	last := -1
	for i := range f.Records {
		r := &f.Records[i]
		if r.Position <= last {
			return out, append(wrong, &Error{Record: r.Record, Err: errors.New("records are not in order")})
		}
		last = r.Position
		s, files, err := checkRecord(e, r, open)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		out.Records = append(out.Records, *s)
		out.Files = append(out.Files, files...)
	}
	if wrong != nil {
		return out, wrong
	}
	return out, nil
}

// checkLane gives the block's entry, which stands under a sealed head.
func (a *Anchored) checkLane(f *File) (*ledger.Entry, error) {
	switch {
	case f.Archive != a.Archive || f.Fingerprint != a.Fingerprint:
		return nil, errors.New("it is of another archive than the anchor")
	case f.Anchor != a.sum:
		return nil, errors.New("it belongs to another anchor")
	}
	root, ok := a.heads[headName{f.Lane.Name, f.Lane.Head}]
	if !ok {
		return nil, fmt.Errorf("no act of the anchor seals lane %s at size %d", f.Lane.Name, f.Lane.Head)
	}
	e, err := ledger.DecodeEntry(f.Lane.Entry)
	if err != nil {
		return nil, err
	}
	if e.Lane != f.Lane.Name {
		return nil, fmt.Errorf("its entry is of lane %s", e.Lane)
	}
	if err := included(f.Lane.EntryPath, f.Lane.Head, root, e.N, ledger.LeafHash(f.Lane.Entry)); err != nil {
		return nil, fmt.Errorf("block %d is not under the sealed head of lane %s: %w", e.N, e.Lane, err)
	}
	return e, nil
}

func checkRecord(e *ledger.Entry, r *Record, open Open) (*Shown, []string, *Error) {
	fail := func(err error) (*Shown, []string, *Error) { return nil, nil, &Error{Record: r.Record, Err: err} }
	c, err := record.ParseCoordinates(r.Record)
	if err != nil {
		return fail(err)
	}
	if len(r.Pieces) == 0 {
		return fail(errors.New("it has no piece"))
	}
	out := &Shown{Record: r.Record, Pieces: len(r.Pieces)}
	refs := make([]ledger.PieceRef, len(r.Pieces))
	commitments := make([]ledger.Hash, len(r.Pieces))
	bag := files{open: open}
	defer bag.close()
	for i := range r.Pieces {
		p := &r.Pieces[i]
		if refs[i] = (ledger.PieceRef{Type: p.Type, Index: p.Index}); i > 0 && !before(refs[i-1], refs[i]) {
			return fail(errors.New("its pieces are not in order"))
		}
		if !p.Disclosed() {
			if p.Commitment == nil || p.File != "" || len(p.Data) > 0 || p.Offset != 0 || p.Bytes != 0 {
				return fail(fmt.Errorf("piece %d of type %d is neither shown nor withheld", p.Index, p.Type))
			}
			commitments[i] = *p.Commitment
			out.Withheld++
			continue
		}
		if commitments[i], err = bag.commitment(p); err != nil {
			var other *Error // of the file before
			if errors.As(err, &other) {
				return nil, nil, &Error{Record: r.Record, File: other.File, Err: other.Err}
			}
			return nil, nil, &Error{Record: r.Record, File: p.File, Err: err}
		}
	}
	if name, err := bag.end(); err != nil {
		return nil, nil, &Error{Record: r.Record, File: name, Err: err}
	}
	leaf := ledger.Leaf{Coordinates: c, LeaderEpoch: r.LeaderEpoch, Timestamp: r.Timestamp, Root: ledger.PiecesRoot(refs, commitments)}
	if err := included(r.Path, e.Records, e.RecordsRoot, uint64(r.Position), leaf.Hash()); err != nil {
		return nil, nil, &Error{Record: r.Record, File: bag.only(), Err: fmt.Errorf("what is shown of it is not what block %d of lane %s sealed: %w", e.N, e.Lane, err)}
	}
	return out, bag.names, nil
}

func before(a, b ledger.PieceRef) bool {
	return a.Type < b.Type || a.Type == b.Type && a.Index < b.Index
}
