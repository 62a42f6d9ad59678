package reindex

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/state"
)

// ErrSealedKey is returned for a key in genesis or a token act that is not 32
// bytes, or that no identity at hand opens.
var ErrSealedKey = errors.New("sealed key of the archive cannot be opened")

// Secrets are the keys that rebuild an index and the lane state, as genesis and
// the token acts carry them, sealed to firm and escrow.
type Secrets struct {
	Subject [32]byte
	State   state.Key
	Tokens  map[uint32][32]byte // by epoch
}

// Keys gives the keys of tags and tokens.
func (s *Secrets) Keys() *index.Keys { return index.NewKeys(s.Subject, s.Tokens) }

// String hides the keys from logs and error texts.
func (Secrets) String() string { return "(secrets)" }

// GoString hides the keys from %#v.
func (Secrets) GoString() string { return "(secrets)" }

// OpenSecrets opens the sealed keys with the firm's or the escrow's identity.
func OpenSecrets(v *control.View, ids []age.Identity) (*Secrets, error) {
	s := &Secrets{Tokens: map[uint32][32]byte{}}
	var err error
	if s.Subject, err = openKey(v.Genesis.Sealed.Subject, ids); err != nil {
		return nil, fmt.Errorf("subject key: %w", err)
	}
	if s.State, err = openKey(v.Genesis.Sealed.State, ids); err != nil {
		return nil, fmt.Errorf("state key: %w", err)
	}
	if s.Tokens[1], err = openKey(v.Genesis.Sealed.Token, ids); err != nil {
		return nil, fmt.Errorf("token key of epoch 1: %w", err)
	}
	for _, e := range v.TokenEpochs {
		if s.Tokens[e.Epoch], err = openKey(e.Sealed, ids); err != nil {
			return nil, fmt.Errorf("token key of epoch %d: %w", e.Epoch, err)
		}
	}
	return s, nil
}

func openKey(sealed []byte, ids []age.Identity) (key [32]byte, err error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), ids...)
	if err != nil {
		return key, fmt.Errorf("%w: %w", ErrSealedKey, err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, int64(len(key))+1))
	if err != nil {
		return key, fmt.Errorf("%w: %w", ErrSealedKey, err)
	}
	if len(plain) != len(key) {
		return key, fmt.Errorf("%w: %d bytes", ErrSealedKey, len(plain))
	}
	return [32]byte(plain), nil
}
