package policy

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities is OPA without what could make a decision differ when it is
// replayed: clock, network, randomness, the process. A bundle that calls one of
// them does not compile.
func capabilities() *ast.Capabilities {
	c := ast.CapabilitiesForThisVersion()
	c.Builtins = slices.DeleteFunc(slices.Clone(c.Builtins), func(b *ast.Builtin) bool {
		return b.Nondeterministic || unreplayable(b.Name)
	})
	c.AllowNet = []string{} // also no remote $ref in a schema
	return c
}

// unreplayable names what OPA does not mark: certificate checks read the clock,
// trace writes to a side channel (print is erased by the compiler).
func unreplayable(name string) bool {
	return strings.HasPrefix(name, "crypto.x509.parse_and_verify") ||
		strings.HasPrefix(name, "http.") || strings.HasPrefix(name, "opa.") ||
		name == "trace" || name == "time.now_ns"
}
