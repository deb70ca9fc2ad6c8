package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Reason is why a document is dead.
type Reason string

// Reasons, as operators and dashboards know them.
const (
	ReasonBadRequest          Reason = "bad_request"          // 400
	ReasonUnauthorized        Reason = "unauthorized"         // 401
	ReasonInsufficientCredits Reason = "insufficient_credits" // 402, or a 403 that means quota
	ReasonForbidden           Reason = "forbidden"            // 403
	ReasonWrongPassword       Reason = "wrong_password"       // no candidate opens the PDF
	ReasonUnprocessable       Reason = "unprocessable"        // 422, or 200 with status failed
	ReasonTooLarge            Reason = "too_large"
	ReasonNotAPDF             Reason = "not_a_pdf"
	ReasonObjectMissing       Reason = "object_missing"
	ReasonObjectChanged       Reason = "object_changed" // overwritten after it was recorded
	ReasonBadAnswer           Reason = "bad_answer"     // a success that is not the unified shape
	ReasonMissingPAN          Reason = "missing_pan"
	ReasonRetriesExhausted    Reason = "retries_exhausted"
	ReasonCrashed             Reason = "crashed"
	ReasonBadTask             Reason = "bad_task" // a task that cannot be decoded, or names no document
)

// Reasons lists all reasons.
func Reasons() []Reason {
	return []Reason{
		ReasonBadRequest, ReasonUnauthorized, ReasonInsufficientCredits, ReasonForbidden, ReasonWrongPassword,
		ReasonUnprocessable, ReasonTooLarge, ReasonNotAPDF, ReasonObjectMissing, ReasonObjectChanged,
		ReasonBadAnswer, ReasonMissingPAN, ReasonRetriesExhausted, ReasonCrashed, ReasonBadTask,
	}
}

// DeadLetter is why a document is dead. Message is masked and says what to mend.
type DeadLetter struct {
	DocumentID uuid.UUID
	Reason     Reason
	HTTPStatus int // 0 the API was not asked
	Message    string
	RequestID  string // "" the API was not asked
}

const deadLetterSQL = `
INSERT INTO cas.dead_letters (document_id, reason, http_status, message, request_id)
VALUES (@id, @reason, nullif(@http_status::integer, 0), @message, nullif(@request_id, ''))
ON CONFLICT (document_id) DO UPDATE
SET reason = excluded.reason, http_status = excluded.http_status, message = excluded.message,
    request_id = excluded.request_id, dead_at = now(), redriven_at = NULL`

// Bury makes a document dead and closes its attempt, if it has one (end with a
// RequestID). A document that is parsed stays so.
func (db *DB) Bury(ctx context.Context, letter DeadLetter, end AttemptEnd) error {
	batch := &pgx.Batch{}
	if end.RequestID != "" {
		batch.Queue(endAttemptSQL, end.args(nil))
	}
	batch.Queue(`
WITH dead AS (
	UPDATE cas.documents SET status = 'dead', claimed_by = NULL, finished_at = now(), updated_at = now()
	WHERE document_id = @id AND status NOT IN ('parsed', 'dead')
	RETURNING document_id
)
INSERT INTO cas.dead_letters (document_id, reason, http_status, message, request_id)
SELECT document_id, @reason, nullif(@http_status::integer, 0), @message, nullif(@request_id, '') FROM dead
ON CONFLICT (document_id) DO UPDATE
SET reason = excluded.reason, http_status = excluded.http_status, message = excluded.message,
    request_id = excluded.request_id, dead_at = now(), redriven_at = NULL`, letter.args())
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("bury document %s: %w", letter.DocumentID, err)
	}
	return nil
}

// BuryTask records a dead letter for a task that belongs to no document.
func (db *DB) BuryTask(ctx context.Context, letter DeadLetter) error {
	if _, err := db.pool.Exec(ctx, deadLetterSQL, letter.args()); err != nil {
		return fmt.Errorf("bury task: %w", err)
	}
	return nil
}

func (l DeadLetter) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": l.DocumentID, "reason": string(l.Reason), "http_status": l.HTTPStatus,
		"message": l.Message, "request_id": l.RequestID,
	}
}

// DeadFilter chooses dead letters. The zero value chooses all.
type DeadFilter struct {
	Reason    Reason
	Batch     string
	Documents []uuid.UUID
	Limit     int // 0 no limit
}

func (f DeadFilter) args() pgx.NamedArgs {
	var limit *int // NULL: no limit
	if f.Limit > 0 {
		limit = &f.Limit
	}
	return pgx.NamedArgs{"reason": string(f.Reason), "batch": f.Batch, "documents": f.Documents, "limit": limit}
}

// deadSQL selects the open dead letters of a DeadFilter, oldest first.
const deadSQL = `
FROM cas.dead_letters l LEFT JOIN cas.documents d USING (document_id)
WHERE l.redriven_at IS NULL AND (@reason = '' OR l.reason = @reason) AND (@batch = '' OR d.batch = @batch)
  AND (@documents::uuid[] IS NULL OR l.document_id = ANY (@documents))`

// DeadDocument is a dead letter with what identifies its document.
type DeadDocument struct {
	DocumentID uuid.UUID `db:"document_id" json:"document_id"`
	Reason     Reason    `db:"reason" json:"reason"`
	HTTPStatus int       `db:"http_status" json:"http_status,omitempty"` // 0: the API was not asked
	Message    string    `db:"message" json:"message"`
	RequestID  string    `db:"request_id" json:"request_id,omitempty"`
	DeadAt     time.Time `db:"dead_at" json:"dead_at"`
	Bucket     string    `db:"bucket" json:"bucket,omitempty"` // "" for a bad_task without a document
	Key        string    `db:"object_key" json:"object_key,omitempty"`
	Batch      string    `db:"batch" json:"batch,omitempty"`
}

// DeadLetters lists what is dead, oldest first.
func (db *DB) DeadLetters(ctx context.Context, f DeadFilter) ([]DeadDocument, error) {
	const sql = `
SELECT l.document_id, l.reason, coalesce(l.http_status, 0) AS http_status, l.message, coalesce(l.request_id, '') AS request_id,
       l.dead_at, coalesce(d.bucket, '') AS bucket, coalesce(d.object_key, '') AS object_key, coalesce(d.batch, '') AS batch` +
		deadSQL + ` ORDER BY l.dead_at, l.document_id LIMIT @limit::bigint`
	letters, err := all[DeadDocument](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, nil
}

// CountDead counts what DeadFilter chooses, Limit included, by reason; only
// letters that a redrive can bring back (those with a document).
func (db *DB) CountDead(ctx context.Context, f DeadFilter) (map[Reason]int, error) {
	const sql = `
SELECT reason, count(*)::integer AS n FROM (SELECT l.reason` + deadSQL + ` AND d.document_id IS NOT NULL
	ORDER BY l.dead_at, l.document_id LIMIT @limit::bigint) AS chosen
GROUP BY reason`
	type count struct {
		Reason Reason `db:"reason"`
		N      int    `db:"n"`
	}
	counts, err := all[count](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	byReason := make(map[Reason]int, len(counts))
	for _, c := range counts {
		byReason[c.Reason] = c.N
	}
	return byReason, nil
}

// Redriven is a document that Redrive has put back. Delivery is the task it died
// in.
type Redriven struct {
	DocumentID uuid.UUID `db:"document_id"`
	Bucket     string    `db:"bucket"`
	Key        string    `db:"object_key"`
	Queue      string    `db:"queue"`
	Delivery   int       `db:"delivery"`
}

// Redrive puts dead documents back to pending, oldest first, with no attempts
// counted, in one transaction.
func (db *DB) Redrive(ctx context.Context, f DeadFilter) ([]Redriven, error) {
	const sql = `
WITH chosen AS (
	SELECT l.document_id` + deadSQL + ` AND d.status = 'dead'
	ORDER BY l.dead_at, l.document_id LIMIT @limit::bigint
	FOR UPDATE OF l SKIP LOCKED
), redriven AS (
	UPDATE cas.dead_letters l SET redriven_at = now() FROM chosen WHERE l.document_id = chosen.document_id
)
UPDATE cas.documents d
SET status = 'pending', attempts = 0, not_before = NULL, stalled_since = NULL, finished_at = NULL, updated_at = now()
FROM chosen WHERE d.document_id = chosen.document_id AND d.status = 'dead'
RETURNING d.document_id, d.bucket, d.object_key, d.queue, d.delivery`
	redriven, err := all[Redriven](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("redrive: %w", err)
	}
	return redriven, nil
}

// ReplacePasswords gives documents new sealed passwords; nil entries keep what
// they have.
func (db *DB) ReplacePasswords(ctx context.Context, ids []uuid.UUID, sealed [][]byte) error {
	const sql = `
UPDATE cas.documents d SET sealed_passwords = new.sealed, updated_at = now()
FROM unnest(@ids::uuid[], @sealed::bytea[]) AS new (id, sealed)
WHERE d.document_id = new.id AND new.sealed IS NOT NULL AND d.status <> 'parsed'`
	if _, err := db.pool.Exec(ctx, sql, pgx.NamedArgs{"ids": ids, "sealed": sealed}); err != nil {
		return fmt.Errorf("replace passwords: %w", err)
	}
	return nil
}
