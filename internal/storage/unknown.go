package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// UnknownAttempt is a call whose outcome nobody knows: no answer came, or its
// worker died.
type UnknownAttempt struct {
	RequestID  string    `db:"request_id"` // the X-Request-ID that was sent
	DocumentID uuid.UUID `db:"document_id"`
	StartedAt  time.Time `db:"started_at"`
}

// UnknownAttempts lists attempts of unknown outcome that were started since a
// time, oldest first: those of one document, or of all (uuid.Nil).
func (db *DB) UnknownAttempts(ctx context.Context, document uuid.UUID, since time.Time) ([]UnknownAttempt, error) {
	attempts, err := all[UnknownAttempt](ctx, db.pool, `
SELECT request_id, document_id, started_at FROM cas.attempts
WHERE unknown AND started_at >= @since AND (@document::uuid = '00000000-0000-0000-0000-000000000000' OR document_id = @document)
ORDER BY started_at, request_id`, pgx.NamedArgs{"document": document, "since": since})
	if err != nil {
		return nil, fmt.Errorf("list unknown attempts: %w", err)
	}
	return attempts, nil
}

// Settlement is what the usage log of the API says of an attempt.
type Settlement struct {
	RequestID  string
	HTTPStatus int    // 0 the log does not have it: the call never arrived
	Credits    string // decimal; "0" not billed
	Billed     bool
}

// Settle closes attempts of unknown outcome, in one round trip: a billed one is
// lost, another one failed. It returns how many it closed.
func (db *DB) Settle(ctx context.Context, settlements []Settlement) (int, error) {
	n := len(settlements)
	if n == 0 {
		return 0, nil
	}
	ids, statuses, credits, outcomes := make([]string, n), make([]int32, n), make([]string, n), make([]string, n)
	for i, s := range settlements {
		ids[i], statuses[i], credits[i], outcomes[i] = s.RequestID, int32(min(s.HTTPStatus, 999)), s.Credits, string(OutcomeFailed) //nolint:gosec // bounded
		if s.Billed {
			outcomes[i] = string(OutcomeLost)
		}
	}
	type row struct {
		Closed int `db:"closed"`
	}
	r, err := one[row](ctx, db.pool, `
WITH was AS (
	SELECT request_id, coalesce(credits, 0) AS credits FROM cas.attempts
	WHERE request_id = ANY (@ids::text[]) AND outcome = 'unknown' ORDER BY request_id FOR UPDATE
), ended AS (
	UPDATE cas.attempts a
	SET outcome = s.outcome, http_status = coalesce(nullif(s.status, 0), a.http_status), credits = nullif(s.credits, '')::numeric, settled_at = now()
	FROM was JOIN unnest(@ids::text[], @statuses::integer[], @credits::text[], @outcomes::text[]) AS s (id, status, credits, outcome) ON s.id = was.request_id
	WHERE a.request_id = was.request_id
	RETURNING a.document_id, a.started_at, a.price, `+countsSQL+` - 1 AS change, coalesce(a.credits, 0) - was.credits AS credits
)`+recountSQL+paidSQL+`
SELECT (SELECT count(*) FROM ended)::integer AS closed`,
		pgx.NamedArgs{"ids": ids, "statuses": statuses, "credits": credits, "outcomes": outcomes})
	if err != nil {
		return 0, fmt.Errorf("settle attempts: %w", refused(err))
	}
	return r.Closed, nil
}
