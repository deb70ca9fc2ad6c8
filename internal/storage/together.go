package storage

import (
	"context"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ofGroups is a connection of its own, for groups alone, which is made when there is a
// first one. Their statements are planned once, for however many documents, and so that
// each is looked up by its key, even where the tables are still so small that reading
// them would be faster: the plan is kept while they grow.
func ofGroups(config *pgxpool.Config) *pgxpool.Config {
	config, connected := config.Copy(), config.AfterConnect
	config.MaxConns, config.MinConns, config.MinIdleConns = 1, 0, 0
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := connected(ctx, conn); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off`)
		return err //nolint:wrapcheck // pgxpool wraps it
	}
	return config
}

// together asks for documents that are in flight at once in one round trip and one
// transaction: who comes while one is under way goes with the next one, together with
// all others who have come meanwhile. Nobody waits for company, and a group waits for
// no lock. What it leaves out, because there is something about it, or because the
// group failed, is asked for alone.
type together struct {
	pool    *pgxpool.Pool
	mu      sync.Mutex
	waiting []*asked
	running bool
}

// groupLimit is how long a group may take before its members are asked for alone, over
// other connections: one that is dead without anybody knowing must not hold up all.
const groupLimit = 10 * time.Second

// asked is what one document asks for, and what came of it.
type asked struct {
	ctx  context.Context //nolint:containedctx // of one question, as long as it waits
	done chan struct{}   // closed once the group has ended
	went bool            // it went with the group: what was asked for is done

	document, worker uuid.UUID // worker is not needed for a lookup
	claimed          *Document // of a claim: what was claimed
	lookup, attempt  *NewAttempt
	attempts         int // of an attempt: the count
}

// ask asks for one document and reports whether that is done.
func (t *together) ask(ctx context.Context, a *asked) bool {
	a.ctx, a.done = ctx, make(chan struct{})
	t.mu.Lock()
	t.waiting = append(t.waiting, a)
	if !t.running {
		t.running = true
		go t.run() //nolint:contextcheck,gosec // a group ends with the last of its members
	}
	t.mu.Unlock()
	select {
	case <-a.done:
		return a.went
	case <-ctx.Done():
		return false
	}
}

// run asks for groups until nobody waits.
func (t *together) run() {
	for {
		t.mu.Lock()
		group := t.waiting
		t.waiting = nil
		t.running = len(group) > 0
		t.mu.Unlock()
		if len(group) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), groupLimit)
		var gone atomic.Int32
		stops := make([]func() bool, len(group))
		for i, a := range group {
			stops[i] = context.AfterFunc(a.ctx, func() {
				if int(gone.Add(1)) == len(group) {
					cancel()
				}
			})
		}
		done := t.send(ctx, group)
		for i, a := range group {
			stops[i]()
			if done != nil {
				done(a)
			}
			close(a.done)
		}
		cancel()
	}
}

// send asks for a group. What it returns tells each member what came of it; nil means
// that nothing was done.
func (t *together) send(ctx context.Context, group []*asked) func(*asked) {
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
	if err := t.pool.SendBatch(ctx, batch).Close(); err != nil {
		return nil
	}
	return func(a *asked) {
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
