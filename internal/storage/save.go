package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// saveAnswerSQL keeps an answer of a document that the ledger has: one that was erased
// meanwhile leaves none behind. It holds the document, so that nobody erases it now.
const saveAnswerSQL = `
INSERT INTO cas.answers (document_id, sha256, endpoint, request_id, body, received_at)
SELECT document_id, @sha256, @endpoint, @request_id, @body, @received_at FROM cas.documents WHERE document_id = @id FOR UPDATE
ON CONFLICT (document_id) DO UPDATE
SET sha256 = excluded.sha256, endpoint = excluded.endpoint, request_id = excluded.request_id,
    body = excluded.body, received_at = excluded.received_at`

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
	args := pgx.NamedArgs{"document": document, "sha256": sha256[:], "endpoint": endpoint}
	var answer answerRow
	var called bool
	batch := &pgx.Batch{}
	batch.Queue(selectAnswerSQL+`WHERE sha256 = @sha256 AND endpoint = @endpoint ORDER BY octet_length(body) = 0, received_at DESC LIMIT 1`, args).
		Query(func(rows pgx.Rows) (err error) {
			answer, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[answerRow])
			if errors.Is(err, pgx.ErrNoRows) {
				err = nil
			}
			return err
		})
	batch.Queue(`SELECT `+sameBytesSQL, args).QueryRow(func(row pgx.Row) error { return row.Scan(&called) })
	err := db.pool.SendBatch(ctx, batch).Close()
	switch {
	case err != nil:
	case answer.DocumentID != uuid.Nil:
		return answer.answer(), nil
	case called:
		err = ErrSameBytes
	default:
		err = ErrNotFound
	}
	return Answer{}, fmt.Errorf("look for the same bytes: %w", err)
}

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

// Saved is what Save wrote.
type Saved struct {
	// Current is true when the rows of the statement are now this document's;
	// false when a newer or fuller answer for the same key keeps its place.
	Current bool
	// Rows counts the rows written by table, header included.
	Rows map[string]int64

	gone bool // the document is not in the ledger
}

// Save writes, in one transaction and one round trip, the answer, the rows of its
// statement or contract note (replacing those of an older answer for the same key) and, last,
// the document as parsed; readers never see half of it, and doing it twice
// changes nothing. The attempt is closed if end names one. Passwords are wiped.
// ErrRefused means that Postgres does not take the values, ErrNotFound that the
// document is not in the ledger any more: nothing is written.
func (db *DB) Save(ctx context.Context, a Answer, content Content, end AttemptEnd) (Saved, error) {
	return db.save(ctx, a, content, end, true)
}

func (db *DB) save(ctx context.Context, a Answer, content Content, end AttemptEnd, withAnswer bool) (Saved, error) {
	filed := content.filed()
	batch := &pgx.Batch{} // one Sync at its end: Postgres treats it as one transaction
	if withAnswer {
		batch.Queue(saveAnswerSQL, a.args())
	} else {
		batch.Queue(`SELECT FROM cas.documents WHERE document_id = @id FOR UPDATE`, pgx.NamedArgs{"id": a.DocumentID})
	}
	headerAt := batch.Len()
	key := arguments(content.key(), a.DocumentID)
	content.queueHeader(batch, key)
	rowsAt := batch.Len()
	inserts := queueRows(batch, content, key)
	if end.RequestID != "" {
		batch.Queue(endAttemptSQL, end.args(nil))
	}
	if end.RequestID != "" {
		// A call was answered: the account is well, and is probed at once if it is not.
		batch.Queue(`UPDATE cas.account SET probes = 0 WHERE probes > 0 AND paused_reason IS NULL`)
	}
	// A document that another worker gave up meanwhile is dead no more.
	batch.Queue(`UPDATE cas.dead_letters SET redriven_at = now() WHERE document_id = @id AND redriven_at IS NULL`,
		pgx.NamedArgs{"id": a.DocumentID})
	batch.Queue(`
UPDATE cas.documents
SET status = 'parsed', claimed_by = NULL, sealed_passwords = NULL, not_before = NULL, stalled_since = NULL, sha256 = @sha256,
    pan = @pan, period_from = @from::date, period_to = @to::date, cas_type = @type,
    finished_at = CASE WHEN status = 'parsed' THEN finished_at ELSE now() END, normalized_at = now(), updated_at = now()
WHERE document_id = @id`, pgx.NamedArgs{
		"id": a.DocumentID, "sha256": a.SHA256[:], "pan": filed.pan, "from": filed.from, "to": filed.to, "type": filed.casType,
	})

	saved, err := collectSaved(db.pool.SendBatch(ctx, batch), batch.Len(), headerAt, rowsAt, inserts)
	if err != nil {
		return Saved{}, fmt.Errorf("save document %s: %w", a.DocumentID, refused(err))
	}
	if saved.gone {
		return Saved{}, fmt.Errorf("save document %s: %w", a.DocumentID, ErrNotFound)
	}
	if saved.Current {
		saved.Rows[content.family().header] = 1
	}
	return saved, nil
}

func collectSaved(results pgx.BatchResults, n, headerAt, rowsAt int, inserts []string) (saved Saved, err error) {
	defer func() { err = errors.Join(err, results.Close()) }()
	saved.Rows = make(map[string]int64)
	for i := range n {
		tag, err := results.Exec()
		if err != nil {
			return Saved{}, err //nolint:wrapcheck // wrapped by Save
		}
		switch at := i - rowsAt; {
		case i == headerAt:
			saved.Current = tag.RowsAffected() == 1
		case at >= 0 && at < len(inserts) && inserts[at] != "":
			saved.Rows[inserts[at]] += tag.RowsAffected()
		case i == n-1:
			saved.gone = tag.RowsAffected() == 0
		}
	}
	return saved, nil
}

// saveHeaderSQL writes the header row of a statement, and decides whether this answer
// takes the place of the one that is there: it does if it is the same document's;
// else the one with transactions beats the one without, then the one the API
// generated later (one that does not say counts as generated when it arrived), then
// the one that arrived later. The order in which they are saved does not matter.
//
//nolint:gochecknoglobals // a constant, computed
var saveHeaderSQL = statementFamily.saveHeader(headerTable, []string{"transaction_count integer"}, `CASE
	WHEN (excluded.transaction_count > 0) <> (s.transaction_count > 0) THEN excluded.transaction_count > 0
	ELSE (coalesce(excluded.generated_at, excluded.received_at), excluded.received_at)
	  >= (coalesce(s.generated_at, s.received_at), s.received_at)
   END`)

func (s *Statement) family() *family { return statementFamily }

func (s *Statement) deleteSQL() string { return deleteStatementSQL }

func (s *Statement) key() []string {
	return []string{s.Key.PAN, s.Key.PeriodFrom, s.Key.PeriodTo, s.Key.CASType}
}

func (s *Statement) filed() filing {
	return filing{pan: s.Key.PAN, from: s.Key.PeriodFrom, to: s.Key.PeriodTo, casType: s.Key.CASType}
}

func (s *Statement) queueHeader(batch *pgx.Batch, args []any) {
	batch.Queue(saveHeaderSQL, appendTexts(append(slices.Clone(args), s.ReceivedAt, len(s.Transactions)), s.cells(nil, nil))...)
	batch.Queue(saveStatementRevisionSQL, s.revisionArgs(args)...)
}

// appendTexts adds cells to the arguments of a statement.
func appendTexts(args, cells []any) []any {
	for _, cell := range cells {
		args = append(args, cellText(cell))
	}
	return args
}
