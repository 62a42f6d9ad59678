package keyring

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The expected hashes come from OpenSSL, through Python's cryptography
// (MLDSA44PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()).
func TestMLDSA44PublicKeyAgreesWithOpenSSL(t *testing.T) {
	var counting [32]byte
	for i := range counting {
		counting[i] = byte(i)
	}
	for _, c := range []struct {
		seed [32]byte
		want string
	}{
		{[32]byte{}, "eb4e7302842153b0fa19e8620739ad258af4929c26dd89079a7ec7d4282208e1"},
		{counting, "9f107644c1084526af3bc8098680b05499a2325a644e388fb4f970e058d19d46"},
	} {
		pk := mldsa44Public(c.seed)
		if len(pk) != 1312 {
			t.Fatalf("public key has %d bytes, want 1312", len(pk))
		}
		sum := sha256.Sum256(pk)
		if got := hex.EncodeToString(sum[:]); got != c.want {
			t.Errorf("seed %x: public key hashes to %s, want %s", c.seed[:4], got, c.want)
		}
	}
}

// The same for 50 seeds, sha256 of their number, in one hash over all public keys.
func TestMLDSA44ManySeedsAgreeWithOpenSSL(t *testing.T) {
	all := sha256.New()
	for i := range 50 {
		all.Write(mldsa44Public(sha256.Sum256([]byte{byte(i)})))
	}
	const want = "c32ab287d4e2647f9869c9c2a018dbf02636b6e998730328d0e1bb95a3b35213"
	if got := hex.EncodeToString(all.Sum(nil)); got != want {
		t.Errorf("public keys of 50 seeds hash to %s, want %s", got, want)
	}
}
