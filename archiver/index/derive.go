package index

import (
	"crypto/hkdf"
	"crypto/sha256"
)

// NewKeys derives the keys of tags and tokens from the archive's subject key and
// its token keys by epoch, 32 random bytes each, so that what genesis and the
// token acts carry sealed is all that a rebuilt index needs.
func NewKeys[K ~[32]byte](subject K, tokens map[uint32]K) *Keys {
	k := &Keys{Subject: derive([32]byte(subject), "subject"), Token: make(map[uint32][16]byte, len(tokens))}
	for epoch, key := range tokens {
		k.Token[epoch] = derive([32]byte(key), "token")
	}
	return k
}

// derive is HKDF-SHA256 without salt.
func derive(secret [32]byte, label string) (key [16]byte) {
	b, err := hkdf.Key(sha256.New, secret[:], nil, "waxseal index v1 "+label, len(key))
	if err != nil { // only for lengths beyond 255 hashes
		panic(err)
	}
	copy(key[:], b)
	return key
}
