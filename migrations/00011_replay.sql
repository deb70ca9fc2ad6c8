-- Reading stored answers anew: which documents are done, so that it goes on after an
-- interruption where it was.

-- +goose Up
ALTER TABLE cas.documents ADD COLUMN normalized_at timestamptz;
COMMENT ON COLUMN cas.documents.normalized_at IS 'When its answer was last turned into rows; NULL for documents that were parsed before this was noted.';

CREATE TABLE cas.replays (
    replay_id   uuid        NOT NULL,
    selection   text        NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CONSTRAINT replays_pkey PRIMARY KEY (replay_id)
);

COMMENT ON TABLE cas.replays IS 'One row per run of worker replay. One that was cut short is gone on with by the next run of the same selection.';
COMMENT ON COLUMN cas.replays.replay_id IS 'Made up for each.';
COMMENT ON COLUMN cas.replays.selection IS 'Which answers: all, since a time, those of a PAN (masked), or of a document.';
COMMENT ON COLUMN cas.replays.started_at IS 'When it began: documents that were normalized later are done.';
COMMENT ON COLUMN cas.replays.finished_at IS 'When it came to its end; NULL while it goes on or where it was cut short.';

-- +goose Down
DROP TABLE cas.replays;
ALTER TABLE cas.documents DROP COLUMN normalized_at;
