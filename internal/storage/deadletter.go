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

// onDeadAgainSQL makes the letter of a document that dies again a new one.
const onDeadAgainSQL = `
ON CONFLICT (document_id) DO UPDATE
SET reason = excluded.reason, http_status = excluded.http_status, message = excluded.message, request_id = excluded.request_id,
    dead_at = now(), redriven_at = NULL, discarded_at = NULL, discarded_by = NULL, discarded_why = NULL`

// Bury makes a document dead and closes its attempt, if it has one (end with a
// RequestID). A document that is parsed stays so.
func (db *DB) Bury(ctx context.Context, letter DeadLetter, end AttemptEnd) error {
	args := letter.args()
	args["worker"] = end.WorkerID
	batch := &pgx.Batch{}
	if end.RequestID != "" {
		batch.Queue(endAttemptSQL, end.args(nil))
	}
	batch.Queue(`
WITH dead AS (
	UPDATE cas.documents SET status = 'dead', claimed_by = NULL, finished_at = now(), updated_at = now()
	WHERE document_id = @id AND status NOT IN ('parsed', 'dead') AND `+heldSQL+`
	RETURNING document_id
)
INSERT INTO cas.dead_letters (document_id, reason, http_status, message, request_id)
SELECT document_id, @reason, nullif(@http_status::integer, 0), @message, nullif(@request_id, '') FROM dead`+onDeadAgainSQL, args)
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("bury document %s: %w", letter.DocumentID, err)
	}
	return nil
}

// BuryTask records a dead letter for a task that belongs to no document.
func (db *DB) BuryTask(ctx context.Context, letter DeadLetter) error {
	const sql = `
INSERT INTO cas.dead_letters (document_id, reason, http_status, message, request_id)
VALUES (@id, @reason, nullif(@http_status::integer, 0), @message, nullif(@request_id, ''))` + onDeadAgainSQL
	if _, err := db.pool.Exec(ctx, sql, letter.args()); err != nil {
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

// Letters tells which dead letters a DeadFilter is about.
type Letters int

// Which dead letters there are. Those of documents that were put back are none.
const (
	LettersOpen      Letters = iota // not discarded
	LettersDiscarded                // given up for good
	LettersAll                      // both
)

// DeadFilter chooses dead letters. The zero value chooses all that are open.
type DeadFilter struct {
	Reason    Reason
	Batch     string
	Documents []uuid.UUID   // nil: whatever document; empty: none
	OlderThan time.Duration // those that died longer ago; 0 no matter when
	NewerThan time.Duration // those that died less long ago; 0 no matter when
	Letters   Letters
	After     DeadCursor // those that come later in the order of DeadLetters; zero: all
	Limit     int        // 0 no limit
}

// DeadCursor is a place in the order of DeadLetters, behind a letter.
type DeadCursor struct {
	DeadAt     time.Time
	DocumentID uuid.UUID
}

func (f DeadFilter) args() pgx.NamedArgs {
	args := pgx.NamedArgs{
		"reason": string(f.Reason), "batch": f.Batch, "documents": f.Documents,
		"older": positive(f.OlderThan), "newer": positive(f.NewerThan), "limit": positive(f.Limit), "discarded": nil,
		"after": nil, "after_document": f.After.DocumentID,
	}
	if !f.After.DeadAt.IsZero() {
		args["after"] = f.After.DeadAt
	}
	if f.Letters != LettersAll {
		args["discarded"] = f.Letters == LettersDiscarded
	}
	return args
}

// positive is n, or NULL where that is not more than zero.
func positive[T int | time.Duration](n T) *T {
	if n <= 0 {
		return nil
	}
	return &n
}

// deadSQL selects the dead letters of a DeadFilter.
const deadSQL = `
FROM cas.dead_letters l LEFT JOIN cas.documents d USING (document_id)
WHERE l.redriven_at IS NULL AND (@discarded::boolean IS NULL OR (l.discarded_at IS NOT NULL) = @discarded)
  AND (@reason = '' OR l.reason = @reason) AND (@batch = '' OR d.batch = @batch)
  AND (@documents::uuid[] IS NULL OR l.document_id = ANY (@documents))
  AND (@older::interval IS NULL OR l.dead_at < now() - @older::interval)
  AND (@newer::interval IS NULL OR l.dead_at > now() - @newer::interval)
  AND (@after::timestamptz IS NULL OR (l.dead_at, l.document_id) > (@after, @after_document::uuid))`

// oldestSQL puts what deadSQL selects in order, for Limit.
const oldestSQL = ` ORDER BY l.dead_at, l.document_id LIMIT @limit::bigint`

// DeadRecord is a dead letter as the ledger has it.
type DeadRecord struct {
	Reason       Reason     `db:"reason" json:"reason"`
	HTTPStatus   int        `db:"http_status" json:"http_status,omitempty"` // 0: the API was not asked
	Message      string     `db:"message" json:"message"`
	RequestID    string     `db:"request_id" json:"request_id,omitempty"`
	DeadAt       time.Time  `db:"dead_at" json:"dead_at"`
	RedrivenAt   *time.Time `db:"redriven_at" json:"redriven_at,omitempty"`   // nil: not put back
	DiscardedAt  *time.Time `db:"discarded_at" json:"discarded_at,omitempty"` // nil: not given up
	DiscardedBy  string     `db:"discarded_by" json:"discarded_by,omitempty"`
	DiscardedWhy string     `db:"discarded_why" json:"discarded_why,omitempty"`
}

// deadRecordColumns are the columns of DeadRecord, of the table under alias l.
const deadRecordColumns = `l.reason, coalesce(l.http_status, 0) AS http_status, l.message, coalesce(l.request_id, '') AS request_id,
	l.dead_at, l.redriven_at, l.discarded_at, coalesce(l.discarded_by, '') AS discarded_by, coalesce(l.discarded_why, '') AS discarded_why`

// DeadDocument is a dead letter with what identifies its document.
type DeadDocument struct {
	DocumentID uuid.UUID `db:"document_id" json:"document_id"`
	DeadRecord
	Bucket string `db:"bucket" json:"bucket,omitempty"` // "" for a bad_task without a document
	Key    string `db:"object_key" json:"object_key,omitempty"`
	Batch  string `db:"batch" json:"batch,omitempty"`
}

// DeadLetters lists what is dead, oldest first.
func (db *DB) DeadLetters(ctx context.Context, f DeadFilter) ([]DeadDocument, error) {
	const sql = `
SELECT l.document_id, ` + deadRecordColumns + `,
	coalesce(d.bucket, '') AS bucket, coalesce(d.object_key, '') AS object_key, coalesce(d.batch, '') AS batch` + deadSQL + oldestSQL
	letters, err := all[DeadDocument](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("list dead letters: %w", err)
	}
	return letters, nil
}
