package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// superuser is the name of the cluster's only user and of its only database;
// also the system user that Postgres packages make.
const superuser = "postgres"

// postgresPrograms finds the directory that holds initdb and postgres.
func postgresPrograms(ctx context.Context) (string, error) {
	candidates, err := postgresDirectories(ctx)
	if err != nil {
		return "", err
	}
	return pickPostgres(candidates)
}

// postgresDirectories is where to look: on the path, then, newest first, where
// packages put it, then where pg_config says.
func postgresDirectories(ctx context.Context) ([]string, error) {
	candidates := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
		"/usr/lib/postgresql*/bin",           // openSUSE
		"/usr/libexec/postgresql*",           // Alpine
		"/usr/pgsql-*/bin",                   // the project's packages for Red Hat
		"/usr/local/pgsql/bin",               // built from source
		"/opt/homebrew/opt/postgresql*/bin",  // macOS
		"/usr/local/opt/postgresql*/bin",     // macOS
		"/Applications/Postgres.app/*/*/bin", // macOS
	} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, fmt.Errorf("look for postgres: %w", err)
		}
		slices.SortFunc(found, func(a, b string) int { return versionIn(b) - versionIn(a) })
		candidates = append(candidates, found...)
	}
	if told, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(told)))
	}
	return candidates, nil
}

// pickPostgres is the first of the directories that has both programs: clients
// alone come without them.
func pickPostgres(directories []string) (string, error) {
	for _, dir := range directories {
		if dir == "" {
			continue
		}
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			path, err := filepath.Abs(dir)
			if err != nil {
				return "", fmt.Errorf("look for postgres: %w", err)
			}
			return path, nil
		}
	}
	return "", fmt.Errorf("postgres server %w: no initdb and postgres on PATH or where packages put them; install it: "+
		"apt-get install postgresql, dnf install postgresql-server, or brew install postgresql", ErrNotInstalled)
}

// versionIn is the first number in a path, its Postgres version; 0 if none.
func versionIn(path string) int {
	version, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(path))
	if err != nil {
		return 0
	}
	return version
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// prepareCluster returns the superuser's password of the cluster in the
// directory, which it makes if there is none.
func (p *Postgres) prepareCluster(ctx context.Context) (password string, err error) {
	kept := filepath.Join(p.dir.path, "password")
	made, err := exists(p.data())
	if err != nil {
		return "", err
	}
	if made {
		text, err := os.ReadFile(kept)
		if err != nil {
			return "", fmt.Errorf("read password of the existing cluster: %w", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	password = rand.Text()
	if err := p.makeCluster(ctx, password); err != nil {
		return "", err
	}
	if err := os.WriteFile(kept, []byte(password+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep password: %w", err)
	}
	// Named last, so that a cluster found under this name is whole.
	if err := os.Rename(p.newData(), p.data()); err != nil {
		return "", fmt.Errorf("name cluster: %w", err)
	}
	return password, nil
}

func (p *Postgres) newData() string { return p.data() + ".new" }

// makeCluster runs initdb as the server's user.
func (p *Postgres) makeCluster(ctx context.Context, password string) error {
	if err := os.RemoveAll(p.newData()); err != nil {
		return fmt.Errorf("remove unfinished cluster: %w", err)
	}
	if err := os.Mkdir(p.newData(), 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	if err := p.account.own(p.newData()); err != nil {
		return err
	}
	// A file, because command lines are for everybody to see.
	told := filepath.Join(p.dir.path, "initdb-password")
	if err := os.WriteFile(told, []byte(password+"\n"), 0o600); err != nil {
		return fmt.Errorf("tell password: %w", err)
	}
	defer func() { _ = os.Remove(told) }()
	if err := p.account.own(told); err != nil {
		return err
	}
	arguments := []string{
		"-D", p.newData(), "-U", superuser, "-A", "scram-sha-256", "--pwfile", told,
		"-E", "UTF8", "--locale=C",
	}
	if !p.options.Fsync {
		arguments = append(arguments, "-N")
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), filepath.Join(p.programs, "initdb"), arguments...) //nolint:gosec // found in the usual places
	command.Dir, command.Env = p.dir.path, serverEnvironment()
	initdb, err := startProcess(command, p.account, syscall.SIGKILL, p.log())
	if err != nil {
		return err
	}
	select {
	case <-initdb.ended:
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("make cluster: %w", context.Cause(ctx)), initdb.stop(syscall.SIGTERM))
	}
	if initdb.err != nil {
		return initdb.failed()
	}
	return nil
}

// serverEnvironment leaves out what would steer a server from outside: PGDATA,
// PGPORT, the locale of whoever runs the tests.
func serverEnvironment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}
