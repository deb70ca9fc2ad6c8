-- What makes statements complete: how the answer wrote what the columns hold (so that
-- it can be given back), which document took whose place and why, and what does not
-- add up. Statements that were saved before have none of it until their answers are
-- read anew.

-- +goose Up
ALTER TABLE cas.statements ADD COLUMN generated_at_text text;
COMMENT ON COLUMN cas.statements.generated_at_text IS 'generated_at as the answer wrote it: the zone, if it had one, shows here alone.';

ALTER TABLE cas.statements ADD COLUMN source_form jsonb;
ALTER TABLE cas.demat_accounts ADD COLUMN source_form jsonb;
ALTER TABLE cas.demat_holdings ADD COLUMN source_form jsonb;
ALTER TABLE cas.mutual_fund_folios ADD COLUMN source_form jsonb;
ALTER TABLE cas.mutual_fund_schemes ADD COLUMN source_form jsonb;
ALTER TABLE cas.transactions ADD COLUMN source_form jsonb;
ALTER TABLE cas.insurance_policies ADD COLUMN source_form jsonb;
ALTER TABLE cas.nps_accounts ADD COLUMN source_form jsonb;
ALTER TABLE cas.nps_funds ADD COLUMN source_form jsonb;
ALTER TABLE cas.linked_holders ADD COLUMN source_form jsonb;

COMMENT ON COLUMN cas.statements.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.statements.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.demat_accounts.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.demat_accounts.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.demat_holdings.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.demat_holdings.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.mutual_fund_folios.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.mutual_fund_folios.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.mutual_fund_schemes.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.mutual_fund_schemes.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.transactions.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.transactions.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.insurance_policies.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.insurance_policies.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.nps_accounts.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.nps_accounts.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.nps_funds.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.nps_funds.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.linked_holders.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';
COMMENT ON COLUMN cas.linked_holders.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';

CREATE TABLE cas.statement_revisions (
    pan               text NOT NULL,
    period_from       date NOT NULL,
    period_to         date NOT NULL,
    cas_type          text NOT NULL,
    revision          integer NOT NULL,
    document_id       uuid NOT NULL,
    outcome           text NOT NULL,
    reason            text NOT NULL,
    generated_at      timestamptz,
    received_at       timestamptz NOT NULL,
    transaction_count integer NOT NULL,
    decided_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT statement_revisions_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, revision, document_id),
    CONSTRAINT statement_revisions_outcome_known CHECK (outcome IN ('won', 'lost')),
    CONSTRAINT statement_revisions_reason_known CHECK (CASE outcome
        WHEN 'won' THEN reason IN ('first', 'has_transactions', 'newer_generated_at', 'later_arrival', 'unrecorded')
        ELSE reason IN ('holdings_only', 'older') END)
);
COMMENT ON TABLE cas.statement_revisions IS 'Which documents were saved for a statement: whose rows took the place of whose, or did not, and why. The answers of all of them are kept in cas.answers.';
COMMENT ON COLUMN cas.statement_revisions.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.statement_revisions.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.statement_revisions.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.statement_revisions.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.statement_revisions.revision IS 'The revision of the statement that stood after the document was saved: its own, if it won.';
COMMENT ON COLUMN cas.statement_revisions.document_id IS 'The document that was saved.';
COMMENT ON COLUMN cas.statement_revisions.outcome IS 'won: the rows became this document''s. lost: those of another kept their place.';
COMMENT ON COLUMN cas.statement_revisions.reason IS 'Won: first; has_transactions (the one before had none); newer_generated_at; later_arrival; unrecorded (before reasons were recorded). Lost: holdings_only (it has no transactions, the one in place has); older.';
COMMENT ON COLUMN cas.statement_revisions.generated_at IS 'When the API made the document''s answer, if it says so.';
COMMENT ON COLUMN cas.statement_revisions.received_at IS 'When casflow received that answer.';
COMMENT ON COLUMN cas.statement_revisions.transaction_count IS 'Transactions in that answer.';
COMMENT ON COLUMN cas.statement_revisions.decided_at IS 'When the document was saved for this revision the first time.';
INSERT INTO cas.statement_revisions (pan, period_from, period_to, cas_type, revision, document_id, outcome, reason, generated_at, received_at, transaction_count, decided_at)
SELECT pan, period_from, period_to, cas_type, revision, document_id, 'won', CASE WHEN revision = 1 THEN 'first' ELSE 'unrecorded' END,
       generated_at, received_at, transaction_count, received_at
FROM cas.statements;

CREATE TABLE cas.statement_checks (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    ordinal         integer NOT NULL,
    "check"         text NOT NULL,
    subject         text NOT NULL,
    account_ordinal integer,
    holding_ordinal integer,
    row_ordinal     integer,
    expected        numeric,
    found           numeric,
    difference      numeric,
    detail          text,
    CONSTRAINT statement_checks_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, ordinal)
);
COMMENT ON TABLE cas.statement_checks IS 'What does not add up in a statement. A flag only: nothing is rejected or mended for it. A statement without rows here passes all checks that could be made.';
COMMENT ON COLUMN cas.statement_checks.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.statement_checks.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.statement_checks.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.statement_checks.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.statement_checks.ordinal IS 'Number of the failed check in its statement, from 0.';
COMMENT ON COLUMN cas.statement_checks."check" IS 'account_value: holdings against the value of their account. class_value, total_value, class_count: accounts against the summary. units: opening and movements against closing. period_order. future_date. holder_pan: holders against the investor.';
COMMENT ON COLUMN cas.statement_checks.subject IS 'The table that was checked, or for class_value and class_count the class of accounts: demat, mutual_funds, insurance or nps.';
COMMENT ON COLUMN cas.statement_checks.account_ordinal IS 'Account (folio, for mutual funds) that was checked; NULL for the whole statement.';
COMMENT ON COLUMN cas.statement_checks.holding_ordinal IS 'Holding (scheme, for mutual funds) that was checked; NULL for a whole account.';
COMMENT ON COLUMN cas.statement_checks.row_ordinal IS 'Transaction that was found, the first of them if there are several.';
COMMENT ON COLUMN cas.statement_checks.expected IS 'What the statement itself says, INR, units or a number; NULL where it is no matter of numbers.';
COMMENT ON COLUMN cas.statement_checks.found IS 'What its parts come to, in the same unit.';
COMMENT ON COLUMN cas.statement_checks.difference IS 'found less expected; in days for dates.';
COMMENT ON COLUMN cas.statement_checks.detail IS 'More about it in words.';

-- +goose Down
DROP TABLE cas.statement_checks;
DROP TABLE cas.statement_revisions;
ALTER TABLE cas.linked_holders DROP COLUMN source_form;
ALTER TABLE cas.nps_funds DROP COLUMN source_form;
ALTER TABLE cas.nps_accounts DROP COLUMN source_form;
ALTER TABLE cas.insurance_policies DROP COLUMN source_form;
ALTER TABLE cas.transactions DROP COLUMN source_form;
ALTER TABLE cas.mutual_fund_schemes DROP COLUMN source_form;
ALTER TABLE cas.mutual_fund_folios DROP COLUMN source_form;
ALTER TABLE cas.demat_holdings DROP COLUMN source_form;
ALTER TABLE cas.demat_accounts DROP COLUMN source_form;
ALTER TABLE cas.statements DROP COLUMN source_form;
ALTER TABLE cas.statements DROP COLUMN generated_at_text;
