package samples

import "fmt"

// addFolios opens n folios of up to most schemes each.
func (p *portfolio) addFolios(n, most int, r *random) {
	for range n {
		schemes := r.between(1, most)
		if p.merging() {
			schemes = max(2, schemes)
		}
		p.addFolio(schemes, r)
	}
	if p.source != SourceCAMSKFintech {
		return
	}
	if n > 1 && p.index%2 == 0 {
		// The same scheme in two folios.
		twin := p.folios[0].positions[0].security
		last := p.folios[len(p.folios)-1]
		last.fund.AMC = p.folios[0].fund.AMC
		last.positions = append(last.positions[:0], p.newScheme(twin, r))
	}
	p.number()
}

// addFolio opens a folio with that many schemes of one fund house.
func (p *portfolio) addFolio(schemes int, r *random) {
	house := r.below(fundHouses)
	serial := (p.index*16 + len(p.folios)) % 1_000_000
	number := fmt.Sprintf("7700%06d", serial)
	if len(p.folios)%2 == 0 {
		number = fmt.Sprintf("7700%06d/%02d", serial, r.below(100))
	}
	f := &folio{fund: Folio{
		FolioNumber: number,
		AMC:         fundHouse(house) + " Mutual Fund",
		Registrar:   pick(r, []Text{"CAMS", "KFIN", "CAMS", "KFIN", ""}),
	}}
	joint := 0
	if r.chance(35) {
		joint = r.between(1, 2)
	}
	f.fund.LinkedHolders = p.holders(joint)
	f.fund.AdditionalInfo = FolioInfo{PAN: Text(p.investor.PAN), PANKYC: "OK", KYC: "OK"}
	if p.source != SourceCAMSKFintech {
		f.fund.AdditionalInfo = FolioInfo{KYC: pick(r, []Text{"", "OK"})}
	}
	first := r.below(12)
	for i := range schemes {
		pos := p.newScheme(fundOf(house, first+i), r)
		if i > 0 && p.options.Holdings == 0 && !p.merging() && r.chance(15) {
			pos.since = r.between(1, 3)
			pos.units, pos.cost = dec(0, 0), dec(0, 2)
		}
		f.positions = append(f.positions, pos)
	}
	if p.index%20 == 2 && len(p.folios) == 0 {
		f.positions[0] = p.dustScheme(house, r)
	}
	p.folios = append(p.folios, f)
}

// newScheme starts a position in a scheme.
func (p *portfolio) newScheme(s security, r *random) *position {
	s.unitPlaces = 3
	if p.source == SourceNSDL {
		s.unitPlaces = 4
	}
	pos := newPosition(s, r)
	if p.options.Transactions == 0 && r.chance(45) {
		pos.instalment = int64(pick(r, []int{500, 1000, 2500, 5000, 7501})) * 100
	}
	if r.chance(70) {
		pos.nominees = append(pos.nominees, p.family[0].Name)
		if r.chance(30) {
			pos.nominees = append(pos.nominees, p.family[1].Name)
		}
	}
	pos.advisor = pick(r, []Text{"DIRECT", "ARN-999901", ""})
	pos.silent = p.source != SourceCAMSKFintech && r.chance(30)
	return pos
}

// dustScheme holds more units, to more places, than a double can tell apart.
func (p *portfolio) dustScheme(house int, r *random) *position {
	s := fundOf(house, 40)
	s.name = fundHouse(house) + " Fractional Dust Fund - Direct Plan - Growth"
	s.price = dec(123, 4)
	pos := p.newScheme(s, r)
	pos.unitPlaces = 9
	pos.instalment = 0
	pos.units = dec(12_345_678_901, 0).add(dec(123_456_789, 9))
	pos.cost = pos.units.mul(dec(1, 2), 2)
	return pos
}

// addPolicies gives some investors of the depositories life insurance.
func (p *portfolio) addPolicies(r *random) {
	if p.index%7 > 2 {
		return
	}
	for i := range r.between(1, 2) {
		policy := Policy{
			PolicyNumber: fmt.Sprintf("ZZL%07d", p.index*10+i),
			Provider:     "Specimen Life Insurance Company", PolicyName: pick(r, []string{
				"Sample Term Shield", "Placeholder Endowment Plus",
			}),
			LifeAssured: p.investor.Name, Status: pick(r, []string{"In Force", "Paid Up"}),
			PremiumFrequency: pick(r, []Text{"Yearly", "Monthly", "Half Yearly", ""}),
			SumAssured:       Number(fmt.Sprintf("%d", r.between(5, 100)*100_000)),
			PremiumAmount:    rupees(int64(r.between(900_00, 90_000_00))).number(),
			AdditionalInfo:   map[string]string{"nominee": p.family[0].Name, "policy_type": "Individual"},
		}
		if r.chance(20) {
			policy.PremiumAmount = ""
		}
		p.policies = append(p.policies, policy)
	}
}

// addPensions gives some investors of NSDL statements an NPS account.
func (p *portfolio) addPensions(r *random) {
	if p.source != SourceNSDL || p.index%2 == 0 {
		return
	}
	n := &pension{account: NPSAccount{
		PRAN: fmt.Sprintf("11999900%04d", p.index%10_000), CRA: "Sample Central Recordkeeping Agency",
		LinkedHolders:  p.holders(0),
		AdditionalInfo: map[string]string{"subscriber_type": "All Citizen Model"},
	}}
	for i := range r.between(1, 3) {
		s := security{
			isin: fmt.Sprintf("pension %d", i),
			name: fmt.Sprintf("Specimen Pension Fund - Scheme %c - Tier %s",
				"ECG"[i], []string{"I", "I", "II"}[i]),
			price: dec(int64(r.between(14_0000, 62_0000)), 4), unitPlaces: 4,
		}
		n.funds = append(n.funds, newPosition(s, r))
		n.tiers = append(n.tiers, []Number{"1", "", "2"}[i])
	}
	p.pensions = append(p.pensions, n)
}
