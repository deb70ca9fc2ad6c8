package casapi

// DematAccount is an account at a depository. A statement of either depository
// lists accounts at both, so DematType may differ from Meta.CASType.
type DematAccount struct {
	DematType      Value              `json:"demat_type"` // NSDL or CDSL
	DPID           Value              `json:"dp_id"`      // CDSL: 8 digits; NSDL: IN and 6 digits
	ClientID       Value              `json:"client_id"`  // NSDL: 8 digits; CDSL samples show 8, 14 or 16
	BOID           Value              `json:"bo_id"`      // 16 digits; mainly CDSL
	DPName         Value              `json:"dp_name"`
	Value          Value              `json:"value"` // rupees; users see float noise
	LinkedHolders  List[LinkedHolder] `json:"linked_holders"`
	Holdings       Holdings           `json:"holdings"`
	AdditionalInfo DematInfo          `json:"additional_info"`
	Extra          Extra              `json:",embed"`
}

// DematInfo is what only one of the depositories tells of an account.
type DematInfo struct {
	BOStatus    Value       `json:"bo_status"` // this one to Nominee: CDSL, texts
	BOSubStatus Value       `json:"bo_sub_status"`
	BOType      Value       `json:"bo_type"`
	BSDA        Value       `json:"bsda"`
	Email       Value       `json:"email"`
	Status      Value       `json:"status"`
	Nominee     Value       `json:"nominee"`
	LinkedPANs  List[Value] `json:"linked_pans"` // NSDL; texts
	Extra       Extra       `json:",embed"`
}

// Holdings are an account's holdings by kind. Kinds may be missing. Where they
// are one list instead, that is in Extra[Misplaced], and ReadList reads it.
type Holdings struct {
	Equities             List[Holding] `json:"equities"` // ETFs among them
	CorporateBonds       List[Holding] `json:"corporate_bonds"`
	GovernmentSecurities List[Holding] `json:"government_securities"` // sovereign gold bonds among them
	AIFs                 List[Holding] `json:"aifs"`
	DematMutualFunds     List[Holding] `json:"demat_mutual_funds"` // users see ETFs here too
	Extra                Extra         `json:",embed"`
}

// Holding is a security in a demat account. The last four members before
// Transactions are for bonds; the docs show them here and in AdditionalInfo.
type Holding struct {
	ISIN           Value             `json:"isin"`
	Name           Value             `json:"name"`
	Units          Value             `json:"units"`
	Value          Value             `json:"value"`       // rupees
	CouponRate     Value             `json:"coupon_rate"` // text, such as "8.5%"
	MaturityDate   Value             `json:"maturity_date"`
	FaceValue      Value             `json:"face_value"`   // rupees
	MarketValue    Value             `json:"market_value"` // rupees
	Transactions   List[Transaction] `json:"transactions"` // often empty, users report
	AdditionalInfo HoldingInfo       `json:"additional_info"`
	Extra          Extra             `json:",embed"`
}

// HoldingInfo is what only some statements tell of a holding.
type HoldingInfo struct {
	OpenUnits    Value `json:"open_units"`
	CloseUnits   Value `json:"close_units"`
	CouponRate   Value `json:"coupon_rate"` // text, such as "8.5%"
	MaturityDate Value `json:"maturity_date"`
	FaceValue    Value `json:"face_value"`   // rupees
	MarketValue  Value `json:"market_value"` // rupees
	Extra        Extra `json:",embed"`
}
