package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Health is what Postgres tells of itself.
type Health struct {
	Version       string // such as "17.5"
	VersionNumber int    // such as 170005
	ReadOnly      bool   // a standby, or a database that is set so
	// MaxConnections is how many connections ordinary users may have together,
	// UsedConnections how many are in use besides the one that asks.
	MaxConnections, UsedConnections int
	// PoolSize is how many of them this DB may use, those for groups of documents included.
	PoolSize int
	// Skew is how far Postgres' clock is ahead of ours, at the least: see Skew.
	Skew time.Duration
}

// Health asks Postgres about itself. Any user may.
func (db *DB) Health(ctx context.Context) (Health, error) {
	// Of other users' connections, little more than the database is for everybody
	// to see; Postgres' own processes have none. reserved_connections is new in 16.
	const sql = `
SELECT current_setting('server_version') AS version,
	current_setting('server_version_num')::int AS version_number,
	current_setting('transaction_read_only')::bool AS read_only,
	current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
		- coalesce(current_setting('reserved_connections', true)::int, 0) AS max_connections,
	(SELECT count(*)::int FROM pg_stat_activity WHERE datid IS NOT NULL AND pid <> pg_backend_pid()) AS used_connections,
	clock_timestamp() AS clock`
	type answer struct {
		Version                         string
		VersionNumber                   int
		ReadOnly                        bool
		MaxConnections, UsedConnections int
		Clock                           time.Time
	}
	before := time.Now()
	told, err := one[answer](ctx, db.pool, sql, pgx.NamedArgs{})
	if err != nil {
		return Health{}, fmt.Errorf("ask Postgres about itself: %w", err)
	}
	return Health{
		Version: told.Version, VersionNumber: told.VersionNumber, ReadOnly: told.ReadOnly,
		MaxConnections: told.MaxConnections, UsedConnections: told.UsedConnections,
		PoolSize: int(db.pool.Config().MaxConns + db.forAsks.Config().MaxConns + db.forSaves.Config().MaxConns), Skew: Skew(before, told.Clock, time.Now()),
	}, nil
}

// Skew is how far the clock of a server is ahead of ours (below 0: behind), at
// the least: told is what it showed at some moment between before and after of
// our clock, so that a slow answer never looks like a wrong clock.
func Skew(before, told, after time.Time) time.Duration {
	switch {
	case told.After(after):
		return told.Sub(after)
	case told.Before(before):
		return told.Sub(before)
	default:
		return 0
	}
}
