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

// parsedSQL makes a document parsed, which holds it too.
const parsedSQL = `
UPDATE cas.documents
SET status = 'parsed', claimed_by = NULL, sealed_passwords = NULL, not_before = NULL, stalled_since = NULL, sha256 = @sha256,
    pan = @pan, period_from = @from::date, period_to = @to::date, cas_type = @type,
    finished_at = CASE WHEN status = 'parsed' THEN finished_at ELSE now() END, normalized_at = now(), updated_at = now()
WHERE document_id = @id`

// letterSQL opens the dead letter of a document: one that another worker gave up
// meanwhile is dead no more. It comes after parsedSQL: who gives a document up holds it.
const letterSQL = `UPDATE cas.dead_letters SET redriven_at = now() WHERE document_id = @id AND redriven_at IS NULL`

// The statements of Save. wellSQL is that a call was answered: the account is well, and
// is probed at once if it is not.
//
//nolint:gochecknoglobals // constants, computed
var (
	parsed         = prepare(parsedSQL)
	answeredParsed = prepare("WITH parsed AS (" + parsedSQL + "\nRETURNING document_id)" + keepAnswerSQL + "parsed" + onAnswerSQL)
	endLetter      = prepare(letterSQL)
	endAll         = prepare(endAttemptCTE + ", well AS (" + wellSQL + "), letter AS (" + letterSQL + ")\nSELECT FROM ended")
)

const wellSQL = `UPDATE cas.account SET probes = 0 WHERE probes > 0 AND paused_reason IS NULL`

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
	if db.together.ask(ctx, asked) {
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
// statement or contract note (replacing those of an older answer for the same key) and
// the document as parsed; readers never see half of it, and doing it twice
// changes nothing. The attempt is closed if end names one. Passwords are wiped.
// ErrRefused means that Postgres does not take the values, ErrNotFound that the
// document is not in the ledger any more: nothing is written.
func (db *DB) Save(ctx context.Context, a Answer, content Content, end AttemptEnd) (Saved, error) {
	return db.save(ctx, a, content, end, true)
}

func (db *DB) save(ctx context.Context, a Answer, content Content, end AttemptEnd, withAnswer bool) (Saved, error) {
	filed := content.filed()
	args := a.args()
	args["pan"], args["from"], args["to"], args["type"] = filed.pan, filed.from, filed.to, filed.casType
	batch := &pgx.Batch{} // one Sync at its end: Postgres treats it as one transaction
	if withAnswer {
		answeredParsed.queue(batch, args)
	} else {
		parsed.queue(batch, args)
	}
	headerAt := batch.Len()
	key := arguments(content.key(), a.DocumentID)
	content.queueHeader(batch, key)
	rowsAt := batch.Len()
	inserts := queueRows(batch, content, key)
	if end.RequestID != "" {
		ended := end.args(nil)
		ended["id"] = a.DocumentID
		endAll.queue(batch, ended)
	} else {
		endLetter.queue(batch, args)
	}

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
		case i == 0:
			saved.gone = tag.RowsAffected() == 0
		case i == headerAt:
			saved.Current = tag.RowsAffected() == 1
		case at >= 0 && at < len(inserts) && inserts[at] != "":
			saved.Rows[inserts[at]] += tag.RowsAffected()
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
