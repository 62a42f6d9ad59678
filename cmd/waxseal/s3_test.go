package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// s3Servers are the servers that 'make services' starts, as scripts ask for them:
// [!minio] skip. Each script has buckets of its own: $MINIO/$BUCKET-locked.
var s3Servers = map[string]string{"minio": "WAXSEAL_TEST_MINIO", "versitygw": "WAXSEAL_TEST_VERSITYGW"}

// s3Server says whether a server is there; where services are required it must be.
func s3Server(name string) (bool, error) {
	if len(strings.Split(os.Getenv(s3Servers[name]), ",")) == 3 {
		return true, nil
	}
	if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
		return false, fmt.Errorf("%s names no server: 'make services' starts one", s3Servers[name])
	}
	return false, nil
}

func s3Env(e *testscript.Env) error {
	var id [8]byte
	rand.Read(id[:])
	e.Setenv("BUCKET", "s"+hex.EncodeToString(id[:]))
	for name, variable := range s3Servers {
		parts := strings.Split(os.Getenv(variable), ",")
		if len(parts) != 3 {
			continue
		}
		e.Setenv(strings.ToUpper(name), parts[0])
		e.Setenv("AWS_ACCESS_KEY_ID", parts[1])
		e.Setenv("AWS_SECRET_ACCESS_KEY", parts[2])
	}
	return nil
}
