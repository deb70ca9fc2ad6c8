package storage

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// parsedAs makes a document parsed, in an UPDATE of cas.documents.
func parsedAs(sha256, pan, from, to, casType string) string {
	return `status = 'parsed', claimed_by = NULL, sealed_passwords = NULL, not_before = NULL, stalled_since = NULL, sha256 = ` + sha256 + `,
    pan = ` + pan + `, period_from = ` + from + `, period_to = ` + to + `, cas_type = ` + casType + `,
    finished_at = CASE WHEN status = 'parsed' THEN finished_at ELSE now() END, normalized_at = now(), updated_at = now()`
}

// letterSQL opens the dead letter of a document: one that another worker gave up
// meanwhile is dead no more. It comes after parsedSQL: who gives a document up holds it.
const letterSQL = `UPDATE cas.dead_letters SET redriven_at = now() WHERE document_id = @id AND redriven_at IS NULL`

// The statements of Save. parsedSQL holds the document too. wellSQL is that a call was
// answered: the account is well, and is probed at once if it is not.
//
//nolint:gochecknoglobals // constants, computed
var (
	parsedSQL      = "UPDATE cas.documents\nSET " + parsedAs("@sha256", "@pan", "@from::date", "@to::date", "@type") + "\nWHERE document_id = @id"
	parsed         = prepare(parsedSQL)
	answeredParsed = prepare("WITH parsed AS (" + parsedSQL + "\nRETURNING document_id)" + keepAnswerSQL + "parsed" + onAnswerSQL)
	endLetter      = prepare(letterSQL)
	endAll         = prepare(endAttemptCTE + ", well AS (" + wellSQL + "), letter AS (" + letterSQL + ")\nSELECT FROM ended")
)

const wellSQL = `UPDATE cas.account SET probes = 0 WHERE probes > 0 AND paused_reason IS NULL`

// Saved is what Save wrote.
type Saved struct {
	// Current is true when the rows of the statement are now this document's;
	// false when a newer or fuller answer for the same key keeps its place.
	Current bool
	// Rows counts the rows written by table, header included.
	Rows map[string]int64

	gone bool // the document is not in the ledger
}

// Save writes, in one transaction that others may share, the answer, the rows of its
// statement or contract note (replacing those of an older answer for the same key) and
// the document as parsed; readers never see half of it, and doing it twice
// changes nothing. The attempt is closed if end names one. Passwords are wiped.
// ErrRefused means that Postgres does not take the values, ErrNotFound that the
// document is not in the ledger any more: nothing is written.
func (db *DB) Save(ctx context.Context, a Answer, content Content, end AttemptEnd) (Saved, error) {
	if saved, ok := db.saveInGroup(ctx, a, content, end); ok {
		return saved, nil
	}
	return save(ctx, db.pool, a, content, end, true)
}

// sender is a pool, or a transaction.
type sender interface {
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

func save(ctx context.Context, to sender, a Answer, content Content, end AttemptEnd, withAnswer bool) (Saved, error) {
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

	saved, err := collectSaved(to.SendBatch(ctx, batch), batch.Len(), headerAt, rowsAt, inserts)
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
