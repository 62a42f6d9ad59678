package proof

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/waxseal/waxseal/ledger"
)

// files reads the pieces of one record from files of the bag. In a file they
// stand one behind the other, from its first byte to its last, so that no byte
// of it is unproven; pieces of a value only where they are neighbours in it.
type files struct {
	open  Open
	names []string // all so far

	now io.ReadCloser // of the last name
	at  int64
	ref ledger.PieceRef // last piece read from it
}

// commitment computes the commitment of a disclosed piece.
func (f *files) commitment(p *Piece) (ledger.Hash, error) {
	if p.Commitment != nil {
		return ledger.Hash{}, fmt.Errorf("piece %d of type %d is shown and withheld at once", p.Index, p.Type)
	}
	salt := [32]byte(*p.Salt)
	if p.File == "" {
		if p.Offset != 0 || p.Bytes != 0 {
			return ledger.Hash{}, fmt.Errorf("piece %d of type %d has a place in no file", p.Index, p.Type)
		}
		return ledger.Commit(&salt, p.Data), nil
	}
	if err := f.turn(p); err != nil {
		return ledger.Hash{}, err
	}
	d := sha256.New()
	d.Write(salt[:])
	n, err := io.CopyN(d, f.now, p.Bytes)
	f.at += n
	if err == io.EOF {
		err = errors.New("it is shorter than the proof says")
	}
	return ledger.Hash(d.Sum(nil)), err
}

// turn makes the piece's file the one that is read, at the piece's place.
func (f *files) turn(p *Piece) error {
	ref := ledger.PieceRef{Type: p.Type, Index: p.Index}
	if len(p.Data) > 0 || p.Bytes < 0 {
		return fmt.Errorf("piece %d of type %d stands in two places", p.Index, p.Type)
	}
	if f.now != nil && f.names[len(f.names)-1] == p.File {
		if p.Offset != f.at || ref.Type != f.ref.Type || ref.Index != f.ref.Index+1 {
			return errors.New("pieces in it are no neighbours, or leave bytes between them")
		}
		f.ref = ref
		return nil
	}
	if name, err := f.end(); err != nil {
		return &Error{File: name, Err: err}
	}
	if slices.Contains(f.names, p.File) || p.Offset != 0 {
		return errors.New("pieces in it are not in order, or leave bytes before them")
	}
	now, err := f.open(p.File)
	if err != nil {
		return err
	}
	f.now, f.at, f.ref, f.names = now, 0, ref, append(f.names, p.File)
	return nil
}

// end wants nothing more in the file that was read; name is that file's.
func (f *files) end() (name string, err error) {
	if f.now == nil {
		return "", nil
	}
	name = f.names[len(f.names)-1]
	n, err := f.now.Read(make([]byte, 1))
	for n == 0 && err == nil {
		n, err = f.now.Read(make([]byte, 1))
	}
	f.close()
	switch {
	case n > 0:
		return name, errors.New("it is longer than the proof says")
	case err != io.EOF:
		return name, err
	}
	return name, nil
}

func (f *files) close() {
	if f.now != nil {
		f.now.Close()
		f.now = nil
	}
}

// only is the file that must be at fault where one is: "" where there are several.
func (f *files) only() string {
	if len(f.names) == 1 {
		return f.names[0]
	}
	return ""
}
