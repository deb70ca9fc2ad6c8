-- Erasing a PAN: what was done, and which documents must not come back by a scan.

-- +goose Up
CREATE TABLE cas.erasures (
    erasure_id uuid        NOT NULL,
    pan_masked text        NOT NULL,
    erased_at  timestamptz NOT NULL DEFAULT now(),
    erased_by  text        NOT NULL,
    documents  integer     NOT NULL,
    rows       bigint      NOT NULL,
    masked     bigint      NOT NULL,
    objects    integer     NOT NULL,
    CONSTRAINT erasures_pkey PRIMARY KEY (erasure_id)
);

COMMENT ON TABLE cas.erasures IS 'One row for each time a PAN was erased: the proof that it was done.';
COMMENT ON COLUMN cas.erasures.erasure_id IS 'Made up for each.';
COMMENT ON COLUMN cas.erasures.pan_masked IS 'The PAN down to its first two and last characters.';
COMMENT ON COLUMN cas.erasures.erased_at IS 'When.';
COMMENT ON COLUMN cas.erasures.erased_by IS 'Who did it, as they said; PANs masked.';
COMMENT ON COLUMN cas.erasures.documents IS 'Documents that were forgotten, their answers and passwords with them.';
COMMENT ON COLUMN cas.erasures.rows IS 'Rows of statements that were deleted.';
COMMENT ON COLUMN cas.erasures.masked IS 'Rows of others in which the PAN was masked, raw answers included: those of joint holders, say.';
COMMENT ON COLUMN cas.erasures.objects IS 'Objects that were deleted from S3.';

CREATE TABLE cas.erased_documents (
    document_id uuid        NOT NULL,
    erased_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT erased_documents_pkey PRIMARY KEY (document_id)
);

COMMENT ON TABLE cas.erased_documents IS 'Documents that were erased: a scan that finds their object again leaves it out.';
COMMENT ON COLUMN cas.erased_documents.document_id IS 'Id of the document, which does not tell its object.';
COMMENT ON COLUMN cas.erased_documents.erased_at IS 'When.';

-- +goose Down
DROP TABLE cas.erased_documents;
DROP TABLE cas.erasures;
