package samples_test

import (
	"strconv"
	"strings"
	"testing"

	"casflow/internal/samples"
)

// seen counts what a run shows, by a name of each thing.
type seen map[string]int

func (s seen) if1(condition bool, what string) {
	if condition {
		s[what]++
	}
}

func (s seen) statement(st *samples.Statement) {
	s.if1(st.Meta.CASType == samples.SourceNSDL && len(st.NPS) > 0, "NPS")
	s.if1(len(st.Insurance.LifeInsurancePolicies) > 0, "insurance")
	s.if1(st.Insurance.LifeInsurancePolicies == nil, "no insurance list")
	s.if1(st.Investor.Email == "", "unknown email")
	s.if1(st.Investor.Mobile == "", "unknown mobile")
	s.if1(st.Investor.Address == "", "unknown address")
	s.if1(st.Investor.CASID == "", "unknown CAS ID")
	depositories := map[samples.Source]bool{}
	for i := range st.DematAccounts {
		a := &st.DematAccounts[i]
		depositories[a.DematType] = true
		s.if1(len(a.LinkedHolders) > 1, "joint demat account")
		s.if1(len(a.AdditionalInfo.LinkedPANs) > 0, "linked PANs")
		s.if1(a.AdditionalInfo.Nominee != "", "demat nominee")
		for kind, h := range a.Holdings.All() {
			s["kind "+string(kind)]++
			s.if1(h.CouponRate != "", "flat bond terms")
			s.if1(h.AdditionalInfo.CouponRate != "", "nested bond terms")
			s.if1(h.AdditionalInfo.CloseUnits == "", "unknown closing units")
			s.if1(len(h.Transactions) > 0, "demat transactions")
			s.rows(h.Transactions)
		}
	}
	s.if1(len(depositories) == 2, "accounts at both depositories")
	s.funds(st)
}

func (s seen) funds(st *samples.Statement) {
	folioOf := map[string]string{}
	for _, f := range st.MutualFunds {
		s.if1(len(f.Schemes) > 1, "folio of several schemes")
		s.if1(len(f.LinkedHolders) > 1, "joint folio")
		s.if1(f.FolioNumber == "", "placeholder folio")
		s.if1(strings.Contains(f.FolioNumber, "/"), "folio number with a slash")
		s.if1(f.Registrar == "", "unknown registrar")
		s.if1(st.Meta.CASType != samples.SourceCAMSKFintech && f.FolioNumber != "", "folio in an eCAS")
		for _, sc := range f.Schemes {
			s.if1(folioOf[sc.ISIN] != "" && folioOf[sc.ISIN] != f.FolioNumber, "one ISIN in two folios")
			folioOf[sc.ISIN] = f.FolioNumber
			s.if1(len(sc.Nominees) > 0, "nominees")
			s.if1(sc.AdditionalInfo.IsDemat != nil, "is_demat")
			s.if1(sc.Cost == "", "unknown cost")
			s.if1(len(sc.Units) > 19, "more digits than a double holds")
			s["scheme type "+sc.Type]++
			s.rows(sc.Transactions)
		}
	}
}

func (s seen) rows(rows []samples.Transaction) {
	for i, row := range rows {
		s["transaction "+string(row.Type)]++
		s.if1(row.DividendRate != "", "dividend rate")
		s.if1(row.Type == samples.TypeReversal && row.Units == "", "reversal without units")
		s.if1(row.Type == samples.TypeRedemption && strings.HasPrefix(string(row.Units), "-"), "negative redemption")
		s.if1(i > 0 && row == rows[i-1], "two equal rows on a day")
		s.if1(row.AdditionalInfo.Credit != "", "credit")
		s.if1(row.AdditionalInfo.Debit != "", "debit")
		s.if1(row.AdditionalInfo.OrderNo != "", "order number")
		s.if1(row.AdditionalInfo.StampDuty != "", "stamp duty")
		s.if1(row.AdditionalInfo.Price != "", "price")
		s.if1(row.AdditionalInfo.IncomeDistribution != "", "income distribution")
	}
}

func TestGenerate_Breadth(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			got := seen{}
			for s := range samples.Generate(samples.Options{Investors: 40, Seed: seed}) {
				got.statement(s.Statement)
			}
			for _, what := range everything() {
				if got[what] == 0 {
					t.Errorf("40 investors show no %s", what)
				}
			}
		})
	}
}

// everything is what 40 investors must show, whatever the seed.
func everything() []string {
	want := strings.Split("NPS,insurance,no insurance list,unknown email,unknown mobile,unknown address,"+
		"unknown CAS ID,joint demat account,linked PANs,demat nominee,flat bond terms,nested bond terms,"+
		"unknown closing units,demat transactions,accounts at both depositories,folio of several schemes,"+
		"joint folio,placeholder folio,folio number with a slash,unknown registrar,folio in an eCAS,"+
		"one ISIN in two folios,nominees,is_demat,unknown cost,more digits than a double holds,dividend rate,"+
		"reversal without units,negative redemption,two equal rows on a day,credit,debit,order number,"+
		"stamp duty,price,income distribution,scheme type Equity,scheme type Debt,scheme type Hybrid,"+
		"scheme type Other", ",")
	for _, kind := range []samples.Kind{
		samples.KindEquities, samples.KindCorporateBonds, samples.KindGovernmentSecurities, samples.KindAIFs,
		samples.KindDematMutualFunds,
	} {
		want = append(want, "kind "+string(kind))
	}
	for _, typ := range []samples.TransactionType{
		samples.TypePurchase, samples.TypePurchaseSIP, samples.TypeRedemption, samples.TypeSwitchIn,
		samples.TypeSwitchInMerger, samples.TypeSwitchOut, samples.TypeSwitchOutMerger,
		samples.TypeDividendPayout, samples.TypeDividendReinvest, samples.TypeSegregation,
		samples.TypeStampDutyTax, samples.TypeTDSTax, samples.TypeSTTTax, samples.TypeMisc,
		samples.TypeReversal, samples.TypeUnknown,
	} {
		want = append(want, "transaction "+string(typ))
	}
	return want
}
