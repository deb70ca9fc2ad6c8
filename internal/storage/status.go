package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Idle reports whether no document is pending, queued, calling or answered, nor dead of
// the account and about to be put back: because its probe is due, or because it was
// opened just when the document was refused (see PauseForStragglers).
func (db *DB) Idle(ctx context.Context) (bool, error) {
	type row struct {
		Idle bool `db:"idle"`
	}
	// In the order of an index, or Postgres looks for the first one through all documents
	// as long as it thinks that there are many.
	r, err := one[row](ctx, db.pool, `
SELECT (SELECT true FROM cas.documents WHERE stage = 'waiting' ORDER BY queue LIMIT 1) IS NULL
   AND (SELECT true FROM cas.documents WHERE over_budget ORDER BY batch LIMIT 1) IS NULL
   AND (SELECT true FROM cas.documents WHERE stage = 'under_way' ORDER BY queue LIMIT 1) IS NULL
   AND (SELECT true FROM cas.account a WHERE CASE WHEN a.paused_reason IS NULL THEN a.probes < @most ELSE a.next_probe_at <= now() END
        AND EXISTS (SELECT FROM cas.dead_letters l WHERE `+stragglerSQL+`)) IS NULL AS idle`, pgx.NamedArgs{"most": maxAutoRedrives})
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

// The queries of Overview. None goes through the documents or attempts, of which there
// may be millions: what is counted is counted as it changes, and the rest found by an
// index of what is little. Dead letters that nobody has redriven are gone through.
const (
	overviewCountsSQL = `
SELECT state, sum(documents)::bigint, sum(credits)::text FROM (
	SELECT state, documents, credits FROM cas.document_counts WHERE batch = @batch
	UNION ALL SELECT state, documents, credits FROM cas.document_changes WHERE state <> 'deleted' AND (@batch = '' OR batch = @batch)) AS d
GROUP BY state`

	overviewLatelySQL = `
SELECT count(*) FROM cas.documents WHERE finished_at > now() - interval '1 minute' AND (@batch = '' OR batch = @batch)`

	overviewDeadSQL = `
SELECT reason, count(*) FILTER (WHERE discarded_at IS NULL), 0 FROM cas.dead_letters WHERE redriven_at IS NULL GROUP BY reason
UNION ALL
SELECT l.reason, 0, count(*) FROM cas.dead_letters l JOIN cas.documents d USING (document_id)
WHERE l.redriven_at IS NULL AND l.discarded_at IS NOT NULL AND d.status = 'dead' GROUP BY l.reason`

	overviewBatchDeadSQL = `
SELECT l.reason, count(*) FILTER (WHERE l.discarded_at IS NULL), count(*) FILTER (WHERE l.discarded_at IS NOT NULL)
FROM cas.documents d JOIN cas.dead_letters l USING (document_id)
WHERE d.batch = @batch AND d.stage = 'dead' AND l.redriven_at IS NULL GROUP BY l.reason`

	overviewUnknownSQL = `SELECT count(*) FROM cas.attempts WHERE unknown`

	overviewBatchUnknownSQL = `
SELECT count(*) FROM cas.attempts a JOIN cas.documents d USING (document_id) WHERE a.unknown AND d.batch = @batch`

	overviewOldestSQL = `
SELECT q.queue, d.created_at FROM (VALUES ('interactive'), ('bulk')) AS q (queue), LATERAL (
	SELECT created_at FROM cas.documents WHERE queue = q.queue AND stage = 'waiting' ORDER BY created_at LIMIT 1) AS d`

	overviewBatchOldestSQL = `
SELECT q.queue, d.created_at FROM (VALUES ('interactive'), ('bulk')) AS q (queue), LATERAL (
	SELECT created_at FROM cas.documents WHERE batch = @batch AND queue = q.queue AND stage = 'waiting' ORDER BY created_at LIMIT 1) AS d`

	overviewTodaySQL = `
SELECT ` + todaysCallsSQL + `, trim_scale(` + todaysSpentSQL + `)::text, coalesce(y.max_credits, 0), coalesce(y.interactive_floor, 0)
FROM (VALUES (0)) AS one LEFT JOIN cas.budget_days y ON y.day = ` + todaySQL
)

// Overview counts documents, dead letters and attempts; batch "" counts all.
func (db *DB) Overview(ctx context.Context, batch string) (Overview, error) {
	o := Overview{Documents: map[Status]int{}, Dead: map[Reason]int{}, OldestPending: map[string]time.Time{}, Credits: "0", Today: Day{Credits: "0"}}
	deadSQL, unknownSQL, oldestSQL := overviewDeadSQL, overviewUnknownSQL, overviewOldestSQL
	if batch != "" {
		deadSQL, unknownSQL, oldestSQL = overviewBatchDeadSQL, overviewBatchUnknownSQL, overviewBatchOldestSQL
	}
	args := pgx.NamedArgs{"batch": batch}
	queries := &pgx.Batch{}
	var state, credits string
	var n, discarded int
	forEach(queries.Queue(overviewCountsSQL, args), []any{&state, &n, &credits}, func() {
		switch {
		case state == "spent":
			o.Credits = credits
		case n == 0:
		case state == "over_budget":
			o.OverBudget = n
			o.Documents[StatusPending] += n
		default:
			o.Documents[Status(state)] += n
		}
	})
	queries.Queue(overviewLatelySQL, args).QueryRow(func(row pgx.Row) error { return row.Scan(&o.FinishedLately) })
	var reason Reason
	forEach(queries.Queue(deadSQL, args), []any{&reason, &n, &discarded}, func() {
		if n > 0 {
			o.Dead[reason] = n
		}
		o.Discarded += discarded
	})
	queries.Queue(unknownSQL, args).QueryRow(func(row pgx.Row) error { return row.Scan(&o.Unknown) })
	var queue string
	var at time.Time
	forEach(queries.Queue(oldestSQL, args), []any{&queue, &at}, func() { o.OldestPending[queue] = at })
	forEach(queries.Queue(overviewTodaySQL), []any{&o.Today.Calls, &o.Today.Credits, &o.Today.MaxCredits, &o.Today.InteractiveFloor}, func() {})
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

// forEach reads the rows of a query in a batch, one after the other, into what scans
// points to.
func forEach(query *pgx.QueuedQuery, scans []any, do func()) {
	query.Query(func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, scans, func() error { do(); return nil })
		return err //nolint:wrapcheck // whoever sends the batch does
	})
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
