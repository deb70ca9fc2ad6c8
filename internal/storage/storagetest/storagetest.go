// Package storagetest gives each test a migrated Postgres database of its own,
// on a throw-away cluster that one test binary shares:
//
//	func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }
//
//	db := storagetest.New(t)
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"casflow/internal/devstack"
	"casflow/internal/storage"
	"casflow/migrations"
)

// template is the migrated database that every test's is copied from: that takes
// milliseconds, migrating some hundred.
const template = "casflow_template"

//nolint:gochecknoglobals // one cluster per test binary
var (
	cluster  *devstack.Postgres
	database atomic.Int64
)

// Main starts the cluster, runs the tests, and stops it. It returns the exit
// code. A machine without Postgres fails the run, saying what to install.
func Main(m *testing.M) int {
	if err := start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "tests need a Postgres:", err)
		return 1
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop Postgres:", err)
		return max(code, 1)
	}
	return code
}

func start(ctx context.Context) error {
	var err error
	if cluster, err = devstack.StartPostgres(ctx, ""); err != nil {
		return fmt.Errorf("start Postgres: %w", err)
	}
	if err := exec(ctx, "CREATE DATABASE "+template); err != nil {
		return err
	}
	return Migrate(ctx, urlOf(template))
}

// Migrate brings the database at address to the latest schema.
func Migrate(ctx context.Context, address string) error {
	migrator, err := migrations.Open(address)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	if _, err := migrator.Up(ctx); err != nil {
		return errors.Join(fmt.Errorf("migrate database: %w", err), migrator.Close())
	}
	return migrator.Close()
}

func exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, cluster.URL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

func urlOf(name string) string {
	u, err := url.Parse(cluster.URL)
	if err != nil {
		panic(err) // our own devstack made it
	}
	u.Path = "/" + name
	return u.String()
}

// URL makes a migrated database for the test and returns its URL. It goes with
// the cluster.
func URL(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d", database.Add(1))
	if err := exec(tb.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatal(err)
	}
	return urlOf(name)
}

// Empty makes a database without a schema.
func Empty(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d", database.Add(1))
	if err := exec(tb.Context(), "CREATE DATABASE "+name); err != nil {
		tb.Fatal(err)
	}
	return urlOf(name)
}

// Skewed makes a migrated database for the test whose clock is wrong: now() and
// clock_timestamp() are ahead of the machine's by so much, below 0 behind it, in
// every statement and default that asks them by name. It returns its URL.
func Skewed(tb testing.TB, ahead time.Duration) string {
	tb.Helper()
	address := Empty(tb)
	for _, sql := range []string{
		"CREATE SCHEMA skewed",
		skewedClock("now", ahead),
		skewedClock("clock_timestamp", ahead),
		// pg_catalog comes first wherever it is not named.
		"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = skewed, pg_catalog, public', current_database()); END $$",
	} {
		Rows(tb, address, sql)
	}
	if err := Migrate(tb.Context(), address); err != nil {
		tb.Fatal(err)
	}
	return address
}

func skewedClock(name string, ahead time.Duration) string {
	return fmt.Sprintf(`CREATE FUNCTION skewed.%[1]s() RETURNS timestamptz LANGUAGE sql STABLE
AS $$ SELECT pg_catalog.%[1]s() + interval '%[2]d seconds' $$`, name, int(ahead.Seconds()))
}

// New makes a migrated database for the test and opens it.
func New(tb testing.TB) *storage.DB {
	tb.Helper()
	db, _ := NewURL(tb)
	return db
}

// NewURL is New, and returns the URL besides, for looking at the rows.
func NewURL(tb testing.TB) (*storage.DB, string) {
	tb.Helper()
	address := URL(tb)
	db, err := storage.Open(tb.Context(), address, 8)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(db.Close)
	return db, address
}

// Rows runs a query on the database at url and returns the rows as text, NULL as
// "<null>".
func Rows(tb testing.TB, address, sql string, args ...any) [][]string {
	tb.Helper()
	ctx := context.WithoutCancel(tb.Context()) // so that a test's clean-up may look too
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	// The simple protocol gives every value in its text form.
	rows, err := conn.Query(ctx, sql, append([]any{pgx.QueryExecModeSimpleProtocol}, args...)...)
	if err != nil {
		tb.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]string, error) {
		var texts []string
		for _, raw := range row.RawValues() {
			if raw == nil {
				texts = append(texts, "<null>")
				continue
			}
			texts = append(texts, string(raw))
		}
		return texts, nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// Exec runs statements on the database at url and returns their error.
func Exec(tb testing.TB, address, sql string) error {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), address)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(tb.Context())) }()
	_, err = conn.Exec(tb.Context(), sql, pgx.QueryExecModeSimpleProtocol)
	return err //nolint:wrapcheck // the test judges it
}
