package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/waxseal/waxseal/archiver/worm"
	"github.com/waxseal/waxseal/archiver/worm/selftest"
)

var _ selftest.Prober = (*Store)(nil)

// TryDelete asks the server to remove the object's version, bypassing governance.
func (s *Store) TryDelete(ctx context.Context, key string) error {
	id, err := s.version(ctx, key)
	if err != nil {
		return err
	}
	return s.tried(ctx, key, s.core.RemoveObject(ctx, s.name, key, minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: true}))
}

// TryShorten asks the server for an earlier retention, or in governance mode for one
// that could be lifted (zero).
func (s *Store) TryShorten(ctx context.Context, key string, until time.Time) error {
	id, err := s.version(ctx, key)
	if err != nil {
		return err
	}
	mode := minio.Compliance
	if until.IsZero() {
		mode, until = minio.Governance, time.Now().Add(time.Hour)
	}
	return s.tried(ctx, key, s.core.PutObjectRetention(ctx, s.name, key, minio.PutObjectRetentionOptions{GovernanceBypass: true, Mode: &mode, RetainUntilDate: &until, VersionID: id}))
}

// TryOverwrite writes without a condition, which adds a version.
func (s *Store) TryOverwrite(ctx context.Context, key string, body []byte) error {
	_, err := s.core.PutObject(ctx, s.name, key, bytes.NewReader(body), int64(len(body)), "", "", minio.PutObjectOptions{DisableMultipart: true, SendContentMd5: true})
	return s.tried(ctx, key, err)
}

// TryHide deletes without naming a version, which adds a delete marker.
func (s *Store) TryHide(ctx context.Context, key string) error {
	return s.tried(ctx, key, s.core.RemoveObject(ctx, s.name, key, minio.RemoveObjectOptions{}))
}

// TryHold sets or clears a hold.
func (s *Store) TryHold(ctx context.Context, key string, on bool) error {
	return s.tried(ctx, key, s.Hold(ctx, key, on))
}

// tried forgets what was known of the key, and tells a refusal of the credentials
// from one of the lock.
func (s *Store) tried(ctx context.Context, key string, err error) error {
	s.forget(key)
	var r minio.ErrorResponse
	if errors.As(err, &r) && r.Code == "AccessDenied" && !locks(&r) {
		return fmt.Errorf("%s: %w", r.Code, selftest.ErrNotAllowed)
	}
	return translate(ctx, err)
}

// Cleanup removes what can be removed under a prefix.
func (s *Store) Cleanup(ctx context.Context, prefix string) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.List(ctx, prefix, "", func(v worm.Version) error {
		s.core.RemoveObject(ctx, s.name, v.Key, minio.RemoveObjectOptions{VersionID: v.Version})
		return nil
	})
}
