package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage/storagetest"
)

// TestMigrator_FleetAtWork: workers of the version before go on while a migration writes
// the ledger anew, in whichever order their transactions come by its tables; neither they
// nor the migration are ended for a deadlock.
func TestMigrator_FleetAtWork(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		migration     string
		first, second string // tables
	}{
		{"00015_contract_notes.sql", "cas.attempts", "cas.documents"},
		{"00015_contract_notes.sql", "cas.batches", "cas.documents"},
		{"00016_lighter_updates.sql", "cas.attempts", "cas.documents"},
		{"00016_lighter_updates.sql", "cas.documents", "cas.attempts"},
	} {
		t.Run(test.migration+" "+test.first, func(t *testing.T) {
			t.Parallel()
			url := storagetest.URL(t)
			m := open(t, url)
			downTo(t, m, test.migration)
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(t.Context()) }()
			// The locks of an UPDATE.
			if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE "+test.first+" IN ROW EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			migrated := make(chan error, 1)
			go func() {
				_, err := m.Up(t.Context())
				migrated <- err
			}()
			for waits := "f"; waits == "f"; {
				waits = storagetest.Rows(t, url, `SELECT EXISTS (
	SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = $1::regclass
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`, test.first)[0][0]
			}
			if _, err := conn.Exec(t.Context(), "LOCK TABLE "+test.second+" IN ROW EXCLUSIVE MODE; COMMIT"); err != nil {
				t.Errorf("the worker's transaction: %v", err)
			}
			if err := <-migrated; err != nil {
				t.Errorf("Up() = %v", err)
			}
		})
	}
}
