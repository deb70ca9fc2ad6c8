package jobs

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/samples"
	"casflow/internal/storage"
)

// addsUp is an answer in which everything adds up.
const addsUp = `{
	"meta": {"cas_type": "NSDL", "statement_period": {"from": "2025-04-01", "to": "2025-04-30"}, "generated_at": "2025-05-01T10:20:30+05:30"},
	"investor": {"name": "Zed Example", "pan": "ZZZPZ0000Z"},
	"summary": {"total_value": 1000.30, "accounts": {
		"demat": {"count": 1, "total_value": 100.10}, "mutual_funds": {"count": 1, "total_value": 200.20},
		"insurance": {"count": 1, "total_value": 0}, "nps": {"count": 1, "total_value": 700}}},
	"demat_accounts": [{"value": 100.10, "linked_holders": [{"pan": "ZZZPY0001Y"}, {"pan": "ZZZPZ0000Z"}], "holdings": {
		"equities": [{"value": 60.05, "additional_info": {"open_units": 10, "close_units": 15},
			"transactions": [{"date": "2025-04-07", "additional_info": {"credit": 7}}, {"date": "2025-04-08", "units": 2, "additional_info": {"debit": 2}}]}],
		"aifs": [{"value": 40.05}]}}],
	"mutual_funds": [{"value": 200.20, "additional_info": {"pan": "ZZZPZ0000Z"}, "schemes": [
		{"value": 200.20, "additional_info": {"open_units": 1.5, "close_units": 3.5}, "transactions": [{"date": "2025-04-07", "type": "PURCHASE", "units": 2}]}]}],
	"insurance": {"life_insurance_policies": [{"sum_assured": 5}]},
	"nps": [{"value": 700, "linked_holders": [{"pan": null}], "funds": [{"value": 300}, {"value": 400}]}]
}`

func TestNormalize_Checks(t *testing.T) {
	t.Parallel()
	account := func(name, table, at, expected, found, difference string) storage.Check {
		return storage.Check{Name: name, Subject: table, Account: at, Expected: expected, Found: found, Difference: difference}
	}
	for name, test := range map[string]struct {
		old, new string // what is changed in addsUp
		want     []storage.Check
	}{
		"Nothing":        {"", "", nil},
		"WithinATenth":   {`60.05`, `60.06`, nil}, // of a rupee, that is: a hundredth is rounded away
		"BeyondIt":       {`60.05`, `60.060000000000000000001`, []storage.Check{account(checkAccountValue, tableDematAccounts, "0", "100.1", "100.110000000000000000001", "0.010000000000000000001")}},
		"AHoldingIsLess": {`{"value": 40.05}`, `{"value": "-1,00,000"}`, []storage.Check{account(checkAccountValue, tableDematAccounts, "0", "100.1", "-99939.95", "-100040.05")}},
		"HoldingUnknown": {`{"value": 40.05}`, `{"value": "N/A"}`, nil},
		"HoldingsGone":   {`"holdings": {`, `"holding": {`, []storage.Check{account(checkAccountValue, tableDematAccounts, "0", "100.1", "0", "-100.1")}},
		"FarBeyond":      {`{"value": 40.05}`, `{"value": 1e20}`, []storage.Check{account(checkAccountValue, tableDematAccounts, "0", "100.1", "100000000000000000060.05", "99999999999999999959.95")}},
		"SchemeValue":    {`"schemes": [` + "\n\t\t" + `{"value": 200.20`, `"schemes": [{"value": 200`, []storage.Check{account(checkAccountValue, tableFolios, "0", "200.2", "200", "-0.2")}},
		"FundValue":      {`{"value": 300}`, `{"value": 0}`, []storage.Check{account(checkAccountValue, tableNPSAccounts, "0", "700", "400", "-300")}},
		"ClassValue":     {`"count": 1, "total_value": 700`, `"count": 1, "total_value": 701`, []storage.Check{account(checkClassValue, "nps", "", "701", "700", "-1")}},
		"TotalValue":     {`1000.30`, `1000`, []storage.Check{account(checkTotalValue, tableStatements, "", "1000", "1000.3", "0.3")}},
		"TotalUnknown":   {`1000.30`, `null`, nil},
		"InsuranceTold":  {`"insurance": {"count": 1, "total_value": 0}`, `"insurance": {"count": 1, "total_value": 50}`, nil},
		"InsuranceInTotal": {
			`1000.30, "accounts": {` + "\n\t\t" + `"demat": {"count": 1, "total_value": 100.10}, "mutual_funds": {"count": 1, "total_value": 200.20},` + "\n\t\t" + `"insurance": {"count": 1, "total_value": 0}`,
			`1050.30, "accounts": {"insurance": {"count": 1, "total_value": 50}`, nil,
		},
		"Count":       {`"demat": {"count": 1`, `"demat": {"count": 3`, []storage.Check{account(checkClassCount, "demat", "", "3", "1", "-2")}},
		"CountPolicy": {`"insurance": {"count": 1`, `"insurance": {"count": 0`, []storage.Check{account(checkClassCount, "insurance", "", "0", "1", "1")}},
		"DematUnits": {`"credit": 7`, `"credit": 8`, []storage.Check{{
			Name: checkUnits, Subject: tableDematHoldings, Account: "0", Holding: "0", Expected: "15", Found: "16", Difference: "1",
		}}},
		"SchemeUnits": {`"units": 2}]}]}]`, `"units": -2}]}]}]`, []storage.Check{{
			Name: checkUnits, Subject: tableSchemes, Account: "0", Holding: "0", Expected: "3.5", Found: "-0.5", Difference: "-4",
		}}},
		"RedemptionUnsigned": {`"type": "PURCHASE", "units": 2}`, `"type": "Redemption", "units": 1}, {"type": "SWITCH_IN", "units": 3}`, nil},
		"UnitsUnknown":       {`"units": 2}]}]}]`, `"units": null}]}]}]`, nil},
		"TaxMovesNone":       {`"units": 2}]}]}]`, `"units": 2}, {"type": "STAMP_DUTY_TAX", "amount": 1}]}]}]`, nil},
		"ReversalOfNothing":  {`"units": 2}]}]}]`, `"units": 2}, {"type": "REVERSAL", "amount": -1}]}]}]`, nil},
		"MovementsMissing": {
			`"transactions": [{"date": "2025-04-07", "type": "PURCHASE", "units": 2}]}`,
			`"transactions": []}, {"value": 0, "transactions": [{"type": "PURCHASE", "units": 2}]}`,
			[]storage.Check{{
				Name: checkUnits, Subject: tableSchemes, Account: "0", Holding: "0", Expected: "3.5", Found: "1.5", Difference: "-2",
			}},
		},
		"HoldingsOnly": {`"transactions": [{"date": "2025-04-07", "type": "PURCHASE", "units": 2}]`, `"transactions": null`, nil},
		"PeriodOrder": {`"from": "2025-04-01"`, `"from": "2025-05-10"`, []storage.Check{{
			Name: checkPeriodOrder, Subject: tableStatements, Difference: "10", Detail: "the period begins on 2025-05-10 and ends on 2025-04-30",
		}}},
		"PeriodInFuture": {`"to": "2025-04-30"`, `"to": "2025-05-02"`, []storage.Check{{
			Name: checkFutureDate, Subject: tableStatements, Difference: "1", Detail: "the period ends on 2025-05-02, and the answer arrived on 2025-05-01",
		}}},
		"TransactionsInFuture": {`"units": 2}]}]}]`, `"units": 2}, {"date": "2025-06-01"}, {"date": "2025-05-02"}]}]}]`, []storage.Check{{
			Name: checkFutureDate, Subject: tableTransactions, Account: "0", Holding: "0", Ordinal: "1", Difference: "31",
			Detail: "a transaction is on 2025-06-01, and the answer arrived on 2025-05-01",
		}}},
		"HolderPAN": {`{"pan": "ZZZPZ0000Z"}]`, `{"pan": "ZZZPX0002X"}]`, []storage.Check{{
			Name: checkHolderPAN, Subject: tableDematAccounts, Account: "0", Detail: "of the PANs that it names none is the statement's",
		}}},
		"FolioPAN": {`{"pan": "ZZZPZ0000Z"}, "schemes"`, `{"pan": "ZZZPX0002X"}, "schemes"`, []storage.Check{{
			Name: checkHolderPAN, Subject: tableFolios, Account: "0", Detail: "of the PANs that it names none is the statement's",
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(addsUp, test.old) {
				t.Fatalf("addsUp has no %s", test.old)
			}
			statement, err := readAnswer([]byte(strings.Replace(addsUp, test.old, test.new, 1)), storage.KindSmart)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, statement.Checks); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestNormalize_ChecksOfSamples: in samples, which are made by other code and add
// up, nothing is flagged.
func TestNormalize_ChecksOfSamples(t *testing.T) {
	t.Parallel()
	moved := 0
	for s := range samples.Generate(samples.Options{Investors: 12, Months: 3, Seed: 5}) {
		body, err := json.Marshal(s.Statement)
		if err != nil {
			t.Fatal(err)
		}
		read, err := normalize(source{body: body, kind: storage.KindSmart, receivedAt: receivedAt.AddDate(1, 0, 0)})
		if err != nil {
			t.Fatal(err)
		}
		statement := asStatement(t, read)
		if len(statement.Checks) > 0 || len(read.unreadable) > 0 {
			t.Errorf("%s: %+v, unreadable %v", s.Filename, statement.Checks, read.unreadable)
		}
		rebuilt, err := statement.Answer()
		if err != nil {
			t.Fatal(err)
		}
		assertRebuilt(t, body, rebuilt)
		moved += len(statement.Transactions)
	}
	if moved < 100 {
		t.Errorf("the samples have %d transactions only", moved)
	}
}

// TestNumber holds sums against the numbers of another library.
func TestNumber(t *testing.T) {
	t.Parallel()
	texts := []string{
		"0", "-0", "0.10", "-0.01", "12", "999999999999999999", "-999999999999999999", "9999999999999999999", "0.000000000000000001",
		"123456789.123456789", "1e3", "-1.5e-7", "1e400", "0.3333333333333333333333333333",
	}
	for _, a := range texts {
		for _, b := range texts {
			x, y := amount(a), amount(b)
			got, want := x.plus(y).rat(), new(big.Rat).Add(x.rat(), y.rat())
			if got.Cmp(want) != 0 {
				t.Errorf("%s + %s = %s, want %s", a, b, got, want)
			}
			if got := x.minus(y).sign(); got != x.rat().Cmp(y.rat()) {
				t.Errorf("%s - %s has sign %d", a, b, got)
			}
		}
		if got := fmt.Sprint(amount(a).negative().negative()); oneForm(got) != oneForm(a) {
			t.Errorf("%s is written as %s", a, got)
		}
	}
	for _, text := range []string{"", "x", "-", ".5x", "1,5"} {
		if n := amount(text); n.known || n.plus(count(1)).known || n.sign() != 0 {
			t.Errorf("%q is read as %s", text, n)
		}
	}
}
