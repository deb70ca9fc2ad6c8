package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standing is how the ledger stands, for gauges that are read all the time: asking
// for it costs the same whether the ledger has a hundred documents or a million.
type Standing struct {
	Documents  map[Status]int64
	OverBudget int64 // of the pending ones: those that wait for a higher cap of their batch
	// OldestPending is how long the longest waiting of the first pending documents has
	// waited, by queue: since it was recorded, or put back when it was dead; without those
	// over budget.
	OldestPending map[string]time.Duration
	Unknown       int    // attempts whose outcome nobody knows, counted up to UnknownMost
	Paused        Reason // "" while the API may be called
	Credits       string // decimal: left, as the API said within the last hour; "" not known
	Workers       int    // processes that were seen within a lease
	Today         Day
	Recent        Recent
	Skew          time.Duration // how far Postgres' clock is ahead of ours, at the least: see Skew
}

// UnknownMost is how far attempts of unknown outcome are counted.
const UnknownMost = 10_000

// Recent is how the batches stand together that were begun in the last day or are not
// finished.
type Recent struct {
	Total, Parsed, Dead int64 // documents
	// WorstDead of WorstFinished documents are dead in the batch that has the largest
	// share of them, of those with WorstLeast finished documents or more; both are 0
	// where there is none.
	WorstDead, WorstFinished int64
}

// WorstLeast is how many documents of a batch must be finished before its share of
// dead ones says something.
const WorstLeast = 20

// The queries of Standing. None may go through a table that grows with the number
// of documents.
const (
	standingCountsSQL = `
SELECT state, sum(documents)::bigint FROM (
	SELECT state, documents FROM cas.document_counts WHERE batch = ''
	UNION ALL SELECT state, documents FROM cas.document_changes) AS d
WHERE state NOT IN ('spent', 'deleted') GROUP BY state`

	// Behind redriven documents, which go by their age too, others may have waited for
	// longer: some are looked at.
	standingOldestSQL = `
SELECT q.queue, max(greatest(interval '0', now() - greatest(d.created_at, (
	SELECT l.redriven_at FROM cas.dead_letters l WHERE l.document_id = d.document_id))))
FROM (VALUES ('interactive'), ('bulk')) AS q (queue), LATERAL (
	SELECT document_id, created_at FROM cas.documents WHERE queue = q.queue AND stage = 'waiting'
	ORDER BY created_at LIMIT 5) AS d
GROUP BY q.queue`

	standingUnknownSQL = `SELECT count(*) FROM (SELECT FROM cas.attempts WHERE unknown LIMIT 10000) AS a`

	standingAccountSQL = `
SELECT coalesce(paused_reason, ''),
	CASE WHEN credits_at > now() - interval '1 hour' THEN coalesce(credits_remaining::text, '') ELSE '' END,
	(SELECT count(*) FROM cas.workers WHERE seen_at > now() - @lease::interval),
	` + todaysCallsSQL + `, trim_scale(` + todaysSpentSQL + `)::text, coalesce(y.max_credits, 0), coalesce(y.interactive_floor, 0), clock_timestamp()
FROM cas.account LEFT JOIN cas.budget_days y ON y.day = ` + todaySQL

	standingRecentSQL = `
WITH recent AS MATERIALIZED (
	SELECT total, parsed, dead, parsed + dead AS finished FROM cas.batches WHERE created_at > now() - interval '1 day' OR unfinished
), worst AS (
	SELECT dead, finished FROM recent WHERE finished >= @least::integer ORDER BY dead::numeric / finished DESC, finished DESC LIMIT 1
)
SELECT coalesce(sum(total), 0)::bigint, coalesce(sum(parsed), 0)::bigint, coalesce(sum(dead), 0)::bigint,
	coalesce((SELECT dead FROM worst), 0)::bigint, coalesce((SELECT finished FROM worst), 0)::bigint
FROM recent`
)

// Standing returns how the ledger stands. lease is how long a worker may go unseen
// before it counts no more.
func (db *DB) Standing(ctx context.Context, lease time.Duration) (Standing, error) {
	s := Standing{Documents: map[Status]int64{}, OldestPending: map[string]time.Duration{}}
	args := pgx.NamedArgs{"lease": lease, "least": WorstLeast}
	var clock time.Time
	queries := &pgx.Batch{}
	// The clock first: the less there is between asking and telling, the better.
	queries.Queue(standingAccountSQL, args).QueryRow(func(row pgx.Row) error {
		return row.Scan(&s.Paused, &s.Credits, &s.Workers, &s.Today.Calls, &s.Today.Credits, &s.Today.MaxCredits, &s.Today.InteractiveFloor, &clock)
	})
	queries.Queue(standingCountsSQL).Query(func(rows pgx.Rows) error {
		var state string
		var n int64
		_, err := pgx.ForEachRow(rows, []any{&state, &n}, func() error {
			if state == "over_budget" {
				s.OverBudget, state = n, string(StatusPending)
			}
			s.Documents[Status(state)] += n
			return nil
		})
		return err //nolint:wrapcheck // wrapped below
	})
	queries.Queue(standingOldestSQL).Query(func(rows pgx.Rows) error {
		var queue string
		var age time.Duration
		_, err := pgx.ForEachRow(rows, []any{&queue, &age}, func() error { s.OldestPending[queue] = age; return nil })
		return err //nolint:wrapcheck // wrapped below
	})
	queries.Queue(standingUnknownSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&s.Unknown) })
	queries.Queue(standingRecentSQL, args).QueryRow(func(row pgx.Row) error {
		r := &s.Recent
		return row.Scan(&r.Total, &r.Parsed, &r.Dead, &r.WorstDead, &r.WorstFinished)
	})
	before := time.Now()
	if err := db.pool.SendBatch(ctx, queries).Close(); err != nil {
		return Standing{}, fmt.Errorf("read how the ledger stands: %w", err)
	}
	s.Skew = Skew(before, clock, time.Now())
	return s, nil
}

// AddUpCounts adds up what transactions have noted about the number of documents in
// each state, and of calls, so that little is left for readers to add, and takes what
// was deleted off the totals of batches: an erasure would have to lock them behind its
// documents, and all others lock them first.
func (l *Leader) AddUpCounts(ctx context.Context) error {
	const documents = `
WITH changes AS (
	DELETE FROM cas.document_changes RETURNING batch, state, documents, credits
), counted AS (
	INSERT INTO cas.document_counts AS c (batch, state, documents, credits)
	SELECT CASE WHEN grouping(batch) = 1 THEN '' ELSE batch END, state, sum(documents), sum(credits)
	FROM changes WHERE state <> 'deleted' GROUP BY GROUPING SETS ((state), (batch, state)) HAVING grouping(batch) = 1 OR batch IS NOT NULL
	ORDER BY 1, 2
	ON CONFLICT (batch, state) DO UPDATE SET documents = c.documents + excluded.documents, credits = c.credits + excluded.credits
), finished AS (
	SELECT batch, coalesce(sum(documents) FILTER (WHERE state = 'parsed'), 0) AS parsed, coalesce(sum(documents) FILTER (WHERE state = 'dead'), 0) AS dead,
		coalesce(sum(documents) FILTER (WHERE state = 'deleted'), 0) AS deleted
	FROM changes WHERE batch IS NOT NULL AND state IN ('parsed', 'dead', 'deleted') GROUP BY batch
), locked AS MATERIALIZED ( -- in the order in which all others lock batches
	SELECT batch FROM cas.batches WHERE batch = ANY (ARRAY(SELECT batch FROM finished)) ORDER BY batch FOR NO KEY UPDATE -- by the key; a join may read all
)
UPDATE cas.batches b SET parsed = b.parsed + f.parsed, dead = b.dead + f.dead, total = b.total - f.deleted
FROM finished f WHERE b.batch = f.batch AND b.batch = ANY (ARRAY(SELECT batch FROM locked))`
	// A transaction of its own, or batches would be locked in the order of both. Whoever
	// holds a batch or a day against its cap is waited for: no call is counted twice, or
	// not at all, for anybody.
	const calls = `
WITH changes AS (
	DELETE FROM cas.call_changes RETURNING batch, day, calls, discount
), of_batches AS (
	SELECT batch, sum(calls) AS calls, sum(discount) AS discount FROM changes WHERE batch IS NOT NULL GROUP BY batch
), locked AS MATERIALIZED (
	SELECT batch FROM cas.batches WHERE batch = ANY (ARRAY(SELECT batch FROM of_batches)) ORDER BY batch FOR NO KEY UPDATE
), added AS (
	UPDATE cas.batches b SET calls = b.calls + o.calls, discount = b.discount + o.discount FROM of_batches o
	WHERE b.batch = o.batch AND b.batch = ANY (ARRAY(SELECT batch FROM locked))
	RETURNING b.batch
)
INSERT INTO cas.budget_days AS b (day, calls, discount)
SELECT day, sum(calls), sum(discount) FROM changes, (SELECT count(*) FROM added) AS first GROUP BY day ORDER BY day -- in the order of the locks
ON CONFLICT (day) DO UPDATE SET calls = b.calls + excluded.calls, discount = b.discount + excluded.discount`
	for _, sql := range []string{documents, calls} {
		if _, err := l.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("add up counts: %w", err)
		}
	}
	return nil
}

// NoteCredits notes what the API said about the credits that are left: decimal text,
// or "" for no limit.
func (db *DB) NoteCredits(ctx context.Context, remaining string) error {
	_, err := db.pool.Exec(ctx, `UPDATE cas.account SET credits_remaining = nullif(@remaining, '')::numeric, credits_at = now()`,
		pgx.NamedArgs{"remaining": remaining})
	if err != nil {
		return fmt.Errorf("note credits: %w", err)
	}
	return nil
}

// CreditsAge is how long ago the API last said how many credits are left; ok is false
// where it never did.
func (db *DB) CreditsAge(ctx context.Context) (age time.Duration, ok bool, err error) {
	type row struct {
		Age *time.Duration `db:"age"`
	}
	r, err := one[row](ctx, db.pool, `SELECT now() - credits_at AS age FROM cas.account`, nil)
	switch {
	case err != nil:
		return 0, false, fmt.Errorf("read age of credits: %w", err)
	case r.Age == nil:
		return 0, false, nil
	}
	return *r.Age, true, nil
}
