package storage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// ContractNoteKey says whose contract note it is. The date is ISO.
type ContractNoteKey struct {
	PAN, TradeDate, Number string
}

// ContractNote is one contract note: the header and all rows below it. The values
// are as those of a Statement.
type ContractNote struct {
	Key                              ContractNoteKey
	SettlementNumber, SettlementDate string
	Broker                           Broker
	Client                           NoteClient
	Charges                          Charges
	ReceivedAt                       time.Time // when its answer came
	Rest

	Equities    []NoteEquity
	Derivatives []NoteDerivative
	Trades      []NoteTrade
}

// Broker is who wrote a contract note.
type Broker struct {
	Type, Name, SEBIRegistration string
}

// NoteClient is who traded.
type NoteClient struct {
	Name, UCC, PlaceOfSupply, GSTStateCode, Address string
}

// Charges are what a contract note comes to (INR).
type Charges struct {
	PayInPayOutObligation, TaxableValueBrokerage, ExchangeTransactionCharges string
	CGST, SGST, IGST                                                         string
	SecuritiesTransactionTax, SEBITurnoverFees, StampDuty                    string
	NetAmountReceivablePayable                                               string
}

// NoteEquity is a row of cas.contract_note_equities. Its place is its index.
type NoteEquity struct {
	ISIN, SecurityName, SecuritySymbol    string
	BuyQuantity, BuyWAP, BuyTotalValue    string
	SellQuantity, SellWAP, SellTotalValue string
	NetObligation                         string
	Rest
}

// NoteDerivative is a row of cas.contract_note_derivatives. Its place is its index.
type NoteDerivative struct {
	ContractDescription, BuySellBFCF, Quantity                 string
	WAPPerUnit, BrokeragePerUnit, ClosingRatePerUnit, NetTotal string
	Rest
}

// NoteTrade is a row of cas.contract_note_trades. Its place is its index.
type NoteTrade struct {
	OrderNumber, OrderTime, TradeNumber, TradeTime                   string
	SecurityDescription, BuySell, Quantity, Exchange                 string
	Brokerage, NetRatePerUnit, ClosingRatePerUnit, NetTotal, Remarks string
	Rest
}

// The tables of contract notes; see columns.go. The paths are within the note: its
// envelope is noted as what is around it.
//
//nolint:gochecknoglobals // constants, computed
var (
	noteFamily = newFamily("contract_notes", "pan @client_info.pan", "trade_date date @contract_note_info.trade_date",
		"contract_note_number @contract_note_info.contract_note_number")
	noteTable = newTable(noteFamily, noteFamily.header, nil,
		"settlement_number @contract_note_info.settlement_number", "settlement_date date @contract_note_info.settlement_date",
		"broker_type @broker_info.broker_type", "broker_name @broker_info.name", "sebi_registration @broker_info.sebi_registration",
		"client_name @client_info.name", "ucc @client_info.ucc", "place_of_supply @client_info.place_of_supply",
		"gst_state_code @client_info.gst_state_code", "address @client_info.address",
		"pay_in_pay_out_obligation numeric @charges_summary.pay_in_pay_out_obligation",
		"taxable_value_brokerage numeric @charges_summary.taxable_value_brokerage",
		"exchange_transaction_charges numeric @charges_summary.exchange_transaction_charges",
		"cgst numeric @charges_summary.cgst", "sgst numeric @charges_summary.sgst", "igst numeric @charges_summary.igst",
		"securities_transaction_tax numeric @charges_summary.securities_transaction_tax",
		"sebi_turnover_fees numeric @charges_summary.sebi_turnover_fees", "stamp_duty numeric @charges_summary.stamp_duty",
		"net_amount_receivable_payable numeric @charges_summary.net_amount_receivable_payable")
	noteEquitiesTable = newTable(noteFamily, "contract_note_equities", []string{"ordinal integer"},
		"isin", "security_name", "security_symbol", "buy_quantity numeric", "buy_wap numeric", "buy_total_value numeric",
		"sell_quantity numeric", "sell_wap numeric", "sell_total_value numeric", "net_obligation numeric")
	noteDerivativesTable = newTable(noteFamily, "contract_note_derivatives", []string{"ordinal integer"},
		"contract_description", "buy_sell_bf_cf", "quantity numeric", "wap_per_unit numeric", "brokerage_per_unit numeric",
		"closing_rate_per_unit numeric", "net_total numeric")
	noteTradesTable = newTable(noteFamily, "contract_note_trades", []string{"ordinal integer"},
		"order_number", "order_time", "trade_number", "trade_time", "security_description", "buy_sell", "quantity numeric", "exchange",
		"brokerage numeric", "net_rate_per_unit numeric", "closing_rate_per_unit numeric", "net_total numeric", "remarks")
)

func (n *ContractNote) cells(_ *int, c []any) []any {
	b, who, sum := &n.Broker, &n.Client, &n.Charges
	return append(c, &n.SettlementNumber, &n.SettlementDate, &b.Type, &b.Name, &b.SEBIRegistration,
		&who.Name, &who.UCC, &who.PlaceOfSupply, &who.GSTStateCode, &who.Address,
		&sum.PayInPayOutObligation, &sum.TaxableValueBrokerage, &sum.ExchangeTransactionCharges, &sum.CGST, &sum.SGST, &sum.IGST,
		&sum.SecuritiesTransactionTax, &sum.SEBITurnoverFees, &sum.StampDuty, &sum.NetAmountReceivablePayable, &n.Extra, &n.Form)
}

func (e *NoteEquity) cells(at *int, c []any) []any {
	return append(c, at, &e.ISIN, &e.SecurityName, &e.SecuritySymbol, &e.BuyQuantity, &e.BuyWAP, &e.BuyTotalValue,
		&e.SellQuantity, &e.SellWAP, &e.SellTotalValue, &e.NetObligation, &e.Extra, &e.Form)
}

func (d *NoteDerivative) cells(at *int, c []any) []any {
	return append(c, at, &d.ContractDescription, &d.BuySellBFCF, &d.Quantity, &d.WAPPerUnit, &d.BrokeragePerUnit, &d.ClosingRatePerUnit,
		&d.NetTotal, &d.Extra, &d.Form)
}

func (t *NoteTrade) cells(at *int, c []any) []any {
	return append(c, at, &t.OrderNumber, &t.OrderTime, &t.TradeNumber, &t.TradeTime, &t.SecurityDescription, &t.BuySell, &t.Quantity,
		&t.Exchange, &t.Brokerage, &t.NetRatePerUnit, &t.ClosingRatePerUnit, &t.NetTotal, &t.Remarks, &t.Extra, &t.Form)
}

func (n *ContractNote) rows() []rows {
	return []rows{
		rowsOf(noteEquitiesTable, &n.Equities), rowsOf(noteDerivativesTable, &n.Derivatives), rowsOf(noteTradesTable, &n.Trades),
	}
}

func (n *ContractNote) family() *family { return noteFamily }

func (n *ContractNote) deleteSQL() string { return deleteContractNoteSQL }

func (n *ContractNote) key() []string { return []string{n.Key.PAN, n.Key.TradeDate, n.Key.Number} }

// filed files a note under its one day.
func (n *ContractNote) filed() filing {
	return filing{pan: n.Key.PAN, from: n.Key.TradeDate, to: n.Key.TradeDate, casType: "CONTRACT_NOTE"}
}

// transactions counts the rows below the header.
func (n *ContractNote) transactions() int {
	return len(n.Equities) + len(n.Derivatives) + len(n.Trades)
}

// saveNoteSQL writes the header row of a contract note, and decides as saveHeaderSQL
// does: the API does not say when it generated a note, so arrival alone counts.
//
//nolint:gochecknoglobals // a constant, computed
var saveNoteSQL = noteFamily.saveHeader(noteTable, []string{"transaction_count integer"}, `CASE
	WHEN (excluded.transaction_count > 0) <> (s.transaction_count > 0) THEN excluded.transaction_count > 0
	ELSE excluded.received_at >= s.received_at
   END`)

func (n *ContractNote) queueHeader(batch *pgx.Batch, args []any) {
	batch.Queue(saveNoteSQL, appendTexts(append(slices.Clone(args), n.ReceivedAt, n.transactions()), n.cells(nil, nil))...)
	batch.Queue(saveNoteRevisionSQL, n.revisionArgs(args)...)
}

// ContractNote reads a contract note as it was saved, or ErrNotFound, as
// [DB.Statement] does.
func (db *DB) ContractNote(ctx context.Context, key ContractNoteKey) (*ContractNote, error) {
	n := &ContractNote{Key: key}
	if err := db.read(ctx, n, noteTable, n.cells); err != nil {
		return nil, fmt.Errorf("read contract note: %w", err)
	}
	return n, nil
}

// Answer puts the answer together of which these are the rows, as
// [DB.RebuildAnswer] says.
func (n *ContractNote) Answer() ([]byte, error) {
	var b builder
	elements := make([][]string, 0, 3)
	for _, r := range n.rows() {
		var list []string
		for i := range r.n {
			list = append(list, b.row(r.table, r.cells(i, new(int), nil), nil))
		}
		elements = append(elements, list)
	}
	k := &n.Key
	cells := n.cells(nil, []any{&k.PAN, &k.TradeDate, &k.Number})
	answer := b.row(table{columns: slices.Concat(noteFamily.key, noteTable.columns)}, cells, func(o *object) {
		for i, path := range []string{"equity_transactions", "derivatives_transactions", "detailed_trades"} {
			b.list(o, path, elements[i])
		}
		b.wrap(o)
	})
	if b.err != nil {
		return nil, fmt.Errorf("rebuild answer: %w", b.err)
	}
	return []byte(answer), nil
}
