package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Answer is what the API answered for one document, byte for byte.
type Answer struct {
	DocumentID uuid.UUID
	SHA256     [32]byte // of the PDF
	Endpoint   string
	RequestID  string // the attempt that brought it
	Body       []byte
	ReceivedAt time.Time
}

// keepAnswerSQL keeps an answer of a document that the ledger has, which goes on behind
// it: one that was erased meanwhile leaves none behind.
const keepAnswerSQL = `
INSERT INTO cas.answers (document_id, sha256, endpoint, request_id, body, received_at)
SELECT document_id, @sha256, @endpoint, @request_id, @body, @received_at FROM `

const onAnswerSQL = `
ON CONFLICT (document_id) DO UPDATE
SET sha256 = excluded.sha256, endpoint = excluded.endpoint, request_id = excluded.request_id,
    body = excluded.body, received_at = excluded.received_at`

// saveAnswerSQL keeps an answer and holds the document, so that nobody erases it now.
const saveAnswerSQL = keepAnswerSQL + `cas.documents WHERE document_id = @id FOR UPDATE` + onAnswerSQL

func (a Answer) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"id": a.DocumentID, "sha256": a.SHA256[:], "endpoint": a.Endpoint, "request_id": a.RequestID,
		"body": a.Body, "received_at": a.ReceivedAt,
	}
}

// Answer returns the answer that is kept for a document, or ErrNotFound.
func (db *DB) Answer(ctx context.Context, document uuid.UUID) (Answer, error) {
	r, err := one[answerRow](ctx, db.pool, selectAnswerSQL+`WHERE document_id = @id`, pgx.NamedArgs{"id": document})
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	return r.answer(), nil
}

// Answers returns the answers that are kept for documents, by document.
func (db *DB) Answers(ctx context.Context, documents []uuid.UUID) (map[uuid.UUID]Answer, error) {
	rows, err := all[answerRow](ctx, db.pool, selectAnswerSQL+`WHERE document_id = ANY (@ids)`, pgx.NamedArgs{"ids": documents})
	if err != nil {
		return nil, fmt.Errorf("read answers: %w", err)
	}
	answers := make(map[uuid.UUID]Answer, len(rows))
	for _, r := range rows {
		answers[r.DocumentID] = r.answer()
	}
	return answers, nil
}

// AnswerFor returns an answer for the same bytes from the same endpoint, given
// to whichever document. One with an empty body is not kept any more
// (ForgetAnswers); DocumentID then tells whose statement it became. ErrSameBytes means
// that there is none, but that another document with these bytes is being called for:
// waiting for its answer needs no permit. BeginAttempt is the judge. ErrNotFound means
// neither.
func (db *DB) AnswerFor(ctx context.Context, document uuid.UUID, sha256 [32]byte, endpoint string) (Answer, error) {
	asked := &asked{lookup: &NewAttempt{DocumentID: document, SHA256: sha256, Endpoint: endpoint}}
	if db.asks.ask(ctx, asked) {
		return Answer{}, fmt.Errorf("look for the same bytes: %w", ErrNotFound)
	}
	rows, err := db.pool.Query(ctx, answerFor.sql, answerFor.values(pgx.NamedArgs{"document": document, "sha256": sha256[:], "endpoint": endpoint})...)
	var found foundAnswer
	if err == nil {
		found, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[foundAnswer])
	}
	switch {
	case err != nil:
	case found.DocumentID != uuid.Nil:
		return found.answer(), nil
	case found.Called:
		err = ErrSameBytes
	default:
		err = ErrNotFound
	}
	return Answer{}, fmt.Errorf("look for the same bytes: %w", err)
}

// foundAnswer is an answer for the same bytes, if there is one, and whether another
// document with them is being called for.
type foundAnswer struct {
	answerRow
	Called bool `db:"called"`
}

//nolint:gochecknoglobals // a constant, computed
var answerFor = prepare(`
SELECT coalesce(f.document_id, '00000000-0000-0000-0000-000000000000') AS document_id, f.sha256, coalesce(f.endpoint, '') AS endpoint,
	coalesce(f.request_id, '') AS request_id, f.body, coalesce(f.received_at, now()) AS received_at, f.document_id IS NULL AND ` + sameBytesSQL + ` AS called
FROM (VALUES (1)) AS it LEFT JOIN (` + selectAnswerSQL + `
	WHERE sha256 = @sha256 AND endpoint = @endpoint ORDER BY octet_length(body) = 0, received_at DESC LIMIT 1) AS f ON true`)

const selectAnswerSQL = `SELECT document_id, sha256, endpoint, request_id, body, received_at FROM cas.answers `

type answerRow struct {
	DocumentID uuid.UUID `db:"document_id"`
	SHA256     []byte    `db:"sha256"`
	Endpoint   string    `db:"endpoint"`
	RequestID  string    `db:"request_id"`
	Body       []byte    `db:"body"`
	ReceivedAt time.Time `db:"received_at"`
}

func (r answerRow) answer() Answer {
	a := Answer{DocumentID: r.DocumentID, Endpoint: r.Endpoint, RequestID: r.RequestID, Body: r.Body, ReceivedAt: r.ReceivedAt}
	copy(a.SHA256[:], r.SHA256)
	return a
}

// SaveAnswer keeps an answer whose rows cannot be written now, closes its
// attempt and leaves the document answered.
func (db *DB) SaveAnswer(ctx context.Context, a Answer, end AttemptEnd) error {
	batch := &pgx.Batch{}
	batch.Queue(saveAnswerSQL, a.args())
	batch.Queue(endAttemptSQL, end.args(nil))
	batch.Queue(`UPDATE cas.documents SET status = 'answered', updated_at = now() WHERE document_id = @id AND status = 'calling' AND `+heldSQL,
		pgx.NamedArgs{"id": a.DocumentID, "worker": end.WorkerID})
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("save answer of document %s: %w", a.DocumentID, refused(err))
	}
	return nil
}
