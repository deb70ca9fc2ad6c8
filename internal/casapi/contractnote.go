package casapi

// ContractNote is what the API reads in a broker's contract note. No member of it
// is required by the schema. Members and kinds are those of the API's published
// schema. Which sign a buy has differs between the API's own samples: go by the
// side of a trade and by the quantities.
type ContractNote struct {
	Info        ContractNoteInfo             `json:"contract_note_info"`
	Broker      BrokerInfo                   `json:"broker_info"`
	Client      ClientInfo                   `json:"client_info"`
	Equities    List[EquityTransaction]      `json:"equity_transactions"`
	Derivatives List[DerivativesTransaction] `json:"derivatives_transactions"`
	Trades      List[DetailedTrade]          `json:"detailed_trades"`
	Charges     ChargesSummary               `json:"charges_summary"`
	Extra       Extra                        `json:",embed"`

	// Wrapper is the envelope that the note was in: "data", beside "status" and "msg",
	// as the API answers. Repeated are as in Statement.
	Wrapper  Wrapper    `json:"-"`
	Repeated []Repeated `json:"-"`
}

// ContractNoteInfo says which contract note it is.
type ContractNoteInfo struct {
	ContractNoteNumber Value `json:"contract_note_number"`
	TradeDate          Value `json:"trade_date"` // date
	SettlementNumber   Value `json:"settlement_number"`
	SettlementDate     Value `json:"settlement_date"` // date
	Extra              Extra `json:",embed"`
}

// BrokerInfo is who wrote the note.
type BrokerInfo struct {
	BrokerType       Value `json:"broker_type"` // zerodha, groww, upstox, icici or unknown
	Name             Value `json:"name"`
	SEBIRegistration Value `json:"sebi_registration"` // INZ and nine digits
	Extra            Extra `json:",embed"`
}

// ClientInfo is who traded; all texts.
type ClientInfo struct {
	Name          Value `json:"name"`
	PAN           Value `json:"pan"`
	UCC           Value `json:"ucc"` // the broker's code for the client
	PlaceOfSupply Value `json:"place_of_supply"`
	GSTStateCode  Value `json:"gst_state_code"` // text; may lack the leading zero
	Address       Value `json:"address"`
	Extra         Extra `json:",embed"`
}

// EquityTransaction is the sum of a day's trades in one share. WAP is the weighted
// average price; amounts are rupees.
type EquityTransaction struct {
	ISIN           Value `json:"isin"`
	SecurityName   Value `json:"security_name"`
	SecuritySymbol Value `json:"security_symbol"`
	BuyQuantity    Value `json:"buy_quantity"`
	BuyWAP         Value `json:"buy_wap"`
	BuyTotalValue  Value `json:"buy_total_value"`
	SellQuantity   Value `json:"sell_quantity"`
	SellWAP        Value `json:"sell_wap"`
	SellTotalValue Value `json:"sell_total_value"`
	NetObligation  Value `json:"net_obligation"`
	Extra          Extra `json:",embed"`
}

// DerivativesTransaction is a trade in a future or option, or one that is brought
// or carried forward.
type DerivativesTransaction struct {
	ContractDescription Value `json:"contract_description"`
	BuySellBFCF         Value `json:"buy_sell_bf_cf"` // B, S, or brought or carried forward
	Quantity            Value `json:"quantity"`
	WAPPerUnit          Value `json:"wap_per_unit"`
	BrokeragePerUnit    Value `json:"brokerage_per_unit"`
	ClosingRatePerUnit  Value `json:"closing_rate_per_unit"`
	NetTotal            Value `json:"net_total"`
	Extra               Extra `json:",embed"`
}

// DetailedTrade is one trade. The numbers of orders and trades are long strings of
// digits: texts.
type DetailedTrade struct {
	OrderNumber         Value `json:"order_number"`
	OrderTime           Value `json:"order_time"` // HH:MM:SS, presumably Indian
	TradeNumber         Value `json:"trade_number"`
	TradeTime           Value `json:"trade_time"`
	SecurityDescription Value `json:"security_description"` // symbol-series/ISIN
	BuySell             Value `json:"buy_sell"`             // B or S
	Quantity            Value `json:"quantity"`
	Exchange            Value `json:"exchange"`
	Brokerage           Value `json:"brokerage"`
	NetRatePerUnit      Value `json:"net_rate_per_unit"`
	ClosingRatePerUnit  Value `json:"closing_rate_per_unit"`
	NetTotal            Value `json:"net_total"`
	Remarks             Value `json:"remarks"`
	Extra               Extra `json:",embed"`
}

// ChargesSummary is what the day comes to, in rupees.
type ChargesSummary struct {
	PayInPayOutObligation      Value `json:"pay_in_pay_out_obligation"`
	TaxableValueBrokerage      Value `json:"taxable_value_brokerage"`
	ExchangeTransactionCharges Value `json:"exchange_transaction_charges"`
	CGST                       Value `json:"cgst"`
	SGST                       Value `json:"sgst"`
	IGST                       Value `json:"igst"`
	SecuritiesTransactionTax   Value `json:"securities_transaction_tax"`
	SEBITurnoverFees           Value `json:"sebi_turnover_fees"`
	StampDuty                  Value `json:"stamp_duty"`
	NetAmountReceivablePayable Value `json:"net_amount_receivable_payable"`
	Extra                      Extra `json:",embed"`
}
