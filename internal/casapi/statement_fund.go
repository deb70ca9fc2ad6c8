package casapi

// Folio is a mutual fund folio. Users see placeholders with an empty number and
// nothing in them. Where an AMC is wrapped around its folios, they are in the
// member "folios" of Extra, and ReadList reads them.
type Folio struct {
	FolioNumber    Value              `json:"folio_number"` // may hold a /
	AMC            Value              `json:"amc"`
	RTA            Value              `json:"registrar"` // users see CAMS, KFIN or null
	Value          Value              `json:"value"`     // rupees
	LinkedHolders  List[LinkedHolder] `json:"linked_holders"`
	Schemes        List[Scheme]       `json:"schemes"`
	AdditionalInfo FolioInfo          `json:"additional_info"`
	Extra          Extra              `json:",embed"`
}

// FolioInfo is what only some statements tell of a folio; all texts.
type FolioInfo struct {
	PAN    Value `json:"pan"`
	PANKYC Value `json:"pankyc"`
	KYC    Value `json:"kyc"`
	Extra  Extra `json:",embed"`
}

// Scheme is a mutual fund scheme in a folio. The same ISIN recurs across folios.
type Scheme struct {
	ISIN           Value             `json:"isin"`
	Name           Value             `json:"name"`
	Type           Value             `json:"type"` // Equity, Debt, Hybrid, Other; users see capitals
	Units          Value             `json:"units"`
	NAV            Value             `json:"nav"`   // rupees; users saw the purchase NAV in a statement of NSDL
	Value          Value             `json:"value"` // rupees
	Cost           Value             `json:"cost"`  // rupees invested in total
	Gain           Gain              `json:"gain"`
	Transactions   List[Transaction] `json:"transactions"`
	Nominees       List[Value]       `json:"nominees"` // texts
	AdditionalInfo SchemeInfo        `json:"additional_info"`
	Extra          Extra             `json:",embed"`
}

// Gain is what a scheme has earned.
type Gain struct {
	Absolute   Value `json:"absolute"` // rupees
	Percentage Value `json:"percentage"`
	Extra      Extra `json:",embed"`
}

// SchemeInfo is what only some sources tell of a scheme.
type SchemeInfo struct {
	Advisor    Value `json:"advisor"`
	RTACode    Value `json:"rta_code"`
	AMFI       Value `json:"amfi"` // text; CAMS_KFINTECH only
	IsDemat    Value `json:"is_demat"`
	OpenUnits  Value `json:"open_units"`
	CloseUnits Value `json:"close_units"`
	Extra      Extra `json:",embed"`
}
