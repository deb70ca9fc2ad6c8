-- Completion callbacks: who submits a document with a callback_url is told when it
-- is parsed or dead. What is to be told is written in the transaction that ends
-- the document, so that neither a crash nor an empty Redis loses it.

-- +goose Up
CREATE TABLE cas.callbacks (
    callback_id uuid        NOT NULL DEFAULT gen_random_uuid(),
    document_id uuid        NOT NULL,
    event       text        NOT NULL,
    reason      text,
    state       text        NOT NULL DEFAULT 'pending',
    attempts    integer     NOT NULL DEFAULT 0,
    delivery    integer     NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL DEFAULT now(),
    queued_at   timestamptz,
    http_status integer,
    message     text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT callbacks_pkey PRIMARY KEY (callback_id),
    CONSTRAINT callbacks_event_known CHECK (event IN ('parsed', 'dead')),
    CONSTRAINT callbacks_state_known CHECK (state IN ('pending', 'queued', 'delivered', 'given_up', 'superseded')),
    CONSTRAINT callbacks_finished CHECK ((state IN ('pending', 'queued')) = (finished_at IS NULL))
) WITH (fillfactor = 70);

CREATE INDEX callbacks_open ON cas.callbacks (next_at) WHERE state IN ('pending', 'queued');
CREATE INDEX callbacks_document ON cas.callbacks (document_id, created_at);

COMMENT ON TABLE cas.callbacks IS 'What is to be told to the callback_url of documents that ended, and how far that has come.';
COMMENT ON COLUMN cas.callbacks.callback_id IS 'The webhook-id that is sent: the same at each attempt.';
COMMENT ON COLUMN cas.callbacks.document_id IS 'The document that ended; its callback_url is who is told.';
COMMENT ON COLUMN cas.callbacks.event IS 'How it ended: parsed or dead.';
COMMENT ON COLUMN cas.callbacks.reason IS 'Why it is dead; NULL where it is parsed.';
COMMENT ON COLUMN cas.callbacks.state IS 'pending -> queued -> delivered | given_up; superseded when the document ended anew before it was told.';
COMMENT ON COLUMN cas.callbacks.attempts IS 'How often it was tried to be told.';
COMMENT ON COLUMN cas.callbacks.delivery IS 'How often it was handed to the queue; part of the task id.';
COMMENT ON COLUMN cas.callbacks.next_at IS 'When it is due, or, once queued, when its task is looked for.';
COMMENT ON COLUMN cas.callbacks.queued_at IS 'When it was handed to the queue under its present task id.';
COMMENT ON COLUMN cas.callbacks.http_status IS 'What the last attempt was answered; NULL when it was not.';
COMMENT ON COLUMN cas.callbacks.message IS 'Why the last attempt failed, PANs and secrets masked.';
COMMENT ON COLUMN cas.callbacks.created_at IS 'When the document ended.';
COMMENT ON COLUMN cas.callbacks.updated_at IS 'When this row last changed.';
COMMENT ON COLUMN cas.callbacks.finished_at IS 'When it was delivered, given up or superseded.';

-- A trigger, because documents end in several statements, and one that forgot to
-- note the callback would lose it. The condition keeps it from being called for
-- the many documents without one.
-- +goose StatementBegin
CREATE FUNCTION cas.note_callback() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cas.callbacks SET state = 'superseded', finished_at = now(), updated_at = now()
    WHERE document_id = NEW.document_id AND state IN ('pending', 'queued');
    INSERT INTO cas.callbacks (document_id, event, reason)
    SELECT NEW.document_id, NEW.status, (
        SELECT l.reason FROM cas.dead_letters l
        WHERE l.document_id = NEW.document_id AND l.redriven_at IS NULL AND NEW.status = 'dead');
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER documents_ended AFTER UPDATE OF status ON cas.documents
    FOR EACH ROW WHEN (NEW.callback_url IS NOT NULL AND NEW.status IN ('parsed', 'dead') AND NEW.status <> OLD.status)
    EXECUTE FUNCTION cas.note_callback();

-- +goose Down
DROP TRIGGER documents_ended ON cas.documents;
DROP FUNCTION cas.note_callback();
DROP TABLE cas.callbacks;
