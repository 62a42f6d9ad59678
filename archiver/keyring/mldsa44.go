package keyring

import "github.com/cloudflare/circl/sign/mldsa/mldsa44"

// mldsa44Public derives the 1,312-byte ML-DSA-44 public key of a seed (FIPS 204,
// ML-DSA.KeyGen_internal). It stands in genesis from the first day, so that a
// signature that resists a quantum computer can be added to an archive that exists.
func mldsa44Public(seed [32]byte) []byte {
	pub, _ := mldsa44.NewKeyFromSeed(&seed)
	return pub.Bytes()
}
