-- Raw answers may be kept for a while only; that they were given is kept for good, so
-- that the same bytes are not paid for again.

-- +goose Up
CREATE INDEX answers_by_age ON cas.answers (received_at) WHERE octet_length(body) > 0;
COMMENT ON COLUMN cas.answers.body IS 'The raw answer; convert_from(body, ''UTF8'')::jsonb to query it. Compressed by Postgres. Empty once it is older than CASFLOW_ANSWER_RETENTION: then only its rows are left.';

-- +goose Down
DROP INDEX cas.answers_by_age;
COMMENT ON COLUMN cas.answers.body IS 'The raw answer; convert_from(body, ''UTF8'')::jsonb to query it.';
