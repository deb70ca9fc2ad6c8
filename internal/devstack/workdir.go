package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// workdirPrefix begins the name of every directory made here; the sweep
	// looks at no other.
	workdirPrefix = "casflow-devstack-"
	// lockName is a file that the directory's process holds locked while it
	// lives. The kernel drops the lock with the process, however that ends.
	lockName = "in-use"
)

// workdir is the directory of one server: its data, its log. Ours to remove,
// unless it was given by the caller.
type workdir struct {
	path string
	lock *os.File // nil: the caller's directory, which stays
}

// newWorkdir makes a temporary directory that the account can enter, and removes
// the ones that killed processes have left.
func newWorkdir(as account) (workdir, error) {
	parent, err := tempParent(as)
	if err != nil {
		return workdir{}, err
	}
	sweep(parent)
	path, err := os.MkdirTemp(parent, workdirPrefix)
	if err != nil {
		return workdir{}, fmt.Errorf("make directory: %w", err)
	}
	// To be entered by the server's user, but not to be listed.
	if err := os.Chmod(path, 0o711); err != nil { //nolint:gosec // what is inside has modes of its own
		return workdir{}, errors.Join(fmt.Errorf("make directory: %w", err), os.RemoveAll(path))
	}
	lock, err := lockDirectory(path)
	if err != nil {
		return workdir{}, errors.Join(err, os.RemoveAll(path))
	}
	return workdir{path: path, lock: lock}, nil
}

// givenWorkdir uses the caller's directory, made if need be.
func givenWorkdir(path string, as account) (workdir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return workdir{}, fmt.Errorf("find directory: %w", err)
	}
	if err := os.MkdirAll(path, 0o711); err != nil { //nolint:gosec // what is inside has modes of its own
		return workdir{}, fmt.Errorf("make directory: %w", err)
	}
	if err := as.reaches(path); err != nil {
		return workdir{}, err
	}
	return workdir{path: path}, nil
}

// remove deletes the directory, if it is ours.
func (w workdir) remove() error {
	if w.lock == nil {
		return nil
	}
	removeErr := os.RemoveAll(w.path)
	// Closed last: until then no sweep touches the directory.
	if err := w.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return errors.Join(removeErr, fmt.Errorf("unlock directory: %w", err))
	}
	if removeErr != nil {
		return fmt.Errorf("remove directory: %w", removeErr)
	}
	return nil
}

// tempParent is where temporary directories go: the usual place, or, where the
// server's user cannot enter that, one that everybody can.
func tempParent(as account) (string, error) {
	var faults []error
	for _, parent := range []string{os.TempDir(), "/tmp", "/var/tmp"} {
		err := as.reaches(parent)
		if err == nil {
			return parent, nil
		}
		faults = append(faults, err)
	}
	return "", fmt.Errorf("no directory for temporary files: %w", errors.Join(faults...))
}

// lockDirectory puts a locked file into path. It is locked before it has its
// name, so that a sweep never sees it unlocked.
func lockDirectory(path string) (*os.File, error) {
	file, err := os.CreateTemp(path, "new-")
	if err != nil {
		return nil, fmt.Errorf("lock directory: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock directory: %w", err), file.Close())
	}
	if err := os.Rename(file.Name(), filepath.Join(path, lockName)); err != nil {
		return nil, errors.Join(fmt.Errorf("lock directory: %w", err), file.Close())
	}
	return file, nil
}

// sweep removes directories whose process is gone. It is a courtesy: whatever
// stands in its way is left for the next one.
func sweep(parent string) {
	left, err := filepath.Glob(filepath.Join(parent, workdirPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range left {
		if abandoned(path) {
			_ = os.RemoveAll(path)
		}
	}
}

// abandoned tells whether path is a directory of this user whose lock nobody
// holds.
func abandoned(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || !info.IsDir() {
		return false
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return false
	}
	lock, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		// Without its lock file it is either just being made or already
		// half removed; neither is worth a risk.
		return false
	}
	defer func() { _ = lock.Close() }()
	return syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}

// exists tells whether there is a file at path.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for data: %w", err)
	}
	return true, nil
}
