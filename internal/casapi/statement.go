package casapi

// Statement is the unified response. No member of it is required by the schema,
// and what a PDF does not tell may be absent, null or empty. Members and kinds
// are those of the API's published schema, where not said otherwise.
type Statement struct {
	Meta          Meta               `json:"meta"`
	Investor      Investor           `json:"investor"`
	Summary       Summary            `json:"summary"`
	DematAccounts List[DematAccount] `json:"demat_accounts"`
	MutualFunds   List[Folio]        `json:"mutual_funds"`
	Insurance     Insurance          `json:"insurance"`
	NPS           List[NPSAccount]   `json:"nps"`
	Extra         Extra              `json:",embed"`

	// Wrapper is what the response was in. Repeated are members whose name came
	// again in their object, anywhere in the answer: the last one counts.
	Wrapper  Wrapper    `json:"-"`
	Repeated []Repeated `json:"-"`
}

// Meta says what kind of statement it is.
type Meta struct {
	CASType         Value           `json:"cas_type"` // NSDL, CDSL or CAMS_KFINTECH; lowercase in older docs
	StatementPeriod StatementPeriod `json:"statement_period"`
	GeneratedAt     Value           `json:"generated_at"` // timestamp of the response, so different for each call
	Extra           Extra           `json:",embed"`
}

// StatementPeriod has both ends inclusive; either may be missing.
type StatementPeriod struct {
	From  Value `json:"from"` // date
	To    Value `json:"to"`   // date
	Extra Extra `json:",embed"`
}

// Investor is whose statement it is. All members are texts; users treat even
// name and PAN as nullable.
type Investor struct {
	Name    Value `json:"name"`
	PAN     Value `json:"pan"`
	Email   Value `json:"email"`
	Address Value `json:"address"`
	Pincode Value `json:"pincode"`
	Mobile  Value `json:"mobile"`
	CASID   Value `json:"cas_id"` // CDSL and NSDL only
	Extra   Extra `json:",embed"`
}

// Summary is what the statement says it adds up to.
type Summary struct {
	TotalValue Value           `json:"total_value"` // rupees
	Accounts   SummaryAccounts `json:"accounts"`
	Extra      Extra           `json:",embed"`
}

// SummaryAccounts counts the accounts of each kind.
type SummaryAccounts struct {
	Demat       SummaryAccount `json:"demat"`
	MutualFunds SummaryAccount `json:"mutual_funds"`
	Insurance   SummaryAccount `json:"insurance"`
	NPS         SummaryAccount `json:"nps"`
	Extra       Extra          `json:",embed"`
}

// SummaryAccount is the number of accounts of a kind and their worth.
type SummaryAccount struct {
	Count      Value `json:"count"`
	TotalValue Value `json:"total_value"` // rupees
	Extra      Extra `json:",embed"`
}

// LinkedHolder is a holder of a demat account, folio or NPS account. The PAN may
// be missing.
type LinkedHolder struct {
	Name  Value `json:"name"`
	PAN   Value `json:"pan"`
	Extra Extra `json:",embed"`
}

// Transaction is a movement in a scheme or holding. It has no id, and two equal
// ones on a day can be genuine.
type Transaction struct {
	Date           Value           `json:"date"`
	Description    Value           `json:"description"`
	Type           Value           `json:"type"`    // such as PURCHASE_SIP, REDEMPTION, STAMP_DUTY_TAX
	Amount         Value           `json:"amount"`  // rupees; users see redemptions and reversals negative
	Units          Value           `json:"units"`   // users see null on some reversals; taxes have none
	Balance        Value           `json:"balance"` // units after the transaction
	NAV            Value           `json:"nav"`
	DividendRate   Value           `json:"dividend_rate"` // with DIVIDEND_PAYOUT
	AdditionalInfo TransactionInfo `json:"additional_info"`
	Extra          Extra           `json:",embed"`
}

// TransactionInfo is what only some sources tell of a transaction.
type TransactionInfo struct {
	Credit             Value `json:"credit"`              // units, demat
	Debit              Value `json:"debit"`               // units, demat
	StampDuty          Value `json:"stamp_duty"`          // rupees
	OrderNo            Value `json:"order_no"`            // text, demat
	Price              Value `json:"price"`               // mutual funds of CDSL and NSDL
	IncomeDistribution Value `json:"income_distribution"` // mutual funds of CDSL
	CapitalWithdrawal  Value `json:"capital_withdrawal"`  // mutual funds of CDSL
	Extra              Extra `json:",embed"`
}
