package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// BatchLine is a document of a batch, and what it has cost.
type BatchLine struct {
	DocumentID uuid.UUID
	Key        string // may hold a PAN
	Status     Status
	Reason     Reason // why it is dead; "" it is not
	Calls      int    // of the API
	Unsettled  int    // of them, those whose cost is not known
	Credits    string // decimal; of the others
	// RequestIDs are those of the calls that cost something, apart by a space; where
	// none did, that of the last.
	RequestIDs string
	RecordedAt time.Time
	FinishedAt *time.Time // nil: neither parsed nor dead
}

// BatchReport hands over the documents of a batch in the order they were recorded
// in, one by one: memory does not grow with their number. It ends with the first
// error of each.
func (db *DB) BatchReport(ctx context.Context, batch string, each func(BatchLine) error) error {
	rows, err := db.pool.Query(ctx, `
SELECT d.document_id, d.object_key, d.status, coalesce(l.reason, ''), a.calls, a.unsettled, a.credits, a.request_ids, d.created_at, d.finished_at
FROM cas.documents d
LEFT JOIN cas.dead_letters l ON l.document_id = d.document_id AND l.redriven_at IS NULL AND d.status = 'dead'
CROSS JOIN LATERAL (
	SELECT count(*) AS calls, count(*) FILTER (WHERE outcome IN ('calling', 'unknown')) AS unsettled,
		trim_scale(coalesce(sum(credits), 0))::text AS credits,
		coalesce(string_agg(request_id, ' ' ORDER BY started_at, request_id) FILTER (WHERE credits > 0),
			(array_agg(request_id ORDER BY started_at DESC, request_id DESC))[1], '') AS request_ids
	FROM cas.attempts t WHERE t.document_id = d.document_id) AS a
WHERE d.batch = @batch ORDER BY d.created_at, d.document_id`, pgx.NamedArgs{"batch": batch})
	if err != nil {
		return fmt.Errorf("report batch: %w", err)
	}
	var l BatchLine
	_, err = pgx.ForEachRow(rows, []any{
		&l.DocumentID, &l.Key, &l.Status, &l.Reason, &l.Calls, &l.Unsettled, &l.Credits, &l.RequestIDs, &l.RecordedAt, &l.FinishedAt,
	}, func() error { return each(l) })
	if err != nil {
		return fmt.Errorf("report batch: %w", err)
	}
	return nil
}
