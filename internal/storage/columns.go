package storage

// The tables that statements are written into. A column is "NAME [TYPE] [@PATH]":
// text, where no type is given, and the member of that name, where no path is.
// Where a value may stand in one of two places, both are given: the first is where
// it is put back, unless source_form says otherwise.
//
//nolint:gochecknoglobals // constants, computed
var (
	statementFamily = newFamily("statements",
		"pan @investor.pan", "period_from date @meta.statement_period.from", "period_to date @meta.statement_period.to", "cas_type @meta.cas_type")
	headerTable = newTable(statementFamily, "statements", nil,
		"investor_name @investor.name", "investor_email @investor.email", "investor_mobile @investor.mobile",
		"investor_address @investor.address", "investor_pincode @investor.pincode", "cas_id @investor.cas_id",
		"total_value numeric @summary.total_value",
		"demat_count integer @summary.accounts.demat.count", "demat_value numeric @summary.accounts.demat.total_value",
		"mutual_funds_count integer @summary.accounts.mutual_funds.count",
		"mutual_funds_value numeric @summary.accounts.mutual_funds.total_value",
		"insurance_count integer @summary.accounts.insurance.count", "insurance_value numeric @summary.accounts.insurance.total_value",
		"nps_count integer @summary.accounts.nps.count", "nps_value numeric @summary.accounts.nps.total_value",
		"generated_at timestamptz @-", "generated_at_text @meta.generated_at")
	dematAccountsTable = newTable(statementFamily, "demat_accounts", []string{"account_ordinal integer"},
		"demat_type", "dp_id", "dp_name", "client_id", "bo_id", "value numeric",
		"bo_status @additional_info.bo_status", "bo_sub_status @additional_info.bo_sub_status", "bo_type @additional_info.bo_type",
		"bsda @additional_info.bsda", "email @additional_info.email", "status @additional_info.status",
		"nominee @additional_info.nominee", "linked_pans text[] @additional_info.linked_pans")
	dematHoldingsTable = newTable(statementFamily, "demat_holdings", []string{"account_ordinal integer", "holding_ordinal integer", "asset_class"},
		"isin", "name", "units numeric", "value numeric",
		"open_units numeric @additional_info.open_units", "close_units numeric @additional_info.close_units",
		"coupon_rate @additional_info.coupon_rate|coupon_rate", "maturity_date date @additional_info.maturity_date|maturity_date",
		"face_value numeric @additional_info.face_value|face_value", "market_value numeric @additional_info.market_value|market_value")
	foliosTable = newTable(statementFamily, "mutual_fund_folios", []string{"folio_ordinal integer"},
		"folio_number", "amc", "registrar", "value numeric",
		"folio_pan @additional_info.pan", "pankyc @additional_info.pankyc", "kyc @additional_info.kyc")
	schemesTable = newTable(statementFamily, "mutual_fund_schemes", []string{"folio_ordinal integer", "scheme_ordinal integer"},
		"isin", "name", "type", "units numeric", "nav numeric", "value numeric", "cost numeric",
		"gain_absolute numeric @gain.absolute", "gain_percentage numeric @gain.percentage", "nominees text[]",
		"advisor @additional_info.advisor", "rta_code @additional_info.rta_code", "amfi @additional_info.amfi",
		"is_demat boolean @additional_info.is_demat",
		"open_units numeric @additional_info.open_units", "close_units numeric @additional_info.close_units")
	transactionsTable = newTable(statementFamily, "transactions",
		[]string{"holding_kind", "account_ordinal integer", "holding_ordinal integer", "ordinal integer"},
		"date date", "description", "type", "amount numeric", "units numeric", "balance numeric", "nav numeric", "dividend_rate numeric",
		"credit numeric @additional_info.credit", "debit numeric @additional_info.debit",
		"stamp_duty numeric @additional_info.stamp_duty", "order_no @additional_info.order_no", "price numeric @additional_info.price",
		"income_distribution numeric @additional_info.income_distribution",
		"capital_withdrawal numeric @additional_info.capital_withdrawal")
	insurancePoliciesTable = newTable(statementFamily, "insurance_policies", []string{"ordinal integer"},
		"policy_number", "provider", "policy_name", "life_assured", "status", "premium_frequency", "sum_assured numeric",
		"premium_amount numeric")
	npsAccountsTable = newTable(statementFamily, "nps_accounts", []string{"account_ordinal integer"}, "pran", "cra", "value numeric")
	npsFundsTable    = newTable(statementFamily, "nps_funds", []string{"account_ordinal integer", "fund_ordinal integer"},
		"name", "units numeric", "nav numeric", "value numeric", "cost numeric",
		"tier @additional_info.tier", "manager @additional_info.manager")
	linkedHoldersTable = newTable(statementFamily, "linked_holders", []string{"holder_kind", "account_ordinal integer", "ordinal integer"},
		"name", "holder_pan @pan")
	checksTable = newBareTable(statementFamily, "statement_checks", []string{"ordinal integer"},
		"check @-", "subject @-", "account_ordinal integer @-", "holding_ordinal integer @-", "row_ordinal integer @-",
		"expected numeric @-", "found numeric @-", "difference numeric @-", "detail @-")
)

// The cells of a row are pointers to its values in the order of its table's
// columns: *int for places, *string, and *[]string for text[]. The same are
// written from and read into.

func (s *Statement) cells(_ *int, c []any) []any {
	i, sum := &s.Investor, &s.Summary
	return append(c, &i.Name, &i.Email, &i.Mobile, &i.Address, &i.Pincode, &i.CASID, &s.TotalValue,
		&sum.Demat.Count, &sum.Demat.Value, &sum.MutualFunds.Count, &sum.MutualFunds.Value,
		&sum.Insurance.Count, &sum.Insurance.Value, &sum.NPS.Count, &sum.NPS.Value,
		&s.GeneratedAt, &s.GeneratedAtText, &s.Extra, &s.Form)
}

func (a *DematAccount) cells(at *int, c []any) []any {
	return append(c, at, &a.DematType, &a.DPID, &a.DPName, &a.ClientID, &a.BOID, &a.Value, &a.BOStatus, &a.BOSubStatus, &a.BOType, &a.BSDA,
		&a.Email, &a.Status, &a.Nominee, &a.LinkedPANs, &a.Extra, &a.Form)
}

func (h *DematHolding) cells(_ *int, c []any) []any {
	return append(c, &h.Account, &h.Holding, &h.AssetClass, &h.ISIN, &h.Name, &h.Units, &h.Value, &h.OpenUnits, &h.CloseUnits,
		&h.CouponRate, &h.MaturityDate, &h.FaceValue, &h.MarketValue, &h.Extra, &h.Form)
}

func (f *Folio) cells(at *int, c []any) []any {
	return append(c, at, &f.FolioNumber, &f.AMC, &f.RTA, &f.Value, &f.PAN, &f.PANKYC, &f.KYC, &f.Extra, &f.Form)
}

func (s *Scheme) cells(_ *int, c []any) []any {
	return append(c, &s.Folio, &s.Scheme, &s.ISIN, &s.Name, &s.Type, &s.Units, &s.NAV, &s.Value, &s.Cost,
		&s.GainAbsolute, &s.GainPercentage, &s.Nominees, &s.Advisor, &s.RTACode, &s.AMFI, &s.IsDemat, &s.OpenUnits, &s.CloseUnits,
		&s.Extra, &s.Form)
}

func (t *Transaction) cells(_ *int, c []any) []any {
	return append(c, &t.HoldingKind, &t.Account, &t.Holding, &t.Ordinal, &t.Date, &t.Description, &t.Type, &t.Amount, &t.Units, &t.Balance,
		&t.NAV, &t.DividendRate, &t.Credit, &t.Debit, &t.StampDuty, &t.OrderNo, &t.Price, &t.IncomeDistribution, &t.CapitalWithdrawal,
		&t.Extra, &t.Form)
}

func (p *InsurancePolicy) cells(at *int, c []any) []any {
	return append(c, at, &p.PolicyNumber, &p.Provider, &p.PolicyName, &p.LifeAssured, &p.Status, &p.PremiumFrequency, &p.SumAssured,
		&p.PremiumAmount, &p.Extra, &p.Form)
}

func (a *NPSAccount) cells(at *int, c []any) []any {
	return append(c, at, &a.PRAN, &a.CRA, &a.Value, &a.Extra, &a.Form)
}

func (f *NPSFund) cells(_ *int, c []any) []any {
	return append(c, &f.Account, &f.Fund, &f.Name, &f.Units, &f.NAV, &f.Value, &f.Cost, &f.Tier, &f.Manager, &f.Extra, &f.Form)
}

func (h *LinkedHolder) cells(_ *int, c []any) []any {
	return append(c, &h.HolderKind, &h.Account, &h.Ordinal, &h.Name, &h.PAN, &h.Extra, &h.Form)
}

func (k *Check) cells(at *int, c []any) []any {
	return append(c, at, &k.Name, &k.Subject, &k.Account, &k.Holding, &k.Ordinal, &k.Expected, &k.Found, &k.Difference, &k.Detail)
}

// rows are the rows of a statement in one table.
type rows struct {
	table table
	n     int
	// cells returns the cells of row i; at is where the place of a row goes whose
	// place is its index. more makes room for a row to read into.
	cells func(i int, at *int, c []any) []any
	more  func()
}

type row[R any] interface {
	*R
	cells(at *int, c []any) []any
}

func rowsOf[R any, P row[R]](t table, list *[]R) rows {
	return rows{
		table: t, n: len(*list),
		cells: func(i int, at *int, c []any) []any { return P(&(*list)[i]).cells(at, c) },
		more:  func() { *list = append(*list, *new(R)) },
	}
}

// rows lists the rows below the header in the order in which they are written.
func (s *Statement) rows() []rows {
	return []rows{
		rowsOf(dematAccountsTable, &s.DematAccounts), rowsOf(dematHoldingsTable, &s.DematHoldings),
		rowsOf(foliosTable, &s.Folios), rowsOf(schemesTable, &s.Schemes), rowsOf(transactionsTable, &s.Transactions),
		rowsOf(insurancePoliciesTable, &s.InsurancePolicies), rowsOf(npsAccountsTable, &s.NPSAccounts),
		rowsOf(npsFundsTable, &s.NPSFunds), rowsOf(linkedHoldersTable, &s.LinkedHolders), rowsOf(checksTable, &s.Checks),
	}
}
