package record_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/waxseal/waxseal/archiver/record"
)

// TestKinds holds the list to the constants.
func TestKinds(t *testing.T) {
	source, err := os.ReadFile("kind.go")
	if err != nil {
		t.Fatal(err)
	}
	var want []record.Kind
	for _, m := range regexp.MustCompile(`(?m)^\t\w+\s+Kind = "(\w+)"`).FindAllSubmatch(source, -1) {
		want = append(want, record.Kind(m[1]))
	}
	if got := record.Kinds(); len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("Kinds() is %v, the constants are %v", got, want)
	}
}
