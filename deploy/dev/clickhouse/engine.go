package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/ebitengine/purego"
)

// engine is libchdb.so, loaded. Its connections share one server and one folder.
type engine struct {
	connect       func(argc int32, argv **byte) **byte
	quiet         func(enabled int32)
	query         func(conn *byte, q *byte, qn uint64, f *byte, fn uint64, names **byte, nameLens *uint64, values **byte, valueLens *uint64, n uint64) *byte
	insert        func(conn *byte, q *byte, qn uint64, f *byte, fn uint64) *byte
	feed          func(stream *byte, data *byte, n uint64) int32
	done          func(stream *byte) *byte
	cancel        func(stream *byte)
	streamError   func(stream *byte) *byte
	destroyStream func(stream *byte)
	buffer        func(result *byte) *byte
	length        func(result *byte) uint64
	failure       func(result *byte) *byte
	destroy       func(result *byte)

	free chan *session
}

// load loads the library and opens n connections to the data folder.
func load(library, data, config string, n int) (*engine, error) {
	lib, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, err
	}
	e := &engine{free: make(chan *session, n)}
	for name, fn := range map[string]any{
		"chdb_connect": &e.connect, "chdb_set_signal_handlers_enabled": &e.quiet, "chdb_query_with_params_n": &e.query,
		"chdb_stream_insert_n": &e.insert, "chdb_stream_append": &e.feed, "chdb_stream_done": &e.done, "chdb_stream_cancel_insert": &e.cancel,
		"chdb_stream_insert_error": &e.streamError, "chdb_destroy_insert_stream": &e.destroyStream, "chdb_result_buffer": &e.buffer,
		"chdb_result_length": &e.length, "chdb_result_error": &e.failure, "chdb_destroy_query_result": &e.destroy,
	} {
		purego.RegisterLibFunc(fn, lib, name)
	}
	e.quiet(0) // signals are Go's
	for range n {
		args := [...]*byte{cstring("clickhouse"), cstring("--path=" + data), cstring("--config-file=" + config), nil}
		conn := e.connect(int32(len(args)-1), &args[0])
		runtime.KeepAlive(args)
		if conn == nil || *conn == nil {
			return nil, fmt.Errorf("the engine does not open %s", data)
		}
		e.free <- &session{engine: e, conn: *conn}
	}
	return e, nil
}

// session is one connection, for one goroutine.
type session struct {
	*engine
	conn           *byte
	role, database string // as set
}

// run runs one statement and gives its answer in a format.
func (s *session) run(query, format string, params map[string]string) ([]byte, error) {
	var names, values list
	for k, v := range params {
		names.add(k)
		values.add(v)
	}
	return s.result(s.query(s.conn, unsafe.StringData(query), uint64(len(query)), unsafe.StringData(format), uint64(len(format)),
		names.first(), names.firstLen(), values.first(), values.firstLen(), uint64(len(params))))
}

// put runs INSERT INTO … with its rows, blocks of a format as read hands them over.
func (s *session) put(query, format string, read func(func([]byte) error) error) ([]byte, error) {
	stream := s.insert(s.conn, unsafe.StringData(query), uint64(len(query)), unsafe.StringData(format), uint64(len(format)))
	defer s.destroyStream(stream)
	if msg := goString(s.streamError(stream)); msg != "" {
		return nil, errors.New(msg)
	}
	err := read(func(b []byte) error {
		if len(b) > 0 && s.feed(stream, &b[0], uint64(len(b))) != 0 {
			return errors.New(goString(s.streamError(stream)))
		}
		return nil
	})
	if err != nil {
		s.cancel(stream)
		return nil, err
	}
	return s.result(s.done(stream))
}

// result takes an answer out of the engine's memory.
func (s *session) result(r *byte) ([]byte, error) {
	if r == nil {
		return nil, errors.New("the engine gave no answer")
	}
	defer s.destroy(r)
	if msg := goString(s.failure(r)); msg != "" {
		return nil, errors.New(msg)
	}
	n := s.length(r)
	if n == 0 {
		return nil, nil
	}
	return append([]byte(nil), unsafe.Slice(s.buffer(r), n)...), nil
}

// list is strings as C takes them.
type list struct {
	ptrs []*byte
	lens []uint64
}

func (l *list) add(s string) {
	l.ptrs = append(l.ptrs, cstring(s))
	l.lens = append(l.lens, uint64(len(s)))
}

func (l *list) first() **byte {
	if len(l.ptrs) == 0 {
		return nil
	}
	return &l.ptrs[0]
}

func (l *list) firstLen() *uint64 {
	if len(l.lens) == 0 {
		return nil
	}
	return &l.lens[0]
}

func cstring(s string) *byte { return &append([]byte(s), 0)[0] }

func goString(p *byte) string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	for ; *p != 0; p = (*byte)(unsafe.Add(unsafe.Pointer(p), 1)) {
		b.WriteByte(*p)
	}
	return b.String()
}
