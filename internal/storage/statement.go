package storage

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// StatementKey says whose statement it is, for which period and by whom: one
// investor, ends inclusive. Dates are ISO (YYYY-MM-DD).
type StatementKey struct {
	PAN                  string
	PeriodFrom, PeriodTo string
	CASType              string // CDSL, NSDL, CAMS_KFINTECH, or as it came
}

// In all rows below a string is a value exactly as it came, made fit for its
// column: decimals as decimal text ("1234.5600"), dates ISO, timestamps RFC 3339,
// booleans "true" or "false". "" is unknown and stored as NULL.

// Rest is what a row's columns do not tell of the answer: each the JSON of
// Members, "" for nothing.
type Rest struct {
	// Extra is what the answer holds beyond the columns, and what cannot be read
	// as what its column holds.
	Extra string
	// Form is what the columns hold, but not as the answer wrote it, and what of
	// them the answer did not write at all (null).
	Form string
}

// Statement is one statement: the header and all rows below it.
type Statement struct {
	Key        StatementKey
	Investor   Investor
	TotalValue string
	Summary    Summary
	// GeneratedAt is when the API made the answer, GeneratedAtText that as it came
	// (its zone, if it had one, shows there alone), ReceivedAt when it came.
	GeneratedAt, GeneratedAtText string
	ReceivedAt                   time.Time
	Rest

	DematAccounts     []DematAccount
	DematHoldings     []DematHolding
	Folios            []Folio
	Schemes           []Scheme
	Transactions      []Transaction
	InsurancePolicies []InsurancePolicy
	NPSAccounts       []NPSAccount
	NPSFunds          []NPSFund
	LinkedHolders     []LinkedHolder

	// Checks are the checks that the statement fails.
	Checks []Check
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
	Rest
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
	Rest
}

// Folio is a row of cas.mutual_fund_folios. Its place is its index.
type Folio struct {
	FolioNumber, AMC, RTA, Value string
	PAN, PANKYC, KYC             string
	Rest
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
	Rest
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
	Rest
}

// InsurancePolicy is a row of cas.insurance_policies. Its place is its index.
type InsurancePolicy struct {
	PolicyNumber, Provider, PolicyName, LifeAssured string
	Status, PremiumFrequency                        string
	SumAssured, PremiumAmount                       string
	Rest
}

// NPSAccount is a row of cas.nps_accounts. Its place is its index.
type NPSAccount struct {
	PRAN, CRA, Value string
	Rest
}

// NPSFund is a row of cas.nps_funds.
type NPSFund struct {
	Account, Fund                 int // places, from 0
	Name, Units, NAV, Value, Cost string
	Tier, Manager                 string
	Rest
}

// LinkedHolder is a row of cas.linked_holders.
type LinkedHolder struct {
	HolderKind       string // KindOfDemat, KindOfMutualFund or KindOfNPS
	Account, Ordinal int    // places, from 0
	Name, PAN        string
	Rest
}

// Check is a row of cas.statement_checks: something that does not add up. Its
// place is its index.
type Check struct {
	Name    string // of the check
	Subject string // the table of what was checked, or the class of accounts
	// Account, Holding and Ordinal are the places of what was checked, decimal;
	// "" where it has none.
	Account, Holding, Ordinal   string
	Expected, Found, Difference string // decimal; "" where it is no matter of numbers
	Detail                      string
}

// saveHeaderSQL writes the header row of a statement, and decides whether this answer
// takes the place of the one that is there: it does if it is the same document's;
// else the one with transactions beats the one without, then the one the API
// generated later (one that does not say counts as generated when it arrived), then
// the one that arrived later. The order in which they are saved does not matter.
//
//nolint:gochecknoglobals // a constant, computed
var saveHeaderSQL = statementFamily.saveHeader(headerTable, []string{"transaction_count integer"}, `CASE
	WHEN (excluded.transaction_count > 0) <> (s.transaction_count > 0) THEN excluded.transaction_count > 0
	ELSE (coalesce(excluded.generated_at, excluded.received_at), excluded.received_at)
	  >= (coalesce(s.generated_at, s.received_at), s.received_at)
   END`)

func (s *Statement) family() *family { return statementFamily }

func (s *Statement) deleteSQL() string { return deleteStatementSQL }

func (s *Statement) key() []string {
	return []string{s.Key.PAN, s.Key.PeriodFrom, s.Key.PeriodTo, s.Key.CASType}
}

func (s *Statement) filed() filing {
	return filing{pan: s.Key.PAN, from: s.Key.PeriodFrom, to: s.Key.PeriodTo, casType: s.Key.CASType}
}

func (s *Statement) queueHeader(batch *pgx.Batch, args []any) {
	batch.Queue(saveHeaderSQL, appendTexts(append(slices.Clone(args), s.ReceivedAt, len(s.Transactions)), s.cells(nil, nil))...)
	batch.Queue(saveStatementRevisionSQL, s.revisionArgs(args)...)
}

// appendTexts adds cells to the arguments of a statement.
func appendTexts(args, cells []any) []any {
	for _, cell := range cells {
		args = append(args, cellText(cell))
	}
	return args
}
