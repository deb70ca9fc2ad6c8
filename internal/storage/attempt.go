package storage

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Outcome is what became of a call of the API.
type Outcome string

// Outcomes of an attempt; "calling" is what a new one has.
const (
	OutcomeAnswered  Outcome = "answered"  // the statement came
	OutcomeRefused   Outcome = "refused"   // an error that trying again does not mend
	OutcomeFailed    Outcome = "failed"    // an error that may pass
	OutcomeThrottled Outcome = "throttled" // 429: not counted
	OutcomeUnknown   Outcome = "unknown"   // no answer came; it may have been billed all the same
	OutcomeLost      Outcome = "lost"      // no answer came, and it was billed, as the usage log says
)

// NewAttempt is a call that is about to be made.
type NewAttempt struct {
	RequestID  string // the X-Request-ID that will be sent
	DocumentID uuid.UUID
	WorkerID   uuid.UUID
	Endpoint   string
	SHA256     [32]byte // of the PDF that will be sent
	SizeBytes  int64
	Budget     // what the fleet may spend in a day
}

// AttemptEnd is how a call ended. The zero value of a field means unknown.
type AttemptEnd struct {
	RequestID    string
	Outcome      Outcome
	HTTPStatus   int
	Code         string // error code of the API
	Message      string // masked error text
	APIRequestID string // the X-Request-ID it answered with
	Credits      string // decimal
	// WorkerID is who moves the document on with it, and must still hold it: a worker
	// that was taken for dead has nothing to say any more. uuid.Nil is anybody.
	WorkerID uuid.UUID
}

// BeginAttempt commits the row of a call before the call is made, counts it and
// returns the count. It is the last gate before money is spent; do not call after
// ErrPaused (the account), ErrSameBytes (another document with these bytes is
// being called for, or has been answered since AnswerFor was asked), ErrBudget (the
// cap of its batch, or the day's) or ErrBusy (the claim is lost).
func (db *DB) BeginAttempt(ctx context.Context, a NewAttempt) (int, error) {
	asked := &asked{document: a.DocumentID, worker: a.WorkerID, attempt: &a}
	if a.DailyCredits == 0 && db.asks.ask(ctx, asked) {
		return asked.attempts, nil
	}
	args := a.args()
	maps.Copy(args, pgx.NamedArgs{
		"request": a.RequestID, "document": a.DocumentID, "worker": a.WorkerID,
		"endpoint": a.Endpoint, "sha256": a.SHA256[:], "size": a.SizeBytes,
		"bytes": a.lock(),
	})
	var paused, sameBytes, spent bool
	var attempts int
	batch := &pgx.Batch{}
	lockAttempt.queue(batch, args)
	if a.DailyCredits > 0 {
		batch.Queue(lockDaySQL)
	}
	beginAttempt.queue(batch, args).QueryRow(func(row pgx.Row) error { return row.Scan(&paused, &sameBytes, &spent, &attempts) })
	err := db.pool.SendBatch(ctx, batch).Close()
	switch {
	case err != nil:
	case paused:
		err = ErrPaused
	case sameBytes:
		err = ErrSameBytes
	case spent:
		err = ErrBudget
	case attempts == 0:
		err = ErrBusy
	}
	if err != nil {
		return 0, fmt.Errorf("begin attempt: %w", err)
	}
	return attempts, nil
}

// The statements of BeginAttempt. Whoever begins second with the same bytes waits for
// the first to commit, and then, in a statement of its own, sees its row; so it is with
// a budget that has a cap. All are one transaction and one round trip.
//
//nolint:gochecknoglobals // constants, computed
var (
	lockAttempt  = prepare(`SELECT pg_advisory_xact_lock(hashtextextended(@endpoint, @bytes)), (` + lockBatchSQL + `)`)
	beginAttempt = prepare(`
WITH gate AS (
	SELECT EXISTS (SELECT FROM cas.account WHERE paused_reason IS NOT NULL) AS paused,
	       ` + sameBytesSQL + `
	    OR EXISTS (SELECT FROM cas.answers a WHERE a.sha256 = @sha256 AND a.endpoint = @endpoint AND a.document_id <> @document) AS same_bytes,
	       EXISTS (SELECT FROM cas.documents d
	               LEFT JOIN cas.batches b ON b.batch = d.batch
	               WHERE d.document_id = @document
	                 AND (CASE WHEN b.max_credits IS NOT NULL THEN ` + spentSQL + ` + ` + priceSQL + ` > b.max_credits END
	                   OR CASE WHEN @daily::integer > 0 THEN ` + todaysSpentSQL + ` + ` + priceSQL + ` > ` + dailySQL + ` END)) AS spent
), counted AS (
	UPDATE cas.documents d
	SET attempts = attempts + 1, sha256 = @sha256, size_bytes = @size, stalled_since = NULL, updated_at = now()
	FROM gate
	WHERE document_id = @document AND claimed_by = @worker AND status = 'calling' AND NOT gate.paused AND NOT gate.same_bytes AND NOT gate.spent
	RETURNING d.attempts, d.batch, ` + priceSQL + ` AS price
)` + countSQL + `, begun AS (
	INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id, price, sha256)
	SELECT @request, @document, @endpoint, @worker, price, @sha256 FROM counted
)
SELECT paused, same_bytes, spent, coalesce((SELECT attempts FROM counted), 0) FROM gate`)
)

// sameBytes is an expression that is true where another document with the same bytes is being called
// for, or was called for with an outcome that is not known yet: its answer may be
// parked. Of two with unknown outcomes the one that was called for first does not wait.
func sameBytes(sha256, endpoint, document string) string {
	return `EXISTS (
	SELECT FROM cas.attempts t JOIN cas.documents o ON o.document_id = t.document_id
	WHERE t.sha256 = ` + sha256 + ` AND t.endpoint = ` + endpoint + ` AND t.document_id <> ` + document + `
	  AND o.status IN ('pending', 'queued', 'calling') AND NOT o.over_budget AND (
		o.status = 'calling' AND t.outcome = 'calling' OR
		t.outcome = 'unknown' AND NOT EXISTS (
			SELECT FROM cas.attempts m WHERE m.document_id = ` + document + ` AND m.outcome = 'unknown'
			  AND (m.started_at, m.request_id) < (t.started_at, t.request_id))) OFFSET 0)`
}

var sameBytesSQL = sameBytes("@sha256", "@endpoint", "@document") //nolint:gochecknoglobals // a constant, computed

// endAttempts are CTEs that close the attempts which a query gives, and give their
// credits back where they were not charged; harmless where there is no such attempt
// (request ""), and when done again.
func endAttempts(given string) string {
	return `
WITH given AS (` + given + `), was AS (
	SELECT g.request_id, g.outcome, g.http_status, g.code, g.message, g.api_request_id, g.credits, g.retry_in, ` + countsSQL + ` AS counts, coalesce(a.credits, 0) AS known
	FROM given g, LATERAL (SELECT outcome, credits FROM cas.attempts WHERE request_id = g.request_id FOR UPDATE) AS a
), ended AS (
	UPDATE cas.attempts a
	SET outcome = was.outcome, finished_at = now(), http_status = nullif(was.http_status, 0), code = nullif(was.code, ''),
	    message = nullif(was.message, ''), api_request_id = nullif(was.api_request_id, ''),
	    credits = coalesce(nullif(was.credits, '')::numeric, nullif(a.credits, 0)), -- which the usage log may have told
	    retry_at = now() + was.retry_in
	FROM was WHERE a.request_id = was.request_id
	RETURNING a.document_id, a.started_at, a.price, ` + countsSQL + ` - was.counts AS change, coalesce(a.credits, 0) - was.known AS credits
)` + recountSQL + paidSQL
}

//nolint:gochecknoglobals // constants, computed
var (
	endAttemptCTE = endAttempts(`SELECT @request_id::text AS request_id, @outcome::text AS outcome, @http_status::integer AS http_status, @code::text AS code,
		@message::text AS message, @api_request_id::text AS api_request_id, @credits::text AS credits, @retry_in::interval AS retry_in`)
	endAttemptSQL = endAttemptCTE + "\nSELECT FROM ended"
)

func (e AttemptEnd) args(retryIn *time.Duration) pgx.NamedArgs {
	return pgx.NamedArgs{
		"request_id": e.RequestID, "outcome": string(e.Outcome), "http_status": e.HTTPStatus, "code": e.Code,
		"message": e.Message, "api_request_id": e.APIRequestID, "credits": e.Credits, "retry_in": retryIn,
	}
}

// heldSQL is true where the document is still held by AttemptEnd.WorkerID.
const heldSQL = `(@worker::uuid = '00000000-0000-0000-0000-000000000000' OR claimed_by = @worker)`

// EndAttempt closes an attempt without moving its document, which stays claimed:
// another password is to be tried at once.
func (db *DB) EndAttempt(ctx context.Context, end AttemptEnd) error {
	if _, err := db.pool.Exec(ctx, endAttemptSQL, end.args(nil)); err != nil {
		return fmt.Errorf("end attempt: %w", err)
	}
	return nil
}

// Retry closes an attempt and puts its document back to queued, for a try after
// delay, by Postgres' clock. A throttled attempt is taken off the count again.
func (db *DB) Retry(ctx context.Context, id uuid.UUID, end AttemptEnd, delay time.Duration) error {
	uncounted := 0
	if end.Outcome == OutcomeThrottled {
		uncounted = 1
	}
	batch := &pgx.Batch{}
	batch.Queue(endAttemptSQL, end.args(&delay))
	batch.Queue(`
UPDATE cas.documents
SET status = 'queued', claimed_by = NULL, attempts = greatest(0, attempts - @uncounted::integer),
    not_before = now() + @delay::interval, updated_at = now()
WHERE document_id = @id AND status = 'calling' AND `+heldSQL, pgx.NamedArgs{"id": id, "uncounted": uncounted, "delay": delay, "worker": end.WorkerID})
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("note retry of document %s: %w", id, err)
	}
	return nil
}
