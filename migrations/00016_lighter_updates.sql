-- Updates that touch no index. Postgres writes a new version of a row into its own
-- page, and nothing into any index (a HOT update), only where no column changes that
-- an index knows, be it in its condition. The status was in the condition of three
-- indexes and changes at each step; the outcome of an attempt in that of one. What
-- indexes go by now changes when a document is handed to the queue and when it ends,
-- and for attempts not at all: a claim, the beginning of a call and its end are HOT.
--
-- This writes cas.documents and cas.attempts anew, while nobody else may read them:
-- some ten seconds for a million documents.

-- +goose Up
-- Both tables at once, and for a short wait at a time: workers lock the one before the
-- other in either order, so whoever rewrites one of them and asks for the other then is
-- ended as deadlocked, after all that work. Before that, a lock that keeps vacuums out and
-- no worker: an autovacuum under way gives way to who waits for longer than
-- deadlock_timeout, so never to the short waits, which would go on until it is done.
LOCK TABLE cas.documents, cas.attempts, cas.dead_letters IN SHARE UPDATE EXCLUSIVE MODE;
-- +goose StatementBegin
DO $$
BEGIN
    SET LOCAL lock_timeout = '300ms';
    LOOP
        BEGIN
            LOCK TABLE cas.documents, cas.attempts, cas.dead_letters IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    SET LOCAL lock_timeout = 0;
END $$;
-- +goose StatementEnd
ALTER TABLE cas.documents ADD COLUMN stage text GENERATED ALWAYS AS (
    CASE WHEN over_budget THEN 'aside' WHEN status = 'pending' THEN 'waiting' WHEN status IN ('parsed', 'dead') THEN status ELSE 'under_way' END) STORED;
COMMENT ON COLUMN cas.documents.stage IS 'waiting, aside (over budget), under_way (queued, calling or answered), parsed or dead: what indexes go by, because it changes less often than status.';

DROP INDEX cas.documents_pending, cas.documents_in_flight, cas.documents_same_bytes, cas.documents_batch, cas.documents_over_budget;
CREATE INDEX documents_waiting ON cas.documents (queue, created_at, document_id) WHERE stage = 'waiting';
CREATE INDEX documents_under_way ON cas.documents (queue) WHERE stage = 'under_way';
CREATE INDEX documents_batch ON cas.documents (batch, stage, queue, created_at) WHERE batch IS NOT NULL;
CREATE INDEX documents_over_budget ON cas.documents (batch, queue, created_at, document_id) WHERE over_budget;
CREATE INDEX documents_finished ON cas.documents (finished_at) WHERE finished_at IS NOT NULL;

-- Whether the same bytes are being called for is asked of attempts: they have them
-- from their first row on, documents only once they have been read.
ALTER TABLE cas.attempts
    ADD COLUMN sha256 bytea,
    ADD COLUMN unknown boolean GENERATED ALWAYS AS (outcome = 'unknown') STORED;
COMMENT ON COLUMN cas.attempts.sha256 IS 'SHA-256 of the PDF that was sent; NULL for attempts that had ended before this was noted, and once the document is erased.';
COMMENT ON COLUMN cas.attempts.unknown IS 'Whether outcome is unknown: what an index goes by.';
UPDATE cas.attempts a SET sha256 = d.sha256 FROM cas.documents d WHERE d.document_id = a.document_id AND a.outcome IN ('calling', 'unknown');

-- Workers of the version before do not note it; their document has it by then.
-- +goose StatementBegin
CREATE FUNCTION cas.note_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT sha256 INTO NEW.sha256 FROM cas.documents WHERE document_id = NEW.document_id;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER attempts_begun BEFORE INSERT ON cas.attempts
    FOR EACH ROW WHEN (NEW.sha256 IS NULL) EXECUTE FUNCTION cas.note_bytes();

DROP INDEX cas.attempts_unknown;
CREATE INDEX attempts_unknown ON cas.attempts (started_at) WHERE unknown;
CREATE INDEX attempts_same_bytes ON cas.attempts (sha256) WHERE sha256 IS NOT NULL;

-- For counting open dead letters, and those that were given up, from the index alone.
DROP INDEX cas.dead_letters_open;
CREATE INDEX dead_letters_open ON cas.dead_letters (reason, dead_at) INCLUDE (discarded_at) WHERE redriven_at IS NULL;
CREATE INDEX dead_letters_discarded ON cas.dead_letters (reason, document_id) WHERE redriven_at IS NULL AND discarded_at IS NOT NULL;

-- Vacuumed after some per cent of them have changed, and not after a fifth.
ALTER TABLE cas.documents SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE cas.attempts SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

-- +goose Down
ALTER TABLE cas.attempts RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
ALTER TABLE cas.documents RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
DROP INDEX cas.dead_letters_discarded, cas.dead_letters_open;
CREATE INDEX dead_letters_open ON cas.dead_letters (reason, dead_at) WHERE redriven_at IS NULL;
DROP INDEX cas.attempts_same_bytes, cas.attempts_unknown;
DROP TRIGGER attempts_begun ON cas.attempts;
DROP FUNCTION cas.note_bytes();
ALTER TABLE cas.attempts DROP COLUMN unknown, DROP COLUMN sha256;
CREATE INDEX attempts_unknown ON cas.attempts (started_at) WHERE outcome = 'unknown';
DROP INDEX cas.documents_finished, cas.documents_over_budget, cas.documents_batch, cas.documents_under_way, cas.documents_waiting;
ALTER TABLE cas.documents DROP COLUMN stage;
CREATE INDEX documents_over_budget ON cas.documents (batch, created_at, document_id) WHERE over_budget;
CREATE INDEX documents_batch ON cas.documents (batch) WHERE batch IS NOT NULL;
CREATE INDEX documents_same_bytes ON cas.documents (sha256)
    WHERE status IN ('pending', 'queued', 'calling') AND sha256 IS NOT NULL;
CREATE INDEX documents_in_flight ON cas.documents (queue, status)
    WHERE status IN ('queued', 'calling', 'answered');
CREATE INDEX documents_pending ON cas.documents (queue, created_at, document_id) WHERE status = 'pending' AND NOT over_budget;
