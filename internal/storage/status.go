package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Idle reports whether no document is pending, queued, calling or answered.
func (db *DB) Idle(ctx context.Context) (bool, error) {
	type row struct {
		Idle bool `db:"idle"`
	}
	r, err := one[row](ctx, db.pool, `
SELECT NOT EXISTS (SELECT FROM cas.documents WHERE status = 'pending' AND NOT over_budget)
   AND NOT EXISTS (SELECT FROM cas.documents WHERE over_budget)
   AND NOT EXISTS (SELECT FROM cas.documents WHERE status IN ('queued', 'calling', 'answered')) AS idle`, nil)
	if err != nil {
		return false, fmt.Errorf("look for work: %w", err)
	}
	return r.Idle, nil
}

// Overview is how the documents stand, as operators ask for it.
type Overview struct {
	Documents map[Status]int `json:"documents"`
	Dead      map[Reason]int `json:"dead"`             // open dead letters, without the discarded ones
	Discarded int            `json:"discarded"`        // dead documents that were given up for good
	Unknown   int            `json:"attempts_unknown"` // attempts whose outcome nobody knows
	Credits   string         `json:"credits_spent"`    // decimal; of the attempts whose cost is known
	// OverBudget is how many of the pending ones wait for a higher cap of their batch.
	OverBudget int `json:"over_budget,omitempty"`
	// OldestPending is when the longest waiting pending document was recorded,
	// by queue; without those over budget.
	OldestPending map[string]time.Time `json:"oldest_pending"`
	// Account is whether the API may be called; as JSON, absent while it may.
	Account Account `json:"account,omitzero"`
	// FinishedLately is how many documents became parsed or dead in the last minute.
	FinishedLately int `json:"finished_last_minute"`
	// Today is the budget of the day, of all batches.
	Today Day `json:"today"`
	// Batch is the batch that was asked for; nil where none was, or is known.
	Batch *Batch `json:"batch,omitempty"`
}

// Overview counts documents, dead letters and attempts; batch "" counts all.
func (db *DB) Overview(ctx context.Context, batch string) (Overview, error) {
	o := Overview{Documents: map[Status]int{}, Dead: map[Reason]int{}, OldestPending: map[string]time.Time{}, Today: Day{Credits: "0"}}
	args := pgx.NamedArgs{"batch": batch}
	queries := &pgx.Batch{}
	queries.Queue(`
SELECT status, count(*), count(*) FILTER (WHERE finished_at > now() - interval '1 minute'), count(*) FILTER (WHERE over_budget)
FROM cas.documents WHERE @batch = '' OR batch = @batch GROUP BY status`, args).Query(func(rows pgx.Rows) error {
		var status Status
		var n, lately, beyond int
		_, err := pgx.ForEachRow(rows, []any{&status, &n, &lately, &beyond}, func() error {
			o.Documents[status] = n
			o.FinishedLately += lately
			o.OverBudget += beyond
			return nil
		})
		return err //nolint:wrapcheck // wrapped below
	})
	queries.Queue(`
SELECT l.reason, count(*) FILTER (WHERE l.discarded_at IS NULL), count(*) FILTER (WHERE l.discarded_at IS NOT NULL AND d.status = 'dead')
FROM cas.dead_letters l LEFT JOIN cas.documents d USING (document_id)
WHERE l.redriven_at IS NULL AND (@batch = '' OR d.batch = @batch) GROUP BY l.reason`, args).Query(func(rows pgx.Rows) error {
		var reason Reason
		var n, discarded int
		_, err := pgx.ForEachRow(rows, []any{&reason, &n, &discarded}, func() error {
			if n > 0 {
				o.Dead[reason] = n
			}
			o.Discarded += discarded
			return nil
		})
		return err //nolint:wrapcheck // wrapped below
	})
	queries.Queue(`
SELECT count(*) FILTER (WHERE a.outcome = 'unknown'), coalesce(sum(a.credits), 0)::text
FROM cas.attempts a WHERE @batch = '' OR a.document_id IN (SELECT document_id FROM cas.documents WHERE batch = @batch)`, args).
		QueryRow(func(row pgx.Row) error { return row.Scan(&o.Unknown, &o.Credits) })
	queries.Queue(`
SELECT q.queue, d.created_at FROM (VALUES ('interactive'), ('bulk')) AS q (queue), LATERAL (
	SELECT created_at FROM cas.documents WHERE queue = q.queue AND status = 'pending' AND NOT over_budget AND (@batch = '' OR batch = @batch)
	ORDER BY created_at LIMIT 1) AS d`, args).Query(func(rows pgx.Rows) error {
		var queue string
		var at time.Time
		_, err := pgx.ForEachRow(rows, []any{&queue, &at}, func() error { o.OldestPending[queue] = at; return nil })
		return err //nolint:wrapcheck // wrapped below
	})
	queries.Queue(`
SELECT ` + todaysCallsSQL + `, trim_scale(` + todaysSpentSQL + `)::text, coalesce(y.max_credits, 0), coalesce(y.interactive_floor, 0)
FROM (VALUES (0)) AS one LEFT JOIN cas.budget_days y ON y.day = ` + todaySQL).
		Query(func(rows pgx.Rows) error {
			_, err := pgx.ForEachRow(rows, []any{&o.Today.Calls, &o.Today.Credits, &o.Today.MaxCredits, &o.Today.InteractiveFloor}, func() error { return nil })
			return err //nolint:wrapcheck // wrapped below
		})
	if err := db.pool.SendBatch(ctx, queries).Close(); err != nil {
		return Overview{}, fmt.Errorf("count documents: %w", err)
	}
	if batch != "" {
		found, err := db.Batch(ctx, batch)
		switch {
		case err == nil:
			o.Batch = &found
		case !errors.Is(err, ErrNotFound):
			return Overview{}, err
		}
	}
	var err error
	o.Account, err = db.Account(ctx)
	return o, err
}

// Attempt is a call of the API as the ledger has it.
type Attempt struct {
	RequestID    string     `db:"request_id" json:"request_id"`
	Endpoint     string     `db:"endpoint" json:"endpoint"`
	StartedAt    time.Time  `db:"started_at" json:"started_at"`
	FinishedAt   *time.Time `db:"finished_at" json:"finished_at,omitempty"` // nil: under way
	Outcome      Outcome    `db:"outcome" json:"outcome"`
	HTTPStatus   int        `db:"http_status" json:"http_status,omitempty"`
	Code         string     `db:"code" json:"code,omitempty"`
	Message      string     `db:"message" json:"message,omitempty"`
	APIRequestID string     `db:"api_request_id" json:"api_request_id,omitempty"`
	Credits      string     `db:"credits" json:"credits,omitempty"`
	RetryAt      *time.Time `db:"retry_at" json:"retry_at,omitempty"` // nil: not retried on its account
}

// Attempts lists the calls made for a document, in order.
func (db *DB) Attempts(ctx context.Context, document uuid.UUID) ([]Attempt, error) {
	attempts, err := all[Attempt](ctx, db.pool, `
SELECT request_id, endpoint, started_at, finished_at, outcome, coalesce(http_status, 0) AS http_status, coalesce(code, '') AS code,
       coalesce(message, '') AS message, coalesce(api_request_id, '') AS api_request_id, coalesce(credits::text, '') AS credits, retry_at
FROM cas.attempts WHERE document_id = @id ORDER BY started_at, request_id`, pgx.NamedArgs{"id": document})
	if err != nil {
		return nil, fmt.Errorf("list attempts of document %s: %w", document, err)
	}
	return attempts, nil
}
