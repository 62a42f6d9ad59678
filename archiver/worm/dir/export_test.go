package dir

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/waxseal/waxseal/archiver/worm"
)

// ChildEnv tells a child of the test what to do and where to stop.
const (
	ChildEnv = "WAXSEAL_TEST_DIR_CHILD" // operation
	PointEnv = "WAXSEAL_TEST_DIR_POINT" // where it dies; "" nowhere
	RootEnv  = "WAXSEAL_TEST_DIR_ROOT"
)

// Died is the exit code of a child that died where it should.
const Died = 86

// Child runs a child's operation if this process is one.
func Child() bool {
	op := os.Getenv(ChildEnv)
	if op == "" {
		return false
	}
	point, root := os.Getenv(PointEnv), os.Getenv(RootEnv)
	die := func(at string) {
		if at == point {
			os.Exit(Died)
		}
	}
	if err := child(op, root, die); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	return true
}

func child(op, root string, die func(string)) error {
	ctx := context.Background()
	body := []byte("the whole object")
	if op == "swap" {
		m, err := OpenMeta(root, Options{})
		if err != nil {
			return err
		}
		m.at = die
		return m.Swap(ctx, "a/k", []byte("old"), body)
	}
	s, err := Open(root, Options{})
	if err != nil {
		return err
	}
	s.at = die
	switch op {
	case "put":
		_, err = s.Put(ctx, "a/k", body, sha256.Sum256(body), worm.Lock{RetainUntil: time.Now().Add(time.Hour)})
	case "extend":
		err = s.Extend(ctx, "a/k", time.Now().Add(48*time.Hour))
	case "delete":
		err = s.Delete(ctx, "a/k")
	}
	return err
}

// ThawAll clears the immutable flag of everything below root, so that a test's
// folder can be removed.
func ThawAll(root string) {
	_ = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			_ = thaw(path)
		}
		return nil
	})
}
