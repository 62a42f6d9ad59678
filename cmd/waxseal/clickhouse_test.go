package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

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

// engines are the ClickHouse engines of scripts, by working folder.
var engines sync.Map

// engineCmd starts an engine of the script's own, or the same again on the same
// port and data, or kills it: engine up|kill. $ENGINE is the address of an index.
func engineCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: engine up|kill")
	}
	if args[0] == "kill" {
		v, ok := engines.Load(ts.MkAbs("."))
		if !ok {
			ts.Fatalf("no engine is up")
		}
		cmd := v.(*exec.Cmd)
		ts.Check(cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		return
	}
	listen := "127.0.0.1:0"
	if at := ts.Getenv("ENGINE"); at != "" {
		listen = regexp.MustCompile(`127[^/]*`).FindString(at)
	}
	start := strings.Fields(os.Getenv(clickHouseVariable + "_START"))
	if len(start) == 0 {
		ts.Fatalf("%s_START says not how to start an engine: 'services env' gives it", clickHouseVariable)
	}
	cmd := exec.Command(start[0], append(start[1:], "-data", ts.MkAbs("engine"), "-listen", listen)...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	ts.Defer(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	engines.Store(ts.MkAbs("."), cmd)
	line, err := bufio.NewReader(out).ReadString('\n') // once it listens
	ts.Check(err)
	p, _ := clickHouse()
	ts.Setenv("ENGINE", fmt.Sprintf("clickhouse://%s:%s@%s/own?protocol=http", p[1], p[2], strings.TrimSpace(line)))
}

// eventuallyCmd runs a command again and again, up to a minute, until what it says
// matches: eventually REGEXP COMMAND…
func eventuallyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: eventually REGEXP COMMAND…")
	}
	want := regexp.MustCompile(args[0])
	path, err := exec.LookPath(filepath.Join(firstPath(ts), args[1]))
	ts.Check(err)
	var said []byte
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		cmd := exec.Command(path, args[2:]...)
		cmd.Dir = ts.MkAbs(".")
		for _, name := range []string{"DATA", "TZ", "LOG_LEVEL", "INDEX"} {
			cmd.Env = append(cmd.Env, "WAXSEAL_"+name+"="+ts.Getenv("WAXSEAL_"+name))
		}
		said, _ = cmd.CombinedOutput() // an error may pass
		if want.Match(said) {
			return
		}
	}
	ts.Fatalf("%q in a minute; at last it said: %s", args[0], said)
}
