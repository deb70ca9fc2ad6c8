-- The API account's state, crashes of documents, and attempts whose outcome was
-- settled afterwards: what keeps credits and documents accounted for.

-- +goose Up
CREATE TABLE cas.account (
    singleton     boolean     NOT NULL DEFAULT true,
    paused_reason text,
    paused_at     timestamptz,
    http_status   integer,
    message       text,
    next_probe_at timestamptz,
    probes        integer     NOT NULL DEFAULT 0,
    CONSTRAINT account_pkey PRIMARY KEY (singleton),
    CONSTRAINT account_one CHECK (singleton),
    CONSTRAINT account_reason_known CHECK (paused_reason IN ('unauthorized', 'insufficient_credits', 'forbidden')),
    CONSTRAINT account_paused CHECK ((paused_reason IS NULL) = (paused_at IS NULL))
);
INSERT INTO cas.account DEFAULT VALUES;

COMMENT ON TABLE cas.account IS 'One row: whether the account of the API may be called. Paused, no worker calls until a probe finds it well again.';
COMMENT ON COLUMN cas.account.singleton IS 'Always true: there is one row.';
COMMENT ON COLUMN cas.account.paused_reason IS 'unauthorized, insufficient_credits or forbidden; NULL while the account is open.';
COMMENT ON COLUMN cas.account.paused_at IS 'Since when it is paused.';
COMMENT ON COLUMN cas.account.http_status IS 'What the API answered to the call that paused it.';
COMMENT ON COLUMN cas.account.message IS 'What the API said, PANs and secrets masked.';
COMMENT ON COLUMN cas.account.next_probe_at IS 'When the leading worker asks the API again.';
COMMENT ON COLUMN cas.account.probes IS 'Probes since the last statement that was answered: the wait between them grows with it.';

ALTER TABLE cas.dead_letters ADD COLUMN auto_redrives integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN cas.dead_letters.auto_redrives IS 'How often the document came back by itself because the account was well again; it does so a few times only.';

ALTER TABLE cas.documents ADD COLUMN crashes integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN cas.documents.crashes IS 'How often a worker died while it read this document or its answer. Twice is dead, as crashed.';

-- Which documents hold the same bytes is asked before each call, of those in flight.
CREATE INDEX documents_same_bytes ON cas.documents (sha256) WHERE status = 'calling';

ALTER TABLE cas.attempts DROP CONSTRAINT attempts_outcome_known;
ALTER TABLE cas.attempts ADD CONSTRAINT attempts_outcome_known CHECK
    (outcome IN ('calling', 'answered', 'refused', 'failed', 'throttled', 'unknown', 'lost'));
ALTER TABLE cas.attempts ADD COLUMN settled_at timestamptz;
COMMENT ON COLUMN cas.attempts.outcome IS 'calling; answered; refused (nothing to retry); failed (retryable); throttled (429, not counted); unknown (may have been billed); lost (billed, but its answer never came).';
COMMENT ON COLUMN cas.attempts.settled_at IS 'When the usage log of the API told what became of an attempt that was unknown.';

-- +goose Down
UPDATE cas.attempts SET outcome = 'unknown' WHERE outcome = 'lost';
ALTER TABLE cas.attempts DROP COLUMN settled_at;
ALTER TABLE cas.attempts DROP CONSTRAINT attempts_outcome_known;
ALTER TABLE cas.attempts ADD CONSTRAINT attempts_outcome_known CHECK
    (outcome IN ('calling', 'answered', 'refused', 'failed', 'throttled', 'unknown'));
DROP INDEX cas.documents_same_bytes;
ALTER TABLE cas.documents DROP COLUMN crashes;
ALTER TABLE cas.dead_letters DROP COLUMN auto_redrives;
DROP TABLE cas.account;
