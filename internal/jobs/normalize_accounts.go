package jobs

import (
	"casflow/internal/casapi"
	"casflow/internal/storage"
)

func (n *normalizer) dematAccount(at int, a *casapi.DematAccount) {
	e := extra{}
	e.members("", a.Extra)
	e.members("additional_info.", a.AdditionalInfo.Extra)
	info := &a.AdditionalInfo
	row := storage.DematAccount{
		DematType: e.text("demat_type", a.DematType), DPID: e.text("dp_id", a.DPID), DPName: e.text("dp_name", a.DPName),
		ClientID: e.text("client_id", a.ClientID), BOID: e.text("bo_id", a.BOID), Value: e.decimal("value", a.Value),
		BOStatus: e.text("additional_info.bo_status", info.BOStatus), BOSubStatus: e.text("additional_info.bo_sub_status", info.BOSubStatus),
		BOType: e.text("additional_info.bo_type", info.BOType), BSDA: e.text("additional_info.bsda", info.BSDA),
		Email: e.text("additional_info.email", info.Email), Status: e.text("additional_info.status", info.Status),
		Nominee:    e.text("additional_info.nominee", info.Nominee),
		LinkedPANs: e.list("additional_info.linked_pans", info.LinkedPANs),
	}
	n.holders(storage.KindOfDemat, at, &a.LinkedHolders, &e)

	e.members("holdings.", a.Holdings.Extra)
	holding := 0 // counted over all classes: it is the place within the account
	for _, class := range []struct {
		name, wire string
		holdings   *casapi.List[casapi.Holding]
	}{
		{storage.AssetEquity, "equities", &a.Holdings.Equities},
		{storage.AssetCorporateBond, "corporate_bonds", &a.Holdings.CorporateBonds},
		{storage.AssetGovernmentSecurity, "government_securities", &a.Holdings.GovernmentSecurities},
		{storage.AssetAIF, "aifs", &a.Holdings.AIFs},
		{storage.AssetDematMutualFund, "demat_mutual_funds", &a.Holdings.DematMutualFunds},
	} {
		e.unreadable("holdings."+class.wire, class.holdings.Unreadable)
		for i := range class.holdings.Items {
			n.holding(at, holding, class.name, &class.holdings.Items[i])
			holding++
		}
	}
	row.Extra = e.json()
	n.out.DematAccounts = append(n.out.DematAccounts, row)
}

func (n *normalizer) holding(account, at int, class string, h *casapi.Holding) {
	e := extra{}
	e.members("", h.Extra)
	e.members("additional_info.", h.AdditionalInfo.Extra)
	info := &h.AdditionalInfo
	// Bond fields stand flat or in additional_info, as releases of the API have it.
	row := storage.DematHolding{
		Account: account, Holding: at, AssetClass: class,
		ISIN: e.text("isin", h.ISIN), Name: e.text("name", h.Name), Units: e.decimal("units", h.Units), Value: e.decimal("value", h.Value),
		OpenUnits:    e.decimal("additional_info.open_units", info.OpenUnits),
		CloseUnits:   e.decimal("additional_info.close_units", info.CloseUnits),
		CouponRate:   e.either(e.text, "coupon_rate", h.CouponRate, info.CouponRate),
		MaturityDate: e.either(e.date, "maturity_date", h.MaturityDate, info.MaturityDate),
		FaceValue:    e.either(e.decimal, "face_value", h.FaceValue, info.FaceValue),
		MarketValue:  e.either(e.decimal, "market_value", h.MarketValue, info.MarketValue),
	}
	n.transactions(storage.KindOfDemat, account, at, &h.Transactions, &e)
	row.Extra = e.json()
	n.out.DematHoldings = append(n.out.DematHoldings, row)
}

func (n *normalizer) folio(at int, f *casapi.Folio) {
	e := extra{}
	e.members("", f.Extra)
	e.members("additional_info.", f.AdditionalInfo.Extra)
	info := &f.AdditionalInfo
	row := storage.Folio{
		FolioNumber: e.text("folio_number", f.FolioNumber), AMC: e.text("amc", f.AMC), RTA: e.text("registrar", f.RTA),
		Value: e.decimal("value", f.Value), PAN: e.text("additional_info.pan", info.PAN),
		PANKYC: e.text("additional_info.pankyc", info.PANKYC), KYC: e.text("additional_info.kyc", info.KYC),
	}
	if pan := readPAN(info.PAN); pan != "" {
		row.PAN = pan
		n.holderPANs = append(n.holderPANs, pan)
	}
	n.holders(storage.KindOfMutualFund, at, &f.LinkedHolders, &e)
	e.unreadable("schemes", f.Schemes.Unreadable)
	for i := range f.Schemes.Items {
		n.scheme(at, i, &f.Schemes.Items[i])
	}
	row.Extra = e.json()
	n.out.Folios = append(n.out.Folios, row)
}

func (n *normalizer) scheme(folio, at int, s *casapi.Scheme) {
	e := extra{}
	e.members("", s.Extra)
	e.members("gain.", s.Gain.Extra)
	e.members("additional_info.", s.AdditionalInfo.Extra)
	info := &s.AdditionalInfo
	row := storage.Scheme{
		Folio: folio, Scheme: at,
		ISIN: e.text("isin", s.ISIN), Name: e.text("name", s.Name), Type: e.text("type", s.Type), Units: e.decimal("units", s.Units),
		NAV: e.decimal("nav", s.NAV), Value: e.decimal("value", s.Value), Cost: e.decimal("cost", s.Cost),
		GainAbsolute: e.decimal("gain.absolute", s.Gain.Absolute), GainPercentage: e.decimal("gain.percentage", s.Gain.Percentage),
		Nominees: e.list("nominees", s.Nominees), Advisor: e.text("additional_info.advisor", info.Advisor),
		RTACode: e.text("additional_info.rta_code", info.RTACode), AMFI: e.text("additional_info.amfi", info.AMFI),
		IsDemat:    e.bool("additional_info.is_demat", info.IsDemat),
		OpenUnits:  e.decimal("additional_info.open_units", info.OpenUnits),
		CloseUnits: e.decimal("additional_info.close_units", info.CloseUnits),
	}
	n.transactions(storage.KindOfMutualFund, folio, at, &s.Transactions, &e)
	row.Extra = e.json()
	n.out.Schemes = append(n.out.Schemes, row)
}

func (n *normalizer) transactions(kind string, account, holding int, transactions *casapi.List[casapi.Transaction], parent *extra) {
	parent.unreadable("transactions", transactions.Unreadable)
	for i := range transactions.Items {
		t := &transactions.Items[i]
		info := &t.AdditionalInfo
		e := extra{}
		e.members("", t.Extra)
		e.members("additional_info.", info.Extra)
		row := storage.Transaction{
			HoldingKind: kind, Account: account, Holding: holding, Ordinal: i,
			Date: e.date("date", t.Date), Description: e.text("description", t.Description), Type: e.text("type", t.Type),
			Amount: e.decimal("amount", t.Amount), Units: e.decimal("units", t.Units), Balance: e.decimal("balance", t.Balance),
			NAV: e.decimal("nav", t.NAV), DividendRate: e.decimal("dividend_rate", t.DividendRate),
			Credit: e.decimal("additional_info.credit", info.Credit), Debit: e.decimal("additional_info.debit", info.Debit),
			StampDuty: e.decimal("additional_info.stamp_duty", info.StampDuty), OrderNo: e.text("additional_info.order_no", info.OrderNo),
			Price:              e.decimal("additional_info.price", info.Price),
			IncomeDistribution: e.decimal("additional_info.income_distribution", info.IncomeDistribution),
			CapitalWithdrawal:  e.decimal("additional_info.capital_withdrawal", info.CapitalWithdrawal),
		}
		row.Extra = e.json()
		n.out.Transactions = append(n.out.Transactions, row)
	}
}

func (n *normalizer) insurance(i *casapi.Insurance) {
	for at := range i.LifeInsurancePolicies.Items {
		p := &i.LifeInsurancePolicies.Items[at]
		e := extra{}
		e.members("", p.Extra)
		e.members("additional_info.", p.AdditionalInfo.Extra)
		row := storage.InsurancePolicy{
			PolicyNumber: e.text("policy_number", p.PolicyNumber), Provider: e.text("provider", p.Provider),
			PolicyName: e.text("policy_name", p.PolicyName), LifeAssured: e.text("life_assured", p.LifeAssured),
			Status: e.text("status", p.Status), PremiumFrequency: e.text("premium_frequency", p.PremiumFrequency),
			SumAssured: e.decimal("sum_assured", p.SumAssured), PremiumAmount: e.decimal("premium_amount", p.PremiumAmount),
		}
		row.Extra = e.json()
		n.out.InsurancePolicies = append(n.out.InsurancePolicies, row)
	}
}

func (n *normalizer) npsAccount(at int, a *casapi.NPSAccount) {
	e := extra{}
	e.members("", a.Extra)
	e.members("additional_info.", a.AdditionalInfo.Extra)
	row := storage.NPSAccount{PRAN: e.text("pran", a.PRAN), CRA: e.text("cra", a.CRA), Value: e.decimal("value", a.Value)}
	n.holders(storage.KindOfNPS, at, &a.LinkedHolders, &e)
	e.unreadable("funds", a.Funds.Unreadable)
	for i := range a.Funds.Items {
		f := &a.Funds.Items[i]
		fe := extra{}
		fe.members("", f.Extra)
		fe.members("additional_info.", f.AdditionalInfo.Extra)
		fund := storage.NPSFund{
			Account: at, Fund: i, Name: fe.text("name", f.Name), Units: fe.decimal("units", f.Units), NAV: fe.decimal("nav", f.NAV),
			Value: fe.decimal("value", f.Value), Cost: fe.decimal("cost", f.Cost),
			Tier: fe.text("additional_info.tier", f.AdditionalInfo.Tier), Manager: fe.text("additional_info.manager", f.AdditionalInfo.Manager),
		}
		fund.Extra = fe.json()
		n.out.NPSFunds = append(n.out.NPSFunds, fund)
	}
	row.Extra = e.json()
	n.out.NPSAccounts = append(n.out.NPSAccounts, row)
}
