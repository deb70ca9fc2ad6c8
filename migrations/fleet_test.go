package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"casflow/internal/storage/storagetest"
)

// awaitWaiting waits until somebody waits for a lock on a table, of a mode that is like
// the one given.
func awaitWaiting(t *testing.T, url, table, mode string) {
	t.Helper()
	for waits := "f"; waits == "f"; {
		waits = storagetest.Rows(t, url, `SELECT EXISTS (
	SELECT FROM pg_locks WHERE NOT granted AND mode LIKE $2 AND relation = $1::regclass
	AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`, table, mode)[0][0]
	}
}

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
			awaitWaiting(t, url, test.first, "AccessExclusiveLock")
			if _, err := conn.Exec(t.Context(), "LOCK TABLE "+test.second+" IN ROW EXCLUSIVE MODE; COMMIT"); err != nil {
				t.Errorf("the worker's transaction: %v", err)
			}
			if err := <-migrated; err != nil {
				t.Errorf("Up() = %v", err)
			}
		})
	}
}

// TestMigrator_Vacuum: while a vacuum is at a table, the migration keeps no worker from it;
// it waits in the way by which Postgres ends its own vacuums, which a wait that is cut
// short before deadlock_timeout is not.
func TestMigrator_Vacuum(t *testing.T) {
	t.Parallel()
	for _, migration := range []string{"00015_contract_notes.sql", "00016_lighter_updates.sql"} {
		t.Run(migration, func(t *testing.T) {
			t.Parallel()
			url := storagetest.URL(t)
			m := open(t, url)
			downTo(t, m, migration)
			var conns [2]*pgx.Conn
			for i := range conns {
				var err error
				if conns[i], err = pgx.Connect(t.Context(), url); err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conns[i].Close(t.Context()) }()
			}
			// The lock of a VACUUM.
			if _, err := conns[0].Exec(t.Context(), "BEGIN; LOCK TABLE cas.attempts IN SHARE UPDATE EXCLUSIVE MODE"); err != nil {
				t.Fatal(err)
			}
			migrated := make(chan error, 1)
			go func() {
				_, err := m.Up(t.Context())
				migrated <- err
			}()
			awaitWaiting(t, url, "cas.attempts", "%")
			for _, table := range []string{"cas.documents", "cas.attempts"} {
				if _, err := conns[1].Exec(t.Context(), "BEGIN; LOCK TABLE "+table+" IN ROW EXCLUSIVE MODE NOWAIT; COMMIT"); err != nil {
					t.Errorf("a worker that comes by %s: %v", table, err)
					_, _ = conns[1].Exec(t.Context(), "ROLLBACK")
				}
			}
			if _, err := conns[0].Exec(t.Context(), "COMMIT"); err != nil {
				t.Fatal(err)
			}
			if err := <-migrated; err != nil {
				t.Errorf("Up() = %v", err)
			}
		})
	}
}
