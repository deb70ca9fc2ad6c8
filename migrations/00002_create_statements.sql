-- The statements: what the API read in the PDFs, keyed by PAN and statement period.
-- Every table starts its key with pan, period_from, period_to, cas_type, so that one
-- investor's rows sit together and tables can be partitioned or distributed by PAN.
-- No foreign keys among them: one writer replaces a whole statement in one
-- transaction, and their checks were measured to cost a third of each write.

-- +goose Up
CREATE TABLE cas.statements (
    pan                text NOT NULL,
    period_from        date NOT NULL,
    period_to          date NOT NULL,
    cas_type           text NOT NULL,
    investor_name      text,
    investor_email     text,
    investor_mobile    text,
    investor_address   text,
    investor_pincode   text,
    cas_id             text,
    total_value        numeric,
    demat_count        integer,
    demat_value        numeric,
    mutual_funds_count integer,
    mutual_funds_value numeric,
    insurance_count    integer,
    insurance_value    numeric,
    nps_count          integer,
    nps_value          numeric,
    generated_at       timestamptz,
    received_at        timestamptz NOT NULL,
    document_id        uuid NOT NULL,
    revision           integer NOT NULL,
    transaction_count  integer NOT NULL,
    extra              jsonb,
    CONSTRAINT statements_pkey PRIMARY KEY (pan, period_from, period_to, cas_type)
);
COMMENT ON TABLE cas.statements IS 'One row per statement: investor and period. Readers never see half of one.';
COMMENT ON COLUMN cas.statements.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.statements.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.statements.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.statements.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.statements.investor_name IS 'Name of the investor.';
COMMENT ON COLUMN cas.statements.investor_email IS 'E-mail address of the investor.';
COMMENT ON COLUMN cas.statements.investor_mobile IS 'Mobile number of the investor.';
COMMENT ON COLUMN cas.statements.investor_address IS 'Postal address of the investor.';
COMMENT ON COLUMN cas.statements.investor_pincode IS 'PIN code of the address.';
COMMENT ON COLUMN cas.statements.cas_id IS 'Number of the CAS (CDSL and NSDL).';
COMMENT ON COLUMN cas.statements.total_value IS 'Value of everything, INR.';
COMMENT ON COLUMN cas.statements.demat_count IS 'Demat accounts as the summary counts them.';
COMMENT ON COLUMN cas.statements.demat_value IS 'Value of the demat accounts as the summary says, INR.';
COMMENT ON COLUMN cas.statements.mutual_funds_count IS 'Folios as the summary counts them.';
COMMENT ON COLUMN cas.statements.mutual_funds_value IS 'Value of the folios as the summary says, INR.';
COMMENT ON COLUMN cas.statements.insurance_count IS 'Insurance policies as the summary counts them.';
COMMENT ON COLUMN cas.statements.insurance_value IS 'Value of the insurance policies as the summary says, INR.';
COMMENT ON COLUMN cas.statements.nps_count IS 'NPS accounts as the summary counts them.';
COMMENT ON COLUMN cas.statements.nps_value IS 'Value of the NPS accounts as the summary says, INR.';
COMMENT ON COLUMN cas.statements.generated_at IS 'When the API made the answer; a timestamp without zone is read as IST.';
COMMENT ON COLUMN cas.statements.received_at IS 'When casflow received the answer.';
COMMENT ON COLUMN cas.statements.document_id IS 'The document whose answer these rows are.';
COMMENT ON COLUMN cas.statements.revision IS '1, and one more each time another document''s answer replaced the rows.';
COMMENT ON COLUMN cas.statements.transaction_count IS 'Transactions of the statement. One without any never replaces one with some.';
COMMENT ON COLUMN cas.statements.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.demat_accounts (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    account_ordinal integer NOT NULL,
    demat_type      text,
    dp_id           text,
    dp_name         text,
    client_id       text,
    bo_id           text,
    value           numeric,
    bo_status       text,
    bo_sub_status   text,
    bo_type         text,
    bsda            text,
    email           text,
    status          text,
    nominee         text,
    linked_pans     text[],
    extra           jsonb,
    CONSTRAINT demat_accounts_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, account_ordinal)
);
COMMENT ON TABLE cas.demat_accounts IS 'Demat accounts; an eCAS lists those at the other depository too.';
COMMENT ON COLUMN cas.demat_accounts.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.demat_accounts.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.demat_accounts.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.demat_accounts.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.demat_accounts.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.demat_accounts.demat_type IS 'NSDL or CDSL; may differ from cas_type.';
COMMENT ON COLUMN cas.demat_accounts.dp_id IS 'DP ID.';
COMMENT ON COLUMN cas.demat_accounts.dp_name IS 'Name of the depository participant.';
COMMENT ON COLUMN cas.demat_accounts.client_id IS 'Client ID.';
COMMENT ON COLUMN cas.demat_accounts.bo_id IS '16-digit BO ID (CDSL).';
COMMENT ON COLUMN cas.demat_accounts.value IS 'Value of the holdings, INR.';
COMMENT ON COLUMN cas.demat_accounts.bo_status IS 'CDSL: status of the beneficial owner.';
COMMENT ON COLUMN cas.demat_accounts.bo_sub_status IS 'CDSL: sub-status of the beneficial owner.';
COMMENT ON COLUMN cas.demat_accounts.bo_type IS 'CDSL: type of the beneficial owner.';
COMMENT ON COLUMN cas.demat_accounts.bsda IS 'CDSL: whether it is a basic services demat account.';
COMMENT ON COLUMN cas.demat_accounts.email IS 'CDSL: e-mail address of the account.';
COMMENT ON COLUMN cas.demat_accounts.status IS 'CDSL: status of the account.';
COMMENT ON COLUMN cas.demat_accounts.nominee IS 'CDSL: nominee.';
COMMENT ON COLUMN cas.demat_accounts.linked_pans IS 'NSDL: PANs linked to the account.';
COMMENT ON COLUMN cas.demat_accounts.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.demat_holdings (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    account_ordinal integer NOT NULL,
    holding_ordinal integer NOT NULL,
    asset_class     text NOT NULL,
    isin            text,
    name            text,
    units           numeric,
    value           numeric,
    open_units      numeric,
    close_units     numeric,
    coupon_rate     text,
    maturity_date   date,
    face_value      numeric,
    market_value    numeric,
    extra           jsonb,
    CONSTRAINT demat_holdings_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, account_ordinal, holding_ordinal),
    CONSTRAINT demat_holdings_asset_class_known CHECK (asset_class IN
        ('equity', 'corporate_bond', 'government_security', 'aif', 'demat_mutual_fund'))
);
COMMENT ON TABLE cas.demat_holdings IS 'Securities held in demat accounts.';
COMMENT ON COLUMN cas.demat_holdings.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.demat_holdings.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.demat_holdings.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.demat_holdings.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.demat_holdings.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.demat_holdings.holding_ordinal IS 'Place of the holding in its account (of the scheme in its folio), from 0.';
COMMENT ON COLUMN cas.demat_holdings.asset_class IS 'equity, corporate_bond, government_security, aif or demat_mutual_fund.';
COMMENT ON COLUMN cas.demat_holdings.isin IS 'ISIN.';
COMMENT ON COLUMN cas.demat_holdings.name IS 'Name of the security.';
COMMENT ON COLUMN cas.demat_holdings.units IS 'Units held at the end of the period.';
COMMENT ON COLUMN cas.demat_holdings.value IS 'Value, INR.';
COMMENT ON COLUMN cas.demat_holdings.open_units IS 'Units at the start of the period.';
COMMENT ON COLUMN cas.demat_holdings.close_units IS 'Units at the end of the period, as the transactions section says.';
COMMENT ON COLUMN cas.demat_holdings.coupon_rate IS 'Bonds: coupon as printed, for example 8.5%.';
COMMENT ON COLUMN cas.demat_holdings.maturity_date IS 'Bonds: date of maturity.';
COMMENT ON COLUMN cas.demat_holdings.face_value IS 'Bonds: face value, INR.';
COMMENT ON COLUMN cas.demat_holdings.market_value IS 'Bonds: market value, INR.';
COMMENT ON COLUMN cas.demat_holdings.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.mutual_fund_folios (
    pan           text NOT NULL,
    period_from   date NOT NULL,
    period_to     date NOT NULL,
    cas_type      text NOT NULL,
    folio_ordinal integer NOT NULL,
    folio_number  text,
    amc           text,
    registrar     text,
    value         numeric,
    folio_pan     text,
    pankyc        text,
    kyc           text,
    extra         jsonb,
    CONSTRAINT mutual_fund_folios_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, folio_ordinal)
);
COMMENT ON TABLE cas.mutual_fund_folios IS 'Folios.';
COMMENT ON COLUMN cas.mutual_fund_folios.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.mutual_fund_folios.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.mutual_fund_folios.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.mutual_fund_folios.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.mutual_fund_folios.folio_ordinal IS 'Place of the folio in the answer, from 0.';
COMMENT ON COLUMN cas.mutual_fund_folios.folio_number IS 'Folio number, may hold a slash.';
COMMENT ON COLUMN cas.mutual_fund_folios.amc IS 'Asset management company.';
COMMENT ON COLUMN cas.mutual_fund_folios.registrar IS 'RTA: CAMS or KFIN.';
COMMENT ON COLUMN cas.mutual_fund_folios.value IS 'Value of the schemes, INR.';
COMMENT ON COLUMN cas.mutual_fund_folios.folio_pan IS 'PAN of the folio (wire name pan).';
COMMENT ON COLUMN cas.mutual_fund_folios.pankyc IS 'KYC state of the PAN.';
COMMENT ON COLUMN cas.mutual_fund_folios.kyc IS 'KYC state.';
COMMENT ON COLUMN cas.mutual_fund_folios.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.mutual_fund_schemes (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    folio_ordinal   integer NOT NULL,
    scheme_ordinal  integer NOT NULL,
    isin            text,
    name            text,
    type            text,
    units           numeric,
    nav             numeric,
    value           numeric,
    cost            numeric,
    gain_absolute   numeric,
    gain_percentage numeric,
    nominees        text[],
    advisor         text,
    rta_code        text,
    amfi            text,
    is_demat        boolean,
    open_units      numeric,
    close_units     numeric,
    extra           jsonb,
    CONSTRAINT mutual_fund_schemes_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, folio_ordinal, scheme_ordinal)
);
COMMENT ON TABLE cas.mutual_fund_schemes IS 'Schemes of a folio.';
COMMENT ON COLUMN cas.mutual_fund_schemes.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.mutual_fund_schemes.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.mutual_fund_schemes.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.mutual_fund_schemes.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.mutual_fund_schemes.folio_ordinal IS 'Place of the folio in the answer, from 0.';
COMMENT ON COLUMN cas.mutual_fund_schemes.scheme_ordinal IS 'Place of the scheme in its folio, from 0.';
COMMENT ON COLUMN cas.mutual_fund_schemes.isin IS 'ISIN; may recur across folios.';
COMMENT ON COLUMN cas.mutual_fund_schemes.name IS 'Name of the scheme.';
COMMENT ON COLUMN cas.mutual_fund_schemes.type IS 'Equity, Debt, Hybrid, Other, as it came.';
COMMENT ON COLUMN cas.mutual_fund_schemes.units IS 'Units held at the end of the period.';
COMMENT ON COLUMN cas.mutual_fund_schemes.nav IS 'NAV as it came; in NSDL files seen to be the average purchase NAV.';
COMMENT ON COLUMN cas.mutual_fund_schemes.value IS 'Value, INR.';
COMMENT ON COLUMN cas.mutual_fund_schemes.cost IS 'Total invested, INR.';
COMMENT ON COLUMN cas.mutual_fund_schemes.gain_absolute IS 'Gain, INR.';
COMMENT ON COLUMN cas.mutual_fund_schemes.gain_percentage IS 'Gain in percent.';
COMMENT ON COLUMN cas.mutual_fund_schemes.nominees IS 'Nominees.';
COMMENT ON COLUMN cas.mutual_fund_schemes.advisor IS 'Advisor (ARN).';
COMMENT ON COLUMN cas.mutual_fund_schemes.rta_code IS 'Scheme code of the RTA.';
COMMENT ON COLUMN cas.mutual_fund_schemes.amfi IS 'AMFI code (CAMS_KFINTECH only).';
COMMENT ON COLUMN cas.mutual_fund_schemes.is_demat IS 'Whether the units are held in demat form.';
COMMENT ON COLUMN cas.mutual_fund_schemes.open_units IS 'Units at the start of the period.';
COMMENT ON COLUMN cas.mutual_fund_schemes.close_units IS 'Units at the end of the period.';
COMMENT ON COLUMN cas.mutual_fund_schemes.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.transactions (
    pan                 text NOT NULL,
    period_from         date NOT NULL,
    period_to           date NOT NULL,
    cas_type            text NOT NULL,
    holding_kind        text NOT NULL,
    account_ordinal     integer NOT NULL,
    holding_ordinal     integer NOT NULL,
    ordinal             integer NOT NULL,
    date                date,
    description         text,
    type                text,
    amount              numeric,
    units               numeric,
    balance             numeric,
    nav                 numeric,
    dividend_rate       numeric,
    credit              numeric,
    debit               numeric,
    stamp_duty          numeric,
    order_no            text,
    price               numeric,
    income_distribution numeric,
    capital_withdrawal  numeric,
    extra               jsonb,
    CONSTRAINT transactions_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, holding_kind, account_ordinal, holding_ordinal, ordinal),
    CONSTRAINT transactions_holding_kind_known CHECK (holding_kind IN ('demat', 'mutual_fund'))
);
COMMENT ON TABLE cas.transactions IS 'Transactions of demat holdings and of schemes. They have no id: two equal ones on a day can be genuine.';
COMMENT ON COLUMN cas.transactions.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.transactions.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.transactions.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.transactions.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.transactions.holding_kind IS 'demat or mutual_fund: what account_ordinal and holding_ordinal point into.';
COMMENT ON COLUMN cas.transactions.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.transactions.holding_ordinal IS 'Place of the holding in its account (of the scheme in its folio), from 0.';
COMMENT ON COLUMN cas.transactions.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.transactions.date IS 'Date of the transaction.';
COMMENT ON COLUMN cas.transactions.description IS 'Text as printed.';
COMMENT ON COLUMN cas.transactions.type IS 'PURCHASE, REDEMPTION, ... as it came.';
COMMENT ON COLUMN cas.transactions.amount IS 'Amount, INR, with the sign it came with.';
COMMENT ON COLUMN cas.transactions.units IS 'Units moved, with the sign they came with.';
COMMENT ON COLUMN cas.transactions.balance IS 'Units after it.';
COMMENT ON COLUMN cas.transactions.nav IS 'NAV or price.';
COMMENT ON COLUMN cas.transactions.dividend_rate IS 'Dividend per unit, INR.';
COMMENT ON COLUMN cas.transactions.credit IS 'Demat: units credited.';
COMMENT ON COLUMN cas.transactions.debit IS 'Demat: units debited.';
COMMENT ON COLUMN cas.transactions.stamp_duty IS 'Stamp duty, INR.';
COMMENT ON COLUMN cas.transactions.order_no IS 'Demat: order number.';
COMMENT ON COLUMN cas.transactions.price IS 'Price per unit, INR.';
COMMENT ON COLUMN cas.transactions.income_distribution IS 'Income distributed, INR.';
COMMENT ON COLUMN cas.transactions.capital_withdrawal IS 'Capital withdrawn, INR.';
COMMENT ON COLUMN cas.transactions.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.insurance_policies (
    pan               text NOT NULL,
    period_from       date NOT NULL,
    period_to         date NOT NULL,
    cas_type          text NOT NULL,
    ordinal           integer NOT NULL,
    policy_number     text,
    provider          text,
    policy_name       text,
    life_assured      text,
    status            text,
    premium_frequency text,
    sum_assured       numeric,
    premium_amount    numeric,
    extra             jsonb,
    CONSTRAINT insurance_policies_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, ordinal)
);
COMMENT ON TABLE cas.insurance_policies IS 'Life insurance policies.';
COMMENT ON COLUMN cas.insurance_policies.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.insurance_policies.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.insurance_policies.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.insurance_policies.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.insurance_policies.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.insurance_policies.policy_number IS 'Policy number.';
COMMENT ON COLUMN cas.insurance_policies.provider IS 'Insurer.';
COMMENT ON COLUMN cas.insurance_policies.policy_name IS 'Name of the policy.';
COMMENT ON COLUMN cas.insurance_policies.life_assured IS 'Life assured.';
COMMENT ON COLUMN cas.insurance_policies.status IS 'Status.';
COMMENT ON COLUMN cas.insurance_policies.premium_frequency IS 'How often the premium is due.';
COMMENT ON COLUMN cas.insurance_policies.sum_assured IS 'Sum assured, INR.';
COMMENT ON COLUMN cas.insurance_policies.premium_amount IS 'Premium, INR.';
COMMENT ON COLUMN cas.insurance_policies.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.nps_accounts (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    account_ordinal integer NOT NULL,
    pran            text,
    cra             text,
    value           numeric,
    extra           jsonb,
    CONSTRAINT nps_accounts_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, account_ordinal)
);
COMMENT ON TABLE cas.nps_accounts IS 'NPS accounts.';
COMMENT ON COLUMN cas.nps_accounts.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.nps_accounts.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.nps_accounts.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.nps_accounts.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.nps_accounts.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.nps_accounts.pran IS 'PRAN.';
COMMENT ON COLUMN cas.nps_accounts.cra IS 'Central recordkeeping agency.';
COMMENT ON COLUMN cas.nps_accounts.value IS 'Value, INR.';
COMMENT ON COLUMN cas.nps_accounts.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.nps_funds (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    account_ordinal integer NOT NULL,
    fund_ordinal    integer NOT NULL,
    name            text,
    units           numeric,
    nav             numeric,
    value           numeric,
    cost            numeric,
    tier            text,
    manager         text,
    extra           jsonb,
    CONSTRAINT nps_funds_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, account_ordinal, fund_ordinal)
);
COMMENT ON TABLE cas.nps_funds IS 'Funds of an NPS account.';
COMMENT ON COLUMN cas.nps_funds.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.nps_funds.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.nps_funds.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.nps_funds.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.nps_funds.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.nps_funds.fund_ordinal IS 'Place of the fund in its account, from 0.';
COMMENT ON COLUMN cas.nps_funds.name IS 'Name of the fund.';
COMMENT ON COLUMN cas.nps_funds.units IS 'Units.';
COMMENT ON COLUMN cas.nps_funds.nav IS 'NAV.';
COMMENT ON COLUMN cas.nps_funds.value IS 'Value, INR.';
COMMENT ON COLUMN cas.nps_funds.cost IS 'Contributed, INR.';
COMMENT ON COLUMN cas.nps_funds.tier IS 'Tier 1 or 2.';
COMMENT ON COLUMN cas.nps_funds.manager IS 'Pension fund manager.';
COMMENT ON COLUMN cas.nps_funds.extra IS 'What the answer holds beyond the columns, by wire name.';

CREATE TABLE cas.linked_holders (
    pan             text NOT NULL,
    period_from     date NOT NULL,
    period_to       date NOT NULL,
    cas_type        text NOT NULL,
    holder_kind     text NOT NULL,
    account_ordinal integer NOT NULL,
    ordinal         integer NOT NULL,
    name            text,
    holder_pan      text,
    extra           jsonb,
    CONSTRAINT linked_holders_pkey PRIMARY KEY (pan, period_from, period_to, cas_type, holder_kind, account_ordinal, ordinal),
    CONSTRAINT linked_holders_holder_kind_known CHECK (holder_kind IN ('demat', 'mutual_fund', 'nps'))
);
COMMENT ON TABLE cas.linked_holders IS 'Holders of demat accounts, folios and NPS accounts.';
COMMENT ON COLUMN cas.linked_holders.pan IS 'PAN of the investor.';
COMMENT ON COLUMN cas.linked_holders.period_from IS 'First day of the statement period.';
COMMENT ON COLUMN cas.linked_holders.period_to IS 'Last day of the statement period, inclusive.';
COMMENT ON COLUMN cas.linked_holders.cas_type IS 'CDSL, NSDL or CAMS_KFINTECH.';
COMMENT ON COLUMN cas.linked_holders.holder_kind IS 'demat, mutual_fund or nps: what account_ordinal points into.';
COMMENT ON COLUMN cas.linked_holders.account_ordinal IS 'Place of the account (folio, for mutual funds) in the answer, from 0.';
COMMENT ON COLUMN cas.linked_holders.ordinal IS 'Place in the answer, from 0.';
COMMENT ON COLUMN cas.linked_holders.name IS 'Name of the holder.';
COMMENT ON COLUMN cas.linked_holders.holder_pan IS 'PAN of the holder (wire name pan); may be missing.';
COMMENT ON COLUMN cas.linked_holders.extra IS 'What the answer holds beyond the columns, by wire name.';

-- +goose Down
DROP TABLE cas.linked_holders;
DROP TABLE cas.nps_funds;
DROP TABLE cas.nps_accounts;
DROP TABLE cas.insurance_policies;
DROP TABLE cas.transactions;
DROP TABLE cas.mutual_fund_schemes;
DROP TABLE cas.mutual_fund_folios;
DROP TABLE cas.demat_holdings;
DROP TABLE cas.demat_accounts;
DROP TABLE cas.statements;
