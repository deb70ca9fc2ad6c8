package jobs

import (
	"iter"
	"strings"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// places yields the index of each element of a list and its place in the array,
// where null may have stood before it.
func places(nulls []int, n int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		skipped := 0
		for i := range n {
			for skipped < len(nulls) && nulls[skipped] == i+skipped {
				skipped++
			}
			if !yield(i, i+skipped) {
				return
			}
		}
	}
}

// mutualFunds reads the folios. Some clients see them inside an object for each
// AMC, instead of or beside those that stand for themselves.
func (n *normalizer) mutualFunds(funds *casapi.List[casapi.Folio]) {
	var groups []storage.FolioGroup
	for i, at := range places(funds.Nulls, len(funds.Items)) {
		f := &funds.Items[i]
		if !isGroup(f) {
			n.folio(f, &casapi.Folio{})
			continue
		}
		folios, err := casapi.ReadList[casapi.Folio](f.Extra["folios"])
		if err != nil {
			n.err = err
			return
		}
		groups = append(groups, storage.FolioGroup{At: at, Count: len(folios.Items), Nulls: folios.Nulls})
		delete(f.Extra, "folios")
		path := index("mutual_funds", at)
		n.header.members(path, f.Extra)
		n.header.keep(path+".amc", f.AMC)
		n.header.keep(path+".registrar", f.RTA)
		n.header.keep(path+".value", f.Value)
		for j := range folios.Items {
			n.folio(&folios.Items[j], f)
		}
	}
	if groups != nil {
		n.header.forms().FolioGroups(groups)
	}
}

// isGroup reports whether an object holds folios and nothing else that a folio
// has beyond its AMC, RTA and value.
func isGroup(f *casapi.Folio) bool {
	info := &f.AdditionalInfo
	return strings.HasPrefix(string(f.Extra["folios"]), "[") && f.Extra["folios"].Known() &&
		!f.FolioNumber.Known() && isEmpty(&f.Schemes) && isEmpty(&f.LinkedHolders) &&
		!info.PAN.Known() && !info.PANKYC.Known() && !info.KYC.Known() && len(info.Extra) == 0
}

func isEmpty[T any](l *casapi.List[T]) bool {
	return len(l.Items) == 0 && len(l.Nulls) == 0 && !l.Unreadable.Known()
}

// folio reads a folio. Where it does not name its AMC and RTA itself, it has them
// from the object it stands in.
func (n *normalizer) folio(f, group *casapi.Folio) {
	at := len(n.out.Folios)
	r, info := n.row(tableFolios), &f.AdditionalInfo
	r.members("", f.Extra)
	r.members("additional_info", info.Extra)
	folio := storage.Folio{
		FolioNumber: r.text("folio_number", f.FolioNumber), AMC: r.inherited("amc", f.AMC, group.AMC),
		RTA: r.inherited("registrar", f.RTA, group.RTA), Value: r.decimal("value", f.Value),
		PAN: r.pan("additional_info.pan", info.PAN), PANKYC: r.text("additional_info.pankyc", info.PANKYC),
		KYC: r.text("additional_info.kyc", info.KYC),
	}
	n.named(folio.PAN)
	n.linkedHolders(storage.KindOfMutualFund, at, &f.LinkedHolders, r)
	list(r, "schemes", &f.Schemes)
	for i := range f.Schemes.Items {
		n.scheme(at, i, &f.Schemes.Items[i])
	}
	folio.Rest = r.rest()
	n.out.Folios = append(n.out.Folios, folio)
}

func (n *normalizer) scheme(folio, at int, s *casapi.Scheme) {
	r, info := n.row(tableSchemes), &s.AdditionalInfo
	r.members("", s.Extra)
	r.members("gain", s.Gain.Extra)
	r.members("additional_info", info.Extra)
	scheme := storage.Scheme{
		Folio: folio, Scheme: at,
		ISIN: r.text("isin", s.ISIN), Name: r.text("name", s.Name), Type: r.text("type", s.Type), Units: r.decimal("units", s.Units),
		NAV: r.decimal("nav", s.NAV), Value: r.decimal("value", s.Value), Cost: r.decimal("cost", s.Cost),
		GainAbsolute: r.decimal("gain.absolute", s.Gain.Absolute), GainPercentage: r.decimal("gain.percentage", s.Gain.Percentage),
		Nominees: r.texts("nominees", s.Nominees, casapi.Value.Text), Advisor: r.text("additional_info.advisor", info.Advisor),
		RTACode: r.text("additional_info.rta_code", info.RTACode), AMFI: r.text("additional_info.amfi", info.AMFI),
		IsDemat:    r.bool("additional_info.is_demat", info.IsDemat),
		OpenUnits:  r.decimal("additional_info.open_units", info.OpenUnits),
		CloseUnits: r.decimal("additional_info.close_units", info.CloseUnits),
	}
	n.transactions(storage.KindOfMutualFund, folio, at, &s.Transactions, r)
	scheme.Rest = r.rest()
	n.out.Schemes = append(n.out.Schemes, scheme)
}

func (n *normalizer) transactions(kind string, account, holding int, transactions *casapi.List[casapi.Transaction], parent *row) {
	list(parent, "transactions", transactions)
	for i := range transactions.Items {
		t := &transactions.Items[i]
		r, info := n.row(tableTransactions), &t.AdditionalInfo
		r.members("", t.Extra)
		r.members("additional_info", info.Extra)
		transaction := storage.Transaction{
			HoldingKind: kind, Account: account, Holding: holding, Ordinal: i,
			Date: r.date("date", t.Date), Description: r.text("description", t.Description), Type: r.text("type", t.Type),
			Amount: r.decimal("amount", t.Amount), Units: r.decimal("units", t.Units), Balance: r.decimal("balance", t.Balance),
			NAV: r.decimal("nav", t.NAV), DividendRate: r.decimal("dividend_rate", t.DividendRate),
			Credit: r.decimal("additional_info.credit", info.Credit), Debit: r.decimal("additional_info.debit", info.Debit),
			StampDuty: r.decimal("additional_info.stamp_duty", info.StampDuty), OrderNo: r.text("additional_info.order_no", info.OrderNo),
			Price:              r.decimal("additional_info.price", info.Price),
			IncomeDistribution: r.decimal("additional_info.income_distribution", info.IncomeDistribution),
			CapitalWithdrawal:  r.decimal("additional_info.capital_withdrawal", info.CapitalWithdrawal),
		}
		transaction.Rest = r.rest()
		n.out.Transactions = append(n.out.Transactions, transaction)
	}
}
