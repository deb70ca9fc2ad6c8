package samples

import "fmt"

// Rates of charges, in parts of the turnover or of what is taxed.
const (
	exchangeRate = 297 // of ten million
	sebiRate     = 10  // of ten million
	taxRate      = 100 // securities transaction tax, of 100,000
	stampRate    = 15  // of buys alone, of 100,000
	gstRate      = 18  // of a hundred
)

// tradingSums is what a day's trading comes to while its note is written. All amounts are
// as they were paid or received: without a sign.
type tradingSums struct {
	bought, sold, brokerage decimal
	clock                   int // seconds of the day of the last trade
	serial                  int // of orders and trades
	positive                bool
}

// trade fills the note with a day's trades: some shares in one to three trades
// each, for some clients derivatives, and what it comes to.
func trade(note *ContractNote, r *random) {
	s := &tradingSums{
		bought: dec(0, 2), sold: dec(0, 2), brokerage: dec(0, 2), clock: 9*3600 + 15*60, serial: r.between(1000, 900_000),
		positive: note.BuysArePositive(),
	}
	first := r.below(100)
	for n := range r.between(1, 5) {
		note.share(securityOf(KindEquities, first+7*n), s, r)
	}
	if r.chance(40) {
		for n := range r.between(1, 3) {
			note.derivative(n, s, r)
		}
	}
	note.settle(s)
}

// signed gives a payment the sign that the note gives it.
func (s *tradingSums) signed(paid decimal) Number {
	if !s.positive {
		paid = paid.neg()
	}
	return paid.number()
}

// share trades in one share and sums it up.
func (n *ContractNote) share(share security, s *tradingSums, r *random) {
	closing := share.price.mul(dec(int64(r.between(970, 1030)), 3), 2)
	quantity, value := map[string]decimal{"B": dec(0, 0), "S": dec(0, 0)}, map[string]decimal{"B": dec(0, 2), "S": dec(0, 2)}
	side := pick(r, []string{"B", "B", "S"})
	order := s.number(13)
	for range r.between(1, 3) {
		if r.chance(15) {
			side = map[string]string{"B": "S", "S": "B"}[side]
			order = s.number(13)
		}
		units := dec(int64(r.between(1, 40)), 0)
		rate := share.price.mul(dec(int64(r.between(9700, 10300)), 4), 4)
		total, brokerage := units.mul(rate, 2), units.mul(rate, 2).mul(dec(3, 4), 2)
		quantity[side], value[side] = quantity[side].add(units), value[side].add(total)
		s.brokerage = s.brokerage.add(brokerage)
		paid := total
		if side == "S" {
			paid = total.neg()
		}
		s.clock += r.between(1, 1500)
		n.Trades = append(n.Trades, DetailedTrade{
			OrderNumber: order, OrderTime: clock(s.clock - 1), TradeNumber: s.number(2), TradeTime: clock(s.clock),
			SecurityDescription: symbol(share.name) + "-EQ/" + share.isin, Side: side, Quantity: units.number(),
			Exchange: pick(r, []string{"NSE", "BSE"}), Brokerage: brokerage.number(), NetRatePerUnit: rate.number(),
			ClosingRatePerUnit: closing.number(), NetTotal: s.signed(paid), Remarks: pick(r, []string{"", "", "ONM"}),
		})
	}
	s.bought, s.sold = s.bought.add(value["B"]), s.sold.add(value["S"])
	n.Equities = append(n.Equities, EquityTransaction{
		ISIN: share.isin, SecurityName: share.name, SecuritySymbol: symbol(share.name),
		BuyQuantity: quantity["B"].number(), BuyWAP: average(value["B"], quantity["B"]), BuyTotalValue: value["B"].number(),
		SellQuantity: quantity["S"].number(), SellWAP: average(value["S"], quantity["S"]), SellTotalValue: value["S"].number(),
		NetObligation: s.signed(value["B"].sub(value["S"])),
	})
}

// derivative trades in an option or carries a future over.
func (n *ContractNote) derivative(number int, s *tradingSums, r *random) {
	row := DerivativesTransaction{
		ContractDescription: fmt.Sprintf("%s SAMPLEX %dJUN25 %d", pick(r, []string{"OPTIDX CE", "OPTIDX PE", "FUTIDX"}),
			20+number, 100*r.between(180, 260)),
		Side: pick(r, []string{"B", "S", "BF", "CF"}),
	}
	units := dec(int64(25*r.between(1, 8)), 0)
	rate := dec(int64(r.between(500, 40_000)), 2)
	paid := dec(0, 2)
	switch row.Side {
	case "B":
		paid = units.mul(rate, 2)
		s.bought = s.bought.add(paid)
	case "S":
		paid = units.mul(rate, 2).neg()
		s.sold = s.sold.add(paid.neg())
	}
	row.Quantity, row.WAPPerUnit, row.NetTotal = units.number(), rate.number(), s.signed(paid)
	row.BrokeragePerUnit, row.ClosingRatePerUnit = "0", rate.mul(dec(int64(r.between(95, 105)), 2), 2).number()
	n.Derivatives = append(n.Derivatives, row)
}

// settle sums the day up: the state of Sampleville has the code 27, others pay the
// integrated tax.
func (n *ContractNote) settle(s *tradingSums) {
	turnover, owed := s.bought.add(s.sold), s.bought.sub(s.sold)
	exchange, fees := turnover.mul(dec(exchangeRate, 7), 2), turnover.mul(dec(sebiRate, 7), 2)
	tax, stamp := turnover.mul(dec(taxRate, 5), 0), s.bought.mul(dec(stampRate, 5), 2)
	taxed := s.brokerage.add(exchange).add(fees)
	state, integrated := dec(0, 2), taxed.mul(dec(gstRate, 2), 2)
	if n.Client.GSTStateCode == "27" {
		state, integrated = taxed.mul(dec(gstRate/2, 2), 2), dec(0, 2)
	}
	charges := taxed.add(integrated).add(state).add(state).add(tax).add(stamp)
	n.Charges = Charges{
		PayInPayOutObligation: s.signed(owed), TaxableValueBrokerage: s.brokerage.number(),
		ExchangeTransactionCharges: exchange.number(), CGST: state.number(), SGST: state.number(), IGST: integrated.number(),
		SecuritiesTransactionTax: tax.number(), SEBITurnoverFees: fees.number(), StampDuty: stamp.number(),
		NetAmount: s.signed(owed.add(charges)),
	}
}

// number is the next number of an order or trade, as long as exchanges give them.
func (s *tradingSums) number(prefix int) string {
	s.serial++
	return fmt.Sprintf("%02d%014d", prefix, s.serial)
}

// average is the weighted average price, 0 of nothing.
func average(value, quantity decimal) Number {
	if quantity.sign() == 0 {
		return "0"
	}
	return value.quo(quantity, 4).number()
}

func clock(seconds int) string {
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
