package storage

import (
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// column is a column of a statement table below the key, and the type its text
// is cast to.
type column struct{ name, cast string }

// table writes the rows of one statement into one table: a DELETE by key and an
// INSERT from arrays, one array of text per column. Both do something only where
// the statement's header row belongs to the document that is being saved, so a
// statement that lost against a newer one changes nothing.
type table struct {
	name           string
	columns        []column
	deleteSQL, sql string
}

// held is true where the header row is the document's own. Parameters 1 to 5 of
// every statement are the key and the document id.
const held = `EXISTS (SELECT FROM cas.statements s WHERE s.pan = $1 AND s.period_from = $2::date AND s.period_to = $3::date
	AND s.cas_type = $4 AND s.document_id = $5)`

// newTable describes a table. Each column is "name" (text) or "name type".
func newTable(name string, columns ...string) table {
	t := table{name: name}
	var names, selected, arrays []string
	for i, c := range columns {
		column := column{name: c, cast: "text"}
		if n, cast, ok := strings.Cut(c, " "); ok {
			column.name, column.cast = n, cast
		}
		t.columns = append(t.columns, column)
		names = append(names, column.name)
		selected = append(selected, "nullif(r."+column.name+", '')::"+column.cast)
		arrays = append(arrays, "$"+strconv.Itoa(i+6)+"::text[]")
	}
	t.deleteSQL = "DELETE FROM cas." + name +
		" WHERE pan = $1 AND period_from = $2::date AND period_to = $3::date AND cas_type = $4 AND " + held
	t.sql = "INSERT INTO cas." + name + " (pan, period_from, period_to, cas_type, " + strings.Join(names, ", ") + ")\n" +
		"SELECT $1, $2::date, $3::date, $4, " + strings.Join(selected, ", ") + "\n" +
		"FROM unnest(" + strings.Join(arrays, ", ") + ") AS r (" + strings.Join(names, ", ") + ")\nWHERE " + held
	return t
}

// queue adds the table's DELETE and, if there are rows, its INSERT to a batch,
// and reports whether it added an INSERT. row(i) gives the values of row i in
// the order of the columns.
func (t table) queue(batch *pgx.Batch, key []any, n int, row func(i int) []string) bool {
	batch.Queue(t.deleteSQL, key...)
	if n == 0 {
		return false
	}
	cells := make([]string, n*len(t.columns)) // one allocation, cut into columns
	for i := range n {
		for c, value := range row(i) {
			cells[c*n+i] = value
		}
	}
	args := make([]any, 0, len(key)+len(t.columns))
	args = append(args, key...)
	for c := range t.columns {
		args = append(args, cells[c*n:(c+1)*n])
	}
	batch.Queue(t.sql, args...)
	return true
}

// textArray writes values as the text of a Postgres text[]; nil gives "" (NULL).
func textArray(values []string) string {
	if values == nil {
		return ""
	}
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	var b strings.Builder
	b.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('"')
		_, _ = escape.WriteString(&b, v) // a Builder takes everything
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// The tables below the header, in the order they are written.
//
//nolint:gochecknoglobals // constants, computed
var (
	dematAccountsTable = newTable("demat_accounts", "account_ordinal integer", "demat_type", "dp_id", "dp_name", "client_id", "bo_id",
		"value numeric", "bo_status", "bo_sub_status", "bo_type", "bsda", "email", "status", "nominee", "linked_pans text[]", "extra jsonb")
	dematHoldingsTable = newTable("demat_holdings", "account_ordinal integer", "holding_ordinal integer", "asset_class", "isin", "name",
		"units numeric", "value numeric", "open_units numeric", "close_units numeric", "coupon_rate", "maturity_date date",
		"face_value numeric", "market_value numeric", "extra jsonb")
	foliosTable = newTable("mutual_fund_folios", "folio_ordinal integer", "folio_number", "amc", "registrar", "value numeric",
		"folio_pan", "pankyc", "kyc", "extra jsonb")
	schemesTable = newTable("mutual_fund_schemes", "folio_ordinal integer", "scheme_ordinal integer", "isin", "name", "type",
		"units numeric", "nav numeric", "value numeric", "cost numeric", "gain_absolute numeric", "gain_percentage numeric",
		"nominees text[]", "advisor", "rta_code", "amfi", "is_demat boolean", "open_units numeric", "close_units numeric", "extra jsonb")
	transactionsTable = newTable("transactions", "holding_kind", "account_ordinal integer", "holding_ordinal integer", "ordinal integer",
		"date date", "description", "type", "amount numeric", "units numeric", "balance numeric", "nav numeric", "dividend_rate numeric",
		"credit numeric", "debit numeric", "stamp_duty numeric", "order_no", "price numeric", "income_distribution numeric",
		"capital_withdrawal numeric", "extra jsonb")
	insurancePoliciesTable = newTable("insurance_policies", "ordinal integer", "policy_number", "provider", "policy_name", "life_assured",
		"status", "premium_frequency", "sum_assured numeric", "premium_amount numeric", "extra jsonb")
	npsAccountsTable = newTable("nps_accounts", "account_ordinal integer", "pran", "cra", "value numeric", "extra jsonb")
	npsFundsTable    = newTable("nps_funds", "account_ordinal integer", "fund_ordinal integer", "name", "units numeric", "nav numeric",
		"value numeric", "cost numeric", "tier", "manager", "extra jsonb")
	linkedHoldersTable = newTable("linked_holders", "holder_kind", "account_ordinal integer", "ordinal integer", "name", "holder_pan",
		"extra jsonb")
)

// queueRows adds all tables of a statement to a batch and returns, for each
// statement of the batch that it added, the table that it inserts into, "" for a
// DELETE.
func (s *Statement) queueRows(batch *pgx.Batch, key []any) []string {
	n := strconv.Itoa
	var inserts []string
	add := func(t table, rows int, row func(i int) []string) {
		inserts = append(inserts, "")
		if t.queue(batch, key, rows, row) {
			inserts = append(inserts, t.name)
		}
	}
	add(dematAccountsTable, len(s.DematAccounts), func(i int) []string {
		a := &s.DematAccounts[i]
		return []string{
			n(i), a.DematType, a.DPID, a.DPName, a.ClientID, a.BOID, a.Value, a.BOStatus, a.BOSubStatus, a.BOType, a.BSDA,
			a.Email, a.Status, a.Nominee, textArray(a.LinkedPANs), a.Extra,
		}
	})
	add(dematHoldingsTable, len(s.DematHoldings), func(i int) []string {
		h := &s.DematHoldings[i]
		return []string{
			n(h.Account), n(h.Holding), h.AssetClass, h.ISIN, h.Name, h.Units, h.Value, h.OpenUnits, h.CloseUnits,
			h.CouponRate, h.MaturityDate, h.FaceValue, h.MarketValue, h.Extra,
		}
	})
	add(foliosTable, len(s.Folios), func(i int) []string {
		f := &s.Folios[i]
		return []string{n(i), f.FolioNumber, f.AMC, f.RTA, f.Value, f.PAN, f.PANKYC, f.KYC, f.Extra}
	})
	add(schemesTable, len(s.Schemes), func(i int) []string {
		c := &s.Schemes[i]
		return []string{
			n(c.Folio), n(c.Scheme), c.ISIN, c.Name, c.Type, c.Units, c.NAV, c.Value, c.Cost, c.GainAbsolute, c.GainPercentage,
			textArray(c.Nominees), c.Advisor, c.RTACode, c.AMFI, c.IsDemat, c.OpenUnits, c.CloseUnits, c.Extra,
		}
	})
	add(transactionsTable, len(s.Transactions), func(i int) []string {
		t := &s.Transactions[i]
		return []string{
			t.HoldingKind, n(t.Account), n(t.Holding), n(t.Ordinal), t.Date, t.Description, t.Type, t.Amount, t.Units, t.Balance,
			t.NAV, t.DividendRate, t.Credit, t.Debit, t.StampDuty, t.OrderNo, t.Price, t.IncomeDistribution, t.CapitalWithdrawal, t.Extra,
		}
	})
	add(insurancePoliciesTable, len(s.InsurancePolicies), func(i int) []string {
		p := &s.InsurancePolicies[i]
		return []string{
			n(i), p.PolicyNumber, p.Provider, p.PolicyName, p.LifeAssured, p.Status, p.PremiumFrequency, p.SumAssured, p.PremiumAmount, p.Extra,
		}
	})
	add(npsAccountsTable, len(s.NPSAccounts), func(i int) []string {
		a := &s.NPSAccounts[i]
		return []string{n(i), a.PRAN, a.CRA, a.Value, a.Extra}
	})
	add(npsFundsTable, len(s.NPSFunds), func(i int) []string {
		f := &s.NPSFunds[i]
		return []string{n(f.Account), n(f.Fund), f.Name, f.Units, f.NAV, f.Value, f.Cost, f.Tier, f.Manager, f.Extra}
	})
	add(linkedHoldersTable, len(s.LinkedHolders), func(i int) []string {
		h := &s.LinkedHolders[i]
		return []string{h.HolderKind, n(h.Account), n(h.Ordinal), h.Name, h.PAN, h.Extra}
	})
	return inserts
}
