// Package migrations holds the schema of casflow's database, embedded in the
// programs, and applies it. Whoever migrates holds an advisory lock, so two
// workers that start together do not meet half-way.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// versionTable is where the applied versions are noted. It stands in casflow's
// own schema, so that a database shared with other programs has no clash.
const versionTable = "cas.schema_migrations"

// State is one migration and whether the database has it.
type State struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero: not applied
}

// Migrator applies the embedded migrations to one database. Close it.
type Migrator struct {
	db       *sql.DB
	provider *goose.Provider
}

// Open connects to the database at url (any libpq URL). It changes nothing.
func Open(url string) (*Migrator, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a Postgres URL: expected postgres://USER@HOST:PORT/DATABASE")
	}
	db := stdlib.OpenDB(*config)
	m := &Migrator{db: db}
	if err := m.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return m, nil
}

func (m *Migrator) prepare() error {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return fmt.Errorf("prepare migration lock: %w", err)
	}
	m.provider, err = goose.NewProvider(goose.DialectPostgres, m.db, files,
		goose.WithSessionLocker(locker), goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read embedded migrations: %w", err)
	}
	return nil
}

// Close closes the connection.
func (m *Migrator) Close() error {
	if err := m.db.Close(); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// Up applies what is missing, in order, and returns what it applied.
func (m *Migrator) Up(ctx context.Context) ([]State, error) {
	// IF NOT EXISTS is not safe against a second one at the same moment: whoever
	// comes second gets a unique violation, which says that the schema is there.
	const createSchema = `DO $$ BEGIN
		IF to_regnamespace('cas') IS NULL THEN CREATE SCHEMA cas; END IF;
	EXCEPTION WHEN duplicate_schema OR unique_violation THEN NULL; END $$`
	if _, err := m.db.ExecContext(ctx, createSchema); err != nil {
		return nil, fmt.Errorf("create schema cas: %w", err)
	}
	results, err := m.provider.Up(ctx)
	states := make([]State, 0, len(results))
	for _, r := range results {
		states = append(states, State{Version: r.Source.Version, Name: r.Source.Path, AppliedAt: time.Now()})
	}
	if err != nil {
		return states, fmt.Errorf("migrate up: %w", err)
	}
	return states, nil
}

// Down takes back the newest applied migration, data included. It returns a
// State without a version when there is none.
func (m *Migrator) Down(ctx context.Context) (State, error) {
	if empty, err := m.empty(ctx); empty || err != nil {
		return State{}, err
	}
	result, err := m.provider.Down(ctx)
	switch {
	case errors.Is(err, goose.ErrNoNextVersion):
		return State{}, nil
	case err != nil:
		return State{}, fmt.Errorf("migrate down: %w", err)
	}
	return State{Version: result.Source.Version, Name: result.Source.Path}, nil
}

// Status lists all migrations in order.
func (m *Migrator) Status(ctx context.Context) ([]State, error) {
	if empty, err := m.empty(ctx); empty || err != nil {
		return m.none(), err
	}
	all, err := m.provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("migration status: %w", err)
	}
	states := make([]State, 0, len(all))
	for _, s := range all {
		states = append(states, State{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt})
	}
	return states, nil
}

// empty reports whether no migration was ever applied: then asking for more would
// make the version table, and who asks only wants to look.
func (m *Migrator) empty(ctx context.Context) (bool, error) {
	var empty bool
	if err := m.db.QueryRowContext(ctx, `SELECT to_regclass($1) IS NULL`, versionTable).Scan(&empty); err != nil {
		return false, fmt.Errorf("look for applied migrations: %w", err)
	}
	return empty, nil
}

// none is the status of a database without migrations.
func (m *Migrator) none() []State {
	var states []State
	for _, s := range m.provider.ListSources() {
		states = append(states, State{Version: s.Version, Name: s.Path})
	}
	return states
}

// Latest is the schema version that this program needs.
func Latest() int64 {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded: it cannot fail
	}
	return int64(len(entries)) // numbered from 1 without gaps, which a test holds
}
