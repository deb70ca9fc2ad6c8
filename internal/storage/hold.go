package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// keepaliveSQL is for connections that hold a lock: whoever is on a machine that is
// gone must not keep it until the kernel's own timeouts, hours later.
const keepaliveSQL = `SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
		set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false)`

// Hold is an advisory lock, held for as long as its connection lives. The
// connection is its own, beside the pool: so that a pool of one is still of use.
type Hold struct {
	conn *pgx.Conn
}

// hold tries to take a lock; nil without an error means that somebody else has it.
func (db *DB) hold(ctx context.Context, key int64) (*Hold, error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", reachError(err))
	}
	h := &Hold{conn: conn}
	var held bool
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&held)
	if err == nil && held {
		_, err = conn.Exec(ctx, keepaliveSQL)
	}
	if err != nil || !held {
		h.Release()     //nolint:contextcheck // releasing must work when ctx has ended
		return nil, err //nolint:wrapcheck // wrapped by the exported method
	}
	return h, nil
}

// Check asks whether the lock is still held: an error means that it may not be.
func (h *Hold) Check(ctx context.Context) error {
	if err := h.conn.Ping(ctx); err != nil {
		return fmt.Errorf("the lock may be lost: %w", reachError(err))
	}
	return nil
}

// Release gives the lock up, by closing the connection.
func (h *Hold) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = h.conn.Close(ctx) // there is nothing left to do about a connection that fails to close
}
