-- Dead letters that somebody has looked at and given up: they stay on record, but
-- out of the way.

-- +goose Up
ALTER TABLE cas.dead_letters
    ADD COLUMN discarded_at  timestamptz,
    ADD COLUMN discarded_by  text,
    ADD COLUMN discarded_why text,
    ADD CONSTRAINT dead_letters_discarded CHECK ((discarded_at IS NULL) = (discarded_why IS NULL));

COMMENT ON COLUMN cas.dead_letters.discarded_at IS 'When it was given up for good; NULL where it was not. Only a redrive that names the document brings one back.';
COMMENT ON COLUMN cas.dead_letters.discarded_by IS 'Who gave it up.';
COMMENT ON COLUMN cas.dead_letters.discarded_why IS 'Why it was given up, PANs masked.';
COMMENT ON COLUMN cas.documents.sealed_passwords IS 'Candidate PDF passwords, AES-256-GCM under CASFLOW_SECRET_KEY, bound to document_id. Wiped when parsed or discarded.';

-- +goose Down
COMMENT ON COLUMN cas.documents.sealed_passwords IS 'Candidate PDF passwords, AES-256-GCM under CASFLOW_SECRET_KEY, bound to document_id. Wiped when parsed.';
ALTER TABLE cas.dead_letters
    DROP CONSTRAINT dead_letters_discarded,
    DROP COLUMN discarded_why,
    DROP COLUMN discarded_by,
    DROP COLUMN discarded_at;
