package jobs

import (
	"casflow/internal/casapi"
	"casflow/internal/storage"
)

func (n *normalizer) insurance(i *casapi.Insurance) {
	for at := range i.LifeInsurancePolicies.Items {
		p := &i.LifeInsurancePolicies.Items[at]
		r := n.row(tableInsurancePolicies)
		r.members("", p.Extra)
		r.members("additional_info", p.AdditionalInfo.Extra)
		policy := storage.InsurancePolicy{
			PolicyNumber: r.text("policy_number", p.PolicyNumber), Provider: r.text("provider", p.Provider),
			PolicyName: r.text("policy_name", p.PolicyName), LifeAssured: r.text("life_assured", p.LifeAssured),
			Status: r.text("status", p.Status), PremiumFrequency: r.text("premium_frequency", p.PremiumFrequency),
			SumAssured: r.decimal("sum_assured", p.SumAssured), PremiumAmount: r.decimal("premium_amount", p.PremiumAmount),
		}
		policy.Rest = r.rest()
		n.out.InsurancePolicies = append(n.out.InsurancePolicies, policy)
	}
}

func (n *normalizer) npsAccount(at int, a *casapi.NPSAccount) {
	r := n.row(tableNPSAccounts)
	r.members("", a.Extra)
	r.members("additional_info", a.AdditionalInfo.Extra)
	account := storage.NPSAccount{PRAN: r.text("pran", a.PRAN), CRA: r.text("cra", a.CRA), Value: r.decimal("value", a.Value)}
	n.linkedHolders(storage.KindOfNPS, at, &a.LinkedHolders, r)
	list(r, "funds", &a.Funds)
	for i := range a.Funds.Items {
		n.npsFund(at, i, &a.Funds.Items[i])
	}
	account.Rest = r.rest()
	n.out.NPSAccounts = append(n.out.NPSAccounts, account)
}

func (n *normalizer) npsFund(account, at int, f *casapi.NPSFund) {
	r, info := n.row(tableNPSFunds), &f.AdditionalInfo
	r.members("", f.Extra)
	r.members("additional_info", info.Extra)
	fund := storage.NPSFund{
		Account: account, Fund: at, Name: r.text("name", f.Name), Units: r.decimal("units", f.Units), NAV: r.decimal("nav", f.NAV),
		Value: r.decimal("value", f.Value), Cost: r.decimal("cost", f.Cost),
		Tier: r.text("additional_info.tier", info.Tier), Manager: r.text("additional_info.manager", info.Manager),
	}
	fund.Rest = r.rest()
	n.out.NPSFunds = append(n.out.NPSFunds, fund)
}
