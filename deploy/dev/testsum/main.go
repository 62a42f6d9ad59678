// Command testsum runs "go test -json" with the arguments it is given, shows
// the output of what failed, and ends with what ran, what was skipped and why.
//
//	testsum -race ./...
//
// A skip is not a pass. With WAXSEAL_REQUIRE_SERVICES=1 a test that was skipped
// for a missing part is a failure; one whose reason begins with "optional:" was
// skipped by choice (a torture run, another operating system) and is not.
package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1", os.Stdout, os.Stderr))
}

// run gives the exit code: 0 where everything that ran passed, something ran,
// and nothing that is required was skipped.
func run(args []string, require bool, out, errOut io.Writer) int {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = errOut
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		fmt.Fprintf(errOut, "testsum: start go test: %v\n", err)
		return 1
	}
	sum := newSummary(out)
	readErr := sum.read(stdout)
	if readErr != nil {
		fmt.Fprintf(errOut, "testsum: read go test's output: %v\n", readErr)
		io.Copy(io.Discard, stdout) // let it end
	}
	waitErr := cmd.Wait()
	ok := sum.print(require)
	if readErr != nil || waitErr != nil || !ok {
		return 1
	}
	return 0
}
