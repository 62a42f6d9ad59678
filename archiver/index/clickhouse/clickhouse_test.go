package clickhouse_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/index/clickhouse"
	"github.com/waxseal/waxseal/archiver/index/indextest"
)

// address gives an address of a database of its own, on the server that 'make
// services' starts. Where there is none the test is skipped, or fails where
// services are required.
func address(t testing.TB) string {
	t.Helper()
	const variable = "WAXSEAL_TEST_CLICKHOUSE"
	parts := strings.Split(os.Getenv(variable), ",")
	if len(parts) != 3 {
		if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
			t.Fatalf("%s names no server: 'make services' starts one", variable)
		}
		t.Skipf("%s names no server: 'make services' starts one", variable)
	}
	var id [8]byte
	rand.Read(id[:])
	return fmt.Sprintf("clickhouse://%s:%s@%s/t%s?protocol=http", parts[1], parts[2], parts[0], hex.EncodeToString(id[:]))
}

func open(t testing.TB, address string) *clickhouse.Index {
	t.Helper()
	x, err := clickhouse.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestIndex(t *testing.T) {
	indextest.Run(t, func(t *testing.T) index.Index { return open(t, address(t)) })
}
