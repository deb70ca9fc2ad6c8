package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Delivery is a document to be handed to the queue. ID and Number together make
// the id of its task.
type Delivery struct {
	DocumentID uuid.UUID     `db:"document_id"`
	Queue      string        `db:"queue"`
	Number     int           `db:"delivery"` // counts the deliveries of this document, from 1
	Wait       time.Duration `db:"wait"`     // until it may be tried, which only Postgres' clock can tell; 0 is now
}

// dispatcherLock is the advisory lock that the leading dispatcher holds.
const dispatcherLock = 0x636173_64697370 // "casdisp"

// Leader is the one dispatcher of the fleet, for as long as its connection
// lives: the lock and the statements share it, so whoever has lost the lock
// cannot dispatch either. It is not safe for concurrent use. Resign when done.
type Leader struct {
	conn *pgxpool.Conn
}

// Lead tries to become the leader; nil without an error means that another
// process is.
func (db *DB) Lead(ctx context.Context) (*Leader, error) {
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("become dispatcher: %w", err)
	}
	var leads bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(dispatcherLock)).Scan(&leads); err != nil {
		conn.Release()
		return nil, fmt.Errorf("become dispatcher: %w", err)
	}
	if !leads {
		conn.Release()
		return nil, nil //nolint:nilnil // documented: somebody else leads
	}
	// A leader that stands still must not keep the lock either: it asks for nothing any
	// more. Postgres before 14 does not know the setting.
	const notice = keepaliveSQL + `, (SELECT set_config(name, '30s', false) FROM pg_settings WHERE name = 'idle_session_timeout')`
	if _, err := conn.Exec(ctx, notice); err != nil {
		(&Leader{conn: conn}).Resign() //nolint:contextcheck // resigning must work when ctx has ended
		return nil, fmt.Errorf("become dispatcher: %w", err)
	}
	leader := &Leader{conn: conn}
	if _, err := conn.Exec(ctx, listenSQL); err != nil {
		leader.Resign() //nolint:contextcheck // resigning must work when ctx has ended
		return nil, fmt.Errorf("become dispatcher: %w", err)
	}
	return leader, nil
}

// Resign gives the lead up by closing its connection: that frees the lock even
// when Postgres no longer answers on it.
func (l *Leader) Resign() {
	conn := l.conn.Hijack()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // there is nothing left to do about a connection that fails to close
}

// Dispatch moves pending documents of a queue to queued, oldest first, until
// window of them are under way, and returns them for the queue, oldest first.
// Those that have to wait stay, and all do while the account is paused.
// So do those for which the budget, or that of their batch, leaves nothing beside
// the documents that are under way: they would be fetched in vain.
func (l *Leader) Dispatch(ctx context.Context, queue string, window int, budget Budget) ([]Delivery, error) {
	args := budget.args()
	args["queue"], args["window"] = queue, window
	var moved []Delivery
	for {
		batch := &pgx.Batch{}
		batch.Queue(withinBudgetSQL, args)
		var found []candidate
		batch.Queue(dispatchSQL, args).Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectRows(rows, pgx.RowToStructByName[candidate])
			return err //nolint:wrapcheck // wrapped below
		})
		if err := l.conn.SendBatch(ctx, batch).Close(); err != nil {
			return nil, fmt.Errorf("dispatch %s: %w", queue, err)
		}
		beyond := 0
		for _, c := range found {
			if c.OverBudget {
				beyond++
			} else {
				moved = append(moved, c.Delivery)
			}
		}
		if beyond == 0 { // else there may be others behind those that were set aside
			return moved, nil
		}
	}
}

// candidate is a document that Dispatch has looked at.
type candidate struct {
	Delivery
	OverBudget bool `db:"over_budget"` // stays, for want of credits
}

// Stale returns documents that have been queued for longer than age without a
// worker taking them: their tasks may have vanished. Those that had to wait count
// from the end of that.
func (l *Leader) Stale(ctx context.Context, age time.Duration) ([]Delivery, error) {
	const sql = `
SELECT document_id, queue, delivery, interval '0' AS wait FROM cas.documents
WHERE stage = 'under_way' AND status = 'queued' AND greatest(updated_at, not_before) < now() - @age::interval
ORDER BY updated_at`
	deliveries, err := all[Delivery](ctx, l.conn, sql, pgx.NamedArgs{"age": age})
	if err != nil {
		return nil, fmt.Errorf("find stale documents: %w", err)
	}
	return deliveries, nil
}

// Lost is a document whose worker has died.
type Lost struct {
	DocumentID uuid.UUID `db:"document_id"`
	WorkerID   uuid.UUID `db:"worker_id"`
}

// Reclaim puts documents back to pending whose worker has not been seen for
// lease, and marks the attempts it left open as unknown. It returns them.
//
// A document with an open attempt rests until callTimeout has passed since it
// began: its worker may yet live and save the answer, and the usage log may tell.
func (l *Leader) Reclaim(ctx context.Context, lease, callTimeout time.Duration) ([]Lost, error) {
	var lost []Lost
	err := pgx.BeginFunc(ctx, l.conn, func(tx pgx.Tx) error {
		// They are held by a statement of its own, so that the next one sees the attempt
		// of a worker that was taken for dead while it committed one.
		dead, err := all[Lost](ctx, tx, `
SELECT d.document_id, coalesce(d.claimed_by, '00000000-0000-0000-0000-000000000000') AS worker_id FROM cas.documents d
WHERE d.stage = 'under_way' AND d.status IN ('calling', 'answered')
  AND NOT EXISTS (SELECT FROM cas.workers w WHERE w.worker_id = d.claimed_by AND w.seen_at > now() - @lease::interval)
FOR UPDATE OF d SKIP LOCKED`, pgx.NamedArgs{"lease": lease})
		if err != nil || len(dead) == 0 {
			return err
		}
		ids := make([]uuid.UUID, len(dead))
		for i, d := range dead {
			ids[i] = d.DocumentID
		}
		const sql = `
WITH lost AS (
	UPDATE cas.documents d
	SET status = 'pending', claimed_by = NULL, updated_at = now(), not_before = (
		SELECT max(a.started_at) + @call_timeout::interval FROM cas.attempts a WHERE a.document_id = d.document_id AND a.outcome = 'calling')
	WHERE d.document_id = ANY (@ids)
	RETURNING d.document_id
)
UPDATE cas.attempts a SET outcome = 'unknown', finished_at = now(), message = 'the worker died during the call'
FROM lost WHERE a.document_id = lost.document_id AND a.outcome = 'calling'`
		lost = dead
		_, err = tx.Exec(ctx, sql, pgx.NamedArgs{"ids": ids, "call_timeout": callTimeout})
		return err //nolint:wrapcheck // wrapped below
	})
	if err != nil {
		return nil, fmt.Errorf("reclaim documents: %w", err)
	}
	return lost, nil
}

// maxCrashes is how many workers may die of a document before it is set apart.
const maxCrashes = 2

// Crashed counts a crash against documents that a worker was reading when it
// died, and makes those dead that have brought down two. It returns the dead.
func (l *Leader) Crashed(ctx context.Context, ids []uuid.UUID) ([]uuid.UUID, error) {
	const sql = `
WITH counted AS (
	UPDATE cas.documents
	SET crashes = crashes + 1, over_budget = false, updated_at = now(),
	    status = CASE WHEN crashes + 1 >= @most THEN 'dead' ELSE status END,
	    finished_at = CASE WHEN crashes + 1 >= @most THEN now() END
	WHERE document_id = ANY (@ids) AND status IN ('pending', 'queued')
	RETURNING document_id, status
), dead AS (
	INSERT INTO cas.dead_letters (document_id, reason, message)
	SELECT document_id, 'crashed', 'a worker died while it read this document, twice' FROM counted WHERE status = 'dead'` + onDeadAgainSQL + `
)
SELECT document_id FROM counted WHERE status = 'dead'`
	rows, err := l.conn.Query(ctx, sql, pgx.NamedArgs{"ids": ids, "most": maxCrashes})
	if err != nil {
		return nil, fmt.Errorf("count crashes: %w", err)
	}
	dead, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("count crashes: %w", err)
	}
	return dead, nil
}

// Requeue moves the given documents to queued under a new delivery, those of
// them that are pending or queued: for handing a document to the queue at once,
// and for a task id that is blocked.
func (db *DB) Requeue(ctx context.Context, ids []uuid.UUID) ([]Delivery, error) {
	const sql = `
UPDATE cas.documents SET status = 'queued', delivery = delivery + 1, over_budget = false, updated_at = now()
WHERE document_id = ANY (@ids) AND status IN ('pending', 'queued')
RETURNING document_id, queue, delivery, greatest(not_before - now(), interval '0') AS wait`
	deliveries, err := all[Delivery](ctx, db.pool, sql, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return nil, fmt.Errorf("queue documents: %w", err)
	}
	// In the order that was asked for.
	slices.SortFunc(deliveries, func(a, b Delivery) int {
		return slices.Index(ids, a.DocumentID) - slices.Index(ids, b.DocumentID)
	})
	return deliveries, nil
}

// Unqueue puts documents back to pending that could not be handed to the queue.
func (db *DB) Unqueue(ctx context.Context, ids []uuid.UUID) error {
	_, err := db.pool.Exec(ctx,
		`UPDATE cas.documents SET status = 'pending', updated_at = now() WHERE document_id = ANY (@ids) AND status = 'queued'`,
		pgx.NamedArgs{"ids": ids})
	if err != nil {
		return fmt.Errorf("put documents back: %w", err)
	}
	return nil
}
