package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"github.com/waxseal/waxseal/archiver/worm"
)

// code is the server's own word for an error, "" where it is none of its.
func code(err error) string {
	var r minio.ErrorResponse
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// translate gives an error in the words of the contract, wrapping what the server
// said. Its answers name bucket and key, no content and no credentials.
func translate(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	var r minio.ErrorResponse
	if !errors.As(err, &r) {
		return err
	}
	if as := meaning(&r); as != nil {
		return fmt.Errorf("%w: %s", as, r.Code)
	}
	return fmt.Errorf("store answers %d %s: %w", r.StatusCode, r.Code, err)
}

func meaning(r *minio.ErrorResponse) error {
	switch r.Code {
	case "PreconditionFailed":
		return worm.ErrExists
	case "NoSuchKey", "NoSuchVersion", "MethodNotAllowed": // the last: a delete marker was asked for
		return worm.ErrNotFound
	case "BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "InvalidDigest":
		return worm.ErrSum
	case "XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded", "EntityTooLarge":
		return worm.ErrFull
	case "PastObjectLockRetainDate":
		return worm.ErrPast
	case "XMinioParentIsObject", "XMinioObjectExistsAsDirectory", "KeyTooLongError", "XMinioInvalidObjectName", "ObjectParentIsFile", "ObjectExistsAsDirectory", "ExistingObjectIsDirectory":
		return worm.ErrKey
	}
	switch text := strings.ToLower(r.Message); {
	case strings.Contains(text, "must be in the future"), strings.Contains(text, "retain until date"):
		return worm.ErrPast
	case locks(r):
		return worm.ErrLocked
	case r.StatusCode == http.StatusPreconditionFailed:
		return worm.ErrExists
	case r.StatusCode == http.StatusNotFound && r.Code != "NoSuchBucket":
		return worm.ErrNotFound
	}
	return nil
}

// locks says that it is a lock that the server refuses for: AWS and versitygw say
// AccessDenied "because object protected by object lock", MinIO InvalidRequest
// "Object is WORM protected and cannot be overwritten".
func locks(r *minio.ErrorResponse) bool {
	text := strings.ToLower(r.Message)
	return strings.Contains(text, "worm protected") || strings.Contains(text, "object lock") || strings.Contains(text, "is locked")
}
