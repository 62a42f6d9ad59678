package keyring

import "crypto/sha3"

// ML-DSA-44 key generation, FIPS 204 algorithm 6, public half alone.
//
// The public key stands in genesis from the first day, so that a signature that
// resists a quantum computer can be added to an archive that exists. Go's own
// package (crypto/mldsa) is public from Go 1.27 on; until then the 32-byte seed
// is kept and this derives the public key. It signs nothing. Arithmetic is
// plain remainder, not constant time: it runs once, before anything is stored.

const (
	mldsaQ = 8380417 // 2^23 - 2^13 + 1
	mldsaN = 256
	mldsaK = 4 // rows and columns of A for ML-DSA-44
)

type poly [mldsaN]uint64

// mldsa44Public derives the 1,312-byte public key of a seed.
func mldsa44Public(seed [32]byte) []byte {
	h := sha3.NewSHAKE256()
	h.Write(seed[:])
	h.Write([]byte{mldsaK, mldsaK})
	var rho [32]byte
	var rhoPrime [64]byte
	h.Read(rho[:])
	h.Read(rhoPrime[:])

	z := mldsaZetas()
	var s1 [mldsaK]poly
	for j := range s1 {
		s1[j] = mldsaBounded(rhoPrime, byte(j))
		s1[j].ntt(&z)
	}
	pk := append(make([]byte, 0, 1312), rho[:]...)
	for i := range mldsaK {
		var t poly
		for j := range s1 {
			a := mldsaUniform(rho, byte(j), byte(i))
			for x := range t {
				t[x] = (t[x] + a[x]*s1[j][x]) % mldsaQ
			}
		}
		t.inverse(&z)
		s2 := mldsaBounded(rhoPrime, byte(mldsaK+i))
		for x := range t {
			t[x] = (t[x] + s2[x]) % mldsaQ
		}
		pk = appendHigh(pk, &t)
	}
	return pk
}

// mldsaZetas gives 1753^BitRev8(k) mod q.
func mldsaZetas() (z [mldsaN]uint64) {
	var pow [mldsaN]uint64
	pow[0] = 1
	for k := 1; k < mldsaN; k++ {
		pow[k] = pow[k-1] * 1753 % mldsaQ
	}
	for k := range z {
		rev := 0
		for b := range 8 {
			rev |= k >> b & 1 << (7 - b)
		}
		z[k] = pow[rev]
	}
	return z
}

// ntt is algorithm 41.
func (w *poly) ntt(z *[mldsaN]uint64) {
	m := 0
	for n := 128; n >= 1; n /= 2 {
		for start := 0; start < mldsaN; start += 2 * n {
			m++
			for j := start; j < start+n; j++ {
				t := z[m] * w[j+n] % mldsaQ
				w[j+n] = (w[j] + mldsaQ - t) % mldsaQ
				w[j] = (w[j] + t) % mldsaQ
			}
		}
	}
}

// inverse is algorithm 42.
func (w *poly) inverse(z *[mldsaN]uint64) {
	m := mldsaN
	for n := 1; n < mldsaN; n *= 2 {
		for start := 0; start < mldsaN; start += 2 * n {
			m--
			for j := start; j < start+n; j++ {
				t := w[j]
				w[j] = (t + w[j+n]) % mldsaQ
				w[j+n] = (mldsaQ - z[m]) * ((t + mldsaQ - w[j+n]) % mldsaQ) % mldsaQ
			}
		}
	}
	for j := range w {
		w[j] = w[j] * 8347681 % mldsaQ // 256^-1
	}
}

// mldsaUniform is algorithm 30, RejNTTPoly.
func mldsaUniform(rho [32]byte, s, r byte) (a poly) {
	g := sha3.NewSHAKE128()
	g.Write(rho[:])
	g.Write([]byte{s, r})
	var b [3]byte
	for j := 0; j < mldsaN; {
		g.Read(b[:])
		c := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2]&0x7f)<<16
		if c < mldsaQ {
			a[j] = c
			j++
		}
	}
	return a
}

// mldsaBounded is algorithm 31, RejBoundedPoly, with bound 2.
func mldsaBounded(rhoPrime [64]byte, r byte) (a poly) {
	h := sha3.NewSHAKE256()
	h.Write(rhoPrime[:])
	h.Write([]byte{r, 0})
	var b [1]byte
	for j := 0; j < mldsaN; {
		h.Read(b[:])
		for _, half := range [2]byte{b[0] & 15, b[0] >> 4} {
			if half < 15 && j < mldsaN {
				a[j] = (mldsaQ + 2 - uint64(half%5)) % mldsaQ
				j++
			}
		}
	}
	return a
}

// appendHigh appends the high parts of Power2Round, ten bits each (algorithms 35 and 16).
func appendHigh(pk []byte, t *poly) []byte {
	var acc, bits uint64
	for _, c := range t {
		acc |= (c + 1<<12 - 1) >> 13 << bits
		for bits += 10; bits >= 8; bits -= 8 {
			pk = append(pk, byte(acc))
			acc >>= 8
		}
	}
	return pk
}
