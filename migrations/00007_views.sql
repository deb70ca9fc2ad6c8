-- Views for analysts: one plain query for what a PAN held, when, and what changed.
-- All of them find one PAN's rows by the primary keys.

-- +goose Up
CREATE VIEW cas.latest_statements AS
SELECT DISTINCT ON (s.pan, s.cas_type)
    s.pan, s.cas_type, s.period_from, s.period_to, s.investor_name, s.cas_id, s.total_value, s.demat_count, s.demat_value,
    s.mutual_funds_count, s.mutual_funds_value, s.insurance_count, s.insurance_value, s.nps_count, s.nps_value,
    s.transaction_count, s.generated_at, s.received_at, s.document_id, s.revision
FROM cas.statements s
ORDER BY s.pan, s.cas_type, s.period_to DESC, s.period_from DESC;

COMMENT ON VIEW cas.latest_statements IS 'The newest statement of each PAN and CAS type. Statements of different types may tell of the same accounts: do not add them up.';
COMMENT ON COLUMN cas.latest_statements.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.latest_statements.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.latest_statements.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.latest_statements.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.latest_statements.investor_name IS 'Name of the investor.';
COMMENT ON COLUMN cas.latest_statements.cas_id IS 'Number of the CAS (CDSL and NSDL).';
COMMENT ON COLUMN cas.latest_statements.total_value IS 'Value of everything, INR.';
COMMENT ON COLUMN cas.latest_statements.demat_count IS 'Demat accounts as the summary counts them.';
COMMENT ON COLUMN cas.latest_statements.demat_value IS 'Value of the demat accounts as the summary says, INR.';
COMMENT ON COLUMN cas.latest_statements.mutual_funds_count IS 'Folios as the summary counts them.';
COMMENT ON COLUMN cas.latest_statements.mutual_funds_value IS 'Value of the folios as the summary says, INR.';
COMMENT ON COLUMN cas.latest_statements.insurance_count IS 'Insurance policies as the summary counts them.';
COMMENT ON COLUMN cas.latest_statements.insurance_value IS 'Value of the insurance policies as the summary says, INR.';
COMMENT ON COLUMN cas.latest_statements.nps_count IS 'NPS accounts as the summary counts them.';
COMMENT ON COLUMN cas.latest_statements.nps_value IS 'Value of the NPS accounts as the summary says, INR.';
COMMENT ON COLUMN cas.latest_statements.transaction_count IS 'Transactions of the statement.';
COMMENT ON COLUMN cas.latest_statements.generated_at IS 'When the API made the answer.';
COMMENT ON COLUMN cas.latest_statements.received_at IS 'When casflow received the answer.';
COMMENT ON COLUMN cas.latest_statements.document_id IS 'The document whose answer these values are.';
COMMENT ON COLUMN cas.latest_statements.revision IS '1, and one more each time another document''s answer replaced the rows.';

CREATE VIEW cas.holdings_by_period AS
SELECT h.pan, h.period_from, h.period_to, h.cas_type, 'demat' AS held_in, coalesce(a.bo_id, a.dp_id || a.client_id) AS account,
    a.dp_name AS institution, h.asset_class, h.isin, h.name, h.units, h.value / nullif(h.units, 0) AS price, h.value, NULL::numeric AS cost,
    h.account_ordinal, h.holding_ordinal
FROM cas.demat_holdings h
LEFT JOIN cas.demat_accounts a USING (pan, period_from, period_to, cas_type, account_ordinal)
UNION ALL
SELECT s.pan, s.period_from, s.period_to, s.cas_type, 'mutual_fund', f.folio_number,
    f.amc, 'mutual_fund', s.isin, s.name, s.units, s.value / nullif(s.units, 0), s.value, s.cost,
    s.folio_ordinal, s.scheme_ordinal
FROM cas.mutual_fund_schemes s
LEFT JOIN cas.mutual_fund_folios f USING (pan, period_from, period_to, cas_type, folio_ordinal);

COMMENT ON VIEW cas.holdings_by_period IS 'Demat holdings and mutual fund schemes of all statements in one shape.';
COMMENT ON COLUMN cas.holdings_by_period.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.holdings_by_period.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.holdings_by_period.period_to IS 'Last day of the statement period, inclusive: the day of units and value.';
COMMENT ON COLUMN cas.holdings_by_period.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.holdings_by_period.held_in IS 'demat or mutual_fund.';
COMMENT ON COLUMN cas.holdings_by_period.account IS 'BO ID, or DP ID and client ID, of the demat account; folio number.';
COMMENT ON COLUMN cas.holdings_by_period.institution IS 'Name of the DP; AMC.';
COMMENT ON COLUMN cas.holdings_by_period.asset_class IS 'equity, corporate_bond, government_security, aif, demat_mutual_fund; mutual_fund for schemes of a folio.';
COMMENT ON COLUMN cas.holdings_by_period.isin IS 'ISIN; may recur across accounts and folios.';
COMMENT ON COLUMN cas.holdings_by_period.name IS 'Name of the security or scheme.';
COMMENT ON COLUMN cas.holdings_by_period.units IS 'Units held at the end of the period.';
COMMENT ON COLUMN cas.holdings_by_period.price IS 'value / units, INR: the NAV of some statements is an average purchase price.';
COMMENT ON COLUMN cas.holdings_by_period.value IS 'Value at the end of the period, INR.';
COMMENT ON COLUMN cas.holdings_by_period.cost IS 'Total invested, INR; schemes only.';
COMMENT ON COLUMN cas.holdings_by_period.account_ordinal IS 'Place of the account or folio in the answer, from 0.';
COMMENT ON COLUMN cas.holdings_by_period.holding_ordinal IS 'Place of the holding or scheme in it, from 0.';

CREATE VIEW cas.portfolio_by_month AS
WITH latest AS (
    SELECT DISTINCT ON (pan, cas_type, date_trunc('month', period_to::timestamp))
        pan, cas_type, date_trunc('month', period_to::timestamp)::date AS month, period_from, period_to
    FROM cas.statements
    ORDER BY pan, cas_type, date_trunc('month', period_to::timestamp), period_to DESC, period_from DESC
), held AS (
    SELECT pan, period_from, period_to, cas_type, asset_class, value FROM cas.holdings_by_period
    UNION ALL
    SELECT pan, period_from, period_to, cas_type, 'nps', value FROM cas.nps_accounts
)
SELECT l.pan, l.month, l.cas_type, h.asset_class, l.period_to AS as_of, count(*) AS holdings, sum(h.value) AS value
FROM latest l JOIN held h ON h.pan = l.pan AND h.period_from = l.period_from AND h.period_to = l.period_to AND h.cas_type = l.cas_type
GROUP BY l.pan, l.month, l.cas_type, h.asset_class, l.period_to;

COMMENT ON VIEW cas.portfolio_by_month IS 'What each PAN held at the end of each month, by CAS type and asset class, as the last statement that ends in the month says. Statements of different types may tell of the same accounts: do not add types up.';
COMMENT ON COLUMN cas.portfolio_by_month.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.portfolio_by_month.month IS 'First day of the month.';
COMMENT ON COLUMN cas.portfolio_by_month.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.portfolio_by_month.asset_class IS 'As in holdings_by_period, and nps.';
COMMENT ON COLUMN cas.portfolio_by_month.as_of IS 'Last day of the statement period.';
COMMENT ON COLUMN cas.portfolio_by_month.holdings IS 'Number of holdings, schemes or NPS accounts.';
COMMENT ON COLUMN cas.portfolio_by_month.value IS 'Value, INR; NULL where none of them has one.';

CREATE VIEW cas.all_transactions AS
SELECT t.pan, t.period_from, t.period_to, t.cas_type, t.holding_kind AS held_in, coalesce(a.bo_id, a.dp_id || a.client_id) AS account,
    h.asset_class, h.isin, h.name, t.date, t.type, t.description, t.amount, t.units, t.balance, t.nav, t.dividend_rate, t.credit, t.debit,
    t.stamp_duty, t.order_no, t.price, t.income_distribution, t.capital_withdrawal, t.account_ordinal, t.holding_ordinal, t.ordinal
FROM cas.transactions t
LEFT JOIN cas.demat_holdings h USING (pan, period_from, period_to, cas_type, account_ordinal, holding_ordinal)
LEFT JOIN cas.demat_accounts a USING (pan, period_from, period_to, cas_type, account_ordinal)
WHERE t.holding_kind = 'demat'
UNION ALL
SELECT t.pan, t.period_from, t.period_to, t.cas_type, t.holding_kind, f.folio_number,
    'mutual_fund', s.isin, s.name, t.date, t.type, t.description, t.amount, t.units, t.balance, t.nav, t.dividend_rate, t.credit, t.debit,
    t.stamp_duty, t.order_no, t.price, t.income_distribution, t.capital_withdrawal, t.account_ordinal, t.holding_ordinal, t.ordinal
FROM cas.transactions t
LEFT JOIN cas.mutual_fund_schemes s ON s.pan = t.pan AND s.period_from = t.period_from AND s.period_to = t.period_to AND s.cas_type = t.cas_type
    AND s.folio_ordinal = t.account_ordinal AND s.scheme_ordinal = t.holding_ordinal
LEFT JOIN cas.mutual_fund_folios f ON f.pan = t.pan AND f.period_from = t.period_from AND f.period_to = t.period_to AND f.cas_type = t.cas_type
    AND f.folio_ordinal = t.account_ordinal
WHERE t.holding_kind = 'mutual_fund';

COMMENT ON VIEW cas.all_transactions IS 'Transactions of demat holdings and schemes with what they are of. A day that lies in two statement periods shows its transactions in both.';
COMMENT ON COLUMN cas.all_transactions.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.all_transactions.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.all_transactions.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.all_transactions.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.all_transactions.held_in IS 'demat or mutual_fund.';
COMMENT ON COLUMN cas.all_transactions.account IS 'BO ID, or DP ID and client ID, of the demat account; folio number.';
COMMENT ON COLUMN cas.all_transactions.asset_class IS 'As in holdings_by_period.';
COMMENT ON COLUMN cas.all_transactions.isin IS 'ISIN of the security or scheme.';
COMMENT ON COLUMN cas.all_transactions.name IS 'Name of the security or scheme.';
COMMENT ON COLUMN cas.all_transactions.date IS 'Date of the transaction.';
COMMENT ON COLUMN cas.all_transactions.type IS 'PURCHASE, REDEMPTION, ... as it came.';
COMMENT ON COLUMN cas.all_transactions.description IS 'Text as printed.';
COMMENT ON COLUMN cas.all_transactions.amount IS 'Amount, INR, with the sign it came with.';
COMMENT ON COLUMN cas.all_transactions.units IS 'Units moved, with the sign they came with.';
COMMENT ON COLUMN cas.all_transactions.balance IS 'Units after it.';
COMMENT ON COLUMN cas.all_transactions.nav IS 'NAV or price.';
COMMENT ON COLUMN cas.all_transactions.dividend_rate IS 'Dividend per unit, INR.';
COMMENT ON COLUMN cas.all_transactions.credit IS 'Demat: units credited.';
COMMENT ON COLUMN cas.all_transactions.debit IS 'Demat: units debited.';
COMMENT ON COLUMN cas.all_transactions.stamp_duty IS 'Stamp duty, INR.';
COMMENT ON COLUMN cas.all_transactions.order_no IS 'Demat: order number.';
COMMENT ON COLUMN cas.all_transactions.price IS 'Price per unit, INR.';
COMMENT ON COLUMN cas.all_transactions.income_distribution IS 'Income distributed, INR.';
COMMENT ON COLUMN cas.all_transactions.capital_withdrawal IS 'Capital withdrawn, INR.';
COMMENT ON COLUMN cas.all_transactions.account_ordinal IS 'Place of the account or folio in the answer, from 0.';
COMMENT ON COLUMN cas.all_transactions.holding_ordinal IS 'Place of the holding or scheme in it, from 0.';
COMMENT ON COLUMN cas.all_transactions.ordinal IS 'Place of the transaction in that, from 0.';

-- The same for roles that must not see PANs: pan is masked as in casflow's logs, and
-- so are PANs in free text. Names and contact details of investors are left out.
-- +goose StatementBegin
CREATE FUNCTION cas.mask_pans(free_text text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(free_text, '(?<![A-Za-z0-9])([A-Za-z]{2})[A-Za-z]{3}[0-9]{4}([A-Za-z])(?![A-Za-z0-9])', '\1*******\2', 'g')
$$;
-- +goose StatementEnd
COMMENT ON FUNCTION cas.mask_pans IS 'The text with every PAN in it masked down to its first two and last characters.';

CREATE VIEW cas.pan_masked_latest_statements WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, cas_type, period_from, period_to, total_value, demat_count, demat_value,
    mutual_funds_count, mutual_funds_value, insurance_count, insurance_value, nps_count, nps_value,
    transaction_count, generated_at, received_at, document_id, revision
FROM cas.latest_statements;
COMMENT ON VIEW cas.pan_masked_latest_statements IS 'latest_statements without PANs, names and numbers of statements.';

CREATE VIEW cas.pan_masked_holdings_by_period WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, period_from, period_to, cas_type, held_in, account, institution, asset_class, isin, cas.mask_pans(name) AS name,
    units, price, value, cost, account_ordinal, holding_ordinal
FROM cas.holdings_by_period;
COMMENT ON VIEW cas.pan_masked_holdings_by_period IS 'holdings_by_period without PANs.';

CREATE VIEW cas.pan_masked_portfolio_by_month WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, month, cas_type, asset_class, as_of, holdings, value
FROM cas.portfolio_by_month;
COMMENT ON VIEW cas.pan_masked_portfolio_by_month IS 'portfolio_by_month without PANs; one row still is one PAN''s.';

CREATE VIEW cas.pan_masked_all_transactions WITH (security_barrier) AS
SELECT cas.mask_pans(pan) AS pan, period_from, period_to, cas_type, held_in, account, asset_class, isin, cas.mask_pans(name) AS name,
    date, type, cas.mask_pans(description) AS description, amount, units, balance, nav, dividend_rate, credit, debit,
    stamp_duty, order_no, price, income_distribution, capital_withdrawal, account_ordinal, holding_ordinal, ordinal
FROM cas.all_transactions;
COMMENT ON VIEW cas.pan_masked_all_transactions IS 'all_transactions without PANs, also in descriptions.';

-- +goose StatementBegin
DO $$
DECLARE
    masked record;
BEGIN -- a column of a masked view means what it does in the view behind it
    FOR masked IN
        SELECT v.relname AS view, c.attname AS name, col_description(b.oid, o.attnum) AS meaning
        FROM pg_class v JOIN pg_class b ON b.relname = substr(v.relname, length('pan_masked_') + 1) AND b.relnamespace = v.relnamespace
        JOIN pg_attribute c ON c.attrelid = v.oid AND c.attnum > 0
        JOIN pg_attribute o ON o.attrelid = b.oid AND o.attname = c.attname
        WHERE v.relnamespace = 'cas'::regnamespace AND v.relname LIKE 'pan\_masked\_%'
    LOOP
        EXECUTE format('COMMENT ON COLUMN cas.%I.%I IS %L', masked.view, masked.name,
            CASE WHEN masked.name = 'pan' THEN 'PAN, masked.' ELSE masked.meaning END);
    END LOOP;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP VIEW cas.pan_masked_all_transactions;
DROP VIEW cas.pan_masked_portfolio_by_month;
DROP VIEW cas.pan_masked_holdings_by_period;
DROP VIEW cas.pan_masked_latest_statements;
DROP FUNCTION cas.mask_pans;
DROP VIEW cas.all_transactions;
DROP VIEW cas.portfolio_by_month;
DROP VIEW cas.holdings_by_period;
DROP VIEW cas.latest_statements;
