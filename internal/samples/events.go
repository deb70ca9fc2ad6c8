package samples

import "strings"

// event is what befalls a scheme in a month, besides its instalment.
type event int

const (
	eventNone event = iota
	eventPurchase
	eventRedemption
	eventSwitch
	eventTwins
	eventPayout
	eventReversal
	eventMisc
	eventReinvest
	eventMerger
	eventSegregation
	eventUnknown
)

// eventOf deals the events out in such a way that a few dozen investors see
// all of them, and most months are quiet.
func (p *portfolio) eventOf(pos *position, month int) event {
	deal := []event{
		eventPurchase, eventPayout, eventRedemption, eventNone, eventPayout, eventSwitch, eventTwins,
		eventNone, eventReversal, eventReinvest, eventSwitch, eventPayout, eventMisc, eventSegregation,
		eventNone, eventRedemption, eventMerger, eventSwitch, eventUnknown, eventPayout, eventPurchase,
		eventNone, eventReinvest,
	}
	if p.merging() && pos.ordinal == 0 && month == 0 {
		return eventMerger // too rare to be left to chance
	}
	return deal[(p.index*5+pos.ordinal*3+month*7)%len(deal)]
}

// merging tells whether this is one of the registrars' investors whose first
// scheme is merged into the second in the first month.
func (p *portfolio) merging() bool { return p.index%30 == 5 }

// schemeMonth is a scheme's month up to day 24.
func (p *portfolio) schemeMonth(l *ledger, month int, r *random) {
	pos := l.pos
	if pos.since == month && month > 0 {
		l.on(2)
		l.taxed(TypePurchase, "New Purchase - Internet", rupees(int64(r.between(5, 80))*1000_00))
	}
	if pos.instalment > 0 {
		l.on(r.between(5, 7))
		l.taxed(TypePurchaseSIP, "Systematic Investment - Instalment", rupees(pos.instalment))
	}
	l.on(r.between(9, 22))
	what := p.eventOf(pos, month)
	if growth := !strings.HasSuffix(pos.name, "IDCW"); growth && (what == eventPayout || what == eventReinvest) {
		return // such plans pay nothing out
	}
	switch what {
	case eventPurchase:
		l.taxed(TypePurchase, "Additional Purchase - Internet", rupees(int64(r.between(2, 60))*500_00))
	case eventRedemption:
		amount := l.sell(TypeRedemption, "Redemption - Electronic Payment", int64(r.between(5, 40)))
		if pos.assetType == "Equity" {
			l.tax(TypeSTTTax, "*** STT Paid ***", amount.mul(dec(1, 5), 2))
		}
	case eventTwins:
		// Two genuine purchases that nothing but the balance tells apart, and
		// two duty rows that nothing tells apart.
		amount := rupees(int64(r.between(2, 20)) * 500_00)
		duty := l.buy(TypePurchase, "Additional Purchase - Internet", amount)
		l.buy(TypePurchase, "Additional Purchase - Internet", amount)
		l.tax(TypeStampDutyTax, "*** Stamp Duty ***", duty)
		l.tax(TypeStampDutyTax, "*** Stamp Duty ***", duty)
	case eventPayout:
		amount := l.payout(l.rate(r))
		l.tax(TypeTDSTax, "*** TDS on Above ***", amount.mul(dec(10, 2), 2))
	case eventReinvest:
		l.reinvest(l.rate(r))
	case eventReversal:
		l.bounced(rupees(int64(r.between(2, 20)) * 500_00))
	case eventMisc:
		l.row(TypeMisc, "*** Change/Reg of Nominee ***", func(*Transaction) {})
	case eventSegregation:
		units := pos.units.mul(dec(2, 2), pos.unitPlaces)
		l.move(TypeSegregation, "Creation of Units - Segregated Portfolio 1", dec(0, 0), units)
		l.rows[len(l.rows)-1].Amount, l.rows[len(l.rows)-1].NAV = "", ""
	case eventUnknown:
		l.move(TypeUnknown, "Adj. ref ZZ/77/001", dec(0, 2), dec(1, pos.unitPlaces))
	case eventNone, eventSwitch, eventMerger:
	}
}

// taxed buys and tells the stamp duty.
func (l *ledger) taxed(typ TransactionType, description string, amount decimal) {
	duty := l.buy(typ, description, amount)
	if duty.sign() > 0 {
		l.tax(TypeStampDutyTax, "*** Stamp Duty ***", duty)
	}
}

// exchange lets units pass from one scheme of a folio to another, after the
// other events of both.
func exchange(from, to *ledger, what event) {
	out, in, percent, label := TypeSwitchOut, TypeSwitchIn, int64(35), "Switch"
	if what == eventMerger {
		out, in, percent, label = TypeSwitchOutMerger, TypeSwitchInMerger, 100, "Merger"
	}
	day := max(25, from.today, to.today)
	from.on(day)
	to.on(day)
	amount := from.sell(out, label+" Out - To "+to.pos.name, percent)
	if what == eventMerger {
		from.pos.closed = true
	}
	to.taxed(in, label+" In - From "+from.pos.name, amount)
}

// dematMonth is a demat holding's month: one in five moves.
func dematMonth(l *ledger, r *random) {
	if !r.chance(20) {
		return
	}
	pos := l.pos
	for range r.between(1, 3) {
		l.on(l.today + r.between(1, 8))
		if pos.kind == KindDematMutualFunds && pos.unitPlaces > 0 {
			l.move(TypePurchaseSIP, "By Allotment - SIP", dec(0, 2), dec(int64(r.between(1_000, 90_000)), 3))
			continue
		}
		half := pos.units.mul(dec(50, 2), pos.unitPlaces)
		if r.chance(35) && half.sign() > 0 {
			l.sell(TypeRedemption, "To Payout - Sample Clearing Corporation", 50)
			continue
		}
		units := dec(int64(r.between(1, 60)), 0)
		l.move(TypePurchase, "By Payin - Sample Clearing Corporation", dec(0, 2), units)
	}
}

// fixedRows is a month of exactly n rows, spread over its days.
func (l *ledger) fixedRows(n int, r *random) {
	for i := range n {
		l.on(1 + i*l.when.last.Day()/n)
		switch {
		case i%7 == 3:
			l.sell(TypeRedemption, "Redemption - Electronic Payment", 1)
		case i%7 == 5 && l.pos.kind == "":
			l.payout(l.rate(r))
		case i%2 == 0 || l.pos.kind != "":
			amount := rupees(int64(r.between(10, 60)) * 500_00)
			l.buy(TypePurchaseSIP, "Systematic Investment - Instalment", amount)
		default:
			l.tax(TypeStampDutyTax, "*** Stamp Duty ***", dec(int64(r.between(5, 150)), 2))
		}
	}
}
