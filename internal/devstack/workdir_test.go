package devstack

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestAccount_Reaches(t *testing.T) {
	t.Parallel()
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	stranger := account{uid: 4_000_001, gid: 4_000_001, switched: true}
	tests := map[string]struct {
		as   account
		dir  string
		want error
	}{
		"Open":    {stranger, "/", nil},
		"Closed":  {stranger, closed, fs.ErrPermission},
		"Missing": {stranger, filepath.Join(closed, "missing"), fs.ErrNotExist},
		"Own":     {account{}, closed, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := test.as.reaches(test.dir); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestUnprivileged_NoSuchUser(t *testing.T) {
	t.Parallel()
	as, err := unprivileged("casflow-no-such-user")
	if root := os.Geteuid() == 0; (err != nil) != root || as.switched {
		t.Errorf("got %+v, %v; as root %v", as, err, root)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	lay := func(name string, held bool) string {
		path := filepath.Join(parent, name)
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
		lock, err := lockDirectory(path)
		if err != nil {
			t.Fatal(err)
		}
		if held {
			t.Cleanup(func() { _ = lock.Close() })
		} else if err := lock.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	left, used, foreign := lay(workdirPrefix+"1", false), lay(workdirPrefix+"2", true), lay("other-3", false)
	unlocked := filepath.Join(parent, workdirPrefix+"4")
	if err := os.Mkdir(unlocked, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(parent, workdirPrefix+"5")
	if err := os.Symlink(foreign, link); err != nil {
		t.Fatal(err)
	}

	sweep(parent)
	assertMissing(t, left)
	for _, path := range []string{used, foreign, unlocked, link} {
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("swept too much: %v", err)
		}
	}
}

func TestOnFreePort(t *testing.T) {
	t.Parallel()
	fault := errors.New("broken")
	tests := map[string]struct {
		outcomes []error // of one try after the other; the last one for ever
		want     error
		tries    int
	}{
		"First":      {[]error{nil}, nil, 1},
		"Third":      {[]error{errAddressInUse, errAddressInUse, nil}, nil, 3},
		"OtherFault": {[]error{errAddressInUse, fault}, fault, 2},
		"AllTaken":   {[]error{errAddressInUse}, errAddressInUse, portAttempts},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tries := 0
			err := onFreePort(t.Context(), func(port int) error {
				if port < firstPort || port >= lastPort {
					t.Errorf("got port %d", port)
				}
				tries++
				return test.outcomes[min(tries, len(test.outcomes))-1]
			})
			if !errors.Is(err, test.want) || tries != test.tries {
				t.Errorf("got %v after %d tries, want %v after %d", err, tries, test.want, test.tries)
			}
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := onFreePort(cancelled, func(int) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

// occupy listens on the port until the returned function is called.
func occupy(t *testing.T, port int) (release func()) {
	t.Helper()
	var listener net.Listener
	await(t, "the port is free", func() (free bool) {
		var err error
		listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", loopback(port))
		return err == nil
	})
	return func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
	}
}
