package samples

import (
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"
)

// SourceContractNote stands for the brokers: a contract note is no statement, and
// the API has no name for where it comes from but the broker's.
const SourceContractNote Source = "CONTRACT_NOTE"

// ContractNote is the member "data" of the API's answer to a contract note.
type ContractNote struct {
	Info        ContractNoteInfo         `json:"contract_note_info"`
	Broker      Broker                   `json:"broker_info"`
	Client      NoteClient               `json:"client_info"`
	Equities    []EquityTransaction      `json:"equity_transactions"`
	Derivatives []DerivativesTransaction `json:"derivatives_transactions"`
	Trades      []DetailedTrade          `json:"detailed_trades"`
	Charges     Charges                  `json:"charges_summary"`
}

// ContractNoteInfo says which note this is. Dates are ISO dates.
type ContractNoteInfo struct {
	Number           string `json:"contract_note_number"`
	TradeDate        string `json:"trade_date"`
	SettlementNumber string `json:"settlement_number"`
	SettlementDate   string `json:"settlement_date"`
}

// Broker is who wrote the note. The types are the API's; the names are invented.
type Broker struct {
	Type             string `json:"broker_type"` // zerodha, groww, upstox or icici
	Name             string `json:"name"`
	SEBIRegistration string `json:"sebi_registration"` // INZ and nine digits
}

// NoteClient is who traded.
type NoteClient struct {
	Name          string `json:"name"`
	PAN           string `json:"pan"`
	UCC           string `json:"ucc"`
	PlaceOfSupply string `json:"place_of_supply"`
	GSTStateCode  string `json:"gst_state_code"` // may lack the leading zero
	Address       string `json:"address"`
}

// EquityTransaction is the sum of a day's trades in one share. Which sign a buy
// has differs from broker to broker, as the API's samples differ: see
// [ContractNote.BuysArePositive].
type EquityTransaction struct {
	ISIN           string `json:"isin"`
	SecurityName   string `json:"security_name"`
	SecuritySymbol string `json:"security_symbol"`
	BuyQuantity    Number `json:"buy_quantity"`
	BuyWAP         Number `json:"buy_wap"` // weighted average price
	BuyTotalValue  Number `json:"buy_total_value"`
	SellQuantity   Number `json:"sell_quantity"`
	SellWAP        Number `json:"sell_wap"`
	SellTotalValue Number `json:"sell_total_value"`
	NetObligation  Number `json:"net_obligation"`
}

// DerivativesTransaction is a trade in a future or option, or one that is brought
// or carried forward.
type DerivativesTransaction struct {
	ContractDescription string `json:"contract_description"`
	Side                string `json:"buy_sell_bf_cf"` // B, S, BF or CF
	Quantity            Number `json:"quantity"`
	WAPPerUnit          Number `json:"wap_per_unit"`
	BrokeragePerUnit    Number `json:"brokerage_per_unit"`
	ClosingRatePerUnit  Number `json:"closing_rate_per_unit"`
	NetTotal            Number `json:"net_total"`
}

// DetailedTrade is one trade. Its numbers are long: text, not numbers.
type DetailedTrade struct {
	OrderNumber         string `json:"order_number"`
	OrderTime           string `json:"order_time"` // HH:MM:SS
	TradeNumber         string `json:"trade_number"`
	TradeTime           string `json:"trade_time"`
	SecurityDescription string `json:"security_description"` // symbol-series/ISIN
	Side                string `json:"buy_sell"`             // B or S
	Quantity            Number `json:"quantity"`
	Exchange            string `json:"exchange"`
	Brokerage           Number `json:"brokerage"` // of the whole trade
	NetRatePerUnit      Number `json:"net_rate_per_unit"`
	ClosingRatePerUnit  Number `json:"closing_rate_per_unit"`
	NetTotal            Number `json:"net_total"`
	Remarks             string `json:"remarks"`
}

// Charges are what the day comes to, in rupees.
type Charges struct {
	PayInPayOutObligation      Number `json:"pay_in_pay_out_obligation"`
	TaxableValueBrokerage      Number `json:"taxable_value_brokerage"`
	ExchangeTransactionCharges Number `json:"exchange_transaction_charges"`
	CGST                       Number `json:"cgst"`
	SGST                       Number `json:"sgst"`
	IGST                       Number `json:"igst"`
	SecuritiesTransactionTax   Number `json:"securities_transaction_tax"`
	SEBITurnoverFees           Number `json:"sebi_turnover_fees"`
	StampDuty                  Number `json:"stamp_duty"`
	NetAmount                  Number `json:"net_amount_receivable_payable"`
}

// BuysArePositive tells whether the note counts what is paid as positive and what
// is received as negative, or the other way round.
func (n *ContractNote) BuysArePositive() bool { return buysArePositive(n.Broker.Type) }

func buysArePositive(broker string) bool { return broker == "zerodha" || broker == "groww" }

// BrokerTypes are the API's names of brokers, in the order in which they are dealt
// over the investors.
func BrokerTypes() []string { return []string{"zerodha", "groww", "upstox", "icici"} }

// GenerateContractNotes yields contract notes, investor by investor, each with one
// note a month: the investors of [Generate] with the same seed, by name and PAN.
// Holdings and Transactions mean nothing here.
func GenerateContractNotes(o Options) iter.Seq[*Sample] {
	return func(yield func(*Sample) bool) {
		for i := range o.Investors {
			for month := range max(1, o.Months) {
				if !yield(newContractNote(o, i, month)) {
					return
				}
			}
		}
	}
}

func newContractNote(o Options, index, month int) *Sample {
	person := newRandom(o.Seed, uint64(index), 1) //nolint:gosec // never negative
	investor := newInvestor(o.Seed, index, sourceOf(index), o.PAN, person)
	r := newRandom(o.Seed, uint64(index), uint64(month), 3) //nolint:gosec // never negative
	broker := BrokerTypes()[index%len(BrokerTypes())]
	day := tradingDay(newPeriod(month), r)
	note := &ContractNote{
		Info: ContractNoteInfo{
			Number:           fmt.Sprintf("ZZ/%s/%08d", day.Format("060102"), index*100+month+1),
			TradeDate:        day.Format(time.DateOnly),
			SettlementNumber: fmt.Sprintf("99%s%03d", day.Format("2006"), day.YearDay()),
			SettlementDate:   nextWorkday(day).Format(time.DateOnly),
		},
		Broker: Broker{
			Type: broker, Name: "Specimen Broking (in the manner of " + broker + ")",
			SEBIRegistration: fmt.Sprintf("INZ99990000%d", index%len(BrokerTypes())+1),
		},
		Client: NoteClient{
			Name: investor.Name, PAN: investor.PAN, UCC: fmt.Sprintf("ZZ%05d", index+1),
			PlaceOfSupply: "Sampleville", GSTStateCode: []string{"7", "27", "09"}[index%3], Address: string(investor.Address),
		},
		Equities: []EquityTransaction{}, Derivatives: []DerivativesTransaction{}, Trades: []DetailedTrade{},
	}
	trade(note, r)
	low, high := o.bounds()
	return &Sample{
		Filename:   fmt.Sprintf("note-%04d_%s_%s.pdf", index+1, note.Info.TradeDate, broker),
		Source:     SourceContractNote,
		PAN:        investor.PAN,
		Name:       investor.Name,
		PeriodFrom: note.Info.TradeDate, PeriodTo: note.Info.TradeDate,
		Password:     investor.PAN,
		ContractNote: note,
		Answer:       note.answer(),
		seed:         o.Seed,
		target:       targetSize(low, high, r),
	}
}

// answer is the note in its envelope, as the API answers it.
func (n *ContractNote) answer() []byte {
	answer, err := json.Marshal(struct {
		Status string        `json:"status"`
		Msg    string        `json:"msg"`
		Data   *ContractNote `json:"data"`
	}{"success", "Contract note parsed successfully", n})
	if err != nil {
		panic("samples: a contract note always marshals: " + err.Error())
	}
	return answer
}

// tradingDay is a day of the month on which exchanges are open.
func tradingDay(when period, r *random) time.Time {
	return nextWorkday(when.first.AddDate(0, 0, r.below(25)-1))
}

func nextWorkday(day time.Time) time.Time {
	for {
		day = day.AddDate(0, 0, 1)
		if day.Weekday() != time.Saturday && day.Weekday() != time.Sunday {
			return day
		}
	}
}

// symbol is what an exchange would call a share: its name in ten capitals.
func symbol(name string) string {
	letters := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, strings.ToUpper(name))
	return letters[:min(len(letters), 10)]
}
