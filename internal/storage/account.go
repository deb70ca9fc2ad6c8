package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Account is whether the API may be called. The zero value is an open account.
type Account struct {
	Reason     Reason     `db:"reason" json:"paused,omitempty"` // "" open; else unauthorized, insufficient_credits or forbidden
	PausedAt   *time.Time `db:"paused_at" json:"paused_at,omitempty"`
	HTTPStatus int        `db:"http_status" json:"http_status,omitempty"` // of the answer that paused it
	Message    string     `db:"message" json:"message,omitempty"`         // of that answer, masked
	NextProbe  *time.Time `db:"next_probe_at" json:"next_probe_at,omitempty"`
	Due        bool       `db:"due" json:"-"`    // the next probe is
	Probes     int        `db:"probes" json:"-"` // since a statement was last answered
}

// Paused reports whether no call may be made.
func (a Account) Paused() bool { return a.Reason != "" }

// IsZero reports whether the account is open: then JSON leaves it out.
func (a Account) IsZero() bool { return !a.Paused() }

// Account returns the state of the account.
func (db *DB) Account(ctx context.Context) (Account, error) {
	account, err := one[Account](ctx, db.pool, `
SELECT coalesce(paused_reason, '') AS reason, paused_at, coalesce(http_status, 0) AS http_status, coalesce(message, '') AS message,
       next_probe_at, coalesce(next_probe_at <= now(), false) AS due, probes
FROM cas.account`, nil)
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	return account, nil
}

// PauseAccount keeps every worker from calling, and reports whether the account
// was open: of many documents that die of one cause, one pauses it. The first
// probe is due at once, unless probes have been made since the last statement:
// then after wait, so that an account which seems well but refuses is not asked in
// a tight loop.
func (db *DB) PauseAccount(ctx context.Context, reason Reason, httpStatus int, message string, wait func(probes int) time.Duration) (bool, error) {
	account, err := db.Account(ctx)
	if err != nil {
		return false, err
	}
	var delay time.Duration
	if account.Probes > 0 {
		delay = wait(account.Probes)
	}
	tag, err := db.pool.Exec(ctx, `
UPDATE cas.account SET paused_reason = @reason, paused_at = now(), http_status = nullif(@status::integer, 0), message = @message,
       next_probe_at = now() + @delay::interval
WHERE paused_reason IS NULL`,
		pgx.NamedArgs{"reason": string(reason), "status": httpStatus, "message": message, "delay": delay})
	if err != nil {
		return false, fmt.Errorf("pause account: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// Probed notes a probe that found the account still unwell: what it found, and
// when the next one is due. The reason stays: by it documents are put back.
func (db *DB) Probed(ctx context.Context, message string, next time.Duration) error {
	_, err := db.pool.Exec(ctx, `
UPDATE cas.account SET message = @message, probes = probes + 1, next_probe_at = now() + @next::interval
WHERE paused_reason IS NOT NULL`, pgx.NamedArgs{"message": message, "next": next})
	if err != nil {
		return fmt.Errorf("note probe: %w", err)
	}
	return nil
}

// ResumeAccount opens a paused account and puts back, in the same transaction, the
// documents that died of it: all that are unauthorized or without credits, and
// those forbidden while it was paused for that. It returns them. An open account
// is left as it is.
func (db *DB) ResumeAccount(ctx context.Context) ([]Redriven, error) {
	const sql = `
WITH resumed AS (
	UPDATE cas.account a SET paused_reason = NULL, paused_at = NULL, http_status = NULL, message = NULL, next_probe_at = NULL, probes = a.probes + 1
	FROM (SELECT singleton, paused_reason, paused_at FROM cas.account FOR UPDATE) AS was
	WHERE was.singleton = a.singleton AND was.paused_reason IS NOT NULL
	RETURNING was.paused_reason, was.paused_at
), chosen AS (
	SELECT l.document_id FROM cas.dead_letters l, resumed a WHERE ` + stragglerSQL + `
	FOR UPDATE OF l SKIP LOCKED
), redriven AS (
	UPDATE cas.dead_letters l SET redriven_at = now(), auto_redrives = l.auto_redrives + 1 FROM chosen WHERE l.document_id = chosen.document_id
)
UPDATE cas.documents d
SET status = 'pending', attempts = 0, crashes = 0, not_before = NULL, stalled_since = NULL, finished_at = NULL, updated_at = now()
FROM chosen WHERE d.document_id = chosen.document_id AND d.status = 'dead'
RETURNING d.document_id, d.bucket, d.object_key, d.queue, d.delivery`
	redriven, err := all[Redriven](ctx, db.pool, sql, pgx.NamedArgs{"most": maxAutoRedrives})
	if err != nil {
		return nil, fmt.Errorf("resume account: %w", err)
	}
	return redriven, nil
}

// maxAutoRedrives is how often a document comes back by itself: one that is always
// refused, though the account is well, must not pause the fleet for ever.
const maxAutoRedrives = 5

// stragglerSQL selects, of dead letters l, those that come back by themselves when the
// account a is opened: that nothing has put back, and that died of it.
const stragglerSQL = `l.redriven_at IS NULL AND l.discarded_at IS NULL AND l.auto_redrives < @most
	AND (l.reason IN ('unauthorized', 'insufficient_credits')
	     OR a.paused_reason = 'forbidden' AND l.reason = 'forbidden' AND l.dead_at >= a.paused_at - interval '1 minute')`

// PauseForStragglers pauses an open account, for the next probe to open it again,
// if documents died of it that nothing has put back: calls under way when it was
// opened were refused too late to be among those that were.
func (db *DB) PauseForStragglers(ctx context.Context) error {
	_, err := db.pool.Exec(ctx, `
UPDATE cas.account SET paused_reason = late.reason, paused_at = now(), message = 'documents that died of the account are put back', next_probe_at = now()
FROM (SELECT l.reason FROM cas.account a, cas.dead_letters l WHERE `+stragglerSQL+` AND l.dead_at < now() - interval '30 seconds' LIMIT 1) AS late
WHERE paused_reason IS NULL AND probes < @most`, pgx.NamedArgs{"most": maxAutoRedrives})
	if err != nil {
		return fmt.Errorf("look for documents that died of the account: %w", err)
	}
	return nil
}
