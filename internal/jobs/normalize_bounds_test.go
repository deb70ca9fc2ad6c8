package jobs

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestNormalize_Bounds: whatever an answer is like, it is stored and given back, or
// refused with the reason.
func TestNormalize_Bounds(t *testing.T) {
	t.Parallel()
	deep := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	account := func(member string) string { return `"demat_accounts":[{` + member + `}]` }
	for name, test := range map[string]struct {
		members string
		refused string // "": stored
	}{
		"NUL":               {`"new\u0000":"\u0000",` + account(`"dp_name":"a\u0000b"`), ""},
		"InvalidUTF8":       {"\"new\xff\":\"\xfe\xff\"," + account("\"dp_name\":\"a\xc3(\""), ""},
		"HalfSurrogate":     {account(`"dp_name":"\ud800"`), ""},
		"NumberOverflows":   {account(`"value":1e131072,"new":-1e999999999999`), ""},
		"NumberUnderflows":  {account(`"value":1e-16384`), ""},
		"DigitsOverflow":    {account(`"value":` + strings.Repeat("9", 140_000)), ""},
		"IntegerOverflows":  {`"summary":{"accounts":{"demat":{"count":2147483648},"nps":{"count":1e99}}}`, ""},
		"DateOverflows":     {account(`"holdings":{"corporate_bonds":[{"maturity_date":"9999-12-31"},{"maturity_date":"10000-01-01"},{"maturity_date":"0000-01-01"}]}`), ""},
		"LongType":          {`"new":{"cas_type":"` + strings.Repeat("x", 10_000) + `"}`, ""},
		"LongText":          {account(`"dp_name":"` + strings.Repeat("x", 5<<20) + `"`), ""},
		"ManyFarNumbers":    {`"new":[` + strings.Repeat("1e400,", 200_000) + `1]`, ""},
		"Nested":            {`"new":` + deep(9_998) + "," + account(`"dp_name":`+deep(9_997)), ""},
		"NestedObjects":     {`"new":` + strings.Repeat(`{"a":`, 9_998) + "1" + strings.Repeat("}", 9_998), ""},
		"NestedTooDeep":     {`"new":` + deep(10_000), "nested deeper than 10000 levels"},
		"TooManyInFlatList": {account(`"holdings":[` + strings.Repeat("{},", 1_500_000) + `{}]`), "more objects and lists than can be held in memory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := []byte(`{` + april + `,"investor":{"pan":"` + zed + `"},` + test.members + `}`)
			statement, err := readAnswer(body, storage.KindSmart)
			if test.refused != "" {
				if !errors.Is(err, errBadAnswer) || !strings.HasSuffix(err.Error(), test.refused) {
					t.Errorf("normalize() = %v, want errBadAnswer: %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			assertStored(t, body, statement)
		})
	}
}

// assertStored saves a statement and checks that its answer comes back.
func assertStored(t *testing.T, body []byte, statement *storage.Statement) {
	t.Helper()
	db := storagetest.New(t)
	saveAnswer(t, db, "a.pdf", body, statement)
	rebuilt, err := db.RebuildAnswer(t.Context(), statement.Key)
	if err != nil {
		t.Fatal(err)
	}
	assertRebuilt(t, body, rebuilt)
}

// TestNormalize_LongType: a type of no sensible length is none: it would not fit
// the keys of the tables.
func TestNormalize_LongType(t *testing.T) {
	t.Parallel()
	body := []byte(`{"meta":{"cas_type":"` + strings.Repeat("x", 10_000) + `","statement_period":{"to":"2025-04-30"}},"investor":{"pan":"` + zed + `"}}`)
	statement, err := readAnswer(body, storage.KindNSDL)
	if err != nil || statement.Key.CASType != "NSDL" {
		t.Fatalf("normalize() = %+v, %v, want type NSDL", statement, err)
	}
	assertStored(t, body, statement)
}

// TestNormalize_ManyTransactions: 100,000 of them in one answer are stored like any.
func TestNormalize_ManyTransactions(t *testing.T) {
	t.Parallel()
	const transactions = 100_000
	var b strings.Builder
	b.WriteString(`{` + april + `,"investor":{"pan":"` + zed + `"},"mutual_funds":[{"schemes":[{"additional_info":{"open_units":0,"close_units":100000},"transactions":[`)
	for i := range transactions {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"date":"2025-04-%02d","description":"SIP instalment %d","type":"PURCHASE_SIP","amount":999.95,"units":1.000,"balance":%d,"nav":38.4102}`, i%28+1, i, i+1)
	}
	b.WriteString(`]}]}]}`)
	body := []byte(b.String())
	statement, err := readAnswer(body, storage.KindSmart)
	if err != nil {
		t.Fatal(err)
	}
	if len(statement.Transactions) != transactions || len(statement.Checks) != 0 {
		t.Errorf("%d transactions, failed checks %+v; want %d and none", len(statement.Transactions), statement.Checks, transactions)
	}
	assertStored(t, body, statement)
}
