package devstack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// PostgresOptions say how to start a Postgres server.
type PostgresOptions struct {
	// Dir keeps the data, the password and the log: made if need be, used
	// again if it holds a cluster already, left in place by Stop. Empty, a
	// temporary directory is used, which Stop removes.
	Dir string
	// Fsync makes the server flush to disk, as production does; for benches.
	// Without it, committed data survives a crash of the server, but not one
	// of the machine.
	Fsync bool
	// Settings are server settings by name, such as "log_statement": "all".
	// They win over the ones set here, except for the address.
	Settings map[string]string
}

// Postgres is a running Postgres server, safe for concurrent use.
type Postgres struct {
	// URL connects as the superuser, over TCP to a loopback address, to the
	// empty database postgres. It holds a made-up password that is good for
	// this cluster alone. It stays the same over Restart.
	URL string

	options  PostgresOptions
	programs string // directory of initdb and postgres
	account  account
	dir      workdir
	port     int

	mu      sync.Mutex
	server  *process
	stopped bool
}

// StartPostgres starts a server with the default options, keeping its data in
// dir, or in a temporary directory if dir is "". See PostgresOptions.Start.
func StartPostgres(ctx context.Context, dir string) (*Postgres, error) {
	return PostgresOptions{Dir: dir}.Start(ctx)
}

// Start makes a cluster (UTF8, C locale, passwords hashed by SCRAM, time zone
// UTC) and starts a server on a free loopback port. It returns when the server
// takes connections. The context is for the start alone: it takes about a second
// and is given up after a minute where ctx has no deadline. The error matches
// ErrNotInstalled if there is no Postgres on this machine; for a server that
// fails to start it holds the end of its log.
func (o PostgresOptions) Start(ctx context.Context) (*Postgres, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	programs, err := postgresPrograms(ctx)
	if err != nil {
		return nil, err
	}
	p := &Postgres{options: o, programs: programs}
	if err := p.start(ctx); err != nil {
		if p.dir.path != "" {
			err = errors.Join(err, p.dir.remove())
		}
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context) error {
	if err := p.prepareDirectory(); err != nil {
		return err
	}
	password, err := p.prepareCluster(ctx)
	if err != nil {
		return err
	}
	err = onFreePort(ctx, func(port int) error {
		p.port = port
		return p.launch(ctx)
	})
	if err != nil {
		return err
	}
	address := url.URL{
		Scheme: "postgres", User: url.UserPassword(superuser, password),
		Host: loopback(p.port), Path: superuser, RawQuery: "sslmode=disable",
	}
	p.URL = address.String()
	return nil
}

// prepareDirectory picks the user to run as and the directory to run in.
func (p *Postgres) prepareDirectory() (err error) {
	if p.account, err = unprivileged(superuser, "nobody"); err != nil {
		return err
	}
	if p.options.Dir == "" {
		p.dir, err = newWorkdir(p.account)
		return err
	}
	if p.dir, err = givenWorkdir(p.options.Dir, p.account); err != nil {
		return err
	}
	if found, err := exists(p.data()); err != nil || !found {
		return err
	}
	p.account, err = ownerOf(p.data())
	return err
}

func (p *Postgres) data() string { return filepath.Join(p.dir.path, "data") }

func (p *Postgres) log() string { return filepath.Join(p.dir.path, "postgres.log") }

// launch starts the server on p.port and waits until it takes connections.
func (p *Postgres) launch(ctx context.Context) error {
	arguments := []string{"-D", p.data()}
	settings := p.settings()
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		arguments = append(arguments, "-c", name+"="+settings[name])
	}
	// The context is for the start, the server is to outlive it.
	command := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(p.programs, "postgres"), arguments...) //nolint:gosec // found in the usual places
	command.Dir, command.Env = p.dir.path, serverEnvironment()
	server, err := startProcess(command, p.account, syscall.SIGINT, p.log())
	if err != nil {
		return err
	}
	err = server.awaitReady(ctx, func(context.Context) bool { return p.ready(server) })
	if err != nil {
		return errors.Join(err, server.stop(syscall.SIGQUIT))
	}
	p.server = server
	return nil
}

func (p *Postgres) settings() map[string]string {
	settings := map[string]string{
		"max_connections": "200",
		"timezone":        "UTC",
		"log_timezone":    "UTC",
	}
	if !p.options.Fsync {
		settings["fsync"] = "off"
		settings["full_page_writes"] = "off"
	}
	maps.Copy(settings, p.options.Settings)
	settings["listen_addresses"] = "127.0.0.1"
	settings["port"] = strconv.Itoa(p.port)
	// A socket's path may be too long in a temporary directory, and production
	// speaks TCP too.
	settings["unix_socket_directories"] = ""
	return settings
}

// ready reads the file in which the server tells its state, as pg_ctl does. It
// names the server's process: a stranger who has taken the port is not mistaken
// for ours.
func (p *Postgres) ready(server *process) bool {
	text, err := os.ReadFile(filepath.Join(p.data(), "postmaster.pid"))
	if err != nil {
		return false // not written yet
	}
	const processLine, stateLine = 0, 7
	lines := strings.Split(string(text), "\n")
	return len(lines) > stateLine &&
		strings.TrimSpace(lines[processLine]) == strconv.Itoa(server.command.Process.Pid) &&
		strings.TrimSpace(lines[stateLine]) == "ready"
}

// Stop shuts the server down, ending its connections, waits for its end and
// removes its directory unless that was given. Stopping twice is no error.
func (p *Postgres) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	return errors.Join(p.server.stop(syscall.SIGINT), p.dir.remove())
}

// CPU is the processor time that the server has taken since its start, all of its
// processes together. Linux tells.
func (p *Postgres) CPU() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return familyCPU(p.server.command.Process.Pid)
}

// Kill ends the server at once, as a crash would: nothing is written back, and
// the next Restart recovers from the log of the committed transactions.
func (p *Postgres) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server.stop(syscall.SIGQUIT)
}

// Restart starts the server again on the same port with the same data, after
// Kill or, while it runs, after a shutdown. It fails after Stop.
func (p *Postgres) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errors.New("restart postgres: it has been stopped for good")
	}
	if err := p.server.stop(syscall.SIGINT); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	if err := p.launch(ctx); err != nil {
		return fmt.Errorf("restart postgres: %w", err)
	}
	return nil
}
