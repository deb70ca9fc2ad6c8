package samples

import "fmt"

// ledger writes one position's transactions of one month, in order of days,
// and keeps the position's units and cost in step.
type ledger struct {
	pos         *position
	when        period
	today       int // day of the month; only moves on
	start, stop decimal
	rows        []Transaction
	order       int // the next exchange order number
	source      Source
}

// newLedger opens the month: the price walks from where it was to stop.
func newLedger(pos *position, when period, month int, source Source) *ledger {
	l := &ledger{
		pos: pos, when: when, today: 1, source: source, start: pos.price,
		order: month*1_000_000 + pos.ordinal*100,
	}
	l.stop = movedPrice(pos.security, pos.price, month)
	return l
}

// movedPrice is a price a month later: 4% down to 6% up. It depends on
// security and month alone, so that a security has one price everywhere.
func movedPrice(s security, price decimal, month int) decimal {
	key := uint64(14695981039346656037)
	for _, c := range []byte(s.isin) {
		key = (key ^ uint64(c)) * 1099511628211
	}
	r := newRandom(key, uint64(month)) //nolint:gosec // never negative
	return price.mul(dec(int64(r.between(960_0, 1060_0)), 4), price.scale)
}

// on moves to a day, unless it is past already.
func (l *ledger) on(day int) { l.today = max(l.today, min(day, l.when.last.Day())) }

// nav is today's price, on the straight line of the month.
func (l *ledger) nav() decimal {
	share := dec(int64(l.today), 0).quo(dec(int64(l.when.last.Day()), 0), 6)
	return l.start.add(l.stop.sub(l.start).mul(share, l.start.scale))
}

// row adds a transaction of today.
func (l *ledger) row(typ TransactionType, description string, fill func(*Transaction)) {
	t := Transaction{Date: l.when.day(l.today), Type: typ, Description: description}
	fill(&t)
	l.rows = append(l.rows, t)
}

// move adds a row that moves units.
func (l *ledger) move(typ TransactionType, description string, amount, units decimal) {
	l.pos.units = l.pos.units.add(units)
	l.row(typ, description, func(t *Transaction) {
		t.Units, t.Balance = units.number(), l.pos.units.number()
		if l.pos.kind != "" {
			l.dematInfo(t, units)
			return
		}
		t.Amount, t.NAV = amount.number(), l.nav().number()
		if l.source != SourceCAMSKFintech {
			t.AdditionalInfo.Price = t.NAV
		}
	})
}

// dematInfo fills what depositories tell of a movement: units, not money.
func (l *ledger) dematInfo(t *Transaction, units decimal) {
	l.order++
	t.AdditionalInfo.OrderNo = fmt.Sprintf("ZZ%012d", l.order)
	if units.sign() < 0 {
		t.AdditionalInfo.Debit = units.neg().number()
		return
	}
	t.AdditionalInfo.Credit = units.number()
	t.AdditionalInfo.StampDuty = units.mul(l.nav(), 2).mul(dec(15, 6), 2).number()
}

// buy invests an amount, less stamp duty of 0.005%, which a separate row
// tells. It gives the duty.
func (l *ledger) buy(typ TransactionType, description string, amount decimal) decimal {
	duty := amount.mul(dec(5, 5), 2)
	units := amount.sub(duty).quo(l.nav(), l.pos.unitPlaces)
	l.pos.cost = l.pos.cost.add(amount)
	l.move(typ, description, amount, units)
	return duty
}

// sell parts with a percentage of the units and gives the amount, positive.
func (l *ledger) sell(typ TransactionType, description string, percent int64) decimal {
	share := dec(percent, 2)
	units := l.pos.units.mul(share, l.pos.unitPlaces)
	amount := units.mul(l.nav(), 2)
	l.pos.cost = l.pos.cost.sub(l.pos.cost.mul(share, 2))
	l.move(typ, description, amount.neg(), units.neg())
	return amount
}

// tax adds a row of money alone.
func (l *ledger) tax(typ TransactionType, description string, amount decimal) {
	l.row(typ, description, func(t *Transaction) { t.Amount = amount.number() })
}

// rate is a dividend for one unit: 0.2% to 3% of its price.
func (l *ledger) rate(r *random) decimal {
	rate := l.nav().mul(dec(int64(r.between(2, 30)), 3), 4)
	if rate.sign() == 0 {
		return dec(1, 4)
	}
	return rate
}

// payout pays a dividend out and gives the amount.
func (l *ledger) payout(rate decimal) decimal {
	amount := l.pos.units.mul(rate, 2)
	l.row(TypeDividendPayout, "IDCW Payout @ Rs."+string(rate.number())+" per unit", func(t *Transaction) {
		t.Amount, t.DividendRate = amount.number(), rate.number()
		if l.source == SourceCDSL {
			t.AdditionalInfo.IncomeDistribution = amount.mul(dec(80, 2), 2).number()
			t.AdditionalInfo.CapitalWithdrawal = amount.sub(amount.mul(dec(80, 2), 2)).number()
		}
	})
	return amount
}

// reinvest turns a dividend into units.
func (l *ledger) reinvest(rate decimal) {
	amount := l.pos.units.mul(rate, 2)
	units := amount.quo(l.nav(), l.pos.unitPlaces)
	l.move(TypeDividendReinvest, "IDCW Reinvestment @ Rs."+string(rate.number())+" per unit", amount, units)
	l.rows[len(l.rows)-1].DividendRate = rate.number()
}

// bounced is a purchase undone on the same day. The reversal tells no units.
func (l *ledger) bounced(amount decimal) {
	units, cost := l.pos.units, l.pos.cost
	l.buy(TypePurchase, "Purchase - Cheque", amount)
	l.pos.units, l.pos.cost = units, cost
	l.row(TypeReversal, "Purchase Reversal - Cheque Dishonoured", func(t *Transaction) {
		t.Amount, t.Balance = amount.neg().number(), units.number()
	})
}
