package samples

import "fmt"

// portfolio is all an investor has. It lives through the months: accounts and
// folios stay, units and prices move.
type portfolio struct {
	options  Options
	index    int // of the investor, from 0
	source   Source
	investor Investor
	family   []LinkedHolder
	accounts []*account
	folios   []*folio
	policies []Policy
	pensions []*pension
}

// account is a demat account; demat holds what never changes.
type account struct {
	demat     DematAccount
	positions []*position
}

// folio is a mutual fund folio; fund holds what never changes.
type folio struct {
	fund      Folio
	positions []*position
}

// position is what is held of one security in one account or folio.
type position struct {
	security
	kind       Kind // "" for a scheme of a folio
	units      decimal
	cost       decimal
	instalment int64    // the monthly instalment in paise; 0: none
	ordinal    int      // within the portfolio; decides which event comes when
	since      int      // the month it is first bought in
	closed     bool     // merged away: gone from the next month on
	nominees   []string // of schemes
	advisor    Text     // of schemes
	silent     bool     // the source tells neither opening nor closing units
	flatTerms  bool     // bond terms stand beside the units, not in additional_info
}

// pension is an NPS account.
type pension struct {
	account NPSAccount
	funds   []*position
	tiers   []Number
}

// sourceOf deals the sources round-robin.
func sourceOf(index int) Source {
	return []Source{SourceCDSL, SourceNSDL, SourceCAMSKFintech}[index%3]
}

// newPortfolio makes up the investor of that index as of the first month.
func newPortfolio(o Options, index int) *portfolio {
	r := newRandom(o.Seed, uint64(index), 1) //nolint:gosec // never negative
	p := &portfolio{options: o, index: index, source: sourceOf(index)}
	p.investor = newInvestor(o.Seed, index, p.source, o.PAN, r)
	p.family = newRelatives(o.Seed, index, r)
	if o.Holdings > 0 {
		p.buildFixed(o.Holdings, r)
		return p
	}
	if p.source == SourceCAMSKFintech {
		p.addFolios(r.between(2, 5), 3, r)
		return p
	}
	own, other := p.source, SourceCDSL
	if own == SourceCDSL {
		other = SourceNSDL
	}
	p.addAccount(own, r).fill(r.between(4, 18), r)
	if index%4 < 2 {
		p.addAccount(other, r).fill(r.between(2, 6), r)
	}
	p.addFolios(r.between(0, 4), 2, r)
	if p.source == SourceNSDL && index%9 == 4 {
		// Users report placeholder folios: no number, no ISIN, nothing in it.
		p.folios = append(p.folios, &folio{fund: Folio{AMC: fundHouse(index) + " Mutual Fund"}})
	}
	p.addPolicies(r)
	p.addPensions(r)
	p.number()
	return p
}

// buildFixed makes up exactly n holdings and schemes: of a depository's
// statement three in ten are schemes.
func (p *portfolio) buildFixed(n int, r *random) {
	const perFolio = 3
	schemes := n
	if p.source != SourceCAMSKFintech {
		schemes = n * 3 / 10
		held := n - schemes
		p.addAccount(p.source, r).fill(held-held/4, r)
		if held/4 > 0 {
			p.addAccount(p.source, r).fill(held/4, r)
		}
	}
	for at := 0; at < schemes; at += perFolio {
		p.addFolio(min(perFolio, schemes-at), r)
	}
	p.number()
}

// number numbers the positions through the whole portfolio.
func (p *portfolio) number() {
	n := 0
	for _, a := range p.accounts {
		for _, pos := range a.positions {
			pos.ordinal = n
			n++
		}
	}
	for _, f := range p.folios {
		for _, pos := range f.positions {
			pos.ordinal = n
			n++
		}
	}
}

// addAccount opens an account at a depository.
func (p *portfolio) addAccount(at Source, r *random) *account {
	client := fmt.Sprintf("%08d", 10_000_000+(p.index*8+len(p.accounts))%80_000_000)
	a := &account{demat: DematAccount{
		DematType: at, DPID: "IN399999", DPName: pick(r, []string{
			"SAMPLE SECURITIES LTD", "PLACEHOLDER BROKING PRIVATE LIMITED", "SPECIMEN BANK LTD",
		}), ClientID: client,
	}}
	joint := 0
	if r.chance(30) {
		joint = r.between(1, 2)
	}
	a.demat.LinkedHolders = p.holders(joint)
	if at == SourceNSDL {
		for _, h := range a.demat.LinkedHolders {
			if h.PAN != "" {
				a.demat.AdditionalInfo.LinkedPANs = append(a.demat.AdditionalInfo.LinkedPANs, string(h.PAN))
			}
		}
		p.accounts = append(p.accounts, a)
		return a
	}
	a.demat.DPID = "12999900"
	a.demat.BOID = Text(a.demat.DPID + client)
	if r.chance(30) {
		a.demat.ClientID = string(a.demat.BOID) // samples in the documentation show both forms
	}
	a.demat.AdditionalInfo = DematInfo{
		BOStatus: "Active", BOSubStatus: "Individual-Resident", BOType: "Individual",
		BSDA: pick(r, []string{"YES", "NO"}), Email: string(p.investor.Email), Status: "Active",
	}
	if r.chance(60) {
		a.demat.AdditionalInfo.Nominee = upper(p.family[0].Name)
	}
	p.accounts = append(p.accounts, a)
	return a
}

// fill puts n holdings into the account: mostly shares, but some of each kind
// where there is room.
func (a *account) fill(n int, r *random) {
	deal := []Kind{
		KindEquities, KindEquities, KindDematMutualFunds, KindEquities, KindGovernmentSecurities,
		KindEquities, KindCorporateBonds, KindEquities, KindEquities, KindAIFs, KindEquities,
	}
	next := map[Kind]int{}
	for _, k := range kinds() {
		next[k] = r.below(40)
	}
	skew := r.below(len(deal))
	for i := range n {
		kind := deal[(i+skew)%len(deal)]
		pos := newPosition(securityOf(kind, next[kind]), r)
		// Steps of at most 3 keep an account's ISINs distinct.
		next[kind] += r.between(1, 3)
		pos.kind = kind
		pos.silent = r.chance(20)
		pos.flatTerms = r.chance(50)
		a.positions = append(a.positions, pos)
	}
}

// newPosition invests some 5,000 to 4,00,000 rupees in a security.
func newPosition(s security, r *random) *position {
	invested := rupees(int64(r.between(5_000, 400_000)) * 100)
	units := invested.quo(s.price, s.unitPlaces)
	if units.sign() == 0 {
		units = dec(1, 0)
	}
	// What was paid lies 30% below to 15% above today's value.
	cost := units.mul(s.price, 2).mul(dec(int64(r.between(70, 115)), 2), 2)
	return &position{security: s, units: units, cost: cost}
}
