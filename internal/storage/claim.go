package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Claim makes a pending or queued document the worker's and returns it. Of all
// who try only one succeeds; the others get ErrBusy, ErrFinished when it is
// parsed or dead, ErrNotFound when the ledger does not have it. A document whose
// worker has died is not claimed here: Leader.Reclaim frees it first.
func (db *DB) Claim(ctx context.Context, id, worker uuid.UUID) (Document, error) {
	asked := &asked{document: id, worker: worker}
	if db.asks.ask(ctx, asked) {
		return *asked.claimed, nil
	}
	rows, err := db.pool.Query(ctx, claim.sql, claim.values(pgx.NamedArgs{"id": id, "worker": worker})...)
	var document Document
	if err == nil {
		document, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Document])
	}
	if err == nil {
		return document, nil
	}
	if errors.Is(err, pgx.ErrNoRows) {
		if document, err = db.Document(ctx, id); err == nil {
			err = ErrBusy
			if document.Status == StatusParsed || document.Status == StatusDead {
				err = ErrFinished
			}
		}
	}
	return Document{}, fmt.Errorf("claim document %s: %w", id, err)
}

// claim does not wait for the disk: a claim that a crash of Postgres takes back is one
// that was lost, and the beginning of an attempt, which must hold it, brings it to the
// disk with itself.
//
//nolint:gochecknoglobals // a constant, computed
var claim = prepare(`
UPDATE cas.documents d SET status = 'calling', claimed_by = @worker, not_before = NULL, over_budget = false, updated_at = now()
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS unhurried
WHERE d.document_id = @id AND d.status IN ('pending', 'queued')
RETURNING ` + documentColumns)

// Release gives a claimed document back to pending, as if it had not been
// claimed, for a try after delay: the worker is shutting down, say, or nothing may
// be called for. An attempt that is open stays so, as one of unknown outcome: its
// answer may be parked.
func (db *DB) Release(ctx context.Context, id, worker uuid.UUID, delay time.Duration) error {
	const sql = `
WITH released AS (
	UPDATE cas.documents SET status = 'pending', claimed_by = NULL, not_before = now() + nullif(@delay::interval, interval '0'), updated_at = now()
	WHERE document_id = @id AND claimed_by = @worker AND status = 'calling'
	RETURNING document_id
)
UPDATE cas.attempts a SET outcome = 'unknown', finished_at = now()
FROM released WHERE a.document_id = released.document_id AND a.outcome = 'calling'`
	if err := db.putBack(ctx, sql, id, worker, delay); err != nil {
		return fmt.Errorf("release document %s: %w", id, err)
	}
	return nil
}

// abandonedAge is how long a claim must have been left alone before its own worker
// may say that it is not at it: longer than the word takes to get here.
const abandonedAge = 15 * time.Second

// ReleaseAbandoned gives documents back to pending that a living worker holds
// without working on them, and counts them: a claim whose confirmation was lost on
// the way, say, of which the worker does not know. working is what it works on.
func (db *DB) ReleaseAbandoned(ctx context.Context, worker uuid.UUID, working []uuid.UUID) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, abandonedAge/3)
	defer cancel()
	const sql = `
WITH released AS (
	UPDATE cas.documents SET status = 'pending', claimed_by = NULL, updated_at = now()
	WHERE stage = 'under_way' AND status IN ('calling', 'answered') AND claimed_by = @worker AND updated_at < now() - @age::interval
	  AND document_id <> ALL (@working::uuid[])
	RETURNING document_id
), unsettled AS (
	UPDATE cas.attempts a SET outcome = 'unknown', finished_at = now()
	FROM released WHERE a.document_id = released.document_id AND a.outcome = 'calling'
)
SELECT document_id FROM released`
	rows, err := db.pool.Query(ctx, sql, pgx.NamedArgs{"worker": worker, "working": working, "age": abandonedAge})
	if err != nil {
		return 0, fmt.Errorf("release abandoned documents: %w", err)
	}
	released, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("release abandoned documents: %w", err)
	}
	return len(released), nil
}

// Stall puts a claimed document back to pending, for a try after delay, because
// something other than the API keeps it from being tried (S3, Redis, the ledger).
// That costs no attempt: one whose row was written, but whose call was not made,
// is taken off the count again.
func (db *DB) Stall(ctx context.Context, id, worker uuid.UUID, delay time.Duration) error {
	const sql = `
WITH ended AS (
	UPDATE cas.attempts SET outcome = 'failed', finished_at = now(), message = 'not sent'
	WHERE document_id = @id AND worker_id = @worker AND outcome = 'calling'
	RETURNING document_id, started_at, price, -1 AS change
)` + recountSQL + `
UPDATE cas.documents
SET status = 'pending', claimed_by = NULL, not_before = now() + @delay::interval,
    attempts = greatest(0, attempts - (SELECT count(*) FROM ended)),
    stalled_since = coalesce(stalled_since, now()), updated_at = now()
WHERE document_id = @id AND claimed_by = @worker AND status = 'calling'`
	if err := db.putBack(ctx, sql, id, worker, delay); err != nil {
		return fmt.Errorf("stall document %s: %w", id, err)
	}
	return nil
}

// putBack runs a statement that puts a claimed document back and ends its attempts. The
// document is held before, by a statement of its own: a beginning whose outcome the
// worker has not been told may only now be committed, and is seen so.
func (db *DB) putBack(ctx context.Context, sql string, id, worker uuid.UUID, delay time.Duration) error {
	args := pgx.NamedArgs{"id": id, "worker": worker, "delay": delay}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM cas.documents WHERE document_id = @id AND claimed_by = @worker FOR NO KEY UPDATE`, args)
	batch.Queue(sql, args)
	return db.pool.SendBatch(ctx, batch).Close() //nolint:wrapcheck // wrapped by the exported methods
}
