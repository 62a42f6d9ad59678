package bundle

import (
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/waxseal/waxseal/ledger"
)

// Text is the verdict for people, in the words of verify.py.
func (v *Verdict) Text() string {
	var b strings.Builder
	for _, p := range v.Problems {
		fmt.Fprintf(&b, "refused      %s\n", p)
	}
	if v.Archive != "" {
		whose := "as the bag itself says; compare it with the archive's card"
		if v.Pinned {
			whose = "as given"
		}
		fmt.Fprintf(&b, "archive      %s\nfingerprint  %s (%s)\n", v.Archive, v.Fingerprint, whose)
		if cp, err := ledger.ReadCheckpoint([]byte(v.Checkpoint)); err == nil {
			fmt.Fprintf(&b, "checkpoint   control, size %d, root %s\n", cp.Size, hex.EncodeToString(cp.Root[:]))
		}
		fmt.Fprintf(&b, "signer       ed25519 %s\n", v.Signer)
		if v.Kept != nil {
			fmt.Fprintf(&b, "kept         of one history with the checkpoint of size %d\n", *v.Kept)
		}
		fmt.Fprintf(&b, "records      %d complete, %d with %s withheld\n", v.Complete, v.Partial, plural(v.Withheld, "piece"))
		fmt.Fprintf(&b, "payload      %s, %d of them proven to be what Kafka delivered\n", plural(v.Files, "file"), v.Proven)
	}
	switch {
	case !v.OK:
		fmt.Fprintf(&b, "REFUSED: %s\n", plural(len(v.Problems), "problem"))
	case v.Pinned:
		b.WriteString("OK: verified under the given fingerprint\n")
	default:
		b.WriteString("OK: integrity only, signer not authenticated\n")
	}
	return b.String()
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
