package storagetest

import (
	"strings"
	"testing"
)

// Everything is all that the tables of the database at address hold, as text, raw
// answers as they came: for tests of what must be nowhere in it.
func Everything(tb testing.TB, address string) string {
	tb.Helper()
	var b strings.Builder
	for _, table := range Rows(tb, address, `
SELECT c.relname, string_agg(CASE WHEN a.atttypid = 'bytea'::regtype THEN format('encode(%I, ''escape'')', a.attname) ELSE format('%I::text', a.attname) END, ', ')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind = 'r' GROUP BY c.relname`) {
		for _, row := range Rows(tb, address, "SELECT "+table[1]+" FROM cas."+table[0]) {
			b.WriteString(table[0] + ": " + strings.Join(row, "\t") + "\n")
		}
	}
	return b.String()
}
