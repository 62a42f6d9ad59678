package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

const clickHouseVariable = "WAXSEAL_TEST_CLICKHOUSE"

// clickHouse gives the server that 'make services' starts: host:port, user, password.
func clickHouse() (parts []string, ok bool) {
	parts = strings.Split(os.Getenv(clickHouseVariable), ",")
	return parts, len(parts) == 3
}

// clickHouseServer says whether it is there; where services are required it must be.
func clickHouseServer() (bool, error) {
	_, ok := clickHouse()
	if !ok && os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
		return false, fmt.Errorf("%s names no server: 'make services' starts one", clickHouseVariable)
	}
	return ok, nil
}

// clickHouseEnv gives each script a database of its own, as $CLICKHOUSE and $DB.
func clickHouseEnv(e *testscript.Env) {
	var id [8]byte
	rand.Read(id[:])
	if p, ok := clickHouse(); ok {
		db := "s" + hex.EncodeToString(id[:])
		e.Setenv("CLICKHOUSE", fmt.Sprintf("clickhouse://%s:%s@%s/%s?protocol=http", p[1], p[2], p[0], db))
		e.Setenv("DB", db)
	}
}

// clickHouseCmd runs a statement: clickhouse 'DROP TABLE …'.
func clickHouseCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: clickhouse STATEMENT")
	}
	p, _ := clickHouse()
	req, err := http.NewRequest(http.MethodPost, "http://"+p[0]+"/?wait_end_of_query=1&mutations_sync=1&lightweight_deletes_sync=2", strings.NewReader(os.Expand(args[0], ts.Getenv)))
	ts.Check(err)
	req.SetBasicAuth(p[1], p[2])
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if resp.StatusCode != http.StatusOK {
		ts.Check(errors.New(string(text)))
	}
}
