package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Heartbeat says that a worker process lives. The first one registers it; rows
// of workers that were last seen a day ago are removed on the way.
func (db *DB) Heartbeat(ctx context.Context, worker uuid.UUID, host string) error {
	const sql = `
WITH gone AS (DELETE FROM cas.workers WHERE seen_at < now() - interval '1 day' AND worker_id <> @worker)
INSERT INTO cas.workers (worker_id, host) VALUES (@worker, @host)
ON CONFLICT (worker_id) DO UPDATE SET seen_at = now()`
	if _, err := db.pool.Exec(ctx, sql, pgx.NamedArgs{"worker": worker, "host": host}); err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Retire removes a worker process that has ended in order.
func (db *DB) Retire(ctx context.Context, worker uuid.UUID) error {
	_, err := db.pool.Exec(ctx, `DELETE FROM cas.workers WHERE worker_id = @worker`, pgx.NamedArgs{"worker": worker})
	if err != nil {
		return fmt.Errorf("retire worker: %w", err)
	}
	return nil
}
