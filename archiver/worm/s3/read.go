package s3

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/waxseal/waxseal/archiver/worm"
)

// maxOldest is how many version ids are remembered. They never change: the oldest
// version of a key stays the oldest until it is deleted.
const maxOldest = 1 << 16

// unversioned is the version id that stands for a bucket without versions.
const unversioned = ""

// version gives the id of the oldest version of a key. ErrNotFound: there is none,
// or delete markers alone.
func (b *bucket) version(ctx context.Context, key string) (string, error) {
	if !b.locks {
		return unversioned, nil
	}
	b.mu.Lock()
	id, ok := b.oldest[key]
	b.mu.Unlock()
	if ok {
		return id, nil
	}
	v, err := b.look(ctx, key)
	if err != nil {
		return "", err
	}
	b.remember(key, v.VersionID)
	return v.VersionID, nil
}

func (b *bucket) remember(key, id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.oldest) >= maxOldest {
		clear(b.oldest)
	}
	b.oldest[key] = id
}

func (b *bucket) forget(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.oldest, key)
}

// look lists the versions of a key, the newest first as S3 gives them, and returns
// the oldest that is no delete marker.
func (b *bucket) look(ctx context.Context, key string) (*minio.ObjectInfo, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var oldest *minio.ObjectInfo
	for o := range b.reads.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{WithVersions: true, Prefix: key, Recursive: true, MaxKeys: 16}) {
		if o.Err != nil {
			return nil, translate(ctx, o.Err)
		}
		if o.Key != key {
			break // keys come in order, and nothing sorts between a key and itself
		}
		if !o.IsDeleteMarker {
			oldest = &o
		}
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case oldest == nil:
		return nil, worm.ErrNotFound
	}
	return oldest, nil
}

// Head tells what Get would, without the bytes.
func (b *bucket) Head(ctx context.Context, key string) (worm.Info, error) {
	if err := worm.CheckKey(key); err != nil {
		return worm.Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	info, err := b.head(ctx, key)
	if err != nil {
		return worm.Info{}, fmt.Errorf("head %s: %w", key, err)
	}
	return info, nil
}

func (b *bucket) head(ctx context.Context, key string) (worm.Info, error) {
	id, err := b.version(ctx, key)
	if err != nil {
		return worm.Info{}, err
	}
	o, err := b.reads.StatObject(ctx, b.name, key, minio.StatObjectOptions{VersionID: id, Checksum: true})
	if err != nil {
		b.forget(key)
		return worm.Info{}, translate(ctx, err)
	}
	return info(&o)
}

// info reads what an answer to HEAD says. What the server does not say stays zero.
func info(o *minio.ObjectInfo) (worm.Info, error) {
	in := worm.Info{Key: o.Key, Size: o.Size, Version: o.VersionID, ModTime: o.LastModified.UTC()}
	if o.ChecksumSHA256 != "" {
		sum, err := base64.StdEncoding.DecodeString(o.ChecksumSHA256)
		if err != nil || len(sum) != len(in.SHA256) {
			return worm.Info{}, fmt.Errorf("checksum that is no SHA-256: %w", worm.ErrDamaged)
		}
		copy(in.SHA256[:], sum)
	}
	lock, err := lockOf(o)
	in.Lock = lock
	return in, err
}

// Get reads the whole object.
func (b *bucket) Get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	if err := worm.CheckKey(key); err != nil {
		return nil, worm.Info{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	body, in, err := b.get(ctx, key)
	if err != nil {
		return nil, worm.Info{}, fmt.Errorf("get %s: %w", key, err)
	}
	return body, in, nil
}

func (b *bucket) get(ctx context.Context, key string) ([]byte, worm.Info, error) {
	body, o, err := b.read(ctx, key)
	if err != nil {
		return nil, worm.Info{}, err
	}
	in, err := info(o)
	if err == nil && b.locks && in.Lock == (worm.Lock{}) {
		in, err = b.head(ctx, key) // some servers state the lock to HEAD alone
	}
	return body, in, err
}

// read gives the bytes of an object and what the answer that brought them says.
func (b *bucket) read(ctx context.Context, key string) ([]byte, *minio.ObjectInfo, error) {
	id, err := b.version(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	r, o, _, err := b.reads.GetObject(ctx, b.name, key, minio.GetObjectOptions{VersionID: id, Checksum: true})
	if err != nil {
		b.forget(key)
		return nil, nil, translate(ctx, err)
	}
	defer r.Close()
	body := make([]byte, o.Size)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, nil, fmt.Errorf("read the body: %w", translate(ctx, err))
	}
	if n, _ := r.Read(make([]byte, 1)); n > 0 {
		return nil, nil, fmt.Errorf("body is longer than stated: %w", worm.ErrDamaged)
	}
	return body, &o, nil
}

// ReadAt reads part of an object.
func (b *bucket) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := worm.CheckKey(key); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, fmt.Errorf("read %s at %d: negative offset", key, off)
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	n, err := b.readAt(ctx, key, p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("read %s: %w", key, err)
	}
	return n, err
}

func (b *bucket) readAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	id, err := b.version(ctx, key)
	if err != nil {
		return 0, err
	}
	if len(p) == 0 {
		_, err := b.head(ctx, key)
		return 0, err
	}
	opts := minio.GetObjectOptions{VersionID: id}
	if err := opts.SetRange(off, off+int64(len(p))-1); err != nil {
		return 0, err
	}
	r, _, _, err := b.reads.GetObject(ctx, b.name, key, opts)
	if code(err) == "InvalidRange" {
		return 0, io.EOF
	}
	if err != nil {
		return 0, translate(ctx, err)
	}
	defer r.Close()
	n, err := io.ReadFull(r, p)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		// Either the object ends here, or the connection did.
		in, herr := b.head(ctx, key)
		if herr != nil {
			return n, herr
		}
		if off+int64(n) < in.Size {
			return n, fmt.Errorf("connection ended: %w", io.ErrUnexpectedEOF)
		}
		return n, io.EOF
	case err != nil:
		return n, translate(ctx, err)
	}
	return n, nil
}

// List calls fn for each version of each key with the prefix, in key order, the
// oldest first. Sums and locks are zero: Head tells.
func (b *bucket) List(ctx context.Context, prefix, startAfter string, fn func(worm.Version) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var same []worm.Version // of one key, the newest first
	give := func() error {
		for i := len(same) - 1; i >= 0; i-- {
			if err := fn(same[i]); err != nil {
				return err
			}
		}
		same = same[:0]
		return nil
	}
	opts := minio.ListObjectsOptions{WithVersions: b.locks, Prefix: prefix, Recursive: true}
	if strings.HasPrefix(startAfter, prefix) {
		opts.StartAfter = startAfter // some servers refuse one outside the prefix
	} else if startAfter > prefix {
		return nil // and all of the prefix
	}
	for o := range b.reads.ListObjectsIter(ctx, b.name, opts) {
		if o.Err != nil {
			return fmt.Errorf("list %s: %w", prefix, translate(ctx, o.Err))
		}
		if o.Key <= startAfter {
			continue
		}
		if len(same) > 0 && same[0].Key != o.Key {
			if err := give(); err != nil {
				return err
			}
		}
		v := worm.Version{Info: worm.Info{Key: o.Key, Size: o.Size, Version: o.VersionID, ModTime: o.LastModified.UTC()}, Latest: o.IsLatest || !b.locks, DeleteMarker: o.IsDeleteMarker}
		same = append(same, v)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("list %s: %w", prefix, context.Cause(ctx))
	}
	return give()
}
