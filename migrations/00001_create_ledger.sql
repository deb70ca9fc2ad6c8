-- The ledger: what happened to each document. Postgres is the truth, Redis only
-- carries what is next.

-- +goose Up
CREATE TABLE cas.documents (
    document_id      uuid        NOT NULL,
    bucket           text        NOT NULL,
    object_key       text        NOT NULL,
    version_id       text,
    etag             text        NOT NULL,
    size_bytes       bigint,
    sha256           bytea,
    kind             text        NOT NULL,
    queue            text        NOT NULL,
    batch            text,
    status           text        NOT NULL DEFAULT 'pending',
    attempts         integer     NOT NULL DEFAULT 0,
    delivery         integer     NOT NULL DEFAULT 0,
    not_before       timestamptz,
    stalled_since    timestamptz,
    claimed_by       uuid,
    sealed_passwords bytea,
    callback_url     text,
    pan              text,
    period_from      date,
    period_to        date,
    cas_type         text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    CONSTRAINT documents_pkey PRIMARY KEY (document_id),
    CONSTRAINT documents_sha256_length CHECK (octet_length(sha256) = 32),
    CONSTRAINT documents_queue_known CHECK (queue IN ('interactive', 'bulk')),
    CONSTRAINT documents_status_known CHECK
        (status IN ('pending', 'queued', 'calling', 'answered', 'parsed', 'dead')),
    CONSTRAINT documents_finished CHECK
        ((status IN ('parsed', 'dead')) = (finished_at IS NOT NULL))
) WITH (fillfactor = 80);

CREATE INDEX documents_pending ON cas.documents (queue, created_at, document_id)
    WHERE status = 'pending';
CREATE INDEX documents_in_flight ON cas.documents (queue, status)
    WHERE status IN ('queued', 'calling', 'answered');
CREATE INDEX documents_batch ON cas.documents (batch) WHERE batch IS NOT NULL;
CREATE INDEX documents_pan ON cas.documents (pan) WHERE pan IS NOT NULL;

COMMENT ON TABLE cas.documents IS 'One row per PDF: its place in S3, and how far it has come.';
COMMENT ON COLUMN cas.documents.document_id IS 'UUID derived from bucket, object key, ETag and kind: the same object always has the same id.';
COMMENT ON COLUMN cas.documents.bucket IS 'S3 bucket of the PDF.';
COMMENT ON COLUMN cas.documents.object_key IS 'S3 key of the PDF. May hold a PAN.';
COMMENT ON COLUMN cas.documents.version_id IS 'S3 version to read, where one was named; NULL reads the current one.';
COMMENT ON COLUMN cas.documents.etag IS 'ETag the object had when it was recorded, without quotes. An object that has another one since is object_changed.';
COMMENT ON COLUMN cas.documents.size_bytes IS 'Size of the PDF in bytes, as listed or read.';
COMMENT ON COLUMN cas.documents.sha256 IS 'SHA-256 of the PDF; NULL until it was read.';
COMMENT ON COLUMN cas.documents.kind IS 'Which parser of the API reads it: smart, cdsl, nsdl, cams_kfintech.';
COMMENT ON COLUMN cas.documents.queue IS 'interactive goes ahead of bulk.';
COMMENT ON COLUMN cas.documents.batch IS 'Name of the import that recorded it.';
COMMENT ON COLUMN cas.documents.status IS 'pending -> queued -> calling -> answered -> parsed | dead.';
COMMENT ON COLUMN cas.documents.attempts IS 'API attempts that count against CASFLOW_MAX_ATTEMPTS; a 429 does not. A redrive starts at zero again.';
COMMENT ON COLUMN cas.documents.delivery IS 'How often the document was handed to the queue; part of the task id.';
COMMENT ON COLUMN cas.documents.not_before IS 'Not to be tried again before this instant.';
COMMENT ON COLUMN cas.documents.stalled_since IS 'Since when S3 or another part of casflow itself has kept it from being tried; NULL when nothing does.';
COMMENT ON COLUMN cas.documents.claimed_by IS 'The worker process (cas.workers) that is at it.';
COMMENT ON COLUMN cas.documents.sealed_passwords IS 'Candidate PDF passwords, AES-256-GCM under CASFLOW_SECRET_KEY, bound to document_id. Wiped when parsed.';
COMMENT ON COLUMN cas.documents.callback_url IS 'Where the submitting service wants to be told of the end, as it asked.';
COMMENT ON COLUMN cas.documents.pan IS 'PAN of its statement, once parsed.';
COMMENT ON COLUMN cas.documents.period_from IS 'First day of its statement period, once parsed.';
COMMENT ON COLUMN cas.documents.period_to IS 'Last day of its statement period (inclusive), once parsed.';
COMMENT ON COLUMN cas.documents.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH, once parsed.';
COMMENT ON COLUMN cas.documents.created_at IS 'When it was recorded.';
COMMENT ON COLUMN cas.documents.updated_at IS 'When this row last changed.';
COMMENT ON COLUMN cas.documents.finished_at IS 'When it became parsed or dead.';

CREATE TABLE cas.attempts (
    request_id     text        NOT NULL,
    document_id    uuid        NOT NULL,
    endpoint       text        NOT NULL,
    worker_id      uuid        NOT NULL,
    started_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    outcome        text        NOT NULL DEFAULT 'calling',
    http_status    integer,
    code           text,
    message        text,
    api_request_id text,
    credits        numeric,
    retry_at       timestamptz,
    CONSTRAINT attempts_pkey PRIMARY KEY (request_id),
    CONSTRAINT attempts_outcome_known CHECK
        (outcome IN ('calling', 'answered', 'refused', 'failed', 'throttled', 'unknown'))
) WITH (fillfactor = 70);

CREATE INDEX attempts_document ON cas.attempts (document_id, started_at);
CREATE INDEX attempts_unknown ON cas.attempts (started_at) WHERE outcome = 'unknown';

COMMENT ON TABLE cas.attempts IS 'One row per call of the API, written before the call.';
COMMENT ON COLUMN cas.attempts.request_id IS 'The X-Request-ID that we sent; the API lists it in its usage log.';
COMMENT ON COLUMN cas.attempts.document_id IS 'The document that was sent.';
COMMENT ON COLUMN cas.attempts.endpoint IS 'Path of the API.';
COMMENT ON COLUMN cas.attempts.worker_id IS 'The worker process that called.';
COMMENT ON COLUMN cas.attempts.started_at IS 'When the row was written, just before the call.';
COMMENT ON COLUMN cas.attempts.finished_at IS 'When the outcome was recorded.';
COMMENT ON COLUMN cas.attempts.outcome IS 'calling; answered; refused (nothing to retry); failed (retryable); throttled (429, not counted); unknown (may have been billed).';
COMMENT ON COLUMN cas.attempts.http_status IS 'Status of the response; NULL when there was none.';
COMMENT ON COLUMN cas.attempts.code IS 'Error code of the API, where it gave one.';
COMMENT ON COLUMN cas.attempts.message IS 'Error text with PANs and secrets masked.';
COMMENT ON COLUMN cas.attempts.api_request_id IS 'The X-Request-ID that the API answered with.';
COMMENT ON COLUMN cas.attempts.credits IS 'Credits the call cost, where known.';
COMMENT ON COLUMN cas.attempts.retry_at IS 'When the document is tried again on account of this outcome.';

CREATE TABLE cas.answers (
    document_id uuid        NOT NULL,
    sha256      bytea       NOT NULL,
    endpoint    text        NOT NULL,
    request_id  text        NOT NULL,
    body        bytea       NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT answers_pkey PRIMARY KEY (document_id)
);
ALTER TABLE cas.answers ALTER COLUMN body SET STORAGE EXTENDED;

CREATE INDEX answers_same_bytes ON cas.answers (sha256, endpoint);

COMMENT ON TABLE cas.answers IS 'What the API answered, byte for byte. Statement rows can be rebuilt from it without another call.';
COMMENT ON COLUMN cas.answers.document_id IS 'The document whose answer it is.';
COMMENT ON COLUMN cas.answers.sha256 IS 'SHA-256 of the PDF that was parsed: the same bytes are never paid for again.';
COMMENT ON COLUMN cas.answers.endpoint IS 'Path of the API that answered.';
COMMENT ON COLUMN cas.answers.request_id IS 'The attempt that brought it.';
COMMENT ON COLUMN cas.answers.body IS 'The raw answer; convert_from(body, ''UTF8'')::jsonb to query it.';
COMMENT ON COLUMN cas.answers.received_at IS 'When it was received.';

CREATE TABLE cas.dead_letters (
    document_id uuid        NOT NULL,
    reason      text        NOT NULL,
    http_status integer,
    message     text        NOT NULL,
    request_id  text,
    dead_at     timestamptz NOT NULL DEFAULT now(),
    redriven_at timestamptz,
    CONSTRAINT dead_letters_pkey PRIMARY KEY (document_id),
    CONSTRAINT dead_letters_reason_known CHECK (reason IN (
        'bad_request', 'unauthorized', 'insufficient_credits', 'forbidden', 'wrong_password',
        'unprocessable', 'too_large', 'not_a_pdf', 'object_missing', 'object_changed', 'bad_answer',
        'missing_pan', 'retries_exhausted', 'crashed', 'bad_task'))
);

CREATE INDEX dead_letters_open ON cas.dead_letters (reason, dead_at) WHERE redriven_at IS NULL;

COMMENT ON TABLE cas.dead_letters IS 'Documents that nothing retries unasked, and why. A bad_task may have no document.';
COMMENT ON COLUMN cas.dead_letters.document_id IS 'The document; for a bad_task that names none, an id derived from the task.';
COMMENT ON COLUMN cas.dead_letters.reason IS 'Why it died.';
COMMENT ON COLUMN cas.dead_letters.http_status IS 'Status that the API answered, where it was asked.';
COMMENT ON COLUMN cas.dead_letters.message IS 'What happened and how to mend it, PANs and secrets masked.';
COMMENT ON COLUMN cas.dead_letters.request_id IS 'The last attempt, as support of the API wants it.';
COMMENT ON COLUMN cas.dead_letters.dead_at IS 'When it died.';
COMMENT ON COLUMN cas.dead_letters.redriven_at IS 'When it was put back to pending; NULL while it is dead.';

CREATE TABLE cas.workers (
    worker_id  uuid        NOT NULL,
    host       text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workers_pkey PRIMARY KEY (worker_id)
) WITH (fillfactor = 50);

COMMENT ON TABLE cas.workers IS 'Worker processes. What one of them has claimed is free again once it has not been seen for a while.';
COMMENT ON COLUMN cas.workers.worker_id IS 'Made up anew at each start.';
COMMENT ON COLUMN cas.workers.host IS 'Name of its machine.';
COMMENT ON COLUMN cas.workers.started_at IS 'When it started.';
COMMENT ON COLUMN cas.workers.seen_at IS 'Its last heartbeat.';

-- +goose Down
DROP TABLE cas.workers;
DROP TABLE cas.dead_letters;
DROP TABLE cas.answers;
DROP TABLE cas.attempts;
DROP TABLE cas.documents;
