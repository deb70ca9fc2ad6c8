package casapi

// Insurance holds the policies. Sources disagree on which statements have them.
type Insurance struct {
	LifeInsurancePolicies List[Policy] `json:"life_insurance_policies"`
	Extra                 Extra        `json:",embed"`
}

// Policy is a life insurance policy.
type Policy struct {
	PolicyNumber     Value    `json:"policy_number"`
	Provider         Value    `json:"provider"`
	PolicyName       Value    `json:"policy_name"`
	LifeAssured      Value    `json:"life_assured"`
	Status           Value    `json:"status"`
	PremiumFrequency Value    `json:"premium_frequency"`
	SumAssured       Value    `json:"sum_assured"`    // rupees
	PremiumAmount    Value    `json:"premium_amount"` // rupees
	AdditionalInfo   FreeInfo `json:"additional_info"`
	Extra            Extra    `json:",embed"`
}

// NPSAccount is a pension account; most sources name NSDL for it.
type NPSAccount struct {
	PRAN           Value              `json:"pran"`
	CRA            Value              `json:"cra"`
	Value          Value              `json:"value"` // rupees
	Funds          List[NPSFund]      `json:"funds"`
	LinkedHolders  List[LinkedHolder] `json:"linked_holders"`
	AdditionalInfo FreeInfo           `json:"additional_info"`
	Extra          Extra              `json:",embed"`
}

// NPSFund is a fund in a pension account.
type NPSFund struct {
	Name           Value       `json:"name"`
	Units          Value       `json:"units"`
	NAV            Value       `json:"nav"`   // rupees
	Value          Value       `json:"value"` // rupees
	Cost           Value       `json:"cost"`  // rupees
	AdditionalInfo NPSFundInfo `json:"additional_info"`
	Extra          Extra       `json:",embed"`
}

// NPSFundInfo tells the tier and who manages the fund.
type NPSFundInfo struct {
	Tier    Value `json:"tier"` // 1 or 2
	Manager Value `json:"manager"`
	Extra   Extra `json:",embed"`
}

// FreeInfo is an additional_info for which the schema names no members: all of
// it is in Extra.
type FreeInfo struct {
	Extra Extra `json:",embed"`
}
