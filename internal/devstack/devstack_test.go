package devstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// childVariable turns the test binary into a helper that starts servers: its
// value says what else it does.
const childVariable = "CASFLOW_DEVSTACK_CHILD"

// childReport is what the helper writes to its standard output.
type childReport struct {
	Fault       string   `json:"fault"`
	Processes   []int    `json:"processes"`
	Directories []string `json:"directories"`
}

func TestMain(m *testing.M) {
	mode := os.Getenv(childVariable)
	if mode == "" {
		os.Exit(m.Run())
	}
	if err := runChild(mode); err != nil {
		_ = json.NewEncoder(os.Stdout).Encode(childReport{Fault: err.Error()})
		os.Exit(1)
	}
}

// runChild starts each kind of server and reports them. In mode "stop" they are
// used and stopped first, in mode "hang" it waits to be killed.
func runChild(mode string) error {
	ctx := context.Background()
	postgres, err := StartPostgres(ctx, "")
	if err != nil {
		return err
	}
	cache, err := StartRedis(ctx)
	if err != nil {
		return err
	}
	child, err := childOf(cache)
	if err != nil {
		return err
	}
	report := childReport{
		Processes:   []int{pidOf(postgres.server), pidOf(child.server)},
		Directories: []string{postgres.dir.path, child.dir.path},
	}
	fleets, err := startAllFleets(ctx)
	if err != nil {
		return err
	}
	for _, f := range fleets {
		for _, process := range f.processes {
			report.Processes = append(report.Processes, pidOf(process.server))
		}
		report.Directories = append(report.Directories, f.dir.path)
	}
	if mode == "stop" {
		if err := pingPostgres(ctx, postgres.URL); err != nil {
			return err
		}
		if err := pingRedis(ctx, cache.URL); err != nil {
			return err
		}
		if err := postgres.Stop(); err != nil {
			return err
		}
		if err := cache.Stop(); err != nil {
			return err
		}
		for _, f := range fleets {
			if err := f.Stop(); err != nil {
				return err
			}
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return err
	}
	if mode == "hang" {
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
	return nil
}

// TestStart_OrdinaryUser starts and stops the servers as a user other than root:
// as nobody, if the tests run as root.
func TestStart_OrdinaryUser(t *testing.T) {
	t.Parallel()
	as := account{}
	if os.Geteuid() == 0 {
		var err error
		if as, err = unprivileged("nobody"); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := newWorkdir(as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.remove(); err != nil {
			t.Error(err)
		}
	})
	// The test binary lies where only its owner can enter.
	program := filepath.Join(dir.path, "devstack.test")
	copyProgram(t, program)
	command := exec.CommandContext(t.Context(), program)
	command.Dir = dir.path
	command.Env = append(os.Environ(), childVariable+"=stop")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: as.credential()}
	output, err := command.Output()
	var report childReport
	if decodeErr := json.Unmarshal(output, &report); err != nil || decodeErr != nil {
		t.Fatalf("child: %v, %v: %s", err, decodeErr, report.Fault)
	}
	for _, pid := range report.Processes {
		assertGone(t, pid)
	}
	for _, path := range report.Directories {
		assertMissing(t, path)
	}
}

func copyProgram(t *testing.T, to string) {
	t.Helper()
	from, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// childOf is the redis-server behind a Redis.
func childOf(server *Redis) (*redisProcess, error) {
	child, ok := server.server.(*redisProcess)
	if !ok {
		return nil, fmt.Errorf("got a %T, want a process", server.server)
	}
	return child, nil
}

func pidOf(p *process) int { return p.command.Process.Pid }

func pingPostgres(ctx context.Context, url string) error {
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close(ctx) }()
	return connection.Ping(ctx)
}

func pingRedis(ctx context.Context, url string) error {
	options, err := redis.ParseURL(url)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return client.Ping(ctx).Err()
}

// assertGone fails unless no process has the id: ended and waited for.
func assertGone(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d is still there (signal 0: %v)", pid, err)
	}
}

func assertMissing(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is still there (stat: %v)", path, err)
	}
}

// await repeats the check until it holds; the time is only a bound for failure.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(pollInterval) {
		if time.Now().After(deadline) {
			t.Fatalf("waited a minute in vain: %s", what)
		}
	}
}

func TestPick_NotInstalled(t *testing.T) {
	t.Parallel()
	_, postgresErr := pickPostgres([]string{"", t.TempDir()})
	_, redisErr := pickRedis([]string{filepath.Join(t.TempDir(), "redis-server")})
	for want, err := range map[string]error{
		"apt-get install postgresql":   postgresErr,
		"apt-get install redis-server": redisErr,
	} {
		if !errors.Is(err, ErrNotInstalled) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("got error %v, want ErrNotInstalled with %q", err, want)
		}
	}
}

func TestPickPostgres_NeedsBothPrograms(t *testing.T) {
	t.Parallel()
	clients, server := t.TempDir(), t.TempDir()
	for path, mode := range map[string]fs.FileMode{
		filepath.Join(clients, "initdb"):   0o755,
		filepath.Join(clients, "postgres"): 0o644,
		filepath.Join(server, "initdb"):    0o755,
		filepath.Join(server, "postgres"):  0o755,
	} {
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	got, err := pickPostgres([]string{clients, server})
	if err != nil || got != server {
		t.Errorf("got %q, %v, want %q", got, err, server)
	}
}

func TestVersionIn(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/usr/lib/postgresql/9/bin": 9, "/usr/lib/postgresql/17/bin": 17,
		"/usr/pgsql-16/bin": 16, "/usr/local/pgsql/bin": 0,
	} {
		if got := versionIn(path); got != want {
			t.Errorf("versionIn(%q): got %d, want %d", path, got, want)
		}
	}
}
