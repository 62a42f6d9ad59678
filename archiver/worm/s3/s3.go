// Package s3 is the store contract on any S3 with Object Lock, through minio-go.
//
// What S3 does not promise by itself is made here, and held by worm/wormtest on
// the servers a test can start:
//
//   - Create-only. Every PUT has If-None-Match. A delete marker makes that succeed
//     on some servers, so the versions of the key are listed behind each PUT: whose
//     version is not the oldest has lost, and hides nothing.
//   - The oldest version is the object. Reads ask for it by its version id, so that a
//     newer version or a delete marker changes nothing of what is read.
//   - Locked. Every PUT into a locked store states COMPLIANCE and a date of its own;
//     a bucket's default retention is never relied on.
//   - Whole. Every PUT sends the SHA-256 twice: signed, and as the checksum that the
//     server keeps and Head gives back.
//
// FORMAT.md has the mapping, the rights that each role needs, and what each server
// gets wrong.
package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Config names a bucket.
type Config struct {
	Endpoint    string // host:port, without a scheme
	Region      string // "" asks the server
	Bucket      string
	Credentials *credentials.Credentials
	Plain       bool              // http, not https: loopback and tests
	TLS         *tls.Config       // nil: the system's roots
	Timeout     time.Duration     // of one request; default 2 minutes
	Transport   http.RoundTripper // nil: one of our own
}

// ErrBucket says that a bucket cannot be the store it is meant to be. The text
// names the promise it breaks.
var ErrBucket = errors.New("bucket cannot be this store")

// bucket is what both kinds of store share. Safe for concurrent use.
type bucket struct {
	name    string
	core    minio.Core // writes: who tries again must know that he does
	reads   minio.Core // tries again by itself
	timeout time.Duration
	locks   bool

	mu     sync.Mutex // guards oldest
	oldest map[string]string
}

// Store is a locked store: a bucket with Object Lock.
type Store struct{ *bucket }

// Meta is an unlocked store: a bucket without versions, whose objects can be
// replaced by compare-and-swap and deleted.
type Meta struct{ *bucket }

var (
	_ worm.Keeper = (*Store)(nil)
	_ worm.Meta   = (*Meta)(nil)
)

// Open opens a locked store. ErrBucket where the bucket has no Object Lock.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	b, err := connect(cfg, true)
	if err != nil {
		return nil, err
	}
	if err := b.checkLocked(ctx); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", cfg.Bucket, err)
	}
	return &Store{b}, nil
}

// OpenMeta opens an unlocked store. ErrBucket where the bucket keeps versions: what
// is erased from it must be gone.
func OpenMeta(ctx context.Context, cfg Config) (*Meta, error) {
	b, err := connect(cfg, false)
	if err != nil {
		return nil, err
	}
	if err := b.checkUnlocked(ctx); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", cfg.Bucket, err)
	}
	return &Meta{b}, nil
}

// Make makes a bucket as a locked or an unlocked store must be, unless it is there.
func Make(ctx context.Context, cfg Config, locked bool) (made bool, err error) {
	b, err := connect(cfg, locked)
	if err != nil {
		return false, err
	}
	there, err := b.reads.BucketExists(ctx, cfg.Bucket)
	if err != nil || there {
		return false, translate(ctx, err)
	}
	err = b.core.MakeBucket(ctx, cfg.Bucket, minio.MakeBucketOptions{Region: cfg.Region, ObjectLocking: locked})
	if err != nil {
		return false, fmt.Errorf("make bucket %s: %w", cfg.Bucket, translate(ctx, err))
	}
	return true, nil
}

// Create makes the bucket of a locked store, with Object Lock, and opens it.
func Create(ctx context.Context, cfg Config) (*Store, error) {
	if _, err := Make(ctx, cfg, true); err != nil {
		return nil, err
	}
	return Open(ctx, cfg)
}

// CreateMeta makes the bucket of an unlocked store and opens it.
func CreateMeta(ctx context.Context, cfg Config) (*Meta, error) {
	if _, err := Make(ctx, cfg, false); err != nil {
		return nil, err
	}
	return OpenMeta(ctx, cfg)
}

func connect(cfg Config, locks bool) (*bucket, error) {
	if cfg.Timeout <= 0 {
		cfg.Timeout = 2 * time.Minute
	}
	rt := cfg.Transport
	if rt == nil {
		rt = transport(cfg.TLS)
	}
	client := func(tries int) (minio.Core, error) {
		c, err := minio.NewCore(cfg.Endpoint, &minio.Options{Creds: cfg.Credentials, Secure: !cfg.Plain, Region: cfg.Region, Transport: dated{rt}, MaxRetries: tries})
		if err != nil {
			return minio.Core{}, fmt.Errorf("connect to the store: %w", err)
		}
		return *c, nil
	}
	b := &bucket{name: cfg.Bucket, timeout: cfg.Timeout, locks: locks, oldest: map[string]string{}}
	var err error
	if b.core, err = client(1); err != nil {
		return nil, err
	}
	if b.reads, err = client(readTries); err != nil {
		return nil, err
	}
	return b, nil
}

// readTries is how often a read is tried while the server says 5xx or nothing.
const readTries = 4

func transport(tlsCfg *tls.Config) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = tlsCfg
	t.MaxIdleConnsPerHost = 64
	t.DisableCompression = true // bytes are what they are
	return t
}

func (b *bucket) checkLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	state, _, _, _, err := b.reads.GetObjectLockConfig(ctx, b.name)
	if code(err) == "ObjectLockConfigurationNotFoundError" {
		return fmt.Errorf("it was made without Object Lock: %w", ErrBucket)
	}
	if err != nil {
		return translate(ctx, err)
	}
	if state != "Enabled" {
		return fmt.Errorf("its Object Lock is not enabled: %w", ErrBucket)
	}
	return nil
}

func (b *bucket) checkUnlocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	v, err := b.reads.GetBucketVersioning(ctx, b.name)
	if err != nil && code(err) != "NotImplemented" && code(err) != "VersioningNotConfigured" {
		return translate(ctx, err)
	}
	if v.Enabled() {
		return fmt.Errorf("it keeps versions, so what is deleted from it is not gone: %w", ErrBucket)
	}
	return nil
}

// Now is the server's clock, in whole seconds, by the Date of an answer.
func (b *bucket) Now(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	var at time.Time
	found, err := b.reads.BucketExists(context.WithValue(ctx, dateKey{}, &at), b.name)
	switch {
	case err != nil:
		return time.Time{}, fmt.Errorf("read the store's clock: %w", translate(ctx, err))
	case !found:
		return time.Time{}, fmt.Errorf("read the store's clock: bucket %s is gone: %w", b.name, ErrBucket)
	case at.IsZero():
		return time.Time{}, fmt.Errorf("read the store's clock: it states no date: %w", ErrBucket)
	}
	return at.UTC(), nil
}

// dated notes the Date of answers for whoever asks through the context.
type dated struct{ http.RoundTripper }

type dateKey struct{}

func (d dated) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if to, ok := r.Context().Value(dateKey{}).(*time.Time); ok && err == nil {
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			*to = at
		}
	}
	return resp, err
}
