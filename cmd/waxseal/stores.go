package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/waxseal/waxseal/archiver"
	"github.com/waxseal/waxseal/archiver/control"
	"github.com/waxseal/waxseal/archiver/record"
	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/dir"
	"github.com/waxseal/waxseal/archiver/worm/s3"
	"github.com/waxseal/waxseal/archiver/worm/selftest"
	"github.com/waxseal/waxseal/ledger"
)

// The three stores.
const (
	storeLocked = "locked"
	storeMeta   = "meta"
	storeSpare  = "spare"
)

// place is where a store is: a folder, or a bucket.
type place struct {
	folder string
	bucket *s3.Config
	text   string // for people; no credentials
}

// place gives where a store of the archive is.
func (s *Settings) place(store string) place {
	if b, ok := s.Buckets[store]; ok {
		return b
	}
	folder := filepath.Join(s.Data, store)
	return place{folder: folder, text: folder}
}

// vacant says that there can be no archive, because its folder is not there. Of a
// bucket control tells.
func (s *Settings) vacant() bool {
	p := s.place(storeLocked)
	return p.bucket == nil && !exists(p.folder)
}

func storeSettings() []setting {
	helps := map[string]string{
		storeLocked: "bucket with Object Lock, s3://HOST[:PORT]/BUCKET; without it a folder in the data folder",
		storeMeta:   "bucket without versions for what is not locked; without it a folder in the data folder",
		storeSpare:  "second copy of unlocked key boxes: a bucket without versions, elsewhere; without it a folder in the data folder",
	}
	var out []setting
	for _, name := range []string{storeLocked, storeMeta, storeSpare} {
		out = append(out, setting{name: "stores." + name, help: helps[name], set: func(s *Settings, v value) error {
			if v.text == "" {
				return nil
			}
			p, err := parsePlace(v.text)
			if err != nil {
				return err
			}
			s.Buckets[name] = p
			return nil
		}})
	}
	return out
}

// parsePlace reads s3://HOST[:PORT]/BUCKET?region=&profile=&ca=&plain=. Credentials
// are never in it: they come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from a
// profile of the AWS credentials file, or from the host's role.
func parsePlace(text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return place{}, errors.New("not a bucket (as s3://s3.eu-central-1.amazonaws.com/BUCKET)")
	}
	if u.User != nil {
		return place{}, errors.New("credentials do not belong into the address: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ?profile=NAME of the AWS credentials file")
	}
	bucket := strings.Trim(u.Path, "/")
	if bucket == "" || strings.Contains(bucket, "/") {
		return place{}, fmt.Errorf("%q is no bucket: each store has one of its own", u.Path)
	}
	cfg := &s3.Config{Endpoint: u.Host, Bucket: bucket}
	q := u.Query()
	for key := range q {
		val := q.Get(key)
		switch key {
		case "region":
			cfg.Region = val
		case "plain":
			if cfg.Plain = val == "yes"; !cfg.Plain && val != "no" {
				return place{}, fmt.Errorf("plain=%s is neither yes nor no", val)
			}
		case "ca":
			if cfg.TLS, err = roots(val); err != nil {
				return place{}, err
			}
		case "profile":
			cfg.Credentials = credentials.NewFileAWSCredentials("", val)
		default:
			return place{}, fmt.Errorf("no such part of a bucket's address: %s (region, profile, ca, plain)", key)
		}
	}
	if cfg.Credentials == nil {
		cfg.Credentials = credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
	}
	return place{bucket: cfg, text: "s3://" + u.Host + "/" + bucket}, nil
}

func roots(file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: no certificate in %s", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// openLocked opens the locked store for writing. A folder that is not there is made
// where create says so; a bucket never.
func (p place) openLocked(ctx context.Context, create bool, opts dir.Options) (worm.Keeper, error) {
	switch {
	case p.bucket != nil:
		return s3.Open(ctx, *p.bucket)
	case create && !exists(p.folder):
		return dir.Create(p.folder, opts)
	}
	return dir.Open(p.folder, opts)
}

func (p place) openMeta(ctx context.Context, create bool) (worm.Meta, error) {
	switch {
	case p.bucket != nil:
		return s3.OpenMeta(ctx, *p.bucket)
	case create && !exists(p.folder):
		return dir.CreateMeta(p.folder, dir.Options{})
	}
	return dir.OpenMeta(p.folder, dir.Options{})
}

// openToRead opens a store to read. ErrNone where its folder is not there.
func (p place) openToRead(ctx context.Context, store string) (worm.Reader, error) {
	switch {
	case p.bucket != nil && store == storeLocked:
		return s3.Open(ctx, *p.bucket)
	case p.bucket != nil:
		return s3.OpenMeta(ctx, *p.bucket)
	case !exists(p.folder):
		return nil, fmt.Errorf("%s: %w", p.folder, control.ErrNone)
	}
	return dir.OpenReadOnly(p.folder)
}

// closer gives what lets go of a store, if anything does.
func closer(store any) []io.Closer {
	if c, ok := store.(io.Closer); ok {
		return []io.Closer{c}
	}
	return nil
}

// founded says that a bucket holds an archive already.
func (p place) founded(ctx context.Context) (bool, error) {
	s, err := s3.Open(ctx, *p.bucket)
	if err != nil {
		return false, err
	}
	_, err = s.Head(ctx, ledger.BlockKey(record.Control, 0))
	if errors.Is(err, worm.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// testStore tries what the locked store promises, enters the result in the ledger,
// and refuses a store that breaks a promise. A folder keeps its promises by the code
// of this program, and is not asked.
func (n *node) testStore(ctx context.Context) error {
	s, ok := n.locked.(selftest.Prober)
	if !ok {
		return nil
	}
	r, err := selftest.Run(ctx, s, archiver.Sleep)
	if err != nil {
		return err
	}
	_, err = n.control.Commit(ctx, control.Draft{
		Act: ledger.Act{Type: ledger.ActSelfTest, Actor: "waxseal", SelfTest: &ledger.SelfTest{Store: storeLocked, OK: r.OK(), Checks: r.Words()}},
	})
	if err != nil {
		return fmt.Errorf("enter the self-test of the store: %w", err)
	}
	if err := r.Err(); err != nil {
		return fmt.Errorf("the store is not written to: %w", err)
	}
	return nil
}
