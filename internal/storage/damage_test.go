package storage_test

import (
	"slices"
	"strings"
	"testing"

	"casflow/internal/storage/storagetest"
)

// damages are statements by the table that they damage: each of its columns, its rows,
// and what a number or JSON says in another way.
func damages(t *testing.T, address string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	for _, table := range rowTables() {
		update := "UPDATE cas." + table + " SET "
		all[table] = append(all[table], "DELETE FROM cas."+table)
		if strings.HasSuffix(table, "_revisions") {
			continue
		}
		for _, column := range storagetest.Rows(t, address, `SELECT quote_ident(attname), format_type(atttypid, NULL), attnotnull FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`, "cas."+table) {
			name, kind, required := column[0], column[1], column[2] == "t"
			switch other := map[string]string{
				"text": "coalesce(" + name + ", '') || 'x'", "numeric": "coalesce(" + name + ", 0) + 1", "date": "coalesce(" + name + ", '2025-01-01') + 1",
				"integer": "coalesce(" + name + ", 0) + 1000", "boolean": "NOT coalesce(" + name + ", false)", "jsonb": `'{"x": 1}'`,
				"text[]": name + " || ARRAY['x']", "timestamp with time zone": "coalesce(" + name + ", now()) + interval '1 microsecond'",
			}[kind]; {
			case slices.Contains([]string{
				"pan", "period_from", "period_to", "cas_type", "trade_date", "contract_note_number", // rows of no document
				"revision", "document_id", "holding_kind", "holder_kind", "asset_class", // have few values, or none that may be
			}, name):
			case other == "":
				t.Fatalf("column %s of %s is of type %s", name, table, kind)
			default:
				all[table] = append(all[table], update+name+" = "+other)
			}
			switch {
			case required:
			case kind == "numeric":
				all[table] = append(all[table], update+name+" = "+name+" * 1.000 WHERE "+name+" IS NOT NULL")
			}
			if !required {
				all[table] = append(all[table], update+name+" = NULL WHERE "+name+" IS NOT NULL")
			}
		}
	}
	for table, damages := range all {
		all[table] = slices.DeleteFunc(damages, func(sql string) bool {
			_, where, found := strings.Cut(sql, " WHERE ")
			return found && storagetest.Rows(t, address, "SELECT count(*) FROM cas."+table+" WHERE "+where)[0][0] == "0"
		})
	}
	all["statements"] = append(all["statements"], `UPDATE cas.statements SET source_form = jsonb_set(source_form, '{b}', '1.00')`)
	all["demat_holdings"] = append(all["demat_holdings"], `UPDATE cas.demat_holdings SET extra = jsonb_set(extra, '{b,1}', '2.5')`,
		`UPDATE cas.demat_holdings SET asset_class = 'aif'`, `DELETE FROM cas.demat_holdings WHERE holding_ordinal = 1`,
		`UPDATE cas.demat_holdings SET holding_ordinal = 3 WHERE holding_ordinal = 2`)
	all["transactions"] = append(all["transactions"], `INSERT INTO cas.transactions (pan, period_from, period_to, cas_type, holding_kind, account_ordinal, holding_ordinal, ordinal)
		SELECT pan, period_from, period_to, cas_type, 'demat', 9, 9, 9 FROM cas.statements`)
	return all
}
