package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Submission is how a document stands, for whoever has just submitted it.
type Submission struct {
	ID          uuid.UUID `db:"document_id"`
	Status      Status    `db:"status"`
	CallbackURL string    `db:"callback_url"` // who is told of its end; "" nobody
}

// Submissions returns how documents stand, in one round trip; those that the ledger
// does not have are left out.
func (db *DB) Submissions(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]Submission, error) {
	found, err := all[Submission](ctx, db.pool, `
SELECT document_id, status, coalesce(callback_url, '') AS callback_url FROM cas.documents WHERE document_id = ANY (@ids)`,
		pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	submissions := make(map[uuid.UUID]Submission, len(found))
	for _, s := range found {
		submissions[s.ID] = s
	}
	return submissions, nil
}

// Lookup is a document as other services ask for it. A time that is nil, and any
// other value that is zero, is not known or has not come yet.
type Lookup struct {
	ID         uuid.UUID  `db:"document_id"`
	Status     Status     `db:"status"`
	Bucket     string     `db:"bucket"`
	Key        string     `db:"object_key"`
	VersionID  string     `db:"version_id"`
	SizeBytes  int64      `db:"size_bytes"`
	Kind       string     `db:"kind"`
	Broker     string     `db:"broker"` // of a contract note; "" not told
	Queue      string     `db:"queue"`
	Batch      string     `db:"batch"`
	CreatedAt  time.Time  `db:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at"`
	FinishedAt *time.Time `db:"finished_at"`

	Attempts int    `db:"attempts"` // calls of the API, all that were made
	Credits  string `db:"credits"`  // decimal; of the calls whose cost is known

	Reason      Reason     `db:"reason"` // of a dead one, as are the next three
	Message     string     `db:"message"`
	HTTPStatus  int        `db:"http_status"`
	DiscardedAt *time.Time `db:"discarded_at"`

	PAN        string `db:"pan"` // of its statement, once parsed, as are the next three
	PeriodFrom string `db:"period_from"`
	PeriodTo   string `db:"period_to"`
	CASType    string `db:"cas_type"`

	CallbackState    CallbackState `db:"callback_state"` // of the last end; "" nobody is to be told, or not yet
	CallbackAttempts int           `db:"callback_attempts"`
	CallbackStatus   int           `db:"callback_status"`
}

// Lookup returns a document as other services ask for it, or ErrNotFound.
func (db *DB) Lookup(ctx context.Context, id uuid.UUID) (Lookup, error) {
	found, err := one[Lookup](ctx, db.pool, `
SELECT d.document_id, d.status, d.bucket, d.object_key, coalesce(d.version_id, '') AS version_id, coalesce(d.size_bytes, 0) AS size_bytes,
	d.kind, coalesce(d.broker, '') AS broker, d.queue, coalesce(d.batch, '') AS batch, d.created_at, d.updated_at, d.finished_at,
	a.attempts, a.credits,
	coalesce(l.reason, '') AS reason, coalesce(l.message, '') AS message, coalesce(l.http_status, 0) AS http_status, l.discarded_at,
	coalesce(d.pan, '') AS pan, coalesce(d.period_from::text, '') AS period_from, coalesce(d.period_to::text, '') AS period_to,
	coalesce(d.cas_type, '') AS cas_type,
	coalesce(c.state, '') AS callback_state, coalesce(c.attempts, 0) AS callback_attempts, coalesce(c.http_status, 0) AS callback_status
FROM cas.documents d
LEFT JOIN cas.dead_letters l ON l.document_id = d.document_id AND d.status = 'dead'
CROSS JOIN LATERAL (SELECT count(*)::integer AS attempts, coalesce(sum(t.credits), 0)::text AS credits
	FROM cas.attempts t WHERE t.document_id = d.document_id) AS a
LEFT JOIN LATERAL (SELECT k.state, k.attempts, k.http_status FROM cas.callbacks k
	WHERE k.document_id = d.document_id ORDER BY k.created_at DESC LIMIT 1) AS c ON true
WHERE d.document_id = @id`, pgx.NamedArgs{"id": id})
	if err != nil {
		return Lookup{}, fmt.Errorf("look up document %s: %w", id, err)
	}
	return found, nil
}
