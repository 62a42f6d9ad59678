// Command clickhouse puts an HTTP server around ClickHouse's engine, for tests
// and a developer's desk: no server package of a current version is to be had
// from the registries, but the engine is, as the shared library of chDB. It is
// not a ClickHouse server and never ships. What is ClickHouse's own: parsing,
// tables, merges, inserts, settings, rights. What is not: this HTTP, which knows
// only what clickhouse-go's HTTP protocol sends; passwords are checked here, and
// then the engine gets the user's rights as a role. The native protocol,
// replication and several servers cannot be had this way.
//
//	clickhouse -library libchdb.so -data FOLDER -listen 127.0.0.1:0 -password …
//
// The user "waxseal" may do everything, "ingest" what the GRANT statements in
// the file -grants say. Both have the same password.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.library, "library", "", "libchdb.so")
	flag.StringVar(&o.data, "data", "", "folder of the data, made if it is not there")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:0", "host:port")
	flag.StringVar(&o.password, "password", "", "of both users")
	flag.StringVar(&o.grants, "grants", "", "file with the GRANT statements of the role ingest, one a line")
	flag.IntVar(&o.connections, "connections", 4, "statements that run at the same time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "clickhouse:", err)
		os.Exit(1)
	}
}

type options struct {
	library, data, listen, password, grants string
	connections                             int
}

func serve(ctx context.Context, o options) error {
	data, err := filepath.Abs(o.data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	config, err := writeConfig(data, o.grants)
	if err != nil {
		return err
	}
	e, err := load(o.library, filepath.Join(data, "store"), config, o.connections)
	if err != nil {
		return err
	}
	s, err := newServer(e, o.password)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", o.listen)
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() {
		wait, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		h.Shutdown(wait)
	})
	if err := h.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// The engine's only user takes up the role of whoever sent a request.
const usersXML = `<clickhouse>
  <profiles><default/></profiles><quotas><default/></quotas>
  <users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants><query>GRANT waxseal</query><query>GRANT ingest</query></grants></default></users>
  <roles>
    <waxseal><grants><query>GRANT ALL ON *.*</query></grants></waxseal>
    <ingest><grants>%s</grants></ingest>
  </roles>
</clickhouse>
`

// The cluster is one shard, this engine itself.
const configXML = `<clickhouse>
  <user_directories><users_xml><path>%s</path></users_xml></user_directories>
  <remote_servers><firm><shard><replica><host>127.0.0.1</host><port>9000</port></replica></shard></firm></remote_servers>
  <tcp_port>9000</tcp_port><macros><shard>1</shard><replica>one</replica></macros>
</clickhouse>
`

// writeConfig writes the engine's configuration and gives its path.
func writeConfig(data, grants string) (string, error) {
	var queries strings.Builder
	if grants != "" {
		text, err := os.ReadFile(grants)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(text)) {
			// In a role's own list a statement stands without whom it is for.
			if line, _, _ = strings.Cut(strings.TrimSpace(line), " TO "); line != "" {
				fmt.Fprintf(&queries, "<query>%s</query>", line)
			}
		}
	}
	users, config := filepath.Join(data, "users.xml"), filepath.Join(data, "config.xml")
	if err := os.WriteFile(users, fmt.Appendf(nil, usersXML, queries.String()), 0o600); err != nil {
		return "", err
	}
	return config, os.WriteFile(config, fmt.Appendf(nil, configXML, users), 0o600)
}
