package archiver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/waxseal/waxseal/"

// mayUnseal are the packages that may reach the reading half. Every other
// package is on the sealing side, also one that is written tomorrow: what it
// cannot import it cannot leak.
var mayUnseal = []string{
	"archiver/unseal",
	"archiver/keyring", // opens identity files; only the command reaches it
	"archiver/reindex",
	"archiver/retrieve",
	"archiver/retrieve/archivetest",
	"archiver/retrieve/deep",
	"archiver/retrieve/reread",
	"archiver/erase", // has the rows it removes from boxes it must open
	"archiver/erase/desk",
	"exporter",
	"exporter/prove",
	"cmd/waxseal", // wires both halves; the archiver gets recipients alone
}

// mayHoldKeys are the packages that may reach the key folder. All others are
// handed what they need.
var mayHoldKeys = []string{
	"archiver/keyring",
	"cmd/waxseal",
}

// ours says which of our packages a package may reach: the arrows of DESIGN.md.
var ours = map[string][]string{
	"archiver/record": {},
	"archiver/worm":   {},
	"policy":          {"archiver/record"},
	"ledger":          {"archiver/record"},
	"ledger/verify":   {"archiver/record", "archiver/worm", "ledger"},
}

// offline are the packages an auditor trusts: they reach no service, no
// network and no engine.
var offline = []string{"ledger", "ledger/proof", "ledger/verify", "exporter/bundle", "archiver/seal/boxclear", "cmd/waxverify"}

var notOffline = []string{
	"net", "net/http", "crypto/tls", "os/exec",
	"github.com/segmentio/kafka-go", "github.com/twmb/franz-go", "github.com/minio/minio-go", "github.com/ClickHouse/clickhouse-go",
	"modernc.org/sqlite", "github.com/open-policy-agent/opa",
}

// reach lists, for each package of this module, all it imports, directly or not.
func reach(t *testing.T) map[string][]string {
	t.Helper()
	return reachOn(t, runtime.GOOS, "./...")
}

// reachOn does the same for some packages on another operating system.
func reachOn(t *testing.T, system string, packages ...string) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Deps,DepsErrors"}, packages...)...)
	cmd.Dir, cmd.Env = "..", append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	deps := map[string][]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Deps       []string
			DepsErrors []struct{ Err string }
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return deps
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		if len(p.DepsErrors) > 0 {
			t.Fatalf("%s does not load: %s", p.ImportPath, p.DepsErrors[0].Err)
		}
		deps[strings.TrimPrefix(p.ImportPath, module)] = p.Deps
	}
}

// exist fails for a name in one of the lists above that is no package (any
// more): a rule about nothing would hold for ever.
func exist(t *testing.T, deps map[string][]string, names []string) {
	t.Helper()
	for _, name := range names {
		if _, ok := deps[name]; !ok {
			t.Errorf("%s is in a list of this test but is no package of this module", name)
		}
	}
}

func TestOnlyTheReadingHalfReachesUnseal(t *testing.T) {
	onlyReachedFrom(t, "archiver/unseal", mayUnseal)
}

func TestOnlyTheCommandReachesKeys(t *testing.T) {
	onlyReachedFrom(t, "archiver/keyring", mayHoldKeys)
}

func onlyReachedFrom(t *testing.T, what string, allowed []string) {
	deps := reach(t)
	exist(t, deps, append(slices.Clone(allowed), "archiver", "archiver/lane", "archiver/seal", "archiver/kafka", "archiver/whatsapp", "archiver/state", "archiver/index"))
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if slices.Contains(deps[name], module+what) && !slices.Contains(allowed, name) {
			t.Errorf("%s reaches %s", name, what)
		}
	}
}

func TestImportsPointOneWay(t *testing.T) {
	deps := reach(t)
	exist(t, deps, slices.Collect(maps.Keys(ours)))
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		for _, dep := range deps[name] {
			short, own := strings.CutPrefix(dep, module)
			if own && !slices.Contains(ours[name], short) {
				t.Errorf("%s reaches %s", name, short)
			}
		}
	}
}

func TestVerifyingReachesNoService(t *testing.T) {
	for _, system := range []string{"linux", "windows", "darwin"} { // of auditors
		var packages []string
		for _, name := range offline {
			packages = append(packages, "./"+name)
		}
		deps := reachOn(t, system, packages...)
		exist(t, deps, offline)
		for _, name := range offline {
			for _, dep := range deps[name] {
				for _, bad := range notOffline {
					if dep == bad || strings.HasPrefix(dep, bad+"/") && strings.Contains(bad, ".") {
						t.Errorf("%s reaches %s on %s", name, dep, system)
					}
				}
			}
		}
	}
}

// Test support stays out of what ships.
func TestCommandsShipNoTestSupport(t *testing.T) {
	deps := reach(t)
	for _, name := range slices.Sorted(maps.Keys(deps)) {
		if strings.HasPrefix(name, "cmd/") && slices.Contains(deps[name], "testing") {
			t.Errorf("%s reaches package testing", name)
		}
	}
}
