package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// scheduleLock is the advisory lock that the one who runs the schedules holds.
const scheduleLock = 0x636173_73636865 // "casche"

// scheduleClass is the class of the advisory locks, of two numbers each, by which the one
// who runs the schedules shows which ones those are: the other number is the hash of a
// name.
const scheduleClass = 0x63736368 // "csch"

// LeadSchedules tries to become the one who runs the schedules of all processes;
// nil without an error means that another one is. While it is held, Schedules tells that
// those of these names are run.
func (db *DB) LeadSchedules(ctx context.Context, schedules ...string) (*Hold, error) {
	held, err := db.hold(ctx, scheduleLock, 0)
	if err == nil && held != nil {
		// Shared, so that one who has lost the lead without knowing it keeps nobody waiting.
		_, err = held.conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1, hashtext(name)) FROM unnest($2::text[]) AS name`, int32(scheduleClass), schedules)
		if err != nil {
			held.Release() //nolint:contextcheck // releasing must work when ctx has ended
		}
	}
	if err != nil {
		return nil, fmt.Errorf("become scheduler: %w", err)
	}
	return held, nil
}

// ScheduleRun is the last run of a schedule.
type ScheduleRun struct {
	// DueAt is the instant after which the schedule's next time is due: when the
	// schedule was first heard of, or when its last run began or ended.
	DueAt      time.Time  `db:"due_at"`
	StartedAt  *time.Time `db:"started_at"`  // nil: never
	FinishedAt *time.Time `db:"finished_at"` // nil: it goes on, or was cut short
	Failure    string     `db:"failure"`     // "" none
}

// CutShort is whether a run has begun that never came to its end.
func (r ScheduleRun) CutShort() bool { return r.StartedAt != nil && r.FinishedAt == nil }

// ScheduleRun returns the last run of a schedule; one that is new is noted, as due
// from now on.
func (db *DB) ScheduleRun(ctx context.Context, schedule string, now time.Time) (ScheduleRun, error) {
	const sql = `
WITH noted AS (
	INSERT INTO cas.schedules (schedule, due_at) VALUES (@schedule, @now) ON CONFLICT DO NOTHING
	RETURNING due_at, started_at, finished_at, failure
)
SELECT due_at, started_at, finished_at, coalesce(failure, '') AS failure FROM cas.schedules WHERE schedule = @schedule
UNION ALL SELECT due_at, started_at, finished_at, '' FROM noted`
	run, err := one[ScheduleRun](ctx, db.pool, sql, pgx.NamedArgs{"schedule": schedule, "now": now})
	if err != nil {
		return ScheduleRun{}, fmt.Errorf("read schedule: %w", refused(err))
	}
	return run, nil
}

// BeginSchedule notes that a run of a schedule begins.
func (db *DB) BeginSchedule(ctx context.Context, schedule string, now time.Time) error {
	_, err := db.pool.Exec(ctx,
		`UPDATE cas.schedules SET due_at = @now, started_at = @now, finished_at = NULL, failure = NULL WHERE schedule = @schedule`,
		pgx.NamedArgs{"schedule": schedule, "now": now})
	if err != nil {
		return fmt.Errorf("begin run of schedule: %w", err)
	}
	return nil
}

// EndSchedule notes that a run has ended; failure is why it failed, "" if it did not.
func (db *DB) EndSchedule(ctx context.Context, schedule string, now time.Time, failure string) error {
	_, err := db.pool.Exec(ctx,
		`UPDATE cas.schedules SET due_at = @now, finished_at = @now, failure = nullif(@failure, '') WHERE schedule = @schedule`,
		pgx.NamedArgs{"schedule": schedule, "now": now, "failure": failure})
	if err != nil {
		return fmt.Errorf("end run of schedule: %w", refused(err))
	}
	return nil
}

// Schedule is a schedule that some process has, or once had, and its last run.
type Schedule struct {
	Name       string     `db:"schedule" json:"schedule"` // its times and what it runs
	StartedAt  *time.Time `db:"started_at" json:"started_at,omitempty"`
	FinishedAt *time.Time `db:"finished_at" json:"finished_at,omitempty"`
	Failure    string     `db:"failure" json:"failure,omitempty"`
	// Current is whether who runs the schedules now has it.
	Current bool `db:"current" json:"current"`
}

// Schedules returns the schedules that are known, by name.
func (db *DB) Schedules(ctx context.Context) ([]Schedule, error) {
	const sql = `
SELECT schedule, started_at, finished_at, coalesce(failure, '') AS failure, EXISTS (
	SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = @class::oid AND objid = hashtext(schedule)::oid
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS current
FROM cas.schedules ORDER BY schedule`
	schedules, err := all[Schedule](ctx, db.pool, sql, pgx.NamedArgs{"class": scheduleClass})
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return schedules, nil
}
