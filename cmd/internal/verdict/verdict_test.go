package verdict

import (
	"strings"
	"testing"

	"github.com/waxseal/waxseal/ledger/verify"
)

func TestText(t *testing.T) {
	n := uint64(7)
	r := &verify.Report{
		Archive: "archive.example", Fingerprint: "ab", IntegrityOnly: true, Records: 1, Blocks: 2, Segments: 0, Erased: 1,
		Lanes: []verify.LaneReport{{Lane: "0", Size: 2, Records: 1, Sealed: 1, Root: "cd"}},
		Findings: []verify.Finding{
			{Class: verify.Failure, Code: verify.CodeChanged, Lane: "0", Entry: &n, Store: "locked", Object: "k", Range: &verify.Range{From: 3, To: 9}, Sentence: "Changed.\x1b[2J"},
			{Class: verify.Warning, Code: verify.CodeClock, Lane: "1", Sentence: "Back."},
			{Class: verify.Waste, Code: verify.CodeUnnamed, Store: "meta", Object: "w", Sentence: "Waste."},
		},
	}
	v := Of(r)
	var out strings.Builder
	if err := v.Text(&out); err != nil {
		t.Fatal(err)
	}
	want := "contradiction  changed: Changed.\ufffd[2J\n    lane 0 block 7  locked k  bytes 3 to 9\n" +
		"warning  clock: Back.\n    lane 1\n" +
		"LANE  BLOCKS  RECORDS  SEALED  ROOT\n0     2       1        1       cd\n" +
		"archive      archive.example\nfingerprint  ab (as the archive itself says; compare it with the card)\n" +
		"FAILED: 1 record in 2 blocks, 0 segments, 2 findings; erased 1 row, waste 0, in flight 0\n"
	if out.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", out.String(), want)
	}
	r.OK, r.IntegrityOnly, r.Deep, r.Findings = true, false, true, nil
	v, out = Of(r), strings.Builder{}
	if err := v.Text(&out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "(as given)\nOK: 1 record") || !strings.Contains(got, "every commitment recomputed") {
		t.Errorf("got:\n%s", got)
	}
}
