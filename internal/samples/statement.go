package samples

import (
	"encoding/json"
	"iter"
)

// Statement is the API's unified response. Members that the API's
// documentation lets be unknown are [Text] or [Number] and marshal as null, or
// are left out, when empty. Money is in rupees.
type Statement struct {
	Meta          Meta           `json:"meta"`
	Investor      Investor       `json:"investor"`
	Summary       Summary        `json:"summary"`
	DematAccounts []DematAccount `json:"demat_accounts"`
	MutualFunds   []Folio        `json:"mutual_funds"`
	Insurance     Insurance      `json:"insurance"`
	NPS           []NPSAccount   `json:"nps"`
}

// Meta says which statement this is.
type Meta struct {
	CASType         Source `json:"cas_type"`
	StatementPeriod Period `json:"statement_period"`
	// GeneratedAt is an ISO 8601 timestamp: UTC for NSDL, +05:30 for CDSL and
	// without a zone for CAMS_KFINTECH. The documentation does not say which
	// of these the API sends.
	GeneratedAt string `json:"generated_at"`
}

// Period is a span of ISO dates, both ends included.
type Period struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Investor is the person the statement was made out to.
type Investor struct {
	Name    string `json:"name"`
	PAN     string `json:"pan"`
	Email   Text   `json:"email"`
	Address Text   `json:"address"`
	Pincode Text   `json:"pincode"`
	Mobile  Text   `json:"mobile"`
	CASID   Text   `json:"cas_id"` // depositories only
}

// Summary is the statement's own total: exactly the sum of its accounts.
type Summary struct {
	TotalValue Number   `json:"total_value"`
	Accounts   Accounts `json:"accounts"`
}

// Accounts breaks the total down. Insurance and NPS are nil, and left out,
// where the statement has no such section.
type Accounts struct {
	Demat       AccountTotal  `json:"demat"`
	MutualFunds AccountTotal  `json:"mutual_funds"`
	Insurance   *AccountTotal `json:"insurance,omitempty"`
	NPS         *AccountTotal `json:"nps,omitempty"`
}

// AccountTotal counts the accounts of one sort and sums their values.
type AccountTotal struct {
	Count      int    `json:"count"`
	TotalValue Number `json:"total_value"`
}

// LinkedHolder is a holder of an account or folio.
type LinkedHolder struct {
	Name string `json:"name"`
	PAN  Text   `json:"pan"`
}

// Insurance holds the policies of the statement; the list is null where the
// statement has no insurance section.
type Insurance struct {
	LifeInsurancePolicies []Policy `json:"life_insurance_policies"`
}

// Policy is a life insurance policy. It has no value of its own.
type Policy struct {
	PolicyNumber     string            `json:"policy_number"`
	Provider         string            `json:"provider"`
	PolicyName       string            `json:"policy_name"`
	LifeAssured      string            `json:"life_assured"`
	Status           string            `json:"status"`
	PremiumFrequency Text              `json:"premium_frequency"`
	SumAssured       Number            `json:"sum_assured"`
	PremiumAmount    Number            `json:"premium_amount"`
	AdditionalInfo   map[string]string `json:"additional_info"`
}

// NPSAccount is a pension account with its funds.
type NPSAccount struct {
	PRAN           string            `json:"pran"`
	CRA            string            `json:"cra"`
	Value          Number            `json:"value"`
	Funds          []NPSFund         `json:"funds"`
	LinkedHolders  []LinkedHolder    `json:"linked_holders"`
	AdditionalInfo map[string]string `json:"additional_info"`
}

// NPSFund is one fund of a pension account.
type NPSFund struct {
	Name           string      `json:"name"`
	Units          Number      `json:"units"`
	NAV            Number      `json:"nav"`
	Value          Number      `json:"value"`
	Cost           Number      `json:"cost"`
	AdditionalInfo NPSFundInfo `json:"additional_info"`
}

// NPSFundInfo is what else is known of a pension fund; Tier is 1, 2 or unknown.
type NPSFundInfo struct {
	Tier    Number `json:"tier"`
	Manager string `json:"manager"`
}

// DematAccount is one account at a depository. An eCAS of one depository may
// list accounts at the other, so DematType can differ from Meta.CASType.
type DematAccount struct {
	DematType      Source         `json:"demat_type"` // SourceNSDL or SourceCDSL
	DPID           string         `json:"dp_id"`
	DPName         string         `json:"dp_name"`
	ClientID       string         `json:"client_id"`
	BOID           Text           `json:"bo_id"` // CDSL only, 16 digits
	Value          Number         `json:"value"` // the sum of its holdings
	LinkedHolders  []LinkedHolder `json:"linked_holders"`
	Holdings       Holdings       `json:"holdings"`
	AdditionalInfo DematInfo      `json:"additional_info"`
}

// DematInfo is what else is known of an account; which members are there
// depends on the depository.
type DematInfo struct {
	BOStatus    string   `json:"bo_status,omitempty"`
	BOSubStatus string   `json:"bo_sub_status,omitempty"`
	BOType      string   `json:"bo_type,omitempty"`
	BSDA        string   `json:"bsda,omitempty"`
	Email       string   `json:"email,omitempty"`
	Status      string   `json:"status,omitempty"`
	Nominee     string   `json:"nominee,omitempty"`
	LinkedPANs  []string `json:"linked_pans,omitempty"`
}

// Holdings are an account's holdings by kind; a kind without holdings is left
// out.
type Holdings struct {
	Equities             []Holding `json:"equities,omitempty"`
	CorporateBonds       []Holding `json:"corporate_bonds,omitempty"`
	GovernmentSecurities []Holding `json:"government_securities,omitempty"`
	AIFs                 []Holding `json:"aifs,omitempty"`
	DematMutualFunds     []Holding `json:"demat_mutual_funds,omitempty"`
}

// Kind is a kind of holding by its wire name.
type Kind string

// The kinds of holding.
const (
	KindEquities             Kind = "equities"
	KindCorporateBonds       Kind = "corporate_bonds"
	KindGovernmentSecurities Kind = "government_securities"
	KindAIFs                 Kind = "aifs"
	KindDematMutualFunds     Kind = "demat_mutual_funds"
)

// All yields every holding with its kind: the kinds in the order of the
// constants, the holdings in the order of the statement.
func (h *Holdings) All() iter.Seq2[Kind, *Holding] {
	return func(yield func(Kind, *Holding) bool) {
		for _, kind := range kinds() {
			bucket := h.bucket(kind)
			for i := range *bucket {
				if !yield(kind, &(*bucket)[i]) {
					return
				}
			}
		}
	}
}

func kinds() []Kind {
	return []Kind{
		KindEquities, KindCorporateBonds, KindGovernmentSecurities, KindAIFs, KindDematMutualFunds,
	}
}

// bucket is the list a kind lives in.
func (h *Holdings) bucket(kind Kind) *[]Holding {
	switch kind {
	case KindCorporateBonds:
		return &h.CorporateBonds
	case KindGovernmentSecurities:
		return &h.GovernmentSecurities
	case KindAIFs:
		return &h.AIFs
	case KindDematMutualFunds:
		return &h.DematMutualFunds
	default:
		return &h.Equities
	}
}

// Holding is a security in a demat account. It has neither price nor cost.
// The documentation shows a bond's terms both here and in AdditionalInfo;
// samples use either place.
type Holding struct {
	ISIN         string        `json:"isin"`
	Name         string        `json:"name"`
	Units        Number        `json:"units"`
	Value        Number        `json:"value"`
	Transactions []Transaction `json:"transactions"`
	BondTerms
	AdditionalInfo HoldingInfo `json:"additional_info"`
}

// HoldingInfo is what else is known of a holding. The units are those at the
// ends of the period and may be unknown.
type HoldingInfo struct {
	OpenUnits  Number `json:"open_units"`
	CloseUnits Number `json:"close_units"`
	BondTerms
}

// BondTerms are the terms of a bond; all empty for other securities.
type BondTerms struct {
	CouponRate   string `json:"coupon_rate,omitempty"` // such as "8.5%"
	MaturityDate string `json:"maturity_date,omitempty"`
	FaceValue    Number `json:"face_value,omitempty"`
	MarketValue  Number `json:"market_value,omitempty"`
}

// quoteJSON is s as a JSON string.
func quoteJSON(s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("samples: a string always marshals: " + err.Error())
	}
	return quoted
}
