package storage

import (
	"context"
	"encoding/binary"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// asked is what one document asks for before a call, and what came of it.
type asked struct {
	membership
	document, worker uuid.UUID // worker is not needed for a lookup
	claimed          *Document // of a claim: what was claimed
	lookup, attempt  *NewAttempt
	attempts         int // of an attempt: the count
}

func (*asked) weight() int { return 0 }

// askTogether asks for a group in one round trip and one transaction.
func (db *DB) askTogether(ctx context.Context, group []*asked) {
	var (
		claims, lookups, attempts members
		worker                    = uuid.Nil
	)
	for _, a := range group {
		if a.lookup == nil && worker == uuid.Nil {
			worker = a.worker
		}
		switch {
		case a.ctx.Err() != nil || a.lookup == nil && a.worker != worker: // is asked for alone
		case a.lookup != nil:
			lookups.add(a, a.lookup)
		case a.attempt != nil:
			attempts.add(a, a.attempt)
		default:
			claims.add(a, &NewAttempt{DocumentID: a.document})
		}
	}
	batch := &pgx.Batch{}
	claimed := make(map[*asked]*Document)
	counts := make(map[*asked]int)
	free := make(map[*asked]bool)
	if len(claims.documents) > 0 {
		args := pgx.NamedArgs{"ids": claims.documents, "worker": worker, "lasting": len(attempts.documents) > 0}
		claimTogether.queue(batch, args).Query(func(rows pgx.Rows) error {
			documents, err := pgx.CollectRows(rows, pgx.RowToStructByName[Document])
			for i := range documents {
				claimed[claims.of[documents[i].ID]] = &documents[i]
			}
			return err //nolint:wrapcheck // leads to asking alone
		})
	}
	if len(lookups.documents) > 0 {
		lookTogether.queue(batch, lookups.args()).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error { free[lookups.of[id]] = true; return nil })
			return err //nolint:wrapcheck // leads to asking alone
		})
	}
	if len(attempts.documents) > 0 {
		args := attempts.args()
		args["worker"] = worker
		lockTogether.queue(batch, args)
		beginTogether.queue(batch, args).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			var n int
			_, err := pgx.ForEachRow(rows, []any{&id, &n}, func() error { counts[attempts.of[id]] = n; return nil })
			return err //nolint:wrapcheck // leads to asking alone
		})
	}
	if err := db.forAsks.SendBatch(ctx, batch).Close(); err != nil {
		return
	}
	for _, a := range group {
		a.claimed, a.attempts = claimed[a], counts[a]
		a.went = a.claimed != nil || a.attempts > 0 || free[a]
	}
}

// members are those of a group who ask for the same, as columns.
type members struct {
	documents           []uuid.UUID
	requests, endpoints []string
	sums                [][]byte
	locks, sizes        []int64
	of                  map[uuid.UUID]*asked
	bytes               map[[32]byte]bool
}

// add adds one, unless its document, or its bytes, are asked for already.
func (m *members) add(a *asked, n *NewAttempt) {
	if m.of == nil {
		m.of, m.bytes = make(map[uuid.UUID]*asked), make(map[[32]byte]bool)
	}
	if m.of[n.DocumentID] != nil || n.SHA256 != [32]byte{} && m.bytes[n.SHA256] {
		return
	}
	m.of[n.DocumentID], m.bytes[n.SHA256] = a, true
	m.documents, m.requests, m.endpoints = append(m.documents, n.DocumentID), append(m.requests, n.RequestID), append(m.endpoints, n.Endpoint)
	m.sums, m.sizes, m.locks = append(m.sums, n.SHA256[:]), append(m.sizes, n.SizeBytes), append(m.locks, n.lock())
}

func (m *members) args() pgx.NamedArgs {
	return pgx.NamedArgs{
		"ids": m.documents, "requests": m.requests, "endpoints": m.endpoints, "sums": m.sums, "sizes": m.sizes, "locks": m.locks,
	}
}

// lock is the number of the lock of an attempt's bytes, beside its endpoint.
func (a NewAttempt) lock() int64 {
	return int64(binary.BigEndian.Uint64(a.SHA256[:8])) //nolint:gosec // any 64 bits do
}

// The statements of a group: those of one document for several, that leave out those
// that somebody else holds, that have a cap, or about which there is anything else.
// OFFSET 0 has each looked up by the key: a join might read all there are. Where a
// lock on bytes is not to be had, the division fails the group.
//
//nolint:gochecknoglobals // constants, computed
var (
	claimTogether = prepare(`
UPDATE cas.documents d SET status = 'calling', claimed_by = @worker, not_before = NULL, over_budget = false, updated_at = now()
FROM (SELECT set_config('synchronous_commit', CASE WHEN @lasting::boolean THEN current_setting('synchronous_commit') ELSE 'off' END, true)) AS unhurried
WHERE d.document_id = ANY (ARRAY(
	SELECT document_id FROM cas.documents WHERE document_id = ANY (@ids::uuid[]) AND status IN ('pending', 'queued') FOR NO KEY UPDATE SKIP LOCKED))
RETURNING ` + documentColumns)

	lookTogether = prepare(`
SELECT a.document FROM unnest(@ids::uuid[], @sums::bytea[], @endpoints::text[]) AS a (document, sha256, endpoint)
WHERE NOT EXISTS (SELECT FROM cas.answers f WHERE f.sha256 = a.sha256 AND f.endpoint = a.endpoint OFFSET 0)
  AND NOT ` + sameBytes("a.sha256", "a.endpoint", "a.document"))

	lockTogether = prepare(`
SELECT 1 / (count(*) FILTER (WHERE NOT held) = 0)::integer FROM (
	SELECT pg_try_advisory_xact_lock(hashtextextended(endpoint, bytes)) AS held FROM unnest(@endpoints::text[], @locks::bigint[]) AS a (endpoint, bytes) OFFSET 0) AS l`)

	beginTogether = prepare(`
WITH gate AS MATERIALIZED (
	SELECT a.document, a.request, a.sha256, a.endpoint, a.size, d.price
	FROM unnest(@ids::uuid[], @requests::text[], @sums::bytea[], @endpoints::text[], @sizes::bigint[]) AS a (document, request, sha256, endpoint, size),
	     LATERAL (SELECT d.batch, ` + priceSQL + ` AS price FROM cas.documents d
	              WHERE d.document_id = a.document AND d.claimed_by = @worker AND d.status = 'calling' FOR NO KEY UPDATE SKIP LOCKED) AS d
	WHERE NOT EXISTS (SELECT FROM cas.account WHERE paused_reason IS NOT NULL)
	  AND NOT EXISTS (SELECT FROM cas.batches b WHERE b.batch = d.batch AND b.max_credits IS NOT NULL OFFSET 0)
	  AND NOT EXISTS (SELECT FROM cas.answers f WHERE f.sha256 = a.sha256 AND f.endpoint = a.endpoint AND f.document_id <> a.document OFFSET 0)
	  AND NOT ` + sameBytes("a.sha256", "a.endpoint", "a.document") + `
), counted AS (
	UPDATE cas.documents d SET attempts = d.attempts + 1, sha256 = g.sha256, size_bytes = g.size, stalled_since = NULL, updated_at = now()
	FROM gate g WHERE d.document_id = g.document AND d.document_id = ANY (ARRAY(SELECT document FROM gate))
	RETURNING d.document_id, d.attempts, d.batch, g.price, g.request, g.endpoint, g.sha256
)` + countSQL + `, begun AS (
	INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id, price, sha256)
	SELECT request, document_id, endpoint, @worker, price, sha256 FROM counted
)
SELECT document_id, attempts FROM counted`)
)
