package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// errOvertaken means that another process has gone on with a scan that this one
// believes to be at, or that its place was forgotten because it names an erased PAN.
var errOvertaken = errors.New("another process goes on with this scan, or an erasure has ended it: begin it again")

// ErrScanning means that the same scan is under way already.
var ErrScanning = errors.New("the same scan is under way, in this process or another one")

// NewScan is a scan to begin, or to go on with.
type NewScan struct {
	SameAs        uuid.UUID // of source and options: scans that have it in common do the same
	Source, Batch string    // Source as it may be shown; Batch "": none
	Since         time.Time // zero: all objects
	// Resume is how long ago the same scan may have been cut short to be gone on with;
	// 0 begins anew.
	Resume time.Duration
}

// ScanCounts are the objects that a scan, or a part of one, has come by.
type ScanCounts struct {
	Listed  int `db:"listed" json:"listed"`
	LeftOut int `db:"left_out" json:"left_out"` // by suffix or age
	Known   int `db:"known" json:"known"`       // recorded before
	New     int `db:"recorded" json:"new"`      // recorded now
	Bare    int `db:"bare" json:"without_password"`
}

// Add adds the counts of another part.
func (c *ScanCounts) Add(other ScanCounts) {
	c.Listed += other.Listed
	c.LeftOut += other.LeftOut
	c.Known += other.Known
	c.New += other.New
	c.Bare += other.Bare
}

// ScanRange is a part of the keys of a scan.
type ScanRange struct {
	Number int    `db:"range_no"`
	After  string `db:"after_key"` // last key that is done with; "" none
	Until  string `db:"until_key"` // last key of the range; "" goes to the end
}

// Scan is a scan under way, which nobody else can begin meanwhile. It is safe for
// concurrent use. Close it.
type Scan struct {
	// BeganAt and Since are those of the scan that is gone on with, if one is.
	BeganAt, Since time.Time
	// Resumed is whether it goes on with a scan that was cut short, Before what that one
	// had come by.
	Resumed bool
	Before  ScanCounts
	// Expected is how many objects the last scan of the same source listed; 0 unknown.
	Expected int
	// Ranges are those that are not done with, by number; Next is the first number that
	// is free.
	Ranges []ScanRange
	Next   int

	db   *DB
	id   uuid.UUID
	run  uuid.UUID
	held *Hold
}

// afterDeath is how long Postgres may take to notice that a process was killed.
const afterDeath = 2 * time.Second

// BeginScan begins a scan, or goes on with the same one where that was cut short;
// where it is older than that, it is forgotten. ErrScanning means that it is under
// way.
func (db *DB) BeginScan(ctx context.Context, n NewScan) (*Scan, error) {
	held, err := db.hold(ctx, int64(binary.BigEndian.Uint64(n.SameAs[:8])), afterDeath) //nolint:gosec // any number will do
	if err != nil {
		return nil, fmt.Errorf("begin scan: %w", err)
	}
	if held == nil {
		return nil, fmt.Errorf("begin scan: %w", ErrScanning)
	}
	s := &Scan{db: db, run: uuid.New(), held: held}
	err = pgx.BeginFunc(ctx, db.pool, func(tx pgx.Tx) error { return s.begin(ctx, tx, n) })
	if err != nil {
		s.Close() //nolint:contextcheck // closing must work when ctx has ended
		return nil, fmt.Errorf("begin scan: %w", err)
	}
	return s, nil
}

func (s *Scan) begin(ctx context.Context, tx pgx.Tx, n NewScan) error {
	// Forgotten is what was cut short too long ago, and keys that nobody came back for.
	const forget = `
WITH gone AS (
	DELETE FROM cas.scans s WHERE s.finished_at IS NULL AND NOT EXISTS (
		SELECT FROM cas.scan_ranges r WHERE r.scan_id = s.scan_id
		AND r.seen_at > now() - CASE WHEN s.same_as = @same_as THEN @resume::interval ELSE interval '7 days' END)
	RETURNING scan_id
)
DELETE FROM cas.scan_ranges WHERE scan_id IN (SELECT scan_id FROM gone)`
	const begin = `
WITH begun AS (
	INSERT INTO cas.scans (scan_id, run_id, same_as, source, batch, since)
	VALUES (@id, @run, @same_as, @source, nullif(@batch, ''), @since)
	ON CONFLICT (same_as) WHERE finished_at IS NULL DO NOTHING
	RETURNING scan_id
)
INSERT INTO cas.scan_ranges (scan_id, range_no) SELECT scan_id, 0 FROM begun`
	// A process that was killed may have left a statement that Postgres is at. This one
	// waits for it; what is later writes nothing.
	const overtake = `UPDATE cas.scans SET run_id = @run WHERE same_as = @same_as AND finished_at IS NULL`
	const look = `
SELECT s.scan_id, s.began_at, s.since, s.scan_id <> @id AS resumed, coalesce((
	SELECT f.listed FROM cas.scans f WHERE f.source = s.source AND f.finished_at IS NOT NULL
	ORDER BY f.finished_at DESC LIMIT 1), 0) AS expected, r.next, r.listed, r.left_out, r.known, r.recorded, r.bare
FROM cas.scans s, LATERAL (
	SELECT max(range_no) + 1 AS next, sum(listed)::bigint AS listed, sum(left_out)::bigint AS left_out, sum(known)::bigint AS known,
		sum(recorded)::bigint AS recorded, sum(bare)::bigint AS bare
	FROM cas.scan_ranges WHERE scan_id = s.scan_id) AS r
WHERE s.same_as = @same_as AND s.finished_at IS NULL`
	var since *time.Time
	if !n.Since.IsZero() {
		since = &n.Since
	}
	args := pgx.NamedArgs{
		"id": uuid.New(), "run": s.run, "same_as": n.SameAs, "source": n.Source, "batch": n.Batch, "since": since, "resume": n.Resume,
	}
	for _, sql := range []string{forget, begin, overtake} {
		if _, err := tx.Exec(ctx, sql, args); err != nil {
			return refused(err)
		}
	}
	type row struct {
		ID       uuid.UUID  `db:"scan_id"`
		BeganAt  time.Time  `db:"began_at"`
		Since    *time.Time `db:"since"`
		Resumed  bool       `db:"resumed"`
		Expected int        `db:"expected"`
		Next     int        `db:"next"`
		ScanCounts
	}
	r, err := one[row](ctx, tx, look, args)
	if err != nil {
		return err
	}
	s.id, s.BeganAt, s.Resumed, s.Before, s.Expected, s.Next = r.ID, r.BeganAt, r.Resumed, r.ScanCounts, r.Expected, r.Next
	if r.Since != nil {
		s.Since = *r.Since
	}
	s.Ranges, err = all[ScanRange](ctx, tx, `
SELECT range_no, after_key, coalesce(until_key, '') AS until_key FROM cas.scan_ranges
WHERE scan_id = @id AND NOT done ORDER BY range_no`, pgx.NamedArgs{"id": r.ID})
	return err
}

// Close lets others begin the scan, or go on with it.
func (s *Scan) Close() { s.held.Release() }

// ownSQL is a CTE that has a row, and keeps it, as long as nobody else has gone on
// with the scan.
const ownSQL = `own AS (SELECT FROM cas.scans WHERE scan_id = @scan AND run_id = @run FOR SHARE)`

// ScanPage is what was found in the next part of a range.
type ScanPage struct {
	Documents []NewDocument // all of one bucket, kind, queue and batch
	Last      string        // key that the range is now done with
	Listed    int           // objects seen
	LeftOut   int           // of them, those that are not the scan's business
	Known     int           // of them, those without a document because they are known
	Done      bool          // whether the range is done with
}

// Record writes the documents of a page, those that the ledger does not have yet,
// and how far that brings the range, in one statement. It returns what the page
// came to.
func (s *Scan) Record(ctx context.Context, number int, page ScanPage) (ScanCounts, error) {
	args := recordArgs(page.Documents)
	args["scan"], args["run"], args["number"], args["last"], args["done"] = s.id, s.run, number, page.Last, page.Done
	args["listed"], args["left_out"], args["known"], args["given"] = page.Listed, page.LeftOut, page.Known, len(page.Documents)
	sql := `WITH ` + ownSQL + `, ` + recordSQL("own") + `, counted AS (
	SELECT count(*) AS recorded, count(*) FILTER (WHERE sealed_passwords IS NULL) AS bare FROM recorded
), moved AS (
	UPDATE cas.scan_ranges r
	SET after_key = @last, done = @done, seen_at = now(), listed = r.listed + @listed,
	    left_out = r.left_out + @left_out, known = r.known + @known + @given - c.recorded,
	    recorded = r.recorded + c.recorded, bare = r.bare + c.bare
	FROM counted c, own WHERE r.scan_id = @scan AND r.range_no = @number
	RETURNING r.range_no
)
SELECT @listed::bigint AS listed, @left_out::bigint AS left_out, @known::bigint + @given::bigint - recorded AS known, recorded, bare FROM counted, moved`
	var counts ScanCounts
	batch := &pgx.Batch{} // one Sync at its end: Postgres treats it as one transaction
	batch.Queue(sql, args).Query(func(rows pgx.Rows) (err error) {
		counts, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[ScanCounts])
		return err //nolint:wrapcheck // wrapped below
	})
	if len(page.Documents) > 0 {
		batch.Queue(wakeSQL)
	}
	err := s.db.pool.SendBatch(ctx, batch).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		err = errOvertaken
	}
	if err != nil {
		return ScanCounts{}, fmt.Errorf("record page of a scan: %w", refused(err))
	}
	return counts, nil
}

// Split cuts a range in two behind the key at; what follows is the range next.
func (s *Scan) Split(ctx context.Context, number int, at string, next ScanRange) error {
	tag, err := s.db.pool.Exec(ctx, `
WITH `+ownSQL+`, cut AS (UPDATE cas.scan_ranges SET until_key = @at FROM own WHERE scan_id = @scan AND range_no = @number)
INSERT INTO cas.scan_ranges (scan_id, range_no, after_key, until_key) SELECT @scan, @next, @at, nullif(@until, '') FROM own`,
		pgx.NamedArgs{"scan": s.id, "run": s.run, "number": number, "at": at, "next": next.Number, "until": next.Until})
	if err == nil && tag.RowsAffected() == 0 {
		err = errOvertaken
	}
	if err != nil {
		return fmt.Errorf("split range of a scan: %w", refused(err))
	}
	return nil
}

// Finish notes that the scan has come to its end: the same one begins anew from now on.
func (s *Scan) Finish(ctx context.Context, counts ScanCounts) error {
	tag, err := s.db.pool.Exec(ctx, `
WITH `+ownSQL+`, gone AS (DELETE FROM cas.scan_ranges USING own WHERE scan_id = @scan)
UPDATE cas.scans SET finished_at = now(), listed = @listed, left_out = @left_out, known = @known, recorded = @recorded, bare = @bare
FROM own WHERE scan_id = @scan`, pgx.NamedArgs{
		"scan": s.id, "run": s.run, "listed": counts.Listed, "left_out": counts.LeftOut, "known": counts.Known, "recorded": counts.New, "bare": counts.Bare,
	})
	if err == nil && tag.RowsAffected() == 0 {
		err = errOvertaken
	}
	if err != nil {
		return fmt.Errorf("finish scan: %w", err)
	}
	return nil
}
