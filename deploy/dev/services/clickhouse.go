package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/waxseal/waxseal/archiver/index/clickhouse"
)

// ClickHouse's engine, as npm has it, and the digest of its package.
const (
	chdbPackage   = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
	chdbFile      = "chdb-lib-linux-x64-gnu-26.7.3-stable.1.tgz"
	chdbIntegrity = "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
	chdbLibrary   = "libchdb.so"

	clickHousePassword = "only-for-tests" //nolint:gosec // of a server on loopback that keeps nothing

	// IngestDatabase is where the user ingest has the rights that 'waxseal index
	// ddl' prints, and no other.
	ingestDatabase = "waxseal_ingest"
)

var clickHouse = service{
	name: "clickhouse", ports: 1, patient: time.Minute,
	install: func(ctx context.Context, d *desk) error {
		if err := fetchEngine(ctx, d); err != nil {
			return err
		}
		return quietly(ctx, "", []string{"CGO_ENABLED=0"}, "go", "build", "-o", d.at("bin", "clickhouse"), "github.com/waxseal/waxseal/deploy/dev/clickhouse")
	},
	command: func(d *desk, ports []int) (*exec.Cmd, string, []string, error) {
		address := fmt.Sprintf("127.0.0.1:%d", ports[0])
		grants := d.at("clickhouse", "grants.sql")
		if err := os.WriteFile(grants, []byte(strings.Join(clickhouse.Grants(ingestDatabase, "ingest", ""), "\n")), 0o600); err != nil {
			return nil, "", nil, err
		}
		args := []string{"-library", d.at("clickhouse-lib", chdbLibrary), "-password", clickHousePassword, "-grants", grants}
		cmd := exec.Command(d.at("bin", "clickhouse"), append(args, "-data", d.at("clickhouse", "data"), "-listen", address)...)
		return cmd, address, []string{
			"WAXSEAL_TEST_CLICKHOUSE=" + address + ",waxseal," + clickHousePassword,
			"WAXSEAL_TEST_CLICKHOUSE_START=" + strings.Join(append([]string{d.at("bin", "clickhouse")}, args...), " "), // and -data, -listen
		}, nil
	},
	ready: func(ctx context.Context, address string) error { return httpOK(ctx, "http://"+address+"/ping") },
}

// fetchEngine gets the library out of its package, once the package is the one
// that was chosen.
func fetchEngine(ctx context.Context, d *desk) error {
	dir := d.at("clickhouse-lib")
	if exists(d.at("clickhouse-lib", "done")) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "fetching ClickHouse's engine …")
	if err := quietly(ctx, dir, nil, "npm", "pack", "--silent", chdbPackage); err != nil {
		return err
	}
	pack := d.at("clickhouse-lib", chdbFile)
	defer os.Remove(pack)
	b, err := os.ReadFile(pack)
	if err != nil {
		return err
	}
	if sum := sha512.Sum512(b); base64.StdEncoding.EncodeToString(sum[:]) != chdbIntegrity {
		return fmt.Errorf("%s is not the package that was chosen: its SHA-512 is %x", chdbPackage, sum)
	}
	if err := unpack(b, "package/"+chdbLibrary, d.at("clickhouse-lib", chdbLibrary)); err != nil {
		return err
	}
	return os.WriteFile(d.at("clickhouse-lib", "done"), nil, 0o600)
}

// unpack writes one file of a tgz.
func unpack(tgz []byte, name, to string) error {
	z, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return err
	}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("the package holds no %s", name)
		}
		if err != nil {
			return err
		}
		if h.Name != name {
			continue
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o700)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, t); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
}
