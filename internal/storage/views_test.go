package storage_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// saveStatement saves s as the answer of a document of its own.
func saveStatement(t *testing.T, db *storage.DB, s *storage.Statement) {
	t.Helper()
	document := newDocument(s.Key.PAN+s.Key.CASType+s.Key.PeriodFrom+s.Key.PeriodTo+".pdf", storage.QueueBulk)
	record(t, db, document)
	if _, err := db.Save(t.Context(), answerFor(document.ID), s, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
}

// during is full for another period, with another value of its one equity.
func during(from, to, value string) *storage.Statement {
	s := full()
	s.Key.PeriodFrom, s.Key.PeriodTo = from, to
	s.DematHoldings[0].Value = value
	s.Schemes[0].Value, s.Schemes[0].Cost = "5500.50", "5000"
	s.Transactions[0].Description = "SIP for zzzpb0002z and ZZZPA0001Z, ref ZZZPA0001Z9"
	return s
}

// prepareViews saves statements of two PANs, one of them as of three periods, two of
// which end in one month.
func prepareViews(t *testing.T) (*storage.DB, string) {
	t.Helper()
	db, address := storagetest.NewURL(t)
	saveStatement(t, db, during("2025-04-01", "2025-04-30", "30"))
	saveStatement(t, db, during("2025-05-01", "2025-05-15", "36"))
	saveStatement(t, db, during("2025-05-01", "2025-05-31", "33.3"))
	other := during("2025-05-01", "2025-05-31", "99")
	other.Key.PAN = "ZZZPB0002Z"
	saveStatement(t, db, other)
	return db, address
}

func TestViews(t *testing.T) {
	t.Parallel()
	_, address := prepareViews(t)
	for name, test := range map[string]struct {
		sql  string
		want [][]string
	}{
		"Latest": {
			`SELECT period_from, period_to, investor_name FROM cas.latest_statements WHERE pan = 'ZZZPA0001Z'`,
			[][]string{{"2025-05-01", "2025-05-31", "Asha Sample"}},
		},
		"Holdings": {
			`SELECT period_to, held_in, account, asset_class, isin, units, round(price, 4), value, cost FROM cas.holdings_by_period
			 WHERE pan = 'ZZZPA0001Z' AND period_to IN ('2025-04-30', '2025-05-31') ORDER BY period_to, held_in`,
			[][]string{
				{"2025-04-30", "demat", "IN39999910004321", "equity", "INE0ZZ901010", "3", "10.0000", "30", "<null>"},
				{"2025-04-30", "mutual_fund", "77001234/56", "mutual_fund", "INF0ZZ9KA024", "143.217", "38.4068", "5500.50", "5000"},
				{"2025-05-31", "demat", "IN39999910004321", "equity", "INE0ZZ901010", "3", "11.1000", "33.3", "<null>"},
				{"2025-05-31", "mutual_fund", "77001234/56", "mutual_fund", "INF0ZZ9KA024", "143.217", "38.4068", "5500.50", "5000"},
			},
		},
		"Months": { // of May the statement that ends last
			`SELECT month, cas_type, asset_class, as_of, holdings, value FROM cas.portfolio_by_month
			 WHERE pan = 'ZZZPA0001Z' ORDER BY month, asset_class`,
			[][]string{
				{"2025-04-01", "NSDL", "equity", "2025-04-30", "1", "30"},
				{"2025-04-01", "NSDL", "mutual_fund", "2025-04-30", "1", "5500.50"},
				{"2025-04-01", "NSDL", "nps", "2025-04-30", "1", "1"},
				{"2025-05-01", "NSDL", "equity", "2025-05-31", "1", "33.3"},
				{"2025-05-01", "NSDL", "mutual_fund", "2025-05-31", "1", "5500.50"},
				{"2025-05-01", "NSDL", "nps", "2025-05-31", "1", "1"},
			},
		},
		"Transactions": {
			`SELECT held_in, account, asset_class, isin, date, type, amount FROM cas.all_transactions
			 WHERE pan = 'ZZZPA0001Z' AND period_to = '2025-04-30'`,
			[][]string{{"mutual_fund", "77001234/56", "mutual_fund", "INF0ZZ9KA024", "2025-04-07", "REDEMPTION", "-100.10"}},
		},
		"Masked": {
			`SELECT DISTINCT pan FROM (SELECT pan FROM cas.pan_masked_latest_statements UNION ALL SELECT pan FROM cas.pan_masked_holdings_by_period
			 UNION ALL SELECT pan FROM cas.pan_masked_portfolio_by_month UNION ALL SELECT pan FROM cas.pan_masked_all_transactions) AS m`,
			[][]string{{"ZZ*******Z"}},
		},
		"MaskedText": { // as package redact masks
			`SELECT DISTINCT description FROM cas.pan_masked_all_transactions`,
			[][]string{{"SIP for zz*******z and ZZ*******Z, ref ZZZPA0001Z9"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, storagetest.Rows(t, address, test.sql)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.sql, diff)
			}
		})
	}
}

// TestViews_Keys: what a view tells of one PAN is found by keys, however many there
// are.
func TestViews_Keys(t *testing.T) {
	t.Parallel()
	_, address := storagetest.NewURL(t)
	storagetest.Rows(t, address, `
INSERT INTO cas.statements (pan, period_from, period_to, cas_type, received_at, document_id, revision, transaction_count)
SELECT 'ZZZP' || lpad(n::text, 6, '0'), '2025-04-01', '2025-04-30', 'NSDL', now(), gen_random_uuid(), 1, 0 FROM generate_series(1, 2000) AS n`)
	for table, values := range map[string]string{
		"demat_accounts (pan, period_from, period_to, cas_type, account_ordinal)":                                       "0",
		"demat_holdings (pan, period_from, period_to, cas_type, account_ordinal, holding_ordinal, asset_class)":         "0, 0, 'equity'",
		"mutual_fund_folios (pan, period_from, period_to, cas_type, folio_ordinal)":                                     "0",
		"mutual_fund_schemes (pan, period_from, period_to, cas_type, folio_ordinal, scheme_ordinal)":                    "0, 0",
		"transactions (pan, period_from, period_to, cas_type, holding_kind, account_ordinal, holding_ordinal, ordinal)": "'demat', 0, 0, 0",
		"nps_accounts (pan, period_from, period_to, cas_type, account_ordinal)":                                         "0",
	} {
		storagetest.Rows(t, address, "INSERT INTO cas."+table+" SELECT pan, period_from, period_to, cas_type, "+values+" FROM cas.statements")
	}
	storagetest.Rows(t, address, `INSERT INTO cas.contract_note_equities (pan, trade_date, contract_note_number, ordinal)
SELECT pan, period_to, '1', 0 FROM cas.statements`)
	storagetest.Rows(t, address, "VACUUM ANALYZE")
	queries := map[string]string{}
	for _, view := range []string{"latest_statements", "holdings_by_period", "portfolio_by_month", "all_transactions"} {
		queries[view] = "SELECT count(*) FROM cas." + view + " WHERE pan = 'ZZZP000001'"
	}
	for i, query := range readmeQueries(t) {
		queries[fmt.Sprintf("README%d", i)] = query
	}
	for name, query := range queries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var plan []string
			for _, line := range storagetest.Rows(t, address, "EXPLAIN "+query) {
				plan = append(plan, line[0])
			}
			if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan") || !strings.Contains(text, "Index") {
				t.Errorf("%s\nnot by keys alone:\n%s", query, text)
			}
		})
	}
}

// readmeQueries are the sample queries of the README.
func readmeQueries(t *testing.T) []string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var queries []string
	for _, block := range strings.Split(string(readme), "```sql\n")[1:] {
		sql, _, _ := strings.Cut(block, "```")
		for query := range strings.SplitSeq(sql, ";") {
			if query = strings.TrimSpace(query); query != "" {
				queries = append(queries, query)
			}
		}
	}
	if len(queries) < 3 {
		t.Fatalf("%d sample queries in the README, want some", len(queries))
	}
	return queries
}

// rolesPath is the script that makes the roles of a database.
const rolesPath = "../../deploy/postgres/roles.sql"

// runScript does what psql would do with a script.
func runScript(tb testing.TB, address, path string) {
	tb.Helper()
	script, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var sql []string
	for line := range strings.Lines(string(script)) {
		if !strings.HasPrefix(line, `\`) { // those are for psql itself
			sql = append(sql, line)
		}
	}
	if err := storagetest.Exec(tb, address, strings.Join(sql, "")); err != nil {
		tb.Fatalf("%s: %v", path, err)
	}
}

// TestRoles: each role may do what it is for, and no more.
func TestRoles(t *testing.T) {
	t.Parallel()
	_, address := prepareViews(t)
	for range 2 { // again does no harm
		runScript(t, address, rolesPath)
	}
	const denied = "permission denied"
	for _, test := range []struct {
		role, sql, want string // of the error; "" none
	}{
		{"casflow_writer", "UPDATE cas.documents SET batch = 'may'", ""},
		{"casflow_writer", "DELETE FROM cas.answers", ""},
		{"casflow_writer", "CREATE TABLE cas.more (id integer)", denied},
		{"casflow_writer", "DELETE FROM cas.schema_migrations", denied},
		{"casflow_reader", "SELECT pan FROM cas.statements", ""},
		{"casflow_reader", "SELECT status FROM cas.documents", ""},
		{"casflow_reader", "SELECT sealed_passwords FROM cas.documents", denied},
		{"casflow_reader", "SELECT body FROM cas.answers", denied},
		{"casflow_reader", "DELETE FROM cas.statements", denied},
		{"casflow_analyst", "SELECT pan FROM cas.pan_masked_holdings_by_period", ""},
		{"casflow_analyst", "SELECT * FROM cas.pan_masked_portfolio_by_month", ""},
		{"casflow_analyst", "SELECT pan FROM cas.holdings_by_period", denied},
		{"casflow_analyst", "SELECT pan FROM cas.statements", denied},
	} {
		err := storagetest.Exec(t, address, "BEGIN; SET LOCAL ROLE "+test.role+"; "+test.sql+"; ROLLBACK")
		if got := err != nil; got != (test.want != "") || got && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s: %v, want an error with %q", test.role, test.sql, err, test.want)
		}
	}
}
