-- Contract notes: what the API read in the notes of brokers, keyed by PAN, trade date
-- and number. Every table starts its key with pan, as those of statements do.

-- +goose Up
-- All tables that are changed at once, and for a short wait at a time, but no vacuum
-- before: see 00016.
LOCK TABLE cas.documents, cas.attempts, cas.batches, cas.budget_days, cas.call_changes IN SHARE UPDATE EXCLUSIVE MODE;
-- +goose StatementBegin
DO $$
BEGIN
    SET LOCAL lock_timeout = '300ms';
    LOOP
        BEGIN
            LOCK TABLE cas.documents, cas.attempts, cas.batches, cas.budget_days, cas.call_changes IN ACCESS EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    SET LOCAL lock_timeout = 0;
END $$;
-- +goose StatementEnd
ALTER TABLE cas.documents
    ADD COLUMN broker text,
    ADD CONSTRAINT documents_broker_of_note CHECK (broker IS NULL OR kind = 'contract_note');
COMMENT ON COLUMN cas.documents.broker IS 'Whose contract note it is, as the API is told: zerodha, groww, upstox or icici; NULL lets the API find out.';
COMMENT ON COLUMN cas.documents.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH; CONTRACT_NOTE for contract notes, whose period is the trade date.';

-- A note costs half a credit: what calls cost less than one each, for budgets. Versions
-- that do not know of it count each call as one, which is never too little.
ALTER TABLE cas.attempts ADD COLUMN price numeric NOT NULL DEFAULT 1;
COMMENT ON COLUMN cas.attempts.price IS 'Credits that it counts with in budgets until it ends uncharged; what it cost, where the API says so, is in credits.';
ALTER TABLE cas.batches ADD COLUMN discount numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN cas.batches.discount IS 'What the calls cost less than a credit each: calls less discount is what max_credits is held against.';
COMMENT ON COLUMN cas.batches.max_credits IS 'Credits that calls under it may come to; NULL is no cap.';
ALTER TABLE cas.budget_days ADD COLUMN discount numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN cas.budget_days.discount IS 'What the calls cost less than a credit each: calls less discount is what max_credits is held against.';
ALTER TABLE cas.call_changes ADD COLUMN discount numeric NOT NULL DEFAULT 0;
COMMENT ON COLUMN cas.call_changes.discount IS 'What these calls cost less than a credit each.';

CREATE TABLE cas.contract_notes (
    pan                           text NOT NULL,
    trade_date                    date NOT NULL,
    contract_note_number          text NOT NULL,
    settlement_number             text,
    settlement_date               date,
    broker_type                   text,
    broker_name                   text,
    sebi_registration             text,
    client_name                   text,
    ucc                           text,
    place_of_supply               text,
    gst_state_code                text,
    address                       text,
    pay_in_pay_out_obligation     numeric,
    taxable_value_brokerage       numeric,
    exchange_transaction_charges  numeric,
    cgst                          numeric,
    sgst                          numeric,
    igst                          numeric,
    securities_transaction_tax    numeric,
    sebi_turnover_fees            numeric,
    stamp_duty                    numeric,
    net_amount_receivable_payable numeric,
    received_at                   timestamptz NOT NULL,
    transaction_count             integer NOT NULL,
    document_id                   uuid NOT NULL,
    revision                      integer NOT NULL,
    extra                         jsonb,
    source_form                   jsonb,
    CONSTRAINT contract_notes_pkey PRIMARY KEY (pan, trade_date, contract_note_number)
);

COMMENT ON TABLE cas.contract_notes IS 'One row per contract note of a broker: client, settlement and charges. Amounts have the signs they came with, which differ between brokers.';
COMMENT ON COLUMN cas.contract_notes.pan IS 'PAN of the client.';
COMMENT ON COLUMN cas.contract_notes.trade_date IS 'Day of the trades.';
COMMENT ON COLUMN cas.contract_notes.contract_note_number IS 'The broker''s number of the note.';
COMMENT ON COLUMN cas.contract_notes.settlement_number IS 'Number of the settlement.';
COMMENT ON COLUMN cas.contract_notes.settlement_date IS 'Day of the settlement.';
COMMENT ON COLUMN cas.contract_notes.broker_type IS 'zerodha, groww, upstox, icici or unknown, as it came.';
COMMENT ON COLUMN cas.contract_notes.broker_name IS 'Name of the broker.';
COMMENT ON COLUMN cas.contract_notes.sebi_registration IS 'SEBI registration of the broker: INZ and nine digits.';
COMMENT ON COLUMN cas.contract_notes.client_name IS 'Name of the client.';
COMMENT ON COLUMN cas.contract_notes.ucc IS 'The broker''s code for the client.';
COMMENT ON COLUMN cas.contract_notes.place_of_supply IS 'Place of supply, for GST.';
COMMENT ON COLUMN cas.contract_notes.gst_state_code IS 'GST code of the state; may lack the leading zero.';
COMMENT ON COLUMN cas.contract_notes.address IS 'Postal address of the client.';
COMMENT ON COLUMN cas.contract_notes.pay_in_pay_out_obligation IS 'What the trades come to before charges, INR.';
COMMENT ON COLUMN cas.contract_notes.taxable_value_brokerage IS 'Brokerage that GST is due on, INR.';
COMMENT ON COLUMN cas.contract_notes.exchange_transaction_charges IS 'Charges of the exchanges, INR.';
COMMENT ON COLUMN cas.contract_notes.cgst IS 'Central GST, INR.';
COMMENT ON COLUMN cas.contract_notes.sgst IS 'State GST, INR.';
COMMENT ON COLUMN cas.contract_notes.igst IS 'Integrated GST, INR.';
COMMENT ON COLUMN cas.contract_notes.securities_transaction_tax IS 'Securities transaction tax, INR.';
COMMENT ON COLUMN cas.contract_notes.sebi_turnover_fees IS 'Turnover fees of SEBI, INR.';
COMMENT ON COLUMN cas.contract_notes.stamp_duty IS 'Stamp duty, INR.';
COMMENT ON COLUMN cas.contract_notes.net_amount_receivable_payable IS 'What is left to receive or to pay, INR.';
COMMENT ON COLUMN cas.contract_notes.received_at IS 'When casflow received the answer.';
COMMENT ON COLUMN cas.contract_notes.transaction_count IS 'Rows of equities, derivatives and trades: an answer without any never replaces one that has some.';
COMMENT ON COLUMN cas.contract_notes.document_id IS 'The document whose answer these rows are.';
COMMENT ON COLUMN cas.contract_notes.revision IS '1, and one more each time another document''s answer replaced the rows.';
COMMENT ON COLUMN cas.contract_notes.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.contract_notes.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';

CREATE TABLE cas.contract_note_equities (
    pan                  text NOT NULL,
    trade_date           date NOT NULL,
    contract_note_number text NOT NULL,
    ordinal              integer NOT NULL,
    isin                 text,
    security_name        text,
    security_symbol      text,
    buy_quantity         numeric,
    buy_wap              numeric,
    buy_total_value      numeric,
    sell_quantity        numeric,
    sell_wap             numeric,
    sell_total_value     numeric,
    net_obligation       numeric,
    extra                jsonb,
    source_form          jsonb,
    CONSTRAINT contract_note_equities_pkey PRIMARY KEY (pan, trade_date, contract_note_number, ordinal)
);

COMMENT ON TABLE cas.contract_note_equities IS 'Sums of a day''s trades in one share.';
COMMENT ON COLUMN cas.contract_note_equities.pan IS 'PAN of the client.';
COMMENT ON COLUMN cas.contract_note_equities.trade_date IS 'Day of the trades.';
COMMENT ON COLUMN cas.contract_note_equities.contract_note_number IS 'The broker''s number of the note.';
COMMENT ON COLUMN cas.contract_note_equities.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.contract_note_equities.isin IS 'ISIN of the share.';
COMMENT ON COLUMN cas.contract_note_equities.security_name IS 'Name of the share.';
COMMENT ON COLUMN cas.contract_note_equities.security_symbol IS 'Symbol of the share.';
COMMENT ON COLUMN cas.contract_note_equities.buy_quantity IS 'Shares bought.';
COMMENT ON COLUMN cas.contract_note_equities.buy_wap IS 'Weighted average price of those bought, INR.';
COMMENT ON COLUMN cas.contract_note_equities.buy_total_value IS 'What was bought, INR.';
COMMENT ON COLUMN cas.contract_note_equities.sell_quantity IS 'Shares sold.';
COMMENT ON COLUMN cas.contract_note_equities.sell_wap IS 'Weighted average price of those sold, INR.';
COMMENT ON COLUMN cas.contract_note_equities.sell_total_value IS 'What was sold, INR.';
COMMENT ON COLUMN cas.contract_note_equities.net_obligation IS 'What the trades in it come to, INR.';
COMMENT ON COLUMN cas.contract_note_equities.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.contract_note_equities.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';

CREATE TABLE cas.contract_note_derivatives (
    pan                   text NOT NULL,
    trade_date            date NOT NULL,
    contract_note_number  text NOT NULL,
    ordinal               integer NOT NULL,
    contract_description  text,
    buy_sell_bf_cf        text,
    quantity              numeric,
    wap_per_unit          numeric,
    brokerage_per_unit    numeric,
    closing_rate_per_unit numeric,
    net_total             numeric,
    extra                 jsonb,
    source_form           jsonb,
    CONSTRAINT contract_note_derivatives_pkey PRIMARY KEY (pan, trade_date, contract_note_number, ordinal)
);

COMMENT ON TABLE cas.contract_note_derivatives IS 'Trades in futures and options, and those brought or carried forward.';
COMMENT ON COLUMN cas.contract_note_derivatives.pan IS 'PAN of the client.';
COMMENT ON COLUMN cas.contract_note_derivatives.trade_date IS 'Day of the trades.';
COMMENT ON COLUMN cas.contract_note_derivatives.contract_note_number IS 'The broker''s number of the note.';
COMMENT ON COLUMN cas.contract_note_derivatives.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.contract_note_derivatives.contract_description IS 'Which future or option.';
COMMENT ON COLUMN cas.contract_note_derivatives.buy_sell_bf_cf IS 'B, S, or brought or carried forward, as it came.';
COMMENT ON COLUMN cas.contract_note_derivatives.quantity IS 'Quantity, with the sign it came with.';
COMMENT ON COLUMN cas.contract_note_derivatives.wap_per_unit IS 'Weighted average price per unit, INR.';
COMMENT ON COLUMN cas.contract_note_derivatives.brokerage_per_unit IS 'Brokerage per unit, INR.';
COMMENT ON COLUMN cas.contract_note_derivatives.closing_rate_per_unit IS 'Closing rate per unit, INR.';
COMMENT ON COLUMN cas.contract_note_derivatives.net_total IS 'What it comes to, INR.';
COMMENT ON COLUMN cas.contract_note_derivatives.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.contract_note_derivatives.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';

CREATE TABLE cas.contract_note_trades (
    pan                   text NOT NULL,
    trade_date            date NOT NULL,
    contract_note_number  text NOT NULL,
    ordinal               integer NOT NULL,
    order_number          text,
    order_time            text,
    trade_number          text,
    trade_time            text,
    security_description  text,
    buy_sell              text,
    quantity              numeric,
    exchange              text,
    brokerage             numeric,
    net_rate_per_unit     numeric,
    closing_rate_per_unit numeric,
    net_total             numeric,
    remarks               text,
    extra                 jsonb,
    source_form           jsonb,
    CONSTRAINT contract_note_trades_pkey PRIMARY KEY (pan, trade_date, contract_note_number, ordinal)
);

COMMENT ON TABLE cas.contract_note_trades IS 'The single trades of a contract note.';
COMMENT ON COLUMN cas.contract_note_trades.pan IS 'PAN of the client.';
COMMENT ON COLUMN cas.contract_note_trades.trade_date IS 'Day of the trades.';
COMMENT ON COLUMN cas.contract_note_trades.contract_note_number IS 'The broker''s number of the note.';
COMMENT ON COLUMN cas.contract_note_trades.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.contract_note_trades.order_number IS 'Number of the order; its digits, leading zeros included.';
COMMENT ON COLUMN cas.contract_note_trades.order_time IS 'Time of the order, as it came: HH:MM:SS, presumably IST.';
COMMENT ON COLUMN cas.contract_note_trades.trade_number IS 'Number of the trade; its digits, leading zeros included.';
COMMENT ON COLUMN cas.contract_note_trades.trade_time IS 'Time of the trade, as it came: HH:MM:SS, presumably IST.';
COMMENT ON COLUMN cas.contract_note_trades.security_description IS 'Symbol, series and ISIN.';
COMMENT ON COLUMN cas.contract_note_trades.buy_sell IS 'B or S, as it came: the side goes by this, not by signs.';
COMMENT ON COLUMN cas.contract_note_trades.quantity IS 'Quantity, with the sign it came with.';
COMMENT ON COLUMN cas.contract_note_trades.exchange IS 'Where it was traded.';
COMMENT ON COLUMN cas.contract_note_trades.brokerage IS 'Brokerage, INR.';
COMMENT ON COLUMN cas.contract_note_trades.net_rate_per_unit IS 'Rate per unit after brokerage, INR.';
COMMENT ON COLUMN cas.contract_note_trades.closing_rate_per_unit IS 'Closing rate per unit, INR.';
COMMENT ON COLUMN cas.contract_note_trades.net_total IS 'What it comes to, INR.';
COMMENT ON COLUMN cas.contract_note_trades.remarks IS 'Remarks of the broker.';
COMMENT ON COLUMN cas.contract_note_trades.extra IS 'What the answer holds beyond the columns, and what cannot be read as what its column holds, by path within the object of this row.';
COMMENT ON COLUMN cas.contract_note_trades.source_form IS 'What the columns hold in another form than the answer did, as it came, by path; null where the answer did not have it. Only for giving the answer back; NULL for most rows.';

CREATE TABLE cas.contract_note_revisions (
    pan                  text NOT NULL,
    trade_date           date NOT NULL,
    contract_note_number text NOT NULL,
    revision             integer NOT NULL,
    document_id          uuid NOT NULL,
    outcome              text NOT NULL,
    reason               text NOT NULL,
    received_at          timestamptz NOT NULL,
    transaction_count    integer NOT NULL,
    decided_at           timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT contract_note_revisions_pkey PRIMARY KEY (pan, trade_date, contract_note_number, revision, document_id),
    CONSTRAINT contract_note_revisions_outcome_known CHECK (outcome IN ('won', 'lost')),
    CONSTRAINT contract_note_revisions_reason_known CHECK (CASE outcome
        WHEN 'won' THEN reason IN ('first', 'has_transactions', 'later_arrival', 'unrecorded')
        ELSE reason IN ('no_transactions', 'older') END)
);

COMMENT ON TABLE cas.contract_note_revisions IS 'Which documents were saved for a contract note: whose rows took the place of whose, or did not, and why. The answers of all of them are kept in cas.answers.';
COMMENT ON COLUMN cas.contract_note_revisions.pan IS 'PAN of the client.';
COMMENT ON COLUMN cas.contract_note_revisions.trade_date IS 'Day of the trades.';
COMMENT ON COLUMN cas.contract_note_revisions.contract_note_number IS 'The broker''s number of the note.';
COMMENT ON COLUMN cas.contract_note_revisions.revision IS 'The revision of the note that stood after the document was saved: its own, if it won.';
COMMENT ON COLUMN cas.contract_note_revisions.document_id IS 'The document that was saved.';
COMMENT ON COLUMN cas.contract_note_revisions.outcome IS 'won: the rows became this document''s. lost: those of another kept their place.';
COMMENT ON COLUMN cas.contract_note_revisions.reason IS 'Won: first; has_transactions (the one before had none); later_arrival; unrecorded (that of the one before is missing). Lost: no_transactions (it has none, the one in place has); older.';
COMMENT ON COLUMN cas.contract_note_revisions.received_at IS 'When casflow received that answer.';
COMMENT ON COLUMN cas.contract_note_revisions.transaction_count IS 'Rows of equities, derivatives and trades in that answer.';
COMMENT ON COLUMN cas.contract_note_revisions.decided_at IS 'When the document was saved for this revision the first time.';

-- The same for roles that must not see PANs, as the masked views of statements are:
-- without names, addresses and the broker's code of the client, and without extra
-- and source_form, which may hold anything.
CREATE VIEW cas.pan_masked_contract_notes WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, trade_date, cas.mask_pans(contract_note_number) AS contract_note_number, settlement_number, settlement_date,
    broker_type, broker_name, sebi_registration, place_of_supply, gst_state_code, pay_in_pay_out_obligation, taxable_value_brokerage,
    exchange_transaction_charges, cgst, sgst, igst, securities_transaction_tax, sebi_turnover_fees, stamp_duty, net_amount_receivable_payable,
    received_at, transaction_count, document_id, revision
FROM cas.contract_notes;
COMMENT ON VIEW cas.pan_masked_contract_notes IS 'contract_notes without PANs, names, addresses and codes of clients.';

CREATE VIEW cas.pan_masked_contract_note_equities WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, trade_date, cas.mask_pans(contract_note_number) AS contract_note_number, ordinal, isin,
    cas.mask_pans(security_name) AS security_name, security_symbol, buy_quantity, buy_wap, buy_total_value,
    sell_quantity, sell_wap, sell_total_value, net_obligation
FROM cas.contract_note_equities;
COMMENT ON VIEW cas.pan_masked_contract_note_equities IS 'contract_note_equities without PANs.';

CREATE VIEW cas.pan_masked_contract_note_derivatives WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, trade_date, cas.mask_pans(contract_note_number) AS contract_note_number, ordinal,
    cas.mask_pans(contract_description) AS contract_description, buy_sell_bf_cf, quantity, wap_per_unit, brokerage_per_unit,
    closing_rate_per_unit, net_total
FROM cas.contract_note_derivatives;
COMMENT ON VIEW cas.pan_masked_contract_note_derivatives IS 'contract_note_derivatives without PANs.';

CREATE VIEW cas.pan_masked_contract_note_trades WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, trade_date, cas.mask_pans(contract_note_number) AS contract_note_number, ordinal, order_number, order_time,
    trade_number, trade_time, cas.mask_pans(security_description) AS security_description, buy_sell, quantity, exchange, brokerage,
    net_rate_per_unit, closing_rate_per_unit, net_total, cas.mask_pans(remarks) AS remarks
FROM cas.contract_note_trades;
COMMENT ON VIEW cas.pan_masked_contract_note_trades IS 'contract_note_trades without PANs, also in remarks.';

-- +goose StatementBegin
DO $$
DECLARE
    masked record;
BEGIN -- a column of a masked view means what it does in the table behind it
    FOR masked IN
        SELECT v.relname AS view, c.attname AS name, col_description(b.oid, o.attnum) AS meaning
        FROM pg_class v JOIN pg_class b ON b.relname = substr(v.relname, length('pan_masked_') + 1) AND b.relnamespace = v.relnamespace
        JOIN pg_attribute c ON c.attrelid = v.oid AND c.attnum > 0
        JOIN pg_attribute o ON o.attrelid = b.oid AND o.attname = c.attname
        WHERE v.relnamespace = 'cas'::regnamespace AND v.relname LIKE 'pan\_masked\_contract\_note%'
    LOOP
        EXECUTE format('COMMENT ON COLUMN cas.%I.%I IS %L', masked.view, masked.name,
            CASE WHEN masked.name = 'pan' THEN 'PAN, masked.' ELSE masked.meaning END);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW cas.pan_masked_contract_note_trades;
DROP VIEW cas.pan_masked_contract_note_derivatives;
DROP VIEW cas.pan_masked_contract_note_equities;
DROP VIEW cas.pan_masked_contract_notes;
DROP TABLE cas.contract_note_revisions;
DROP TABLE cas.contract_note_trades;
DROP TABLE cas.contract_note_derivatives;
DROP TABLE cas.contract_note_equities;
DROP TABLE cas.contract_notes;
ALTER TABLE cas.call_changes DROP COLUMN discount;
ALTER TABLE cas.budget_days DROP COLUMN discount;
ALTER TABLE cas.batches DROP COLUMN discount;
COMMENT ON COLUMN cas.batches.max_credits IS 'Calls that may be begun under it; NULL is no cap.';
ALTER TABLE cas.attempts DROP COLUMN price;
COMMENT ON COLUMN cas.documents.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH, once parsed.';
ALTER TABLE cas.documents DROP CONSTRAINT documents_broker_of_note, DROP COLUMN broker;
