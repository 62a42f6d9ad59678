package seal_test

import (
	"os"
	"os/exec"
	"testing"
)

// needPython skips, or fails where WAXSEAL_REQUIRE_SERVICES=1, when there is no
// python3 with the cryptography module.
func needPython(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("python3", "-c", "import cryptography").CombinedOutput(); err != nil {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatalf("python3 with cryptography is required: %v %s", err, out)
		}
		t.Skipf("SKIPPED: no python3 with the cryptography module: %v", err)
	}
}
