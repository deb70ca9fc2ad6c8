package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Status is how far a document has come.
type Status string

// The states of a document, in the order of its life.
const (
	StatusPending  Status = "pending"  // recorded, waits in Postgres
	StatusQueued   Status = "queued"   // handed to the queue, or waiting there for its next try
	StatusCalling  Status = "calling"  // a worker is at it
	StatusAnswered Status = "answered" // the answer is kept, its rows are not yet written
	StatusParsed   Status = "parsed"   // done
	StatusDead     Status = "dead"     // nothing retries it unasked
)

// Statuses lists the states in the order of a document's life.
func Statuses() []Status {
	return []Status{StatusPending, StatusQueued, StatusCalling, StatusAnswered, StatusParsed, StatusDead}
}

// Queues, named after what they are for.
const (
	QueueInteractive = "interactive" // somebody waits
	QueueBulk        = "bulk"        // nightly imports
)

// Kinds of a document: which parser of the API reads it.
const (
	KindSmart        = "smart" // the API finds out
	KindCDSL         = "cdsl"
	KindNSDL         = "nsdl"
	KindCAMSKFintech = "cams_kfintech"
	KindContractNote = "contract_note" // of a broker
)

// documentNamespace is the UUID namespace of document ids. Changing it would
// make every object new, and every statement paid for again.
var documentNamespace = uuid.MustParse("6f3c3a52-4f0e-5b77-9a27-3f0d5c0f4a11") //nolint:gochecknoglobals // a constant

// DocumentID derives the id of a document: the same object content under the
// same name, read by the same parser, always has the same id, in every program.
// It goes by ETag, which a listing, a HEAD and an event all know; the version id
// is known to some of them only.
func DocumentID(bucket, key, etag, kind string) uuid.UUID {
	name := make([]byte, 0, len(bucket)+len(key)+len(etag)+len(kind)+3)
	for i, part := range []string{bucket, key, etag, kind} {
		if i > 0 {
			name = append(name, 0) // cannot occur in any of them
		}
		name = append(name, part...)
	}
	return uuid.NewSHA1(documentNamespace, name)
}

// NewDocument is a document to be recorded.
type NewDocument struct {
	ID              uuid.UUID // see DocumentID
	Bucket, Key     string
	VersionID, ETag string // VersionID "": the current one
	SizeBytes       int64
	Kind, Queue     string
	Broker          string // whose contract note it is; "" the API finds out
	Batch           string // "" none
	SealedPasswords []byte // nil none; see Sealer
	CallbackURL     string // "" none; kept as it was asked for
}

// Record writes documents that the ledger does not have yet, as pending, in one
// round trip; known ones stay as they are, and erased ones stay away. The totals of
// their batches grow by those that are new; it returns their ids.
func (db *DB) Record(ctx context.Context, documents []NewDocument) ([]uuid.UUID, error) {
	if len(documents) == 0 {
		return nil, nil
	}
	var recorded []uuid.UUID
	batch := &pgx.Batch{} // one Sync at its end: Postgres treats it as one transaction
	batch.Queue(`WITH `+recordSQL("")+` SELECT document_id FROM recorded`, recordArgs(documents)).Query(func(rows pgx.Rows) (err error) {
		recorded, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		return err //nolint:wrapcheck // wrapped below
	})
	if len(documents) > 1 { // a single one is handed to the queue by who records it
		batch.Queue(wakeSQL)
	}
	if err := db.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("record documents: %w", refused(err))
	}
	return recorded, nil
}

// recordSQL are CTEs: they write documents, and "recorded" are those that are new.
// They go by id, so that those who record the same at once wait for each other in
// one order. Where the table condition, a CTE before them, is named, they write
// nothing unless it has a row.
func recordSQL(condition string) string {
	from := ""
	if condition != "" {
		from = ", " + condition
	}
	return `recorded AS (
INSERT INTO cas.documents (document_id, bucket, object_key, version_id, etag, size_bytes, kind, queue, batch, sealed_passwords, callback_url, broker)
SELECT id, bucket, key, nullif(version, ''), etag, size, kind, queue, nullif(batch, ''), sealed, nullif(callback, ''), nullif(broker, '')
FROM unnest(@ids::uuid[], @buckets::text[], @keys::text[], @versions::text[], @etags::text[], @sizes::bigint[],
            @kinds::text[], @queues::text[], @batches::text[], @sealed::bytea[], @callbacks::text[], @brokers::text[])
     AS d (id, bucket, key, version, etag, size, kind, queue, batch, sealed, callback, broker)` + from + `
WHERE NOT EXISTS (SELECT FROM cas.erased_documents e WHERE e.document_id = d.id)
ORDER BY id
ON CONFLICT (document_id) DO NOTHING
RETURNING document_id, batch, sealed_passwords
), batches AS (
INSERT INTO cas.batches AS b (batch, total)
SELECT batch, count(*) FROM recorded WHERE batch IS NOT NULL GROUP BY batch ORDER BY batch
ON CONFLICT (batch) DO UPDATE SET total = b.total + excluded.total
)`
}

// recordArgs are the parameters of recordSQL.
func recordArgs(documents []NewDocument) pgx.NamedArgs {
	n := len(documents)
	ids, buckets, keys, versions := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]string, n)
	etags, sizes, kinds, queues := make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
	batches, sealed, callbacks, brokers := make([]string, n), make([][]byte, n), make([]string, n), make([]string, n)
	for i, d := range documents {
		ids[i], buckets[i], keys[i], versions[i] = d.ID, d.Bucket, d.Key, d.VersionID
		etags[i], sizes[i], kinds[i], queues[i] = d.ETag, d.SizeBytes, d.Kind, d.Queue
		batches[i], sealed[i], callbacks[i], brokers[i] = d.Batch, d.SealedPasswords, d.CallbackURL, d.Broker
	}
	return pgx.NamedArgs{
		"ids": ids, "buckets": buckets, "keys": keys, "versions": versions, "etags": etags, "sizes": sizes,
		"kinds": kinds, "queues": queues, "batches": batches, "sealed": sealed, "callbacks": callbacks, "brokers": brokers,
	}
}

// Known returns those of the ids that the ledger has, or had before they were erased,
// in one round trip.
func (db *DB) Known(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]bool, error) {
	rows, err := db.pool.Query(ctx, `SELECT document_id FROM cas.documents WHERE document_id = ANY (@ids)
UNION ALL SELECT document_id FROM cas.erased_documents WHERE document_id = ANY (@ids)`,
		pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("look up documents: %w", err)
	}
	known := make(map[uuid.UUID]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, nil
}

// Document is a document as a worker needs it.
type Document struct {
	ID              uuid.UUID  `db:"document_id"`
	Bucket          string     `db:"bucket"`
	Key             string     `db:"object_key"`
	VersionID       string     `db:"version_id"` // "" the current one
	ETag            string     `db:"etag"`
	Kind            string     `db:"kind"`
	Broker          string     `db:"broker"` // whose contract note it is; "" unknown
	Queue           string     `db:"queue"`
	Batch           string     `db:"batch"`
	Status          Status     `db:"status"`
	Attempts        int        `db:"attempts"` // counted API attempts so far
	Delivery        int        `db:"delivery"`
	StalledSince    *time.Time `db:"stalled_since"` // nil: not stalled
	SealedPasswords []byte     `db:"sealed_passwords"`
	HasAnswer       bool       `db:"has_answer"` // an answer of its own is kept
	Tried           bool       `db:"tried"`      // there was an attempt, perhaps before a redrive
	Unsettled       int        `db:"unsettled"`  // attempts whose outcome is not known
	Crashes         int        `db:"crashes"`    // workers that died while they read it
}

// documentColumns are the columns of Document, of the table under alias d. OFFSET 0 has
// each looked up: where tables were small when a statement was planned, they would be
// read whole for as long as that plan is kept.
const documentColumns = `d.document_id, d.bucket, d.object_key, coalesce(d.version_id, '') AS version_id, d.etag,
	d.kind, coalesce(d.broker, '') AS broker, d.queue, coalesce(d.batch, '') AS batch, d.status, d.attempts, d.delivery, d.stalled_since, d.sealed_passwords,
	EXISTS (SELECT FROM cas.answers a WHERE a.document_id = d.document_id OFFSET 0) AS has_answer,
	EXISTS (SELECT FROM cas.attempts t WHERE t.document_id = d.document_id OFFSET 0) AS tried, d.crashes,
	(SELECT count(*) FROM cas.attempts t WHERE t.document_id = d.document_id AND t.outcome IN ('calling', 'unknown'))::integer AS unsettled`

// Document returns one document, or ErrNotFound.
func (db *DB) Document(ctx context.Context, id uuid.UUID) (Document, error) {
	document, err := one[Document](ctx, db.pool,
		`SELECT `+documentColumns+` FROM cas.documents d WHERE d.document_id = @id`, pgx.NamedArgs{"id": id})
	if err != nil {
		return Document{}, fmt.Errorf("read document %s: %w", id, err)
	}
	return document, nil
}
