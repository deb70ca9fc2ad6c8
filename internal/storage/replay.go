package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/redact"
)

// ReplayFilter chooses which stored answers are read anew; the zero value all of
// them. Only answers of documents that are parsed or dead are: the others are
// somebody's work. Dead letters that were discarded stay so unless Document names them.
type ReplayFilter struct {
	Document uuid.UUID // uuid.Nil: whatever document
	PAN      string    // of documents that were parsed; "" whatever PAN
	Since    time.Time // received since; zero: whenever
}

// selection says, without a PAN, what f chooses.
func (f ReplayFilter) selection() string {
	text := "all"
	if f.Document != uuid.Nil {
		text = "document " + f.Document.String()
	}
	if f.PAN != "" {
		text += ", PAN " + redact.PANs(f.PAN)
	}
	if !f.Since.IsZero() {
		text += ", since " + f.Since.UTC().Format(time.RFC3339)
	}
	return text
}

func (f ReplayFilter) args() pgx.NamedArgs {
	args := pgx.NamedArgs{"document": nil, "pan": f.PAN, "since": nil}
	if f.Document != uuid.Nil {
		args["document"] = f.Document
	}
	if !f.Since.IsZero() {
		args["since"] = f.Since
	}
	return args
}

// Replay is a run through stored answers.
type Replay struct {
	ID        uuid.UUID `db:"replay_id"`
	StartedAt time.Time `db:"started_at"`
	Resumed   bool      `db:"resumed"` // an earlier run of the same selection that was cut short
	Left      int       `db:"-"`       // answers that are still to be read
}

// replayedSQL are the answers that a ReplayFilter chooses and that are not done.
const replayedSQL = `
FROM cas.documents d JOIN cas.answers a USING (document_id)
WHERE octet_length(a.body) > 0 AND (d.normalized_at IS NULL OR d.normalized_at < @started)
  AND (@document::uuid IS NULL OR d.document_id = @document) AND (@pan = '' OR d.pan = @pan)
  AND (@since::timestamptz IS NULL OR a.received_at >= @since)
  AND (d.status = 'parsed' OR d.status = 'dead' AND (@document::uuid IS NOT NULL OR NOT EXISTS (
	SELECT FROM cas.dead_letters l WHERE l.document_id = d.document_id AND l.discarded_at IS NOT NULL AND l.redriven_at IS NULL)))`

// StartReplay begins a run, or goes on with the one of the same selection that was
// cut short, unless anew is asked for.
func (db *DB) StartReplay(ctx context.Context, f ReplayFilter, anew bool) (Replay, error) {
	const sql = `
WITH earlier AS (
	SELECT replay_id, started_at FROM cas.replays
	WHERE selection = @selection AND finished_at IS NULL AND NOT @anew
	ORDER BY started_at DESC LIMIT 1
), begun AS (
	INSERT INTO cas.replays (replay_id, selection) SELECT @id, @selection WHERE NOT EXISTS (SELECT FROM earlier)
	RETURNING replay_id, started_at
)
SELECT replay_id, started_at, true AS resumed FROM earlier UNION ALL SELECT replay_id, started_at, false FROM begun`
	replay, err := one[Replay](ctx, db.pool, sql, pgx.NamedArgs{"id": uuid.New(), "selection": f.selection(), "anew": anew})
	if err != nil {
		return Replay{}, fmt.Errorf("begin replay: %w", err)
	}
	args := f.args()
	args["started"] = replay.StartedAt
	if err := db.pool.QueryRow(ctx, `SELECT count(*)`+replayedSQL, args).Scan(&replay.Left); err != nil {
		return Replay{}, fmt.Errorf("count answers: %w", err)
	}
	return replay, nil
}

// FinishReplay notes that a run came to its end.
func (db *DB) FinishReplay(ctx context.Context, replay Replay) error {
	_, err := db.pool.Exec(ctx, `UPDATE cas.replays SET finished_at = now() WHERE replay_id = @id`, pgx.NamedArgs{"id": replay.ID})
	if err != nil {
		return fmt.Errorf("finish replay: %w", err)
	}
	return nil
}

// Replayed is a document whose answer is to be read anew.
type Replayed struct {
	DocumentID uuid.UUID `db:"document_id"`
	Kind       string    `db:"kind"`
	Status     Status    `db:"status"`
	PAN        string    `db:"pan"`  // of its statement; "" it has none yet
	Size       int       `db:"size"` // of its answer, in bytes
}

// replayPage is how many investors are looked up at once.
const replayPage = 200

// replayGroup is how many documents a group has at least, but for the last of a page:
// so many share what each statement costs.
const replayGroup = 8

// replayOrder is the order in which documents of one PAN are read anew.
const replayOrder = ` ORDER BY d.pan, d.period_from, d.period_to, d.cas_type,
	NOT EXISTS (SELECT FROM cas.statements s WHERE s.pan = d.pan AND s.period_from = d.period_from AND s.period_to = d.period_to
		AND s.cas_type = d.cas_type AND s.document_id = d.document_id)
	AND NOT EXISTS (SELECT FROM cas.contract_notes n WHERE n.pan = d.pan AND n.trade_date = d.period_from AND n.document_id = d.document_id),
	a.received_at, d.document_id`

// ReplayGroups calls do with the documents to be read anew, all of one PAN in one
// group, in the order in which they must be read: of those with the same key the one
// whose rows stand first. It ends with the first error.
func (db *DB) ReplayGroups(ctx context.Context, replay Replay, f ReplayFilter, do func([]Replayed) error) error {
	args := f.args()
	args["started"], args["limit"] = replay.StartedAt, replayPage
	list := func(condition string) ([]Replayed, error) {
		documents, err := all[Replayed](ctx, db.pool,
			`SELECT d.document_id, d.kind, d.status, coalesce(d.pan, '') AS pan, octet_length(a.body) AS size`+replayedSQL+condition, args)
		if err != nil {
			return nil, fmt.Errorf("list answers: %w", err)
		}
		return documents, nil
	}
	if f.Document != uuid.Nil {
		documents, err := list("")
		if err != nil || len(documents) == 0 {
			return err
		}
		return do(documents)
	}
	// PANs first, whatever is to be done of them: looking for those alone of which
	// something is would go through all that is done already, page by page.
	args["after"] = ""
	for {
		pans, err := db.pansAfter(ctx, f, args)
		if err != nil {
			return err
		}
		if len(pans) == 0 {
			break
		}
		args["after"], args["pans"] = pans[len(pans)-1], pans
		documents, err := list(` AND d.pan = ANY (@pans)` + replayOrder)
		if err != nil {
			return err
		}
		for len(documents) > 0 {
			n := min(replayGroup, len(documents))
			for n < len(documents) && documents[n].PAN == documents[n-1].PAN {
				n++
			}
			if err := do(documents[:n]); err != nil {
				return err
			}
			documents = documents[n:]
		}
	}
	if f.PAN != "" {
		return nil
	}
	args["after"] = uuid.Nil
	for {
		documents, err := list(` AND d.pan IS NULL AND d.document_id > @after ORDER BY d.document_id LIMIT @limit`)
		if err != nil || len(documents) == 0 {
			return err
		}
		args["after"] = documents[len(documents)-1].DocumentID
		for group := range slices.Chunk(documents, replayGroup) {
			if err := do(group); err != nil {
				return err
			}
		}
	}
}

// pansAfter are the next PANs that documents have and f chooses.
func (db *DB) pansAfter(ctx context.Context, f ReplayFilter, args pgx.NamedArgs) ([]string, error) {
	if f.PAN != "" {
		if args["after"] != "" {
			return nil, nil
		}
		return []string{f.PAN}, nil
	}
	rows, err := db.pool.Query(ctx, `SELECT DISTINCT pan FROM cas.documents WHERE pan > @after ORDER BY pan LIMIT @limit`, args)
	if err != nil {
		return nil, fmt.Errorf("list investors: %w", err)
	}
	pans, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("list investors: %w", err)
	}
	return pans, nil
}
