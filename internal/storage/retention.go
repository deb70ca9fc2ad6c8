package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ForgetAnswers empties up to limit raw answers that were received longer than age
// ago and whose statement is stored, oldest first, and counts them. That they were
// given stays known: see ParsedLike.
func (db *DB) ForgetAnswers(ctx context.Context, age time.Duration, limit int) (int, error) {
	tag, err := db.pool.Exec(ctx, `
UPDATE cas.answers SET body = '' WHERE document_id IN (
	SELECT a.document_id FROM cas.answers a JOIN cas.documents d USING (document_id)
	WHERE octet_length(a.body) > 0 AND a.received_at < now() - @age::interval AND d.status = 'parsed'
	ORDER BY a.received_at LIMIT @limit)`, pgx.NamedArgs{"age": age, "limit": limit})
	if err != nil {
		return 0, fmt.Errorf("forget old answers: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// ParsedLike makes a document that worker holds parsed by the statement of another
// one with the same bytes, whose raw answer is not kept any more. ErrNotFound means
// that the other is not parsed, or the claim is lost: nothing is changed.
func (db *DB) ParsedLike(ctx context.Context, document, other, worker uuid.UUID) error {
	tag, err := db.pool.Exec(ctx, `
UPDATE cas.documents d
SET status = 'parsed', claimed_by = NULL, sealed_passwords = NULL, stalled_since = NULL, sha256 = o.sha256,
    pan = o.pan, period_from = o.period_from, period_to = o.period_to, cas_type = o.cas_type, finished_at = now(), updated_at = now()
FROM cas.documents o
WHERE d.document_id = @id AND d.status = 'calling' AND d.claimed_by = @worker AND o.document_id = @other AND o.status = 'parsed'`,
		pgx.NamedArgs{"id": document, "other": other, "worker": worker})
	if err == nil && tag.RowsAffected() == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("note document %s as parsed like another: %w", document, err)
	}
	return nil
}
