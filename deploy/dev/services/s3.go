package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"time"
)

// S3 servers. MinIO's is its last public commit: archived upstream, for tests alone.
const (
	minioModule = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
	versityGW   = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	s3User      = "waxseal"
	s3Password  = "only-for-tests" //nolint:gosec // of a server on loopback that keeps nothing
)

var minioServer = service{
	name: "minio", ports: 2, patient: time.Minute,
	install: func(ctx context.Context, d *desk) error { return goInstall(ctx, d, "minio", minioModule) },
	command: func(d *desk, ports []int) (*exec.Cmd, string, []string, error) {
		address := fmt.Sprintf("127.0.0.1:%d", ports[0])
		cmd := exec.Command(d.at("bin", "minio"), "server", "--quiet", "--address", address, "--console-address", fmt.Sprintf("127.0.0.1:%d", ports[1]), d.at("minio", "data"))
		cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s3User, "MINIO_ROOT_PASSWORD="+s3Password, "MINIO_UPDATE=off", "MINIO_BROWSER=off", "GOMEMLIMIT=1GiB")
		return cmd, address, s3Env("MINIO", address), nil
	},
	ready: func(ctx context.Context, address string) error {
		return httpOK(ctx, "http://"+address+"/minio/health/ready")
	},
}

var versitygw = service{
	name: "versitygw", ports: 1, patient: time.Minute,
	install: func(ctx context.Context, d *desk) error { return goInstall(ctx, d, "versitygw", versityGW) },
	command: func(d *desk, ports []int) (*exec.Cmd, string, []string, error) {
		address := fmt.Sprintf("127.0.0.1:%d", ports[0])
		for _, f := range []string{"data", "versions"} {
			if err := os.MkdirAll(d.at("versitygw", f), 0o700); err != nil {
				return nil, "", nil, err
			}
		}
		cmd := exec.Command(d.at("bin", "versitygw"), "--port", address, "--access", s3User, "--secret", s3Password, "--quiet",
			"posix", "--versioning-dir", d.at("versitygw", "versions"), d.at("versitygw", "data"))
		return cmd, address, s3Env("VERSITYGW", address), nil
	},
	ready: tcp,
}

// s3Env tells a test where a server is: host:port, user, password.
func s3Env(name, address string) []string {
	return []string{fmt.Sprintf("WAXSEAL_TEST_%s=%s,%s,%s", name, address, s3User, s3Password)}
}

func httpOK(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("answers %s", resp.Status)
	}
	return nil
}

// goInstall builds a server from its module, pinned by version; the checksum
// database, or the proxy's, vouches for its bytes.
func goInstall(ctx context.Context, d *desk, binary, module string) error {
	if exists(d.at("bin", binary)) {
		return nil
	}
	fmt.Fprintf(os.Stderr, "building %s (the first time takes minutes) …\n", binary)
	return quietly(ctx, d.dir, []string{"GOBIN=" + d.at("bin"), "CGO_ENABLED=0", "GOFLAGS=-mod=mod"}, "go", "install", module)
}
