-- How far scans have come, so that one which was cut short goes on where it was,
-- and when scheduled scans ran last.

-- +goose Up
CREATE TABLE cas.scans (
    scan_id     uuid        NOT NULL,
    run_id      uuid        NOT NULL,
    same_as     uuid        NOT NULL,
    source      text        NOT NULL,
    batch       text,
    since       timestamptz,
    began_at    timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    listed      bigint      NOT NULL DEFAULT 0,
    left_out    bigint      NOT NULL DEFAULT 0,
    known       bigint      NOT NULL DEFAULT 0,
    recorded    bigint      NOT NULL DEFAULT 0,
    bare        bigint      NOT NULL DEFAULT 0,
    CONSTRAINT scans_pkey PRIMARY KEY (scan_id)
);

CREATE UNIQUE INDEX scans_open ON cas.scans (same_as) WHERE finished_at IS NULL;
CREATE INDEX scans_finished ON cas.scans (source, finished_at) WHERE finished_at IS NOT NULL;

COMMENT ON TABLE cas.scans IS 'One row per scan of a bucket. One that is not finished can be gone on with.';
COMMENT ON COLUMN cas.scans.scan_id IS 'Made up anew for each scan.';
COMMENT ON COLUMN cas.scans.run_id IS 'Made up anew by each process that begins it or goes on with it: only the last one may write.';
COMMENT ON COLUMN cas.scans.same_as IS 'UUID derived from source and options: scans that have it in common do the same.';
COMMENT ON COLUMN cas.scans.source IS 'What is scanned, as s3://BUCKET/PREFIX, PANs masked.';
COMMENT ON COLUMN cas.scans.batch IS 'Name of the import that its documents are recorded under.';
COMMENT ON COLUMN cas.scans.since IS 'Objects last modified before are left out; NULL takes all.';
COMMENT ON COLUMN cas.scans.began_at IS 'When it began. What comes into the bucket later may be left to the next scan.';
COMMENT ON COLUMN cas.scans.finished_at IS 'When it came to its end; NULL while it goes on, or was cut short.';
COMMENT ON COLUMN cas.scans.listed IS 'Objects seen; counted when it has come to its end, as the others are.';
COMMENT ON COLUMN cas.scans.left_out IS 'Of them, those that are not its business: by suffix or age.';
COMMENT ON COLUMN cas.scans.known IS 'Of them, those that had been recorded before.';
COMMENT ON COLUMN cas.scans.recorded IS 'Of them, those that it has recorded.';
COMMENT ON COLUMN cas.scans.bare IS 'Of the recorded ones, those without a password.';

CREATE TABLE cas.scan_ranges (
    scan_id   uuid        NOT NULL,
    range_no  integer     NOT NULL,
    after_key text        NOT NULL DEFAULT '',
    until_key text,
    done      boolean     NOT NULL DEFAULT false,
    seen_at   timestamptz NOT NULL DEFAULT now(),
    listed    bigint      NOT NULL DEFAULT 0,
    left_out  bigint      NOT NULL DEFAULT 0,
    known     bigint      NOT NULL DEFAULT 0,
    recorded  bigint      NOT NULL DEFAULT 0,
    bare      bigint      NOT NULL DEFAULT 0,
    CONSTRAINT scan_ranges_pkey PRIMARY KEY (scan_id, range_no)
) WITH (fillfactor = 50);

COMMENT ON TABLE cas.scan_ranges IS 'The parts that an unfinished scan has cut its keys into, which are listed side by side. They go when it has finished.';
COMMENT ON COLUMN cas.scan_ranges.scan_id IS 'The scan.';
COMMENT ON COLUMN cas.scan_ranges.range_no IS 'Counts the parts of a scan.';
COMMENT ON COLUMN cas.scan_ranges.after_key IS 'Last key that is done with: what is recorded and this are written together. Empty at first. May hold a PAN.';
COMMENT ON COLUMN cas.scan_ranges.until_key IS 'Last key of this part; NULL goes to the end. May hold a PAN.';
COMMENT ON COLUMN cas.scan_ranges.done IS 'Whether all of it is done with.';
COMMENT ON COLUMN cas.scan_ranges.seen_at IS 'When it last came on.';
COMMENT ON COLUMN cas.scan_ranges.listed IS 'As in cas.scans.';
COMMENT ON COLUMN cas.scan_ranges.left_out IS 'As in cas.scans.';
COMMENT ON COLUMN cas.scan_ranges.known IS 'As in cas.scans.';
COMMENT ON COLUMN cas.scan_ranges.recorded IS 'As in cas.scans.';
COMMENT ON COLUMN cas.scan_ranges.bare IS 'As in cas.scans.';

CREATE TABLE cas.schedules (
    schedule    text        NOT NULL,
    due_at      timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz,
    failure     text,
    CONSTRAINT schedules_pkey PRIMARY KEY (schedule)
);

COMMENT ON TABLE cas.schedules IS 'One row per scheduled scan: when it ran last.';
COMMENT ON COLUMN cas.schedules.schedule IS 'Its time and what it scans, as they were given, PANs masked.';
COMMENT ON COLUMN cas.schedules.due_at IS 'The next run is the first time of the schedule after this instant: when it was first heard of, or when the last run began or ended.';
COMMENT ON COLUMN cas.schedules.started_at IS 'When its last run began; NULL before the first.';
COMMENT ON COLUMN cas.schedules.finished_at IS 'When its last run ended; NULL while it goes on, or was cut short: then it is run again at once.';
COMMENT ON COLUMN cas.schedules.failure IS 'Why its last run failed, PANs masked; NULL where it did not.';

-- +goose Down
DROP TABLE cas.schedules;
DROP TABLE cas.scan_ranges;
DROP TABLE cas.scans;
