package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// CallbackState is how far a callback has come.
type CallbackState string

// The states of a callback.
const (
	CallbackPending    CallbackState = "pending"    // waits in Postgres for its next attempt
	CallbackQueued     CallbackState = "queued"     // handed to the queue
	CallbackDelivered  CallbackState = "delivered"  // the other side has it
	CallbackGivenUp    CallbackState = "given_up"   // nothing tries it again
	CallbackSuperseded CallbackState = "superseded" // the document ended anew before it was told
)

// CallbackStates lists the states.
func CallbackStates() []CallbackState {
	return []CallbackState{CallbackPending, CallbackQueued, CallbackDelivered, CallbackGivenUp, CallbackSuperseded}
}

// Callback is what is to be told of the end of a document. It is written by the
// transaction that ends it.
type Callback struct {
	ID         uuid.UUID     `db:"callback_id"`
	DocumentID uuid.UUID     `db:"document_id"`
	URL        string        `db:"callback_url"`
	Event      Status        `db:"event"`  // StatusParsed or StatusDead
	Reason     Reason        `db:"reason"` // "" unless dead
	State      CallbackState `db:"state"`
	Attempts   int           `db:"attempts"` // so far
	At         time.Time     `db:"created_at"`

	Bucket     string `db:"bucket"`
	Key        string `db:"object_key"`
	Batch      string `db:"batch"`
	PAN        string `db:"pan"` // of the statement; "" unless parsed
	PeriodFrom string `db:"period_from"`
	PeriodTo   string `db:"period_to"`
	CASType    string `db:"cas_type"`
}

// Callback returns a callback; ErrFinished for one that is neither pending nor
// queued, ErrNotFound where the ledger does not have it, or its document any more.
func (db *DB) Callback(ctx context.Context, id uuid.UUID) (Callback, error) {
	callback, err := one[Callback](ctx, db.pool, `
SELECT c.callback_id, c.document_id, coalesce(d.callback_url, '') AS callback_url, c.event, coalesce(c.reason, '') AS reason, c.state,
	c.attempts, c.created_at, d.bucket, d.object_key, coalesce(d.batch, '') AS batch,
	coalesce(d.pan, '') AS pan, coalesce(d.period_from::text, '') AS period_from, coalesce(d.period_to::text, '') AS period_to,
	coalesce(d.cas_type, '') AS cas_type
FROM cas.callbacks c JOIN cas.documents d USING (document_id) WHERE c.callback_id = @id`, pgx.NamedArgs{"id": id})
	if err == nil && callback.State != CallbackPending && callback.State != CallbackQueued {
		err = ErrFinished
	}
	if err != nil {
		return Callback{}, fmt.Errorf("read callback %s: %w", id, err)
	}
	return callback, nil
}

// CallbackEnd is how an attempt to tell a callback ended.
type CallbackEnd struct {
	ID         uuid.UUID
	State      CallbackState // CallbackDelivered, CallbackGivenUp, or CallbackPending for another attempt
	HTTPStatus int           // 0 no answer came
	Message    string        // masked error text; "" none
	RetryIn    time.Duration // before the next attempt, of CallbackPending
}

// EndCallback counts an attempt and says how the callback stands after it. One
// that is finished stays as it is.
func (db *DB) EndCallback(ctx context.Context, end CallbackEnd) error {
	_, err := db.pool.Exec(ctx, `
UPDATE cas.callbacks
SET state = @state, attempts = attempts + 1, http_status = nullif(@status::integer, 0), message = nullif(@message, ''),
    next_at = now() + @retry_in::interval, queued_at = NULL, updated_at = now(),
    finished_at = CASE WHEN @state <> 'pending' THEN now() END
WHERE callback_id = @id AND state IN ('pending', 'queued')`, pgx.NamedArgs{
		"id": end.ID, "state": string(end.State), "status": end.HTTPStatus, "message": end.Message, "retry_in": end.RetryIn,
	})
	if err != nil {
		return fmt.Errorf("note end of callback %s: %w", end.ID, err)
	}
	return nil
}

// CallbackDelivery is a callback to be handed to the queue. ID and Number together
// make the id of its task.
type CallbackDelivery struct {
	ID     uuid.UUID `db:"callback_id"`
	Number int       `db:"delivery"`
}

// Intervals of callbacks that are queued.
const (
	callbackLook  = time.Minute      // between looks whether the task is still there
	callbackStale = 15 * time.Minute // without an end: the task id may be blocked
)

// DueCallbacks moves pending callbacks that are due to queued, oldest first, until
// window of them are queued, and returns them for the queue; besides them those
// that have been queued for a minute, whose tasks may have vanished. After a
// quarter of an hour such a one gets another task id.
func (l *Leader) DueCallbacks(ctx context.Context, window int) ([]CallbackDelivery, error) {
	const sql = `
WITH fresh AS (
	SELECT callback_id FROM cas.callbacks WHERE state = 'pending' AND next_at <= now()
	ORDER BY next_at LIMIT (SELECT greatest(0, @window - count(*)) FROM cas.callbacks WHERE state = 'queued')
	FOR UPDATE SKIP LOCKED
), overdue AS (
	SELECT callback_id, queued_at < now() - @stale::interval AS anew FROM cas.callbacks WHERE state = 'queued' AND next_at <= now()
	FOR UPDATE SKIP LOCKED
), due AS (
	SELECT callback_id, true AS anew FROM fresh UNION ALL SELECT callback_id, anew FROM overdue
)
UPDATE cas.callbacks c
SET state = 'queued', delivery = c.delivery + due.anew::integer, queued_at = CASE WHEN due.anew THEN now() ELSE c.queued_at END,
    next_at = now() + @look::interval, updated_at = now()
FROM due WHERE c.callback_id = due.callback_id
RETURNING c.callback_id, c.delivery`
	due, err := all[CallbackDelivery](ctx, l.conn, sql, pgx.NamedArgs{"window": window, "stale": callbackStale, "look": callbackLook})
	if err != nil {
		return nil, fmt.Errorf("find callbacks that are due: %w", err)
	}
	return due, nil
}

// UnqueueCallbacks puts callbacks back to pending that could not be handed to the
// queue.
func (db *DB) UnqueueCallbacks(ctx context.Context, ids []uuid.UUID) error {
	_, err := db.pool.Exec(ctx, `
UPDATE cas.callbacks SET state = 'pending', queued_at = NULL, next_at = now(), updated_at = now()
WHERE callback_id = ANY (@ids) AND state = 'queued'`, pgx.NamedArgs{"ids": ids})
	if err != nil {
		return fmt.Errorf("put callbacks back: %w", err)
	}
	return nil
}

// OpenCallbacks are the callbacks that are neither delivered nor given up.
type OpenCallbacks struct {
	N       int `db:"n"`
	Untried int `db:"untried"` // of N: those without an attempt
}

// OpenCallbacks counts them.
func (db *DB) OpenCallbacks(ctx context.Context) (OpenCallbacks, error) {
	open, err := one[OpenCallbacks](ctx, db.pool, `
SELECT count(*)::integer AS n, (count(*) FILTER (WHERE attempts = 0))::integer AS untried
FROM cas.callbacks WHERE state IN ('pending', 'queued')`, nil)
	if err != nil {
		return OpenCallbacks{}, fmt.Errorf("count callbacks: %w", err)
	}
	return open, nil
}

// AskCallbacks notes, of documents that the ledger has had before, who wants to be
// told of their end: where nobody does yet, and they are not parsed. ids and urls
// go by their place.
func (db *DB) AskCallbacks(ctx context.Context, ids []uuid.UUID, urls []string) error {
	if len(ids) != len(urls) {
		return errors.New("ask callbacks: as many documents as addresses are needed")
	}
	_, err := db.pool.Exec(ctx, `
UPDATE cas.documents d SET callback_url = asked.url, updated_at = now()
FROM unnest(@ids::uuid[], @urls::text[]) AS asked (id, url)
WHERE d.document_id = asked.id AND asked.url <> '' AND d.callback_url IS NULL AND d.status <> 'parsed'`,
		pgx.NamedArgs{"ids": ids, "urls": urls})
	if err != nil {
		return fmt.Errorf("ask callbacks: %w", refused(err))
	}
	return nil
}
