package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/waxseal/waxseal/archiver/worm"
)

// Put creates an object in a locked store.
func (s *Store) Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	return s.create(ctx, key, body, sum, lock)
}

// Put creates an object in an unlocked store.
func (m *Meta) Put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	if lock != (worm.Lock{}) {
		return worm.Info{}, fmt.Errorf("put %s: %w", key, worm.ErrNoLocks)
	}
	return m.create(ctx, key, body, sum, lock)
}

func (b *bucket) create(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock) (worm.Info, error) {
	if err := worm.CheckKey(key); err != nil {
		return worm.Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	in, err := b.put(ctx, key, body, sum, lock.Whole(), "")
	if err != nil {
		return worm.Info{}, fmt.Errorf("put %s: %w", key, err)
	}
	return in, nil
}

// put writes an object: create-only, or in place of the one with that etag.
func (b *bucket) put(ctx context.Context, key string, body []byte, sum [sha256.Size]byte, lock worm.Lock, etag string) (worm.Info, error) {
	opts := minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableMultipart: true,
		UserMetadata: map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:])},
	}
	if etag == "" {
		opts.SetMatchETagExcept("*")
	} else {
		opts.SetMatchETag(etag)
	}
	if !lock.RetainUntil.IsZero() {
		opts.Mode, opts.RetainUntilDate = minio.Compliance, lock.RetainUntil
	}
	if lock.Hold {
		opts.LegalHold = minio.LegalHoldEnabled
	}
	up, err := b.core.PutObject(ctx, b.name, key, bytes.NewReader(body), int64(len(body)), "", hex.EncodeToString(sum[:]), opts)
	if err != nil {
		return worm.Info{}, translate(ctx, err)
	}
	in := worm.Info{Key: key, Size: int64(len(body)), SHA256: sum, Version: up.VersionID, Lock: lock}
	if !b.locks {
		return in, nil
	}
	// A delete marker hides what is there from If-None-Match.
	first, err := b.look(ctx, key)
	if err != nil {
		return worm.Info{}, fmt.Errorf("look behind the write: %w", err)
	}
	if first.VersionID != up.VersionID {
		return worm.Info{}, fmt.Errorf("an older version was hidden by a delete marker: %w", worm.ErrExists)
	}
	in.ModTime = first.LastModified.UTC()
	b.remember(key, up.VersionID)
	return in, nil
}

// lockOf reads what protects a version from its headers.
func lockOf(o *minio.ObjectInfo) (worm.Lock, error) {
	var l worm.Lock
	if at := o.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date"); at != "" {
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return l, fmt.Errorf("retention date that is none: %w", worm.ErrDamaged)
		}
		if o.Metadata.Get("X-Amz-Object-Lock-Mode") == string(minio.Compliance) { // another mode can be lifted: no retention of ours
			l.RetainUntil = worm.WholeSecond(t)
		}
	}
	l.Hold = o.Metadata.Get("X-Amz-Object-Lock-Legal-Hold") == string(minio.LegalHoldEnabled)
	return l, nil
}

// Extend moves an object's retention later.
func (s *Store) Extend(ctx context.Context, key string, until time.Time) error {
	if err := worm.CheckKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if err := s.extend(ctx, key, worm.WholeSecond(until)); err != nil {
		return fmt.Errorf("extend %s: %w", key, err)
	}
	return nil
}

func (s *Store) extend(ctx context.Context, key string, until time.Time) error {
	in, err := s.head(ctx, key)
	if err != nil {
		return err
	}
	if until.Before(in.Lock.RetainUntil) {
		return fmt.Errorf("retention lasts longer: %w", worm.ErrLocked)
	}
	if until.Equal(in.Lock.RetainUntil) {
		return nil
	}
	mode := minio.Compliance
	err = s.core.PutObjectRetention(ctx, s.name, key, minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until, VersionID: in.Version})
	if err == nil {
		return nil
	}
	if now, herr := s.head(ctx, key); herr == nil && !now.Lock.RetainUntil.Before(until) {
		if now.Lock.RetainUntil.Equal(until) {
			return nil // it was done, and answered late
		}
		return fmt.Errorf("retention lasts longer: %w", worm.ErrLocked)
	}
	return translate(ctx, err)
}

// Hold sets or clears an object's legal hold.
func (s *Store) Hold(ctx context.Context, key string, on bool) error {
	if err := worm.CheckKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	id, err := s.version(ctx, key)
	if err == nil {
		status := minio.LegalHoldDisabled
		if on {
			status = minio.LegalHoldEnabled
		}
		err = translate(ctx, s.core.PutObjectLegalHold(ctx, s.name, key, minio.PutObjectLegalHoldOptions{VersionID: id, Status: &status}))
	}
	if err != nil {
		return fmt.Errorf("hold %s: %w", key, err)
	}
	return nil
}

// Extend and Hold are not for an unlocked store.
func (m *Meta) Extend(_ context.Context, key string, _ time.Time) error {
	return fmt.Errorf("extend %s: %w", key, worm.ErrNoLocks)
}

// Hold is not for an unlocked store.
func (m *Meta) Hold(_ context.Context, key string, _ bool) error {
	return fmt.Errorf("hold %s: %w", key, worm.ErrNoLocks)
}

// Delete removes every version of an object, none where one is protected.
func (b *bucket) Delete(ctx context.Context, key string) error {
	if err := worm.CheckKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if err := b.remove(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (b *bucket) remove(ctx context.Context, key string) error {
	defer b.forget(key)
	if !b.locks {
		if _, err := b.head(ctx, key); err != nil {
			return err
		}
		return translate(ctx, b.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}))
	}
	versions, err := b.versions(ctx, key)
	if err != nil {
		return err
	}
	// All are looked at before any is deleted; the server has the last word.
	now, err := b.Now(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.IsDeleteMarker {
			continue
		}
		o, err := b.reads.StatObject(ctx, b.name, key, minio.StatObjectOptions{VersionID: v.VersionID})
		if err != nil {
			return translate(ctx, err)
		}
		lock, err := lockOf(&o)
		if err != nil {
			return err
		}
		if lock.Protects(now) {
			return worm.ErrLocked
		}
	}
	for _, v := range versions {
		if err := b.core.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{VersionID: v.VersionID}); err != nil {
			return translate(ctx, err)
		}
	}
	return nil
}

func (b *bucket) versions(ctx context.Context, key string) ([]minio.ObjectInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all []minio.ObjectInfo
	objects := 0
	for o := range b.reads.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{WithVersions: true, Prefix: key, Recursive: true}) {
		if o.Err != nil {
			return nil, translate(ctx, o.Err)
		}
		if o.Key != key {
			break
		}
		all = append(all, o)
		if !o.IsDeleteMarker {
			objects++
		}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if objects == 0 {
		return nil, worm.ErrNotFound
	}
	return all, nil
}

// Swap replaces the bytes of key if they are exactly old, nil for none.
func (m *Meta) Swap(ctx context.Context, key string, old, new []byte) error {
	if err := worm.CheckKey(key); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	if err := m.swap(ctx, key, old, new); err != nil {
		return fmt.Errorf("swap %s: %w", key, err)
	}
	return nil
}

func (m *Meta) swap(ctx context.Context, key string, old, new []byte) error {
	etag := ""
	if old != nil {
		body, o, err := m.read(ctx, key)
		if errors.Is(err, worm.ErrNotFound) || err == nil && !bytes.Equal(body, old) {
			return worm.ErrChanged
		}
		if err != nil {
			return err
		}
		etag = o.ETag
	}
	_, err := m.put(ctx, key, new, sha256.Sum256(new), worm.Lock{}, etag)
	if errors.Is(err, worm.ErrExists) || errors.Is(err, worm.ErrNotFound) {
		return worm.ErrChanged
	}
	return err
}
