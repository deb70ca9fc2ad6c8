package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// report says what happened, and is an error where it is not what casflow
// promises.
func report(ctx context.Context, console *console, db *storage.DB, s *stack, up uploaded, took time.Duration) error {
	overview, err := db.Overview(ctx, "")
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	rows, err := db.CountRows(ctx)
	if err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	statements, err := db.Statements(ctx, up.pan)
	if err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	calls := s.sandbox.Totals()
	done, all := finished(overview)

	console.heading("What happened")
	console.table(func(row func(cells ...any)) {
		for _, status := range storage.Statuses() {
			if n := overview.Documents[status]; n > 0 {
				row(status, n, "documents")
			}
		}
		for _, reason := range storage.Reasons() {
			if n := overview.Dead[reason]; n > 0 {
				row("  "+string(reason), n, "")
			}
		}
		row("throughput", fmt.Sprintf("%.1f", float64(done)/took.Seconds()), fmt.Sprintf("documents a second, %s in all", took.Round(100*time.Millisecond)))
		row("API calls", calls.Calls, fmt.Sprintf("%d of them billed", calls.Billed))
		row("credits spent", overview.Credits, "as the ledger has it")
	})

	console.heading(fmt.Sprintf("Statements of one investor (%s)", redact.PANs(up.pan)))
	console.table(func(row func(cells ...any)) {
		row("period", "source", "accounts", "holdings", "transactions", "total value, INR")
		for _, st := range statements {
			row(st.PeriodFrom.Format(time.DateOnly)+" to "+st.PeriodTo.Format(time.DateOnly), st.CASType,
				st.Accounts, st.Holdings, st.Transactions, st.TotalValue)
		}
	})

	console.heading("Rows in Postgres")
	console.table(func(row func(cells ...any)) {
		for _, table := range storage.StatementTables() {
			row("cas."+table, rows[table])
		}
	})
	console.heading("Where to look")

	var faults []error
	if done != all || all != up.objects {
		faults = append(faults, fmt.Errorf("%d of %d documents are finished, %d were uploaded", done, all, up.objects))
	}
	if parsed := overview.Documents[storage.StatusParsed]; calls.Billed != parsed {
		faults = append(faults, fmt.Errorf("%d documents are parsed, but %d were paid for", parsed, calls.Billed))
	}
	return errors.Join(faults...)
}

// table writes rows with aligned columns, indented as items are.
func (c *console) table(fill func(row func(cells ...any))) {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fill(func(cells ...any) {
		texts := make([]string, len(cells))
		for i, cell := range cells {
			texts[i] = fmt.Sprint(cell)
		}
		_, _ = io.WriteString(w, "  "+strings.Join(texts, "\t")+"\n") // into memory
	})
	_ = w.Flush() // see heading
}
