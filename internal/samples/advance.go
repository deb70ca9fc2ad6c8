package samples

// advance moves everything on by a month and writes the statement of it.
func (p *portfolio) advance(when period, month int, r *random) *Statement {
	st := &Statement{
		Meta: Meta{
			CASType:         p.source,
			StatementPeriod: Period{From: when.day(1), To: when.day(31)},
			GeneratedAt:     when.generatedAt(p.source, r),
		},
		Investor:      p.investor,
		DematAccounts: []DematAccount{},
		MutualFunds:   []Folio{},
	}
	quota := p.newQuota()
	demat, funds := dec(0, 2), dec(0, 2)
	for _, a := range p.accounts {
		account, value := p.dematAccount(a, when, month, quota, r)
		st.DematAccounts = append(st.DematAccounts, account)
		demat = demat.add(value)
	}
	for _, f := range p.folios {
		folio, value := p.folioMonth(f, when, month, quota, r)
		st.MutualFunds = append(st.MutualFunds, folio)
		funds = funds.add(value)
	}
	total := demat.add(funds)
	st.Summary.Accounts.Demat = AccountTotal{Count: len(st.DematAccounts), TotalValue: demat.number()}
	st.Summary.Accounts.MutualFunds = AccountTotal{Count: len(st.MutualFunds), TotalValue: funds.number()}
	if len(p.policies) > 0 {
		st.Insurance.LifeInsurancePolicies = p.policies
		st.Summary.Accounts.Insurance = &AccountTotal{Count: len(p.policies), TotalValue: "0"}
	} else if p.source == SourceCAMSKFintech {
		st.Insurance.LifeInsurancePolicies = []Policy{}
	}
	if p.source == SourceNSDL {
		st.NPS = []NPSAccount{}
	}
	if len(p.pensions) > 0 {
		pensions := dec(0, 2)
		for _, n := range p.pensions {
			account, value := n.month(month, r)
			st.NPS = append(st.NPS, account)
			pensions = pensions.add(value)
		}
		st.Summary.Accounts.NPS = &AccountTotal{Count: len(st.NPS), TotalValue: pensions.number()}
		total = total.add(pensions)
	}
	st.Summary.TotalValue = total.number()
	return st
}

// quota deals a fixed number of rows out over the positions; nil where the
// number is not fixed.
type quota struct{ rows, positions, dealt int }

func (p *portfolio) newQuota() *quota {
	if p.options.Transactions <= 0 {
		return nil
	}
	q := &quota{rows: p.options.Transactions}
	for _, a := range p.accounts {
		q.positions += len(a.positions)
	}
	for _, f := range p.folios {
		q.positions += len(f.positions)
	}
	return q
}

// next is the number of rows of the next position.
func (q *quota) next() int {
	done := q.rows * q.dealt / q.positions
	q.dealt++
	return q.rows*q.dealt/q.positions - done
}

// dematAccount is an account's month.
func (p *portfolio) dematAccount(
	a *account, when period, month int, q *quota, r *random,
) (DematAccount, decimal) {
	out := a.demat
	total := dec(0, 2)
	for _, pos := range a.positions {
		open := pos.units
		l := newLedger(pos, when, month, p.source)
		if q != nil {
			l.fixedRows(q.next(), r)
		} else {
			dematMonth(l, r)
		}
		pos.price = l.stop
		value := pos.units.mul(pos.price, 2)
		total = total.add(value)
		bucket := out.Holdings.bucket(pos.kind)
		*bucket = append(*bucket, pos.holding(l, open, value))
	}
	out.Value = total.number()
	return out, total
}

// holding is the position as the statement tells it.
func (pos *position) holding(l *ledger, open, value decimal) Holding {
	h := Holding{
		ISIN: pos.isin, Name: pos.name, Units: pos.units.number(), Value: value.number(),
		Transactions: l.transactions(),
	}
	if !pos.silent {
		h.AdditionalInfo.OpenUnits, h.AdditionalInfo.CloseUnits = open.number(), pos.units.number()
	}
	if terms := pos.bond; terms != (BondTerms{}) {
		terms.MarketValue = pos.price.number()
		if pos.flatTerms {
			h.BondTerms = terms
		} else {
			h.AdditionalInfo.BondTerms = terms
		}
	}
	return h
}

// transactions are the month's rows; a list also where there are none.
func (l *ledger) transactions() []Transaction {
	if l.rows == nil {
		return []Transaction{}
	}
	return l.rows
}

// folioMonth is a folio's month.
func (p *portfolio) folioMonth(
	f *folio, when period, month int, q *quota, r *random,
) (Folio, decimal) {
	out := f.fund
	out.Schemes = []Scheme{}
	if len(f.positions) == 0 {
		return placeholder(out), dec(0, 2)
	}
	var ledgers []*ledger
	var opens []decimal
	for _, pos := range f.positions {
		if pos.closed || pos.since > month {
			continue
		}
		l := newLedger(pos, when, month, p.source)
		ledgers, opens = append(ledgers, l), append(opens, pos.units)
		if q != nil {
			l.fixedRows(q.next(), r)
		} else {
			p.schemeMonth(l, month, r)
		}
	}
	if q == nil {
		p.exchanges(ledgers, month)
	}
	total := dec(0, 2)
	for i, l := range ledgers {
		l.pos.price = l.stop
		value := l.pos.units.mul(l.stop, 2)
		total = total.add(value)
		out.Schemes = append(out.Schemes, p.scheme(l, opens[i], value))
	}
	for _, pos := range f.positions {
		if pos.since > month { // its price moves before it is bought, too
			pos.price = movedPrice(pos.security, pos.price, month)
		}
	}
	out.Value = total.number()
	return out, total
}

// placeholder fills a folio that holds nothing the way users report it.
func placeholder(f Folio) Folio {
	f.LinkedHolders = []LinkedHolder{}
	f.Value = "0"
	f.Schemes = []Scheme{{
		Type: "Other", Units: "0", NAV: "0", Value: "0", Transactions: []Transaction{}, Nominees: []string{},
	}}
	return f
}

// exchanges lets the schemes due for a switch or merger pass units on to
// another of their folio. A scheme takes part once, so that rows stay in order.
func (p *portfolio) exchanges(ledgers []*ledger, month int) {
	for i := 0; i+1 < len(ledgers); i++ {
		what := p.eventOf(ledgers[i].pos, month)
		if what == eventSwitch || what == eventMerger {
			exchange(ledgers[i], ledgers[i+1], what)
			i++
		}
	}
}

// scheme is the position as the statement tells it.
func (p *portfolio) scheme(l *ledger, open, value decimal) Scheme {
	pos := l.pos
	s := Scheme{
		ISIN: pos.isin, Name: pos.name, Type: pos.assetType, Units: pos.units.number(),
		NAV: pos.price.number(), Value: value.number(), Cost: pos.cost.number(),
		Transactions: l.transactions(), Nominees: pos.nominees,
		AdditionalInfo: SchemeInfo{Advisor: pos.advisor},
	}
	if s.Nominees == nil {
		s.Nominees = []string{}
	}
	if gain := value.sub(pos.cost); pos.cost.sign() > 0 {
		s.Gain = Gain{Absolute: gain.number(), Percentage: gain.mul(dec(100, 0), 2).quo(pos.cost, 2).number()}
	}
	switch p.source {
	case SourceCAMSKFintech:
		folio := false
		s.AdditionalInfo.IsDemat = &folio
		s.AdditionalInfo.AMFI, s.AdditionalInfo.RTACode = Text(pos.amfi), Text(pos.rtaCode)
	case SourceNSDL:
		if pos.units.sign() > 0 {
			s.NAV = pos.cost.quo(pos.units, 4).number()
		}
	case SourceCDSL:
		if pos.silent {
			s.Cost, s.Gain = "", Gain{}
		}
	case SourceContractNote: // has no schemes
	}
	if !pos.silent {
		s.AdditionalInfo.OpenUnits, s.AdditionalInfo.CloseUnits = open.number(), pos.units.number()
	}
	return s
}

// month is a pension account's month: a contribution to each fund.
func (n *pension) month(month int, r *random) (NPSAccount, decimal) {
	out := n.account
	total := dec(0, 2)
	for i, pos := range n.funds {
		amount := rupees(int64(r.between(5, 50)) * 100_00)
		pos.units = pos.units.add(amount.quo(pos.price, pos.unitPlaces))
		pos.cost = pos.cost.add(amount)
		pos.price = movedPrice(pos.security, pos.price, month)
		value := pos.units.mul(pos.price, 2)
		total = total.add(value)
		out.Funds = append(out.Funds, NPSFund{
			Name: pos.name, Units: pos.units.number(), NAV: pos.price.number(), Value: value.number(),
			Cost:           pos.cost.number(),
			AdditionalInfo: NPSFundInfo{Tier: n.tiers[i], Manager: "Specimen Pension Fund Managers"},
		})
	}
	out.Value = total.number()
	return out, total
}
