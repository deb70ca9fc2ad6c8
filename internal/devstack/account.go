package devstack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user that a server runs as. The zero account is the user of
// this process.
type account struct {
	uid, gid uint32
	switched bool // to uid and gid, which takes root
}

// credential is what the child process is started with; nil for our own user.
func (a account) credential() *syscall.Credential {
	if !a.switched {
		return nil
	}
	return &syscall.Credential{Uid: a.uid, Gid: a.gid}
}

// own makes the account the owner of path.
func (a account) own(path string) error {
	if !a.switched {
		return nil
	}
	if err := os.Chown(path, int(a.uid), int(a.gid)); err != nil {
		return fmt.Errorf("hand over directory to the server's user: %w", err)
	}
	return nil
}

// unprivileged picks the account for a server: this process's own, or, for root,
// the first of the named users that exists. Postgres refuses to run as root, and
// nothing here should.
func unprivileged(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range names {
		found, err := user.Lookup(name)
		if err != nil {
			continue // the next name may do
		}
		uid, uidErr := strconv.ParseUint(found.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(found.Gid, 10, 32)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return account{}, fmt.Errorf("read user %s: %w", name, err)
		}
		return account{uid: uint32(uid), gid: uint32(gid), switched: true}, nil
	}
	return account{}, fmt.Errorf("no unprivileged user to run as: none of %v exists", names)
}

// ownerOf is the account of whoever owns path: data that exists is used as the
// user who wrote it, whoever would be picked for new data.
func ownerOf(path string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return account{}, fmt.Errorf("find owner of data: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 {
		return account{}, fmt.Errorf("%s belongs to root, as whom no server is run: give it to another user", path)
	}
	return account{uid: stat.Uid, gid: stat.Gid, switched: true}, nil
}

// reaches tells whether the account can enter dir, that is every directory on
// the way to it and dir itself. Our own account is taken to reach what we do.
func (a account) reaches(dir string) error {
	if !a.switched {
		return nil
	}
	path, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("find directory: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return fmt.Errorf("find directory: %w", err)
	}
	for ; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("find directory: %w", err)
		}
		if !a.enters(info) {
			return fmt.Errorf("user %d, which the server runs as, cannot enter %s: %w", a.uid, path, fs.ErrPermission)
		}
		if path == filepath.Dir(path) {
			return nil
		}
	}
}

// enters tells whether the account has the search permission of a directory.
func (a account) enters(dir fs.FileInfo) bool {
	search := fs.FileMode(0o001)
	if stat, ok := dir.Sys().(*syscall.Stat_t); ok {
		switch {
		case stat.Uid == a.uid:
			search = 0o100
		case stat.Gid == a.gid:
			search = 0o010
		}
	}
	return dir.Mode()&search != 0
}
