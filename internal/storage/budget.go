package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Budget is what the fleet may spend in a day. A call counts with its price from its
// begin; one that ends uncharged is given back, one whose outcome is unknown is
// not. The zero value is no cap.
type Budget struct {
	// DailyCredits is how many credits calls of a day may come to; 0 is no cap.
	DailyCredits int
	// InteractiveFloor is how many of them, the day's last, are not for bulk.
	InteractiveFloor int
}

// args are the parameters that dailySQL needs.
func (b Budget) args() pgx.NamedArgs {
	return pgx.NamedArgs{"daily": b.DailyCredits, "floor": b.InteractiveFloor}
}

// CreditsAtMost is what calls for so many documents of a kind cost, in whole credits.
func CreditsAtMost(kind string, documents int) int {
	if kind == KindContractNote {
		return (documents + 1) / 2
	}
	return documents
}

const (
	// priceSQL is what a call for a document d costs, in credits, as the API's price
	// list has it; CreditsAtMost is the same. perCreditSQL is how many calls a credit
	// is good for at the most.
	priceSQL     = `CASE d.kind WHEN 'contract_note' THEN 0.5 ELSE 1.0 END`
	perCreditSQL = `2`

	// todaySQL is the day that counts: in India, where the API's account lives, by
	// the clock of Postgres, which all workers share.
	todaySQL = `(now() AT TIME ZONE 'Asia/Kolkata')::date`

	// dailySQL is what the calls of the day may come to for d.queue; NULL is no cap.
	dailySQL = `nullif(@daily::integer, 0) - @floor::integer * (d.queue <> 'interactive')::integer`

	// countsSQL is 1 for an attempt a that counts, else 0.
	countsSQL = `(a.outcome NOT IN ('refused', 'failed', 'throttled') OR coalesce(a.credits, 0) > 0)::integer`

	// What calls have changed about the numbers is only appended, to cas.call_changes:
	// a row that every call updates would let all workers wait for one another, each
	// for the disk's share of the one before. The leading worker adds it up (AddUpCounts).

	// callsSQL and todaysCallsSQL are the calls of the batch b and of the day.
	callsSQL = `greatest(0, b.calls + coalesce((SELECT sum(h.calls) FROM cas.call_changes h WHERE h.batch = b.batch), 0))::integer`

	todaysCallsSQL = `greatest(0, coalesce((SELECT h.calls FROM cas.budget_days h WHERE h.day = ` + todaySQL + `), 0)
		+ coalesce((SELECT sum(h.calls) FROM cas.call_changes h WHERE h.day = ` + todaySQL + `), 0))::integer`

	// spentSQL and todaysSpentSQL are what these come to, in credits: calls count whole,
	// for versions of the program that know no other price, and the discount is what
	// they cost less.
	spentSQL = `greatest(0, b.calls - b.discount + coalesce((SELECT sum(h.calls - h.discount) FROM cas.call_changes h WHERE h.batch = b.batch), 0))`

	todaysSpentSQL = `greatest(0, coalesce((SELECT h.calls - h.discount FROM cas.budget_days h WHERE h.day = ` + todaySQL + `), 0)
		+ coalesce((SELECT sum(h.calls - h.discount) FROM cas.call_changes h WHERE h.day = ` + todaySQL + `), 0))`

	// lockBatchSQL and lockDaySQL hold the rows whose caps a call for @document is held
	// against until the transaction ends, so that its next statement sees what others
	// have counted. Where there is no cap nobody need wait. Everybody locks the batch
	// first, then the day.
	lockBatchSQL = `SELECT true FROM cas.batches WHERE batch = (SELECT batch FROM cas.documents WHERE document_id = @document)
		AND (max_credits IS NOT NULL OR @daily::integer > 0) FOR NO KEY UPDATE`
	lockDaySQL = `INSERT INTO cas.budget_days AS b (day) VALUES (` + todaySQL + `) ON CONFLICT (day) DO UPDATE SET calls = b.calls WHERE false`

	// countSQL goes on after a CTE "counted" with the batch and price of attempts that
	// begin.
	countSQL = `, noted AS (
	INSERT INTO cas.call_changes (batch, day, calls, discount) SELECT batch, ` + todaySQL + `, count(*), sum(1 - price) FROM counted GROUP BY batch
)`

	// recountSQL goes on after a CTE "ended" with the ids, starts, prices and changes of
	// attempts: +1 where one has begun to cost something, -1 where it has ceased to.
	recountSQL = `, recounted AS (
	INSERT INTO cas.call_changes (batch, day, calls, discount)
	SELECT d.batch, (e.started_at AT TIME ZONE 'Asia/Kolkata')::date, sum(e.change), sum(e.change * (1 - e.price))
	FROM ended e LEFT JOIN cas.documents d USING (document_id) WHERE e.change <> 0
	GROUP BY 1, 2 HAVING sum(e.change) <> 0 OR sum(e.change * (1 - e.price)) <> 0
)`

	// paidSQL goes on after recountSQL where "ended" also has how many more credits the
	// attempts have cost than was known.
	paidSQL = `, paid AS (
	INSERT INTO cas.document_changes (batch, state, documents, credits)
	SELECT d.batch, 'spent', 0, sum(e.credits) FROM ended e LEFT JOIN cas.documents d USING (document_id) WHERE e.credits <> 0
	GROUP BY d.batch HAVING sum(e.credits) <> 0
)`
)

// Day is how a day's budget stands.
type Day struct {
	Calls            int    `json:"calls"`                       // that count
	Credits          string `json:"credits"`                     // that they come to, decimal
	MaxCredits       int    `json:"max_credits,omitempty"`       // as the leading worker has been told; 0 no cap
	InteractiveFloor int    `json:"interactive_floor,omitempty"` // of MaxCredits, not for bulk
}

// ShowBudget notes in the ledger what the day may cost, for those who look there.
func (l *Leader) ShowBudget(ctx context.Context, budget Budget) error {
	_, err := l.conn.Exec(ctx, `
INSERT INTO cas.budget_days AS b (day, max_credits, interactive_floor) VALUES (`+todaySQL+`, nullif(@daily::integer, 0), @floor)
ON CONFLICT (day) DO UPDATE SET max_credits = excluded.max_credits, interactive_floor = excluded.interactive_floor
WHERE (b.max_credits, b.interactive_floor) IS DISTINCT FROM (excluded.max_credits, excluded.interactive_floor)`, budget.args())
	if err != nil {
		return fmt.Errorf("show budget: %w", err)
	}
	return nil
}

// Batch is what the ledger has of a batch besides its documents.
type Batch struct {
	Name       string     `db:"batch" json:"batch"`
	Source     string     `db:"source" json:"source,omitempty"` // s3://BUCKET/PREFIX; "" not scanned
	CreatedAt  time.Time  `db:"created_at" json:"created_at"`
	ClosedAt   *time.Time `db:"closed_at" json:"closed_at,omitempty"`     // nil: its scan has not come to the end
	Total      int        `db:"total" json:"total"`                       // documents recorded
	MaxCredits int        `db:"max_credits" json:"max_credits,omitempty"` // 0 no cap
	Calls      int        `db:"calls" json:"calls"`                       // that count
	Credits    string     `db:"credits" json:"credits"`                   // that they come to, decimal
}

// Batch returns a batch, or ErrNotFound.
func (db *DB) Batch(ctx context.Context, name string) (Batch, error) {
	batch, err := one[Batch](ctx, db.pool, `
SELECT batch, coalesce(source, '') AS source, created_at, closed_at, total, coalesce(max_credits, 0) AS max_credits,
	`+callsSQL+` AS calls, trim_scale(`+spentSQL+`)::text AS credits
FROM cas.batches b WHERE batch = @batch`, pgx.NamedArgs{"batch": name})
	if err != nil {
		return Batch{}, fmt.Errorf("read batch: %w", err)
	}
	return batch, nil
}

// OpenBatch notes, before documents are recorded under a batch, where they come
// from and what they may cost; maxCredits 0 leaves the cap as it is.
func (db *DB) OpenBatch(ctx context.Context, name, source string, maxCredits int) error {
	_, err := db.pool.Exec(ctx, `
INSERT INTO cas.batches AS b (batch, source, max_credits) VALUES (@batch, @source, nullif(@max::integer, 0))
ON CONFLICT (batch) DO UPDATE
SET source = excluded.source, closed_at = NULL, max_credits = coalesce(excluded.max_credits, b.max_credits)`,
		pgx.NamedArgs{"batch": name, "source": source, "max": maxCredits})
	if err != nil {
		return fmt.Errorf("open batch: %w", refused(err))
	}
	return nil
}

// CloseBatch notes that all of a batch's source has been gone through.
func (db *DB) CloseBatch(ctx context.Context, name string) error {
	_, err := db.pool.Exec(ctx, `UPDATE cas.batches SET closed_at = now() WHERE batch = @batch`, pgx.NamedArgs{"batch": name})
	if err != nil {
		return fmt.Errorf("close batch: %w", err)
	}
	return nil
}
