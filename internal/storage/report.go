package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// StatementSummary is one statement of an investor, without its rows. Numbers
// are decimal text; "" is unknown.
type StatementSummary struct {
	PeriodFrom   time.Time `db:"period_from"`
	PeriodTo     time.Time `db:"period_to"`
	CASType      string    `db:"cas_type"`
	InvestorName string    `db:"investor_name"`
	TotalValue   string    `db:"total_value"` // rupees
	Accounts     int       `db:"accounts"`    // demat accounts, folios and NPS accounts
	Holdings     int       `db:"holdings"`    // demat holdings and schemes
	Transactions int       `db:"transactions"`
	Revision     int       `db:"revision"`
}

// Statements lists the statements of a PAN in the order of their periods.
func (db *DB) Statements(ctx context.Context, pan string) ([]StatementSummary, error) {
	const sql = `
SELECT s.period_from, s.period_to, s.cas_type, coalesce(s.investor_name, '') AS investor_name, coalesce(s.total_value::text, '') AS total_value,
       ((SELECT count(*) FROM cas.demat_accounts t WHERE ` + sameKey + `)
      + (SELECT count(*) FROM cas.mutual_fund_folios t WHERE ` + sameKey + `)
      + (SELECT count(*) FROM cas.nps_accounts t WHERE ` + sameKey + `))::integer AS accounts,
       ((SELECT count(*) FROM cas.demat_holdings t WHERE ` + sameKey + `)
      + (SELECT count(*) FROM cas.mutual_fund_schemes t WHERE ` + sameKey + `))::integer AS holdings,
       s.transaction_count AS transactions, s.revision
FROM cas.statements s WHERE s.pan = @pan
ORDER BY s.period_from, s.period_to, s.cas_type`
	statements, err := all[StatementSummary](ctx, db.pool, sql, pgx.NamedArgs{"pan": pan})
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	return statements, nil
}

// sameKey joins the rows of a statement's table t to its header s.
const sameKey = `t.pan = s.pan AND t.period_from = s.period_from AND t.period_to = s.period_to AND t.cas_type = s.cas_type`

// StatementTables lists the tables that hold what answers say, the header
// first.
func StatementTables() []string {
	return []string{
		"statements", dematAccountsTable.name, dematHoldingsTable.name, foliosTable.name, schemesTable.name,
		transactionsTable.name, insurancePoliciesTable.name, npsAccountsTable.name, npsFundsTable.name, linkedHoldersTable.name,
	}
}

// ContractNoteTables lists the tables that contract notes are written into, the
// header first.
func ContractNoteTables() []string {
	return []string{noteFamily.header, noteEquitiesTable.name, noteDerivativesTable.name, noteTradesTable.name}
}

// CountRows counts the rows of all StatementTables and ContractNoteTables by reading them whole: for
// small databases, such as the demo's.
func (db *DB) CountRows(ctx context.Context) (map[string]int, error) {
	counts := make(map[string]int)
	queries := &pgx.Batch{}
	for _, table := range append(StatementTables(), ContractNoteTables()...) {
		queries.Queue("SELECT count(*) FROM " + pgx.Identifier{"cas", table}.Sanitize()).QueryRow(func(row pgx.Row) error {
			var n int
			err := row.Scan(&n)
			counts[table] = n
			return err //nolint:wrapcheck // wrapped below
		})
	}
	if err := db.pool.SendBatch(ctx, queries).Close(); err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	return counts, nil
}
