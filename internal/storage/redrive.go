package storage

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/redact"
)

// redrivableSQL selects those of a DeadFilter's letters that a redrive can bring
// back: those with a document.
const redrivableSQL = deadSQL + ` AND d.status = 'dead'`

// DeadCount counts dead letters of one reason.
type DeadCount struct {
	Reason   Reason `db:"reason"`
	N        int    `db:"n"`
	Answered int    `db:"answered"` // of N: those whose answer is kept, so that a redrive costs no call
	Credits  int    `db:"credits"`  // what the others cost at most
}

// CountDead counts the letters that f chooses, Limit included, by reason.
func (db *DB) CountDead(ctx context.Context, f DeadFilter) ([]DeadCount, error) {
	return db.countDead(ctx, f, deadSQL)
}

// CountRedrivable counts the documents that Redrive would put back, by reason.
func (db *DB) CountRedrivable(ctx context.Context, f DeadFilter) ([]DeadCount, error) {
	return db.countDead(ctx, f, redrivableSQL)
}

func (db *DB) countDead(ctx context.Context, f DeadFilter, chosen string) ([]DeadCount, error) {
	// An answer is kept for the document itself, or for the same bytes: what a
	// worker looks for before it calls.
	sql := `
SELECT c.reason, count(*)::integer AS n, count(*) FILTER (WHERE k.kept)::integer AS answered,
	ceil(coalesce(sum(c.price) FILTER (WHERE NOT k.kept), 0))::integer AS credits
FROM (SELECT l.reason, l.document_id, d.sha256, ` + priceSQL + ` AS price` + chosen + oldestSQL + `) AS c, LATERAL (SELECT
	EXISTS (SELECT FROM cas.answers a WHERE a.document_id = c.document_id) OR
	EXISTS (SELECT FROM cas.answers a JOIN cas.attempts t USING (endpoint) WHERE a.sha256 = c.sha256 AND t.document_id = c.document_id) AS kept) AS k
GROUP BY c.reason ORDER BY c.reason`
	counts, err := all[DeadCount](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("count dead letters: %w", err)
	}
	return counts, nil
}

// Redriven is a document that Redrive has put back, or Discard given up.
// Delivery is the task it died in.
type Redriven struct {
	DocumentID uuid.UUID `db:"document_id"`
	Bucket     string    `db:"bucket"`
	Key        string    `db:"object_key"`
	Queue      string    `db:"queue"`
	Delivery   int       `db:"delivery"`
}

// Redrivable lists the documents that Redrive would put back, oldest first.
func (db *DB) Redrivable(ctx context.Context, f DeadFilter) ([]Redriven, error) {
	const sql = `SELECT d.document_id, d.bucket, d.object_key, d.queue, d.delivery` + redrivableSQL + oldestSQL
	documents, err := all[Redriven](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("list dead documents: %w", err)
	}
	return documents, nil
}

// Redrive puts dead documents back to pending, oldest first, with no attempts
// counted, in one transaction. That they were discarded stays on record.
func (db *DB) Redrive(ctx context.Context, f DeadFilter) ([]Redriven, error) {
	const sql = `
WITH chosen AS (
	SELECT l.document_id` + redrivableSQL + oldestSQL + `
	FOR UPDATE OF l SKIP LOCKED
), redriven AS (
	UPDATE cas.dead_letters l SET redriven_at = now(), auto_redrives = 0 FROM chosen WHERE l.document_id = chosen.document_id
)
UPDATE cas.documents d
SET status = 'pending', attempts = 0, crashes = 0, not_before = NULL, stalled_since = NULL, finished_at = NULL, updated_at = now()
FROM chosen WHERE d.document_id = chosen.document_id AND d.status = 'dead'
RETURNING d.document_id, d.bucket, d.object_key, d.queue, d.delivery`
	redriven, err := all[Redriven](ctx, db.pool, sql, f.args())
	if err != nil {
		return nil, fmt.Errorf("redrive: %w", err)
	}
	return redriven, nil
}

// Discard gives dead letters up, oldest first, in one transaction: their
// documents stay dead, their passwords are wiped, and the letters are LettersOpen
// no more. PANs in by and why are masked. It returns how many letters that were, and the
// documents among them.
func (db *DB) Discard(ctx context.Context, f DeadFilter, by, why string) (letters int, documents []Redriven, err error) {
	const sql = `
WITH chosen AS (
	SELECT l.document_id` + deadSQL + oldestSQL + `
	FOR UPDATE OF l SKIP LOCKED
), discarded AS (
	UPDATE cas.dead_letters l SET discarded_at = now(), discarded_by = @by, discarded_why = @why
	FROM chosen WHERE l.document_id = chosen.document_id
	RETURNING l.document_id
), wiped AS (
	UPDATE cas.documents d SET sealed_passwords = NULL, updated_at = now()
	FROM chosen WHERE d.document_id = chosen.document_id AND d.status = 'dead'
	RETURNING d.document_id, d.bucket, d.object_key, d.queue, d.delivery
)
SELECT document_id, coalesce(bucket, '') AS bucket, coalesce(object_key, '') AS object_key, coalesce(queue, '') AS queue,
	coalesce(delivery, 0) AS delivery
FROM discarded LEFT JOIN wiped USING (document_id)`
	args := f.args()
	args["by"], args["why"] = redact.PANs(by), redact.PANs(why)
	discarded, err := all[Redriven](ctx, db.pool, sql, args)
	if err != nil {
		return 0, nil, fmt.Errorf("discard dead letters: %w", err)
	}
	for _, d := range discarded {
		if d.Bucket != "" { // else a task without a document
			documents = append(documents, d)
		}
	}
	return len(discarded), documents, nil
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
