-- Before a call it is asked whether another document with the same bytes was called
-- for and what became of that is not known: that one may be pending or queued again.

-- +goose Up
DROP INDEX cas.documents_same_bytes;
CREATE INDEX documents_same_bytes ON cas.documents (sha256)
    WHERE status IN ('pending', 'queued', 'calling') AND sha256 IS NOT NULL;

-- +goose Down
DROP INDEX cas.documents_same_bytes;
CREATE INDEX documents_same_bytes ON cas.documents (sha256) WHERE status = 'calling';
