package s3_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/s3"
	"github.com/waxseal/waxseal/archiver/worm/selftest"
	"github.com/waxseal/waxseal/archiver/worm/wormtest"
)

// servers are the S3 servers that 'make services' starts, by the variable that
// names them: host:port,user,password.
var servers = map[string]string{"minio": "WAXSEAL_TEST_MINIO", "versitygw": "WAXSEAL_TEST_VERSITYGW"}

// on runs a test on each server that is there. One that is not is a failure where
// services are required.
func on(t *testing.T, fn func(t *testing.T, name string, bucket func(t *testing.T) s3.Config)) {
	for name, variable := range servers {
		t.Run(name, func(t *testing.T) {
			parts := strings.Split(os.Getenv(variable), ",")
			if len(parts) != 3 {
				if os.Getenv("WAXSEAL_REQUIRE_SERVICES") == "1" {
					t.Fatalf("%s names no server: 'make services' starts one", variable)
				}
				t.Skipf("%s names no server: 'make services' starts one", variable)
			}
			fn(t, name, func(t *testing.T) s3.Config {
				var id [8]byte
				rand.Read(id[:])
				return s3.Config{Endpoint: parts[0], Bucket: "t" + hex.EncodeToString(id[:]), Plain: true,
					Credentials: credentials.NewStaticV4(parts[1], parts[2], ""), Region: cmp.Or(os.Getenv("AWS_REGION"), "us-east-1")}
			})
		})
	}
}

func TestContract(t *testing.T) {
	on(t, func(t *testing.T, _ string, bucket func(t *testing.T) s3.Config) {
		wormtest.Run(t, func(t *testing.T) wormtest.Harness {
			cfg := bucket(t)
			s, err := s3.Create(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			return wormtest.Harness{Store: s, Reopen: func() worm.Keeper {
				again, err := s3.Open(context.Background(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				return again
			}}
		})
	})
}

func TestMetaContract(t *testing.T) {
	on(t, func(t *testing.T, _ string, bucket func(t *testing.T) s3.Config) {
		wormtest.RunMeta(t, func(t *testing.T) wormtest.Harness {
			cfg := bucket(t)
			s, err := s3.CreateMeta(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			return wormtest.Harness{Store: s, Reopen: func() worm.Keeper {
				again, err := s3.OpenMeta(context.Background(), cfg)
				if err != nil {
					t.Fatal(err)
				}
				return again
			}}
		})
	})
}

// TestSelfTest: a server that keeps the contract passes, and one that does not is
// told by the name of the promise it breaks.
func TestSelfTest(t *testing.T) {
	// versitygw 1.8.0 states no lock of a version that is not the newest, and lets a
	// hold end with retention.
	breaks := map[string][]string{"versitygw": {"overwrite", "hide", "hold_after_lapse"}}
	on(t, func(t *testing.T, name string, bucket func(t *testing.T) s3.Config) {
		s, err := s3.Create(t.Context(), bucket(t))
		if err != nil {
			t.Fatal(err)
		}
		r, err := selftest.Run(t.Context(), s, archiver.Sleep)
		if err != nil {
			t.Fatal(err)
		}
		var broken []string
		for _, c := range r.Checks {
			if c.Err != nil {
				broken = append(broken, c.Name)
				t.Log(c.Name, c.Err)
			}
		}
		if !slices.Equal(broken, breaks[name]) {
			t.Errorf("broken: %v, want %v", broken, breaks[name])
		}
	})
}
