package devstack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

func startPostgres(t *testing.T, options PostgresOptions) *Postgres {
	t.Helper()
	postgres, err := options.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := postgres.Stop(); err != nil {
			t.Error(err)
		}
	})
	return postgres
}

// run executes SQL and returns the first column of what it gives.
func run(t *testing.T, postgres *Postgres, sql string) []string {
	t.Helper()
	connection, err := pgx.Connect(t.Context(), postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(t.Context()) }()
	rows, err := connection.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestPostgres_Settings(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, PostgresOptions{
		Fsync:    true,
		Settings: map[string]string{"work_mem": "7MB", "port": "1"},
	})
	got := run(t, postgres, `SELECT current_setting(name) FROM unnest(ARRAY[
		'server_encoding', 'lc_collate', 'timezone', 'max_connections', 'fsync', 'work_mem', 'password_encryption']) AS name`)
	want := []string{"UTF8", "C", "UTC", "200", "on", "7MB", "scram-sha-256"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

func TestPostgres_WrongPassword(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, PostgresOptions{})
	config, err := pgx.ParseConfig(postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	config.Password = "guessed"
	if connection, err := pgx.ConnectConfig(t.Context(), config); err == nil {
		_ = connection.Close(t.Context())
		t.Error("connected without the password")
	}
}

func TestPostgres_TwoAtOnce(t *testing.T) {
	t.Parallel()
	var servers [2]*Postgres
	var starts errgroup.Group
	for i := range servers {
		starts.Go(func() (err error) {
			servers[i], err = StartPostgres(t.Context(), "")
			return err
		})
	}
	if err := starts.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, server := range servers {
		run(t, server, "CREATE TABLE only_once ()")
	}
	for _, server := range servers {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		assertGone(t, pidOf(server.server))
		assertMissing(t, server.dir.path)
		if err := server.Stop(); err != nil {
			t.Errorf("second stop: %v", err)
		}
		if err := server.Restart(t.Context()); err == nil {
			t.Error("restarted after stop")
		}
	}
}

// TestPostgres_StopWithConnections shows that open connections, busy ones too,
// do not hold the stop up.
func TestPostgres_StopWithConnections(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, PostgresOptions{})
	connection, err := pgx.Connect(t.Context(), postgres.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close(t.Context()) }()
	if _, err := connection.Exec(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if err := postgres.Stop(); err != nil {
		t.Error(err)
	}
	if err := connection.Ping(t.Context()); err == nil {
		t.Error("connection survives the server")
	}
}

func TestPostgres_KillAndRestart(t *testing.T) {
	t.Parallel()
	postgres := startPostgres(t, PostgresOptions{})
	url, killed := postgres.URL, pidOf(postgres.server)
	run(t, postgres, "CREATE TABLE kept AS SELECT 'committed' AS word")
	if err := postgres.Kill(); err != nil {
		t.Fatal(err)
	}
	assertGone(t, killed)
	if err := pingPostgres(t.Context(), url); err == nil {
		t.Error("answers after kill")
	}
	if err := postgres.Kill(); err != nil {
		t.Errorf("second kill: %v", err)
	}

	release := occupy(t, postgres.port)
	if err := postgres.Restart(t.Context()); !errors.Is(err, errAddressInUse) {
		t.Errorf("restart on a taken port: got %v", err)
	}
	release()
	for range 2 { // from dead, then from running
		if err := postgres.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := run(t, postgres, "SELECT word FROM kept"); !cmp.Equal(got, []string{"committed"}) {
			t.Errorf("after restart: got %q", got)
		}
	}
	if postgres.URL != url {
		t.Error("URL changed over restart")
	}
}

func TestPostgres_KeptDirectory(t *testing.T) {
	t.Parallel()
	as, err := unprivileged(superuser, "nobody")
	if err != nil {
		t.Fatal(err)
	}
	parent, err := newWorkdir(as) // other than t.TempDir, Postgres's user can enter it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parent.remove(); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(parent.path, "kept")
	first, err := StartPostgres(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	run(t, first, "CREATE TABLE kept AS SELECT 'there' AS word")
	if _, err := StartPostgres(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "postmaster.pid") {
		t.Errorf("second server on the same data: got %v", err)
	}
	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	again := startPostgres(t, PostgresOptions{Dir: dir})
	if got := run(t, again, "SELECT word FROM kept"); !cmp.Equal(got, []string{"there"}) {
		t.Errorf("got %q", got)
	}
}

func TestPostgres_StartFails(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx     context.Context
		options PostgresOptions
		want    string
	}{
		"BadSetting": {t.Context(), PostgresOptions{Settings: map[string]string{"work_mem": "plenty"}}, `invalid value for parameter "work_mem"`},
		"Cancelled":  {cancelled, PostgresOptions{}, context.Canceled.Error()},
		"NotADirectory": {
			t.Context(), PostgresOptions{Dir: filepath.Join(os.DevNull, "data")}, "make directory",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			postgres, err := test.options.Start(test.ctx)
			if err == nil {
				_ = postgres.Stop()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q in it", err, test.want)
			}
		})
	}
}
