package samples

import (
	"fmt"
	"strings"
)

// accounts prints the demat accounts with their holdings by kind.
func (s *sheet) accounts(accounts []DematAccount) {
	if len(accounts) == 0 {
		return
	}
	s.heading("Demat accounts")
	for i := range accounts {
		a := &accounts[i]
		info := a.AdditionalInfo
		facts := []string{"DP " + a.DPName + "   DP ID " + a.DPID + "   Client ID " + a.ClientID}
		if info.BOStatus != "" {
			facts = append(facts, fmt.Sprintf("Status %s   Type %s, %s   BSDA %s   Nominee %s",
				info.BOStatus, info.BOType, info.BOSubStatus, info.BSDA, told(info.Nominee)))
		}
		facts = append(facts, "Holders: "+holderLine(a.LinkedHolders))
		s.subheading(string(a.DematType)+" account "+accountNumber(a), "INR "+money(a.Value), facts...)
		s.holdings(a)
	}
}

// accountNumber is what the account's depository calls it by.
func accountNumber(a *DematAccount) string {
	if a.BOID != "" {
		return string(a.BOID)
	}
	return a.DPID + "-" + a.ClientID
}

func (s *sheet) holdings(a *DematAccount) {
	t := s.newTable(column{"ISIN", 16, false}, column{"Security", 42, false}, column{"Kind", 17, false},
		column{"Units", 17, true}, column{"Value (INR)", 18, true})
	for kind, h := range a.Holdings.All() {
		name := h.Name
		terms := h.BondTerms
		if terms == (BondTerms{}) {
			terms = h.AdditionalInfo.BondTerms
		}
		if terms.MaturityDate != "" {
			name += ", coupon " + terms.CouponRate + ", matures " + day(terms.MaturityDate)
		}
		t.row(h.ISIN, name, kindTitle(kind), units(h.Units), money(h.Value))
	}
	t.total("Total", "", "", "", money(a.Value))
	t.end()
}

func kindTitle(kind Kind) string {
	switch kind {
	case KindCorporateBonds:
		return "Corporate bond"
	case KindGovernmentSecurities:
		return "Govt security"
	case KindAIFs:
		return "AIF"
	case KindDematMutualFunds:
		return "Mutual fund, demat"
	default:
		return "Equity"
	}
}

// folios prints the folios with their schemes.
func (s *sheet) folios(folios []Folio) {
	if len(folios) == 0 {
		return
	}
	s.heading("Mutual fund folios")
	for i := range folios {
		f := &folios[i]
		facts := []string{fmt.Sprintf("Registrar %s   KYC %s   PAN %s", told(f.Registrar),
			told(f.AdditionalInfo.KYC), told(f.AdditionalInfo.PAN))}
		if len(f.LinkedHolders) > 0 {
			facts = append(facts, "Holders: "+holderLine(f.LinkedHolders))
		}
		s.subheading("Folio "+told(f.FolioNumber)+"   "+f.AMC, "INR "+money(f.Value), facts...)
		t := s.newTable(column{"ISIN", 15, false}, column{"Scheme", 36, false}, column{"Units", 24, true},
			column{"NAV", 12, true}, column{"Cost (INR)", 17, true}, column{"Value (INR)", 18, true},
			column{"Gain %", 10, true})
		for j := range f.Schemes {
			sc := &f.Schemes[j]
			name := told(sc.Name)
			if len(sc.Nominees) > 0 {
				name += ", nominee " + strings.Join(sc.Nominees, ", ")
			}
			t.row(told(sc.ISIN), name, units(sc.Units), grouped(sc.NAV, 4), money(sc.Cost), money(sc.Value),
				money(sc.Gain.Percentage))
		}
		t.total("Total", "", "", "", "", money(f.Value), "")
		t.end()
	}
}
