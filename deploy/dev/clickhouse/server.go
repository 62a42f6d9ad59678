package main

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// server answers what clickhouse-go asks over HTTP.
type server struct {
	engine   *engine
	password string
	settings map[string]bool // that the engine knows
	hello    []byte
}

const native = "Native"

func newServer(e *engine, password string) (*server, error) {
	s := &server{engine: e, password: password, settings: map[string]bool{}}
	c := <-e.free
	defer func() { e.free <- c }()
	names, err := c.run("SELECT name FROM system.settings", "TSV", nil)
	if err != nil {
		return nil, err
	}
	for name := range strings.Lines(string(names)) {
		s.settings[strings.TrimSpace(name)] = true
	}
	told, err := c.run("SELECT displayName(), version(), timezone()", "TSV", nil)
	if err != nil {
		return nil, err
	}
	f := strings.Split(strings.TrimSpace(string(told)), "\t")
	if len(f) != 3 {
		return nil, fmt.Errorf("the engine says %q of itself", told)
	}
	s.hello = hello(f[0], f[1], f[2])
	return s, nil
}

// helloQuery is how clickhouse-go opens a connection. Its answer is made by hand,
// with a revision of 0: from then on both speak plain Native.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// hello is a Native block of one row, as the revision asked for wants it: with
// block info in front, and no custom serialization behind each type.
func hello(name, version, zone string) []byte {
	b := []byte{1, 0, 2, 255, 255, 255, 255, 0, 4, 1}
	str := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	column := func(name, kind string) { str(name); str(kind); b = append(b, 0) }
	column("displayName()", "String")
	str(name)
	column("version()", "String")
	str(version)
	column("revision()", "UInt32")
	b = append(b, 0, 0, 0, 0)
	column("timezone()", "String")
	str(zone)
	return b
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && (r.URL.Path == "/ping" || r.URL.RawQuery == "") {
		io.WriteString(w, "Ok.\n")
		return
	}
	user, password, ok := r.BasicAuth()
	if !ok {
		user, password = r.Header.Get("X-ClickHouse-User"), r.Header.Get("X-ClickHouse-Key")
	}
	if user != "waxseal" && user != "ingest" || subtle.ConstantTimeCompare([]byte(password), []byte(s.password)) != 1 {
		//lint:ignore ST1005 clients read the engine's own form
		fail(w, http.StatusForbidden, errors.New("Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"))
		return
	}
	answer, err := s.answer(user, r)
	if err != nil {
		status := http.StatusInternalServerError
		if strings.HasPrefix(err.Error(), "Code: 497.") {
			status = http.StatusForbidden
		}
		fail(w, status, err)
		return
	}
	w.Header().Set("X-ClickHouse-Format", native)
	w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
	w.Write(answer)
}

var errorCode = regexp.MustCompile(`^Code: (\d+)\.`)

func fail(w http.ResponseWriter, status int, err error) {
	if m := errorCode.FindStringSubmatch(err.Error()); m != nil {
		w.Header().Set("X-ClickHouse-Exception-Code", m[1])
	}
	http.Error(w, err.Error(), status)
}

// answer runs one request in a session of its user.
func (s *server) answer(user string, r *http.Request) ([]byte, error) {
	args := r.URL.Query()
	if args.Get("compress") == "1" || args.Get("decompress") == "1" || r.Header.Get("Content-Encoding") != "" {
		//lint:ignore ST1005 clients read the engine's own form
		return nil, errors.New("Code: 48. DB::Exception: this shim does not compress. (NOT_IMPLEMENTED)")
	}
	body := io.Reader(r.Body)
	query := args.Get("query")
	if query == "" {
		text, err := io.ReadAll(body)
		if err != nil {
			return nil, err
		}
		query, body = string(text), bytes.NewReader(nil)
	}
	if query == helloQuery {
		return s.hello, nil
	}
	var c *session
	select {
	case c = <-s.engine.free:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	defer func() { s.engine.free <- c }()
	undo, err := c.prepare(user, args, s.settings)
	defer undo()
	if err != nil {
		return nil, err
	}
	if into, ok := insertInto(query); ok {
		return c.put(into, native, func(feed func([]byte) error) error { return pump(body, feed) })
	}
	return c.run(query, native, params(args))
}

// pump hands a request's rows over. One that breaks off is an error, and nothing
// of it goes in.
func pump(r io.Reader, feed func([]byte) error) error {
	buf := make([]byte, 1<<20)
	for {
		n, err := r.Read(buf)
		if ferr := feed(buf[:n]); ferr != nil {
			return ferr
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

var insertFormat = regexp.MustCompile(`(?is)^\s*(INSERT\s+INTO\s.*?)\s+FORMAT\s+Native\s*$`)

// insertInto gives the part of an insert that stands before its format, where
// rows follow in the body.
func insertInto(query string) (string, bool) {
	m := insertFormat.FindStringSubmatch(query)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func params(args url.Values) map[string]string {
	out := map[string]string{}
	for k, v := range args {
		if name, ok := strings.CutPrefix(k, "param_"); ok {
			out[name] = v[0]
		}
	}
	return out
}

// prepare gives a session a user's rights, the request's database and its
// settings, as far as the engine knows them; undo takes the settings back.
func (s *session) prepare(user string, args url.Values, known map[string]bool) (undo func(), err error) {
	undo = func() {}
	if s.role != user {
		s.role = ""
		if _, err := s.run("SET ROLE "+user, native, nil); err != nil {
			return undo, err
		}
		s.role = user
	}
	if db := args.Get("database"); db != "" && db != s.database {
		s.database = ""
		if _, err := s.run("USE "+quote(db, '`'), native, nil); err != nil {
			return undo, err
		}
		s.database = db
	}
	var set, reset []string
	for k, v := range args {
		if known[k] && k != "database" && !strings.HasPrefix(k, "param_") {
			set, reset = append(set, k+" = "+quote(v[0], '\'')), append(reset, k+" = DEFAULT")
		}
	}
	if len(set) == 0 {
		return undo, nil
	}
	slices.Sort(set)
	undo = func() { s.run("SET "+strings.Join(reset, ", "), native, nil) }
	_, err = s.run("SET "+strings.Join(set, ", "), native, nil)
	return undo, err
}

func quote(s string, with byte) string {
	return string(with) + strings.NewReplacer(`\`, `\\`, string(with), `\`+string(with)).Replace(s) + string(with)
}
