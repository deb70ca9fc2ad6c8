package devstack

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Redis is a running Redis server, safe for concurrent use.
type Redis struct {
	// URL connects to database 0 over TCP to a loopback address. It may hold a
	// made-up password that is good for this server alone. It stays the same
	// over Restart.
	URL string

	mu      sync.Mutex
	server  redisServer
	stopped bool
}

// redisServer is what a Redis of either kind can do.
type redisServer interface {
	launch(ctx context.Context) error
	shutDown() error
	kill() error
	cleanUp() error
}

// StartRedis starts redis-server on a free loopback port, as the contract with
// production asks it to be (noeviction), but keeping nothing on disk. It returns
// when the server answers. The context is for the start alone, which is given up
// after a minute where ctx has no deadline. The error matches ErrNotInstalled if
// there is no redis-server on this machine.
func StartRedis(ctx context.Context) (*Redis, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	program, err := pickRedis(redisPrograms())
	if err != nil {
		return nil, err
	}
	as, err := unprivileged("redis", "nobody")
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	dir, err := newWorkdir(as)
	if err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	server := &redisProcess{program: program, account: as, dir: dir, password: rand.Text()}
	err = onFreePort(ctx, func(port int) error {
		server.port = port
		return server.launch(ctx)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start redis: %w", err), dir.remove())
	}
	// The user is named because redis-cli of some versions wants it.
	address := url.URL{Scheme: "redis", User: url.UserPassword("default", server.password), Host: loopback(server.port), Path: "0"}
	return &Redis{URL: address.String(), server: server}, nil
}

// Stop ends the server, waits for its end and removes its directory. Stopping
// twice is no error.
func (r *Redis) Stop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return nil
	}
	r.stopped = true
	return errors.Join(r.server.shutDown(), r.server.cleanUp())
}

// Kill ends the server at once, as a crash would.
func (r *Redis) Kill() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.server.kill()
}

// Restart starts the server again on the same port, empty, after Kill or, while
// it runs, after a shutdown. It fails after Stop.
func (r *Redis) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return errors.New("restart redis: it has been stopped for good")
	}
	if err := r.server.shutDown(); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	if err := r.server.launch(ctx); err != nil {
		return fmt.Errorf("restart redis: %w", err)
	}
	return nil
}

// redisPrograms is where redis-server may be: on the path or where packages put
// it, which for an ordinary user may not be on the path.
func redisPrograms() []string {
	return []string{
		"redis-server", "/usr/bin/redis-server", "/usr/sbin/redis-server",
		"/usr/local/bin/redis-server", "/opt/homebrew/bin/redis-server",
	}
}

// pickRedis is the first of the programs that there is.
func pickRedis(programs []string) (string, error) {
	for _, name := range programs {
		path, err := exec.LookPath(name)
		if err != nil {
			continue // the next place may have it
		}
		if path, err = filepath.Abs(path); err != nil {
			return "", fmt.Errorf("look for redis-server: %w", err)
		}
		return path, nil
	}
	return "", fmt.Errorf("redis-server %w: it is not on PATH; install it: "+
		"apt-get install redis-server, dnf install redis, or brew install redis", ErrNotInstalled)
}

// probeLimit is how long a starting redis-server may take to answer before the
// question is put again.
const probeLimit = time.Second

// redisProcess is redis-server as a child.
type redisProcess struct {
	program  string
	account  account
	dir      workdir
	port     int
	password string
	settings string // lines of configuration, beyond those that every server has
	server   *process
}

func (r *redisProcess) launch(ctx context.Context) error {
	// By standard input, because command lines are for everybody to see.
	return r.run(ctx, strings.NewReader(r.configuration()), "-")
}

// run starts the program and returns when it answers.
func (r *redisProcess) run(ctx context.Context, input io.Reader, arguments ...string) error {
	// The context is for the start, the server is to outlive it.
	command := exec.CommandContext(context.WithoutCancel(ctx), r.program, arguments...) //nolint:gosec // found in the usual places
	command.Dir, command.Env = r.dir.path, serverEnvironment()
	command.Stdin = input
	server, err := startProcess(command, r.account, syscall.SIGKILL, filepath.Join(r.dir.path, "redis.log"))
	if err != nil {
		return err
	}
	if err := server.awaitReady(ctx, r.answers); err != nil {
		return errors.Join(err, server.stop(syscall.SIGKILL))
	}
	r.server = server
	return nil
}

// configuration has a password although the address is loopback: any user of
// the machine could otherwise have this server write files.
func (r *redisProcess) configuration() string {
	return fmt.Sprintf("bind 127.0.0.1\nport %d\nrequirepass %s\nsave \"\"\nappendonly no\nmaxmemory-policy noeviction\n%s",
		r.port, r.password, r.settings)
}

// answers tells whether our server, and no stranger who has taken its port, is
// there: only ours knows the password.
func (r *redisProcess) answers(ctx context.Context) bool {
	// A stranger may say nothing at all; ours is asked again.
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", loopback(r.port))
	if err != nil {
		return false
	}
	defer func() { _ = connection.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := connection.SetDeadline(deadline); err != nil {
			return false
		}
	}
	if _, err := fmt.Fprintf(connection, "AUTH %s\r\nPING\r\n", r.password); err != nil {
		return false
	}
	reader := bufio.NewReader(connection)
	for _, want := range []string{"+OK\r\n", "+PONG\r\n"} {
		if got, err := reader.ReadString('\n'); err != nil || got != want {
			return false
		}
	}
	return true
}

func (r *redisProcess) shutDown() error { return r.server.stop(syscall.SIGTERM) }

func (r *redisProcess) kill() error { return r.server.stop(syscall.SIGKILL) }

func (r *redisProcess) cleanUp() error { return r.dir.remove() }
