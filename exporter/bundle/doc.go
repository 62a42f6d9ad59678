// Package bundle writes and checks the folder of a production: a BagIt 1.0 bag
// (RFC 8493) that says by itself how a stranger checks it.
//
// Every byte of it is covered: the payload by manifest-sha256.txt, that and every
// other file by tagmanifest-sha256.txt, and that one by signature.txt, which the
// archive's own key made. What the signature cannot show, that the bytes are what
// Kafka delivered, proofs/ shows (ledger/proof). Verify and the verify.py that
// lies in each bag check the same and say the same. FORMAT.md has the layout.
package bundle
