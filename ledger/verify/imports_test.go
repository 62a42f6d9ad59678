package verify

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Verification does no input or output of its own: nothing it imports opens a
// file or a connection, and of ours it reaches types alone.
func TestImportGraph(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	ours := []string{
		"github.com/waxseal/waxseal/archiver/record",
		"github.com/waxseal/waxseal/archiver/worm",
		"github.com/waxseal/waxseal/ledger",
		"github.com/waxseal/waxseal/ledger/verify",
	}
	deps := strings.Fields(string(out))
	if !slices.Contains(deps, ours[2]) || !slices.Contains(deps, "context") {
		t.Fatal("the list of imports is not one: this test sees nothing")
	}
	for _, dep := range deps {
		first, _, _ := strings.Cut(dep, "/")
		switch {
		case slices.Contains(ours, dep), first == "vendor":
		case strings.Contains(first, "."):
			t.Errorf("imports %s", dep)
		case dep == "net" || strings.HasPrefix(dep, "net/"), strings.HasPrefix(dep, "os/"), dep == "database/sql", dep == "plugin":
			t.Errorf("imports %s", dep)
		}
	}
}
