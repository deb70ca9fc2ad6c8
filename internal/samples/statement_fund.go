package samples

// Folio is one mutual fund folio; an AMC may have several.
type Folio struct {
	FolioNumber    string         `json:"folio_number"` // may hold a "/"; "" in a placeholder folio
	AMC            string         `json:"amc"`
	Registrar      Text           `json:"registrar"` // CAMS, KFIN or unknown
	Value          Number         `json:"value"`     // the sum of its schemes
	LinkedHolders  []LinkedHolder `json:"linked_holders"`
	Schemes        []Scheme       `json:"schemes"`
	AdditionalInfo FolioInfo      `json:"additional_info"`
}

// FolioInfo is what else is known of a folio.
type FolioInfo struct {
	PAN    Text `json:"pan"`
	PANKYC Text `json:"pankyc"`
	KYC    Text `json:"kyc"`
}

// Scheme is one fund in a folio.
type Scheme struct {
	ISIN string `json:"isin"`
	Name string `json:"name"`
	Type string `json:"type"` // Equity, Debt, Hybrid or Other
	// Units, NAV and Value belong together except in NSDL statements, where
	// users report the average purchase NAV in its place; samples do the same.
	Units          Number        `json:"units"`
	NAV            Number        `json:"nav"`
	Value          Number        `json:"value"`
	Cost           Number        `json:"cost"`
	Gain           Gain          `json:"gain"`
	Transactions   []Transaction `json:"transactions"`
	Nominees       []string      `json:"nominees"`
	AdditionalInfo SchemeInfo    `json:"additional_info"`
}

// Gain is value less cost, and that as a percentage of cost with two places.
type Gain struct {
	Absolute   Number `json:"absolute"`
	Percentage Number `json:"percentage"`
}

// SchemeInfo is what else is known of a scheme.
type SchemeInfo struct {
	Advisor    Text   `json:"advisor"`
	RTACode    Text   `json:"rta_code"`
	AMFI       Text   `json:"amfi"` // CAMS_KFINTECH only
	IsDemat    *bool  `json:"is_demat"`
	OpenUnits  Number `json:"open_units"`
	CloseUnits Number `json:"close_units"`
}

// TransactionType is the API's name for what a transaction did.
type TransactionType string

// The transaction types the API documents.
const (
	TypePurchase         TransactionType = "PURCHASE"
	TypePurchaseSIP      TransactionType = "PURCHASE_SIP"
	TypeRedemption       TransactionType = "REDEMPTION"
	TypeSwitchIn         TransactionType = "SWITCH_IN"
	TypeSwitchInMerger   TransactionType = "SWITCH_IN_MERGER"
	TypeSwitchOut        TransactionType = "SWITCH_OUT"
	TypeSwitchOutMerger  TransactionType = "SWITCH_OUT_MERGER"
	TypeDividendPayout   TransactionType = "DIVIDEND_PAYOUT"
	TypeDividendReinvest TransactionType = "DIVIDEND_REINVEST"
	TypeSegregation      TransactionType = "SEGREGATION"
	TypeStampDutyTax     TransactionType = "STAMP_DUTY_TAX"
	TypeTDSTax           TransactionType = "TDS_TAX"
	TypeSTTTax           TransactionType = "STT_TAX"
	TypeMisc             TransactionType = "MISC"
	TypeReversal         TransactionType = "REVERSAL"
	TypeUnknown          TransactionType = "UNKNOWN"
)

// Transaction is one row of a scheme or holding, in the order of the
// statement. Units and amount are negative where they leave. A reversal has no
// units, as users report: it undoes the row of the same date whose amount it
// negates. Taxes and dividends paid out have neither units nor balance.
type Transaction struct {
	Date           string          `json:"date"`
	Type           TransactionType `json:"type"`
	Description    string          `json:"description"`
	Amount         Number          `json:"amount"`
	Units          Number          `json:"units"`
	Balance        Number          `json:"balance"` // units after the row
	NAV            Number          `json:"nav"`
	DividendRate   Number          `json:"dividend_rate"` // rupees a unit
	AdditionalInfo TransactionInfo `json:"additional_info"`
}

// TransactionInfo is what else is known of a transaction; unknown members are
// left out.
type TransactionInfo struct {
	Credit             Number `json:"credit,omitempty"` // units, demat only
	Debit              Number `json:"debit,omitempty"`  // units, demat only
	StampDuty          Number `json:"stamp_duty,omitempty"`
	OrderNo            string `json:"order_no,omitempty"` // demat only
	Price              Number `json:"price,omitempty"`
	IncomeDistribution Number `json:"income_distribution,omitempty"`
	CapitalWithdrawal  Number `json:"capital_withdrawal,omitempty"`
}
