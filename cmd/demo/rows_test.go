package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/samples"
	"casflow/internal/storage/storagetest"
)

// null is how storagetest.Rows shows NULL.
const null = "<null>"

// columns are those of each table below its key, in the order in which expected
// lists them. The last is extra, the one before a table's first value its place.
var columns = map[string]string{
	"statements": `investor_name, investor_email, investor_mobile, investor_address, investor_pincode, cas_id, total_value, demat_count,
		demat_value, mutual_funds_count, mutual_funds_value, insurance_count, insurance_value, nps_count, nps_value, generated_at,
		generated_at_text, transaction_count, revision, extra`,
	"demat_accounts": `account_ordinal, demat_type, dp_id, dp_name, client_id, bo_id, value, bo_status, bo_sub_status, bo_type, bsda, email,
		status, nominee, to_json(linked_pans), extra`,
	"demat_holdings": `account_ordinal, holding_ordinal, asset_class, isin, name, units, value, open_units, close_units, coupon_rate,
		maturity_date, face_value, market_value, extra`,
	"mutual_fund_folios": `folio_ordinal, folio_number, amc, registrar, value, folio_pan, pankyc, kyc, extra`,
	"mutual_fund_schemes": `folio_ordinal, scheme_ordinal, isin, name, type, units, nav, value, cost, gain_absolute, gain_percentage,
		to_json(nominees), advisor, rta_code, amfi, is_demat, open_units, close_units, extra`,
	"transactions": `holding_kind, account_ordinal, holding_ordinal, ordinal, date, description, type, amount, units, balance, nav,
		dividend_rate, credit, debit, stamp_duty, order_no, price, income_distribution, capital_withdrawal, extra`,
	"insurance_policies": `ordinal, policy_number, provider, policy_name, life_assured, status, premium_frequency, sum_assured,
		premium_amount, extra`,
	"nps_accounts":   `account_ordinal, pran, cra, value, extra`,
	"nps_funds":      `account_ordinal, fund_ordinal, name, units, nav, value, cost, tier, manager, extra`,
	"linked_holders": `holder_kind, account_ordinal, ordinal, name, holder_pan, extra`,
}

// rowsEqual holds the rows of all tables against what is in the statements,
// value by value. Numbers are compared as text: not a digit may be another.
func (p *pipeline) rowsEqual(statements []*samples.Statement, revision int) {
	p.t.Helper()
	want := make(map[string][]string)
	for _, s := range statements {
		for table, rows := range expected(s, revision) {
			want[table] = append(want[table], rows...)
		}
	}
	for table, list := range columns {
		var got []string
		for _, row := range storagetest.Rows(p.t, p.url, "SELECT pan, period_from, period_to, cas_type, "+list+" FROM cas."+table) {
			row[len(row)-1] = canonical(p.t, row[len(row)-1])
			got = append(got, strings.Join(row, " | "))
		}
		slices.Sort(got)
		slices.Sort(want[table])
		if len(got) == 0 {
			p.t.Errorf("cas.%s is empty: the samples do not put it to the test", table)
		}
		if diff := cmp.Diff(want[table], got); diff != "" {
			p.t.Errorf("cas.%s (-want +got):\n%.4000s", table, diff)
		}
	}
	p.nothingFlagged()
}

// nothingFlagged holds the statements to what the samples promise: all of it adds up.
func (p *pipeline) nothingFlagged() {
	p.t.Helper()
	if failed := storagetest.Rows(p.t, p.url, `SELECT "check", subject, expected, found, detail FROM cas.statement_checks LIMIT 5`); len(failed) > 0 {
		p.t.Errorf("checks that fail: %v", failed)
	}
}

// canonical is JSON in one form; what is no JSON stays as it is.
func canonical(tb testing.TB, text string) string {
	tb.Helper()
	if text == null {
		return text
	}
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatalf("extra %s: %v", text, err)
	}
	return object(v)
}

func object[V any](members map[string]V) string {
	if len(members) == 0 {
		return null
	}
	text, err := json.Marshal(members)
	if err != nil {
		panic(err) // texts only
	}
	return string(text)
}

// infos are the members of a free additional_info as extra has them.
func infos(info map[string]string) string {
	extra := make(map[string]string, len(info))
	for name, value := range info {
		extra["additional_info."+name] = value
	}
	return object(extra)
}

// list is an array of texts as to_json shows it.
func list(texts []string) string {
	if len(texts) == 0 {
		return null
	}
	text, err := json.Marshal(texts)
	if err != nil {
		panic(err) // texts only
	}
	return string(text)
}

// instant is a timestamp as Postgres shows it in UTC; without a zone it is India's.
func instant(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if at, err = time.Parse(time.RFC3339, text+"+05:30"); err != nil {
			panic(err) // the samples have no others
		}
	}
	return at.UTC().Format("2006-01-02 15:04:05") + "+00"
}

// expectation collects the rows of one statement.
type expectation struct {
	key  []string
	rows map[string][]string
}

func (e *expectation) add(table string, cells ...any) {
	texts := slices.Clone(e.key)
	for _, cell := range cells {
		text := fmt.Sprint(cell)
		if text == "" {
			text = null
		}
		texts = append(texts, text)
	}
	e.rows[table] = append(e.rows[table], strings.Join(texts, " | "))
}

// expected are the rows that a statement is to become, by table.
func expected(s *samples.Statement, revision int) map[string][]string {
	e := &expectation{
		key:  []string{s.Investor.PAN, s.Meta.StatementPeriod.From, s.Meta.StatementPeriod.To, string(s.Meta.CASType)},
		rows: make(map[string][]string),
	}
	transactions := 0
	for i, a := range s.DematAccounts {
		info := a.AdditionalInfo
		e.add("demat_accounts", i, a.DematType, a.DPID, a.DPName, a.ClientID, a.BOID, a.Value, info.BOStatus, info.BOSubStatus, info.BOType,
			info.BSDA, info.Email, info.Status, info.Nominee, list(info.LinkedPANs), null)
		e.holders("demat", i, a.LinkedHolders)
		at := 0
		for kind, h := range a.Holdings.All() {
			terms := h.BondTerms
			if terms == (samples.BondTerms{}) {
				terms = h.AdditionalInfo.BondTerms
			}
			e.add("demat_holdings", i, at, assetClass(kind), h.ISIN, h.Name, h.Units, h.Value, h.AdditionalInfo.OpenUnits,
				h.AdditionalInfo.CloseUnits, terms.CouponRate, terms.MaturityDate, terms.FaceValue, terms.MarketValue, null)
			transactions += e.transactions("demat", i, at, h.Transactions)
			at++
		}
	}
	for i, f := range s.MutualFunds {
		info := f.AdditionalInfo
		e.add("mutual_fund_folios", i, f.FolioNumber, f.AMC, f.Registrar, f.Value, info.PAN, info.PANKYC, info.KYC, null)
		e.holders("mutual_fund", i, f.LinkedHolders)
		for j, c := range f.Schemes {
			info, demat := c.AdditionalInfo, null
			if info.IsDemat != nil {
				demat = strconv.FormatBool(*info.IsDemat)[:1]
			}
			e.add("mutual_fund_schemes", i, j, c.ISIN, c.Name, c.Type, c.Units, c.NAV, c.Value, c.Cost, c.Gain.Absolute, c.Gain.Percentage,
				list(c.Nominees), info.Advisor, info.RTACode, info.AMFI, demat, info.OpenUnits, info.CloseUnits, null)
			transactions += e.transactions("mutual_fund", i, j, c.Transactions)
		}
	}
	for i, policy := range s.Insurance.LifeInsurancePolicies {
		e.add("insurance_policies", i, policy.PolicyNumber, policy.Provider, policy.PolicyName, policy.LifeAssured, policy.Status,
			policy.PremiumFrequency, policy.SumAssured, policy.PremiumAmount, infos(policy.AdditionalInfo))
	}
	for i, a := range s.NPS {
		e.add("nps_accounts", i, a.PRAN, a.CRA, a.Value, infos(a.AdditionalInfo))
		e.holders("nps", i, a.LinkedHolders)
		for j, f := range a.Funds {
			e.add("nps_funds", i, j, f.Name, f.Units, f.NAV, f.Value, f.Cost, f.AdditionalInfo.Tier, f.AdditionalInfo.Manager, null)
		}
	}
	e.header(s, transactions, revision)
	return e.rows
}

func (e *expectation) header(s *samples.Statement, transactions, revision int) {
	accounts, investor := s.Summary.Accounts, s.Investor
	of := func(total *samples.AccountTotal) (count, value any) {
		if total == nil {
			return null, null
		}
		return total.Count, total.TotalValue
	}
	insurances, insured := of(accounts.Insurance)
	pensions, pension := of(accounts.NPS)
	e.add("statements", investor.Name, investor.Email, investor.Mobile, investor.Address, investor.Pincode, investor.CASID,
		s.Summary.TotalValue, accounts.Demat.Count, accounts.Demat.TotalValue, accounts.MutualFunds.Count, accounts.MutualFunds.TotalValue,
		insurances, insured, pensions, pension, instant(s.Meta.GeneratedAt), s.Meta.GeneratedAt, transactions, revision, null)
}

func (e *expectation) holders(kind string, account int, holders []samples.LinkedHolder) {
	for i, h := range holders {
		e.add("linked_holders", kind, account, i, h.Name, h.PAN, null)
	}
}

func (e *expectation) transactions(kind string, account, holding int, transactions []samples.Transaction) int {
	for i, t := range transactions {
		info := t.AdditionalInfo
		e.add("transactions", kind, account, holding, i, t.Date, t.Description, t.Type, t.Amount, t.Units, t.Balance, t.NAV, t.DividendRate,
			info.Credit, info.Debit, info.StampDuty, info.OrderNo, info.Price, info.IncomeDistribution, info.CapitalWithdrawal, null)
	}
	return len(transactions)
}

func assetClass(kind samples.Kind) string {
	switch kind {
	case samples.KindEquities:
		return "equity"
	case samples.KindCorporateBonds:
		return "corporate_bond"
	case samples.KindGovernmentSecurities:
		return "government_security"
	case samples.KindAIFs:
		return "aif"
	default:
		return "demat_mutual_fund"
	}
}
