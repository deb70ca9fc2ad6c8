package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// keepaliveSQL is for connections that hold a lock: whoever is on a machine that is
// gone must not keep it until the kernel's own timeouts, hours later.
const keepaliveSQL = `SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),
		set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '25000', false)`

// Hold is an advisory lock, held for as long as its connection lives. The
// connection is its own, beside the pool: so that a pool of one is still of use.
type Hold struct {
	conn   *pgx.Conn
	asking sync.Mutex // the connection takes one question at a time
}

// hold takes a lock, for which it waits so long; nil without an error means that
// somebody else has it.
func (db *DB) hold(ctx context.Context, key int64, wait time.Duration) (*Hold, error) {
	conn, err := pgx.ConnectConfig(ctx, db.pool.Config().ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", reachError(err))
	}
	h := &Hold{conn: conn}
	held, err := h.take(ctx, key, wait)
	if err != nil || !held {
		h.Release() //nolint:contextcheck // releasing must work when ctx has ended
		return nil, err
	}
	return h, nil
}

func (h *Hold) take(ctx context.Context, key int64, wait time.Duration) (held bool, err error) {
	// It asks for nothing while it holds the lock. Postgres before 14 does not know the
	// last setting.
	const prepare = keepaliveSQL + `, (SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout')`
	if _, err := h.conn.Exec(ctx, prepare); err != nil {
		return false, fmt.Errorf("prepare lock: %w", err)
	}
	if wait > 0 {
		_, err = h.conn.Exec(ctx, `SELECT set_config('lock_timeout', $1, false)`, fmt.Sprint(wait.Milliseconds()))
		if err == nil {
			_, err = h.conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, key)
		}
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "55P03" { // lock_not_available
			return false, nil
		}
		held = true
	} else {
		err = h.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&held)
	}
	if err != nil {
		return false, fmt.Errorf("take lock: %w", err)
	}
	return held, nil
}

// Check asks whether the lock is still held: an error means that it may not be. It is
// safe for concurrent use.
func (h *Hold) Check(ctx context.Context) error {
	h.asking.Lock()
	defer h.asking.Unlock()
	if err := h.conn.Ping(ctx); err != nil {
		return fmt.Errorf("the lock may be lost: %w", reachError(err))
	}
	return nil
}

// Release gives the lock up and closes the connection, which frees the lock too, a
// little later, where Postgres no longer answers on it.
func (h *Hold) Release() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, _ = h.conn.Exec(ctx, `SELECT pg_advisory_unlock_all()`)
	_ = h.conn.Close(ctx) // there is nothing left to do about a connection that fails to close
}
