-- How many documents there are in each state, without counting them: gauges that are
-- read every 15 seconds by every worker must not go through a million rows.
--
-- A counter that each transaction updates would make all of them wait for one
-- another. So each only appends what it has changed, which blocks nobody; the
-- leading worker adds that up every few seconds, and readers add what is left.

-- +goose Up
CREATE TABLE cas.document_counts (
    batch     text    NOT NULL,
    state     text    NOT NULL,
    documents bigint  NOT NULL,
    credits   numeric NOT NULL DEFAULT 0,
    CONSTRAINT document_counts_pkey PRIMARY KEY (batch, state)
) WITH (fillfactor = 50);

COMMENT ON TABLE cas.document_counts IS 'Documents by batch and state, but for what document_changes has.';
COMMENT ON COLUMN cas.document_counts.batch IS 'A batch; empty for all documents, whether they have one or not.';
COMMENT ON COLUMN cas.document_counts.state IS 'A status of cas.documents, or over_budget for pending ones that wait for a higher cap; spent for credits.';
COMMENT ON COLUMN cas.document_counts.documents IS 'How many; 0 for spent.';
COMMENT ON COLUMN cas.document_counts.credits IS 'Credits that calls are known to have cost, for spent.';

CREATE TABLE cas.document_changes (
    batch     text,
    state     text    NOT NULL,
    documents integer NOT NULL,
    credits   numeric NOT NULL DEFAULT 0
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);

COMMENT ON TABLE cas.document_changes IS 'What transactions have changed about the counts since the leading worker added them up.';
COMMENT ON COLUMN cas.document_changes.batch IS 'Batch of the documents; NULL where they have none.';
COMMENT ON COLUMN cas.document_changes.state IS 'As in document_counts; or deleted, for those that their batch''s total is to lose.';
COMMENT ON COLUMN cas.document_changes.documents IS 'How many more are in that state; below 0, how many fewer.';
COMMENT ON COLUMN cas.document_changes.credits IS 'How many more credits are known to be spent.';

CREATE TABLE cas.call_changes (
    batch text,
    day   date    NOT NULL,
    calls integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);

COMMENT ON TABLE cas.call_changes IS 'What calls have changed about the calls of batches and days since the leading worker added them up.';
COMMENT ON COLUMN cas.call_changes.batch IS 'Batch of the document that is called for; NULL where it has none.';
COMMENT ON COLUMN cas.call_changes.day IS 'As in budget_days.';
COMMENT ON COLUMN cas.call_changes.calls IS 'How many more calls count; below 0, how many fewer: they ended uncharged.';

COMMENT ON COLUMN cas.batches.calls IS 'Calls begun under it, without those that ended uncharged, but for what call_changes has.';
COMMENT ON COLUMN cas.budget_days.calls IS 'Calls begun on it, without those that ended uncharged, but for what call_changes has.';

ALTER TABLE cas.batches ADD COLUMN parsed integer NOT NULL DEFAULT 0, ADD COLUMN dead integer NOT NULL DEFAULT 0;
ALTER TABLE cas.batches ADD COLUMN unfinished boolean GENERATED ALWAYS AS (parsed + dead < total) STORED;
COMMENT ON COLUMN cas.batches.parsed IS 'Documents of it that are parsed, some seconds ago.';
COMMENT ON COLUMN cas.batches.dead IS 'Documents of it that are dead, some seconds ago.';
COMMENT ON COLUMN cas.batches.unfinished IS 'Whether some of its documents are neither: what an index goes by, because it changes less often than they do.';
CREATE INDEX batches_created ON cas.batches (created_at);
CREATE INDEX batches_unfinished ON cas.batches (created_at) WHERE unfinished;

ALTER TABLE cas.account ADD COLUMN credits_remaining numeric, ADD COLUMN credits_at timestamptz;
COMMENT ON COLUMN cas.account.credits_remaining IS 'Credits that are left, as the API last said; NULL where it did not, or where there is no limit.';
COMMENT ON COLUMN cas.account.credits_at IS 'When it said so.';

-- +goose StatementBegin
CREATE FUNCTION cas.state_of(status text, over_budget boolean) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE WHEN over_budget THEN 'over_budget' ELSE status END $$;
-- +goose StatementEnd

-- A trigger per statement, not per row: a scan that records a thousand documents
-- appends one row.
-- +goose StatementBegin
CREATE FUNCTION cas.count_documents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO cas.document_changes (batch, state, documents)
        SELECT batch, cas.state_of(status, over_budget), count(*) FROM new_documents GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO cas.document_changes (batch, state, documents)
        SELECT batch, cas.state_of(status, over_budget), -count(*) FROM old_documents GROUP BY 1, 2
        UNION ALL SELECT batch, 'deleted', count(*) FROM old_documents WHERE batch IS NOT NULL GROUP BY 1;
    ELSE
        INSERT INTO cas.document_changes (batch, state, documents)
        SELECT batch, state, sum(n) FROM (
            SELECT batch, cas.state_of(status, over_budget) AS state, 1 AS n FROM new_documents
            UNION ALL SELECT batch, cas.state_of(status, over_budget), -1 FROM old_documents) AS d
        GROUP BY 1, 2 HAVING sum(n) <> 0;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- Until the end of this transaction these also keep documents from changing, so that
-- what is counted below is all there is.
CREATE TRIGGER documents_inserted AFTER INSERT ON cas.documents
    REFERENCING NEW TABLE AS new_documents FOR EACH STATEMENT EXECUTE FUNCTION cas.count_documents();
CREATE TRIGGER documents_updated AFTER UPDATE ON cas.documents
    REFERENCING OLD TABLE AS old_documents NEW TABLE AS new_documents FOR EACH STATEMENT EXECUTE FUNCTION cas.count_documents();
CREATE TRIGGER documents_deleted AFTER DELETE ON cas.documents
    REFERENCING OLD TABLE AS old_documents FOR EACH STATEMENT EXECUTE FUNCTION cas.count_documents();

INSERT INTO cas.document_counts (batch, state, documents)
SELECT CASE WHEN grouping(batch) = 1 THEN '' ELSE batch END, state, count(*)
FROM (SELECT batch, cas.state_of(status, over_budget) AS state FROM cas.documents) AS d
GROUP BY GROUPING SETS ((state), (batch, state)) HAVING grouping(batch) = 1 OR batch IS NOT NULL;

INSERT INTO cas.document_counts (batch, state, documents, credits)
SELECT CASE WHEN grouping(d.batch) = 1 THEN '' ELSE d.batch END, 'spent', 0, sum(a.credits)
FROM cas.attempts a LEFT JOIN cas.documents d USING (document_id) WHERE a.credits <> 0
GROUP BY GROUPING SETS ((), (d.batch)) HAVING (grouping(d.batch) = 1 OR d.batch IS NOT NULL) AND sum(a.credits) <> 0;

-- The total as well: documents that were erased before are still in it.
UPDATE cas.batches b SET total = d.total, parsed = d.parsed, dead = d.dead
FROM (SELECT batch, count(document_id) AS total, count(*) FILTER (WHERE status = 'parsed') AS parsed, count(*) FILTER (WHERE status = 'dead') AS dead
      FROM cas.batches LEFT JOIN cas.documents USING (batch) GROUP BY batch) AS d
WHERE b.batch = d.batch;

-- +goose Down
DROP TRIGGER documents_deleted ON cas.documents;
DROP TRIGGER documents_updated ON cas.documents;
DROP TRIGGER documents_inserted ON cas.documents;
DROP FUNCTION cas.count_documents();
DROP FUNCTION cas.state_of(text, boolean);
ALTER TABLE cas.account DROP COLUMN credits_at, DROP COLUMN credits_remaining;
DROP INDEX cas.batches_unfinished;
DROP INDEX cas.batches_created;
ALTER TABLE cas.batches DROP COLUMN unfinished, DROP COLUMN dead, DROP COLUMN parsed;
UPDATE cas.batches b SET calls = greatest(0, b.calls + h.calls)
FROM (SELECT batch, sum(calls) AS calls FROM cas.call_changes GROUP BY batch) AS h WHERE b.batch = h.batch;
INSERT INTO cas.budget_days AS b (day, calls) SELECT day, greatest(0, sum(calls)) FROM cas.call_changes GROUP BY day
ON CONFLICT (day) DO UPDATE SET calls = greatest(0, b.calls + (SELECT sum(h.calls) FROM cas.call_changes h WHERE h.day = b.day));
COMMENT ON COLUMN cas.batches.calls IS 'Calls begun under it, without those that ended uncharged.';
COMMENT ON COLUMN cas.budget_days.calls IS 'Calls begun on it, without those that ended uncharged.';
DROP TABLE cas.call_changes;
DROP TABLE cas.document_changes;
DROP TABLE cas.document_counts;
