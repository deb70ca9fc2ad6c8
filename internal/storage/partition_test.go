package storage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/storagetest"
)

// partitionPath is the script that partitions the statement tables.
const partitionPath = "../../deploy/postgres/partition.sql"

// TestPartition: partitioned, the database holds and means what it did, and the same
// program writes to it; one PAN's rows are looked for in one partition.
func TestPartition(t *testing.T) {
	t.Parallel()
	db, address := prepareViews(t)
	const all = `SELECT pan, period_to, asset_class, value FROM cas.holdings_by_period
		UNION ALL SELECT pan, period_to, type, amount FROM cas.all_transactions ORDER BY 1, 2, 3, 4`
	before, said := storagetest.Rows(t, address, all), dictionary(t, address)
	for range 2 { // again changes nothing
		runScript(t, address, partitionPath)
		if diff := cmp.Diff(before, storagetest.Rows(t, address, all)); diff != "" {
			t.Errorf("rows (-before +after):\n%s", diff)
		}
		if diff := cmp.Diff(said, dictionary(t, address)); diff != "" {
			t.Errorf("schema (-before +after):\n%s", diff)
		}
	}
	runScript(t, address, rolesPath)
	whole := storagetest.Rows(t, address, `
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'pan' AND a.attnum = 1
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind = 'r' AND NOT c.relispartition`)
	if len(whole) > 0 {
		t.Errorf("%v are in one piece", whole)
	}

	saveStatement(t, db, during("2025-06-01", "2025-06-30", "40")) // by the same statements as before
	saveStatement(t, db, during("2025-06-01", "2025-06-30", "41")) // which another answer replaces
	got := storagetest.Rows(t, address, `SELECT value FROM cas.holdings_by_period WHERE pan = 'ZZZPA0001Z' AND period_to = '2025-06-30' AND held_in = 'demat'`)
	if diff := cmp.Diff([][]string{{"41"}}, got); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	saveNote(t, db, "note.pdf", 1, true)
	saveNote(t, db, "later.pdf", 2, true)
	if got := storagetest.Rows(t, address, `SELECT client_name, revision FROM cas.contract_notes`); got[0][0] != "later.pdf" || got[0][1] != "2" {
		t.Errorf("contract note %v, want the later one as revision 2", got)
	}
	plan := ""
	for _, line := range storagetest.Rows(t, address, `EXPLAIN SELECT units FROM cas.demat_holdings WHERE pan = 'ZZZPA0001Z'`) {
		plan += line[0] + "\n"
	}
	if strings.Count(plan, "on demat_holdings_") != 1 {
		t.Errorf("want one partition looked at:\n%s", plan)
	}
}
