-- Budgets: what a batch and a day may cost, counted where calls are begun.

-- +goose Up
CREATE TABLE cas.batches (
    batch       text        NOT NULL,
    source      text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    closed_at   timestamptz,
    total       integer     NOT NULL DEFAULT 0,
    max_credits integer,
    calls       integer     NOT NULL DEFAULT 0,
    CONSTRAINT batches_pkey PRIMARY KEY (batch),
    CONSTRAINT batches_max_credits_positive CHECK (max_credits > 0)
) WITH (fillfactor = 70);

COMMENT ON TABLE cas.batches IS 'One row per batch: where its documents came from, and what they may cost.';
COMMENT ON COLUMN cas.batches.batch IS 'Name of the import, as in cas.documents.';
COMMENT ON COLUMN cas.batches.source IS 'What was scanned last for it, as s3://BUCKET/PREFIX; NULL where nothing was scanned.';
COMMENT ON COLUMN cas.batches.created_at IS 'When it was first recorded.';
COMMENT ON COLUMN cas.batches.closed_at IS 'When its last scan came to the end; NULL while one goes on, was cut short, or never began.';
COMMENT ON COLUMN cas.batches.total IS 'Documents recorded under it.';
COMMENT ON COLUMN cas.batches.max_credits IS 'Calls that may be begun under it; NULL is no cap.';
COMMENT ON COLUMN cas.batches.calls IS 'Calls begun under it, without those that ended uncharged.';

CREATE TABLE cas.budget_days (
    day               date    NOT NULL,
    calls             integer NOT NULL DEFAULT 0,
    max_credits       integer,
    interactive_floor integer NOT NULL DEFAULT 0,
    CONSTRAINT budget_days_pkey PRIMARY KEY (day)
) WITH (fillfactor = 70);

COMMENT ON TABLE cas.budget_days IS 'Calls per day, held against CASFLOW_DAILY_CREDITS.';
COMMENT ON COLUMN cas.budget_days.day IS 'Day in India (Asia/Kolkata), by the clock of Postgres.';
COMMENT ON COLUMN cas.budget_days.calls IS 'Calls begun on it, without those that ended uncharged.';
COMMENT ON COLUMN cas.budget_days.max_credits IS 'CASFLOW_DAILY_CREDITS as the leading worker had it last; NULL is no cap.';
COMMENT ON COLUMN cas.budget_days.interactive_floor IS 'CASFLOW_INTERACTIVE_FLOOR as the leading worker had it last.';

-- Documents that their batch has no credits for are set aside, out of the index that
-- the dispatcher goes through four times a second.
ALTER TABLE cas.documents
    ADD COLUMN over_budget boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT documents_over_budget_pending CHECK (NOT over_budget OR status = 'pending');
COMMENT ON COLUMN cas.documents.over_budget IS 'Pending, and its batch has no credits left: it waits for a higher cap.';
DROP INDEX cas.documents_pending;
CREATE INDEX documents_pending ON cas.documents (queue, created_at, document_id) WHERE status = 'pending' AND NOT over_budget;
CREATE INDEX documents_over_budget ON cas.documents (batch, created_at, document_id) WHERE over_budget;

-- What was recorded and called before counts too.
INSERT INTO cas.batches (batch, created_at, total, calls)
SELECT d.batch, min(d.created_at), count(*), coalesce(sum(a.calls), 0)
FROM cas.documents d, LATERAL (
    SELECT count(*) AS calls FROM cas.attempts t
    WHERE t.document_id = d.document_id AND (t.outcome NOT IN ('refused', 'failed', 'throttled') OR t.credits > 0)) AS a
WHERE d.batch IS NOT NULL GROUP BY d.batch;

INSERT INTO cas.budget_days (day, calls)
SELECT (started_at AT TIME ZONE 'Asia/Kolkata')::date, count(*) FROM cas.attempts
WHERE outcome NOT IN ('refused', 'failed', 'throttled') OR credits > 0 GROUP BY 1;

-- +goose Down
DROP INDEX cas.documents_over_budget;
DROP INDEX cas.documents_pending;
CREATE INDEX documents_pending ON cas.documents (queue, created_at, document_id) WHERE status = 'pending';
ALTER TABLE cas.documents DROP CONSTRAINT documents_over_budget_pending, DROP COLUMN over_budget;
DROP TABLE cas.budget_days;
DROP TABLE cas.batches;
