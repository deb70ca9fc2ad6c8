package storage

import "time"

// StatementKey says whose statement it is, for which period and by whom: one
// investor, ends inclusive. Dates are ISO (YYYY-MM-DD).
type StatementKey struct {
	PAN                  string
	PeriodFrom, PeriodTo string
	CASType              string // CDSL, NSDL, CAMS_KFINTECH, or as it came
}

// In all rows below a string is a value exactly as it came, made fit for its
// column: decimals as decimal text ("1234.5600"), dates ISO, timestamps RFC 3339,
// booleans "true" or "false". "" is unknown and stored as NULL. Extra is a JSON
// object of what the answer holds beyond the columns, "" for nothing.

// Statement is one statement: the header and all rows below it.
type Statement struct {
	Key        StatementKey
	Investor   Investor
	TotalValue string
	Summary    Summary
	// GeneratedAt is when the API made the answer, ReceivedAt when it came.
	GeneratedAt string
	ReceivedAt  time.Time
	Extra       string

	DematAccounts     []DematAccount
	DematHoldings     []DematHolding
	Folios            []Folio
	Schemes           []Scheme
	Transactions      []Transaction
	InsurancePolicies []InsurancePolicy
	NPSAccounts       []NPSAccount
	NPSFunds          []NPSFund
	LinkedHolders     []LinkedHolder
}

// Investor is whom the statement is addressed to.
type Investor struct {
	Name, Email, Mobile, Address, Pincode, CASID string
}

// Summary is what the statement says each class of accounts amounts to.
type Summary struct {
	Demat, MutualFunds, Insurance, NPS SummaryClass
}

// SummaryClass is the number and the value (INR) of the accounts of a class.
type SummaryClass struct {
	Count, Value string
}

// DematAccount is a row of cas.demat_accounts. Its place is its index.
type DematAccount struct {
	DematType, DPID, DPName, ClientID, BOID, Value string
	BOStatus, BOSubStatus, BOType, BSDA            string
	Email, Status, Nominee                         string
	LinkedPANs                                     []string
	Extra                                          string
}

// Asset classes of a demat holding.
const (
	AssetEquity             = "equity"
	AssetCorporateBond      = "corporate_bond"
	AssetGovernmentSecurity = "government_security"
	AssetAIF                = "aif"
	AssetDematMutualFund    = "demat_mutual_fund"
)

// DematHolding is a row of cas.demat_holdings.
type DematHolding struct {
	Account, Holding                                 int // places, from 0
	AssetClass                                       string
	ISIN, Name, Units, Value                         string
	OpenUnits, CloseUnits                            string
	CouponRate, MaturityDate, FaceValue, MarketValue string
	Extra                                            string
}

// Folio is a row of cas.mutual_fund_folios. Its place is its index.
type Folio struct {
	FolioNumber, AMC, RTA, Value string
	PAN, PANKYC, KYC             string
	Extra                        string
}

// Scheme is a row of cas.mutual_fund_schemes.
type Scheme struct {
	Folio, Scheme                   int // places, from 0
	ISIN, Name, Type                string
	Units, NAV, Value, Cost         string
	GainAbsolute, GainPercentage    string
	Nominees                        []string
	Advisor, RTACode, AMFI, IsDemat string
	OpenUnits, CloseUnits           string
	Extra                           string
}

// Kinds of an account that transactions and holders belong to.
const (
	KindOfDemat      = "demat"
	KindOfMutualFund = "mutual_fund"
	KindOfNPS        = "nps"
)

// Transaction is a row of cas.transactions.
type Transaction struct {
	HoldingKind                               string // KindOfDemat or KindOfMutualFund
	Account, Holding, Ordinal                 int    // places, from 0; folio and scheme for mutual funds
	Date, Description, Type                   string
	Amount, Units, Balance, NAV, DividendRate string
	Credit, Debit, StampDuty, OrderNo, Price  string
	IncomeDistribution, CapitalWithdrawal     string
	Extra                                     string
}

// InsurancePolicy is a row of cas.insurance_policies. Its place is its index.
type InsurancePolicy struct {
	PolicyNumber, Provider, PolicyName, LifeAssured string
	Status, PremiumFrequency                        string
	SumAssured, PremiumAmount                       string
	Extra                                           string
}

// NPSAccount is a row of cas.nps_accounts. Its place is its index.
type NPSAccount struct {
	PRAN, CRA, Value string
	Extra            string
}

// NPSFund is a row of cas.nps_funds.
type NPSFund struct {
	Account, Fund                 int // places, from 0
	Name, Units, NAV, Value, Cost string
	Tier, Manager                 string
	Extra                         string
}

// LinkedHolder is a row of cas.linked_holders.
type LinkedHolder struct {
	HolderKind       string // KindOfDemat, KindOfMutualFund or KindOfNPS
	Account, Ordinal int    // places, from 0
	Name, PAN        string
	Extra            string
}
