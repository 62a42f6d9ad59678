package dir

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// immutableFlag is FS_IMMUTABLE_FL of linux/fs.h.
const immutableFlag = 0x10

// freeze sets the immutable flag of a file.
func freeze(path string) error {
	return withFlags(path, func(flags uint32) uint32 { return flags | immutableFlag })
}

// thaw clears the immutable flag of a file, if it is set. A file that is not
// there, or on a file system without flags, is no error.
func thaw(path string) error {
	err := withFlags(path, func(flags uint32) uint32 { return flags &^ immutableFlag })
	for _, harmless := range []error{fs.ErrNotExist, unix.ENOTTY, unix.EOPNOTSUPP, unix.EINVAL, unix.ENOSYS} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	return err
}

func withFlags(path string, edit func(uint32) uint32) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return os.NewSyscallError("get flags", err)
	}
	want := edit(flags)
	if want == flags {
		return nil
	}
	return os.NewSyscallError("set flags", unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(int32(want))))
}
