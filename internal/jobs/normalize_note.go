package jobs

import (
	"fmt"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// readContractNote is normalize for contract notes.
func readContractNote(from source) (reading, error) {
	note, err := casapi.DecodeContractNote(from.body)
	if err != nil {
		return reading{}, fmt.Errorf("%w: %w", errBadAnswer, err)
	}
	n := &noteReader{note: note, unreadable: make(map[string]int), out: &storage.ContractNote{ReceivedAt: from.receivedAt}}
	n.header = newRow(n.unreadable, tableContractNotes)
	n.head()
	n.equities()
	n.derivatives()
	n.trades()
	if n.out.Key, err = n.key(from.pan); err != nil {
		return reading{}, err
	}
	n.header.structure(note.Wrapper, note.Repeated, note.Extra, casapi.ContractNoteMembers())
	n.out.Rest = n.header.rest()
	return reading{content: n.out, unreadable: n.unreadable}, nil
}

// noteReader collects the rows of a contract note.
type noteReader struct {
	note       *casapi.ContractNote
	out        *storage.ContractNote
	header     *row
	unreadable map[string]int
}

// head reads the header row, but for its key.
func (n *noteReader) head() {
	r, o, note := n.header, n.out, n.note
	info, broker, client, charges := &note.Info, &note.Broker, &note.Client, &note.Charges
	o.SettlementNumber = r.text("contract_note_info.settlement_number", info.SettlementNumber)
	o.SettlementDate = r.date("contract_note_info.settlement_date", info.SettlementDate)
	o.Broker = storage.Broker{
		Type: r.text("broker_info.broker_type", broker.BrokerType), Name: r.text("broker_info.name", broker.Name),
		SEBIRegistration: r.text("broker_info.sebi_registration", broker.SEBIRegistration),
	}
	o.Client = storage.NoteClient{
		Name: r.text("client_info.name", client.Name), UCC: r.text("client_info.ucc", client.UCC),
		PlaceOfSupply: r.text("client_info.place_of_supply", client.PlaceOfSupply),
		GSTStateCode:  r.text("client_info.gst_state_code", client.GSTStateCode), Address: r.text("client_info.address", client.Address),
	}
	charge := func(name string, v casapi.Value) string { return r.decimal("charges_summary."+name, v) }
	o.Charges = storage.Charges{
		PayInPayOutObligation:      charge("pay_in_pay_out_obligation", charges.PayInPayOutObligation),
		TaxableValueBrokerage:      charge("taxable_value_brokerage", charges.TaxableValueBrokerage),
		ExchangeTransactionCharges: charge("exchange_transaction_charges", charges.ExchangeTransactionCharges),
		CGST:                       charge("cgst", charges.CGST),
		SGST:                       charge("sgst", charges.SGST),
		IGST:                       charge("igst", charges.IGST),
		SecuritiesTransactionTax:   charge("securities_transaction_tax", charges.SecuritiesTransactionTax),
		SEBITurnoverFees:           charge("sebi_turnover_fees", charges.SEBITurnoverFees),
		StampDuty:                  charge("stamp_duty", charges.StampDuty),
		NetAmountReceivablePayable: charge("net_amount_receivable_payable", charges.NetAmountReceivablePayable),
	}
	r.members("", note.Extra)
	r.members("contract_note_info", info.Extra)
	r.members("broker_info", broker.Extra)
	r.members("client_info", client.Extra)
	r.members("charges_summary", charges.Extra)
}

func (n *noteReader) equities() {
	list(n.header, "equity_transactions", &n.note.Equities)
	for i := range n.note.Equities.Items {
		e := &n.note.Equities.Items[i]
		r := newRow(n.unreadable, tableNoteEquities)
		r.members("", e.Extra)
		equity := storage.NoteEquity{
			ISIN: r.text("isin", e.ISIN), SecurityName: r.text("security_name", e.SecurityName),
			SecuritySymbol: r.text("security_symbol", e.SecuritySymbol),
			BuyQuantity:    r.decimal("buy_quantity", e.BuyQuantity), BuyWAP: r.decimal("buy_wap", e.BuyWAP),
			BuyTotalValue: r.decimal("buy_total_value", e.BuyTotalValue),
			SellQuantity:  r.decimal("sell_quantity", e.SellQuantity), SellWAP: r.decimal("sell_wap", e.SellWAP),
			SellTotalValue: r.decimal("sell_total_value", e.SellTotalValue), NetObligation: r.decimal("net_obligation", e.NetObligation),
		}
		equity.Rest = r.rest()
		n.out.Equities = append(n.out.Equities, equity)
	}
}

func (n *noteReader) derivatives() {
	list(n.header, "derivatives_transactions", &n.note.Derivatives)
	for i := range n.note.Derivatives.Items {
		d := &n.note.Derivatives.Items[i]
		r := newRow(n.unreadable, tableNoteDerivatives)
		r.members("", d.Extra)
		derivative := storage.NoteDerivative{
			ContractDescription: r.text("contract_description", d.ContractDescription), BuySellBFCF: r.text("buy_sell_bf_cf", d.BuySellBFCF),
			Quantity: r.decimal("quantity", d.Quantity), WAPPerUnit: r.decimal("wap_per_unit", d.WAPPerUnit),
			BrokeragePerUnit:   r.decimal("brokerage_per_unit", d.BrokeragePerUnit),
			ClosingRatePerUnit: r.decimal("closing_rate_per_unit", d.ClosingRatePerUnit), NetTotal: r.decimal("net_total", d.NetTotal),
		}
		derivative.Rest = r.rest()
		n.out.Derivatives = append(n.out.Derivatives, derivative)
	}
}

func (n *noteReader) trades() {
	list(n.header, "detailed_trades", &n.note.Trades)
	for i := range n.note.Trades.Items {
		t := &n.note.Trades.Items[i]
		r := newRow(n.unreadable, tableNoteTrades)
		r.members("", t.Extra)
		trade := storage.NoteTrade{
			OrderNumber: r.text("order_number", t.OrderNumber), OrderTime: r.text("order_time", t.OrderTime),
			TradeNumber: r.text("trade_number", t.TradeNumber), TradeTime: r.text("trade_time", t.TradeTime),
			SecurityDescription: r.text("security_description", t.SecurityDescription), BuySell: r.text("buy_sell", t.BuySell),
			Quantity: r.decimal("quantity", t.Quantity), Exchange: r.text("exchange", t.Exchange),
			Brokerage: r.decimal("brokerage", t.Brokerage), NetRatePerUnit: r.decimal("net_rate_per_unit", t.NetRatePerUnit),
			ClosingRatePerUnit: r.decimal("closing_rate_per_unit", t.ClosingRatePerUnit), NetTotal: r.decimal("net_total", t.NetTotal),
			Remarks: r.text("remarks", t.Remarks),
		}
		trade.Rest = r.rest()
		n.out.Trades = append(n.out.Trades, trade)
	}
}

// maxNoteNumber is how long the number of a contract note may be, in bytes, for it
// is in the keys of all tables.
const maxNoteNumber = 256

// key says whose note it is, of which day and which one. supplied is the PAN if the
// note does not tell.
func (n *noteReader) key(supplied string) (storage.ContractNoteKey, error) {
	r, info, client := n.header, &n.note.Info, &n.note.Client
	const day, number, pan = "contract_note_info.trade_date", "contract_note_info.contract_note_number", "client_info.pan"
	place := ""
	if in := n.note.Wrapper.In; in != "" {
		place = in + "."
	}
	key := storage.ContractNoteKey{TradeDate: r.keyDate(day, info.TradeDate)}
	if key.TradeDate == "" {
		return key, fmt.Errorf("%w: %s: expected date, got %s", errBadAnswer, place+day, info.TradeDate.Kind())
	}
	text, _ := info.ContractNoteNumber.Text()
	key.Number = strings.TrimSpace(text)
	switch {
	case key.Number == "":
		return key, fmt.Errorf("%w: %s: expected text, got %s", errBadAnswer, place+number, info.ContractNoteNumber.Kind())
	case len(key.Number) > maxNoteNumber:
		return key, fmt.Errorf("%w: %s: longer than %d bytes", errBadAnswer, place+number, maxNoteNumber)
	}
	if key.PAN = readPAN(client.PAN); key.PAN == "" {
		r.cannotRead(pan, client.PAN)
		key.PAN = asPAN(supplied)
	}
	if key.PAN == "" {
		return key, errMissingPAN
	}
	r.keyed(day, info.TradeDate, key.TradeDate)
	r.keyed(number, info.ContractNoteNumber, key.Number)
	r.keyed(pan, client.PAN, key.PAN)
	return key, nil
}
