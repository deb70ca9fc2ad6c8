package migrations_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
	"casflow/migrations"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

func open(t *testing.T, url string) *migrations.Migrator {
	t.Helper()
	m, err := migrations.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// columns describes the schema.
func columns(t *testing.T, url string) [][]string {
	t.Helper()
	return storagetest.Rows(t, url, `SELECT table_name, column_name, data_type FROM information_schema.columns
		WHERE table_schema = 'cas' AND table_name <> 'schema_migrations' ORDER BY 1, ordinal_position`)
}

func TestMigrator_UpDownUp(t *testing.T) {
	t.Parallel()
	url := storagetest.Empty(t)
	m := open(t, url)
	applied, err := m.Up(t.Context())
	if err != nil || int64(len(applied)) != migrations.Latest() {
		t.Fatalf("Up() applied %d, %v, want %d", len(applied), err, migrations.Latest())
	}
	before := columns(t, url)
	if len(before) == 0 {
		t.Fatal("no tables after Up")
	}
	for range applied {
		if state, err := m.Down(t.Context()); err != nil || state.Version == 0 {
			t.Fatalf("Down() = %+v, %v, want a migration taken back", state, err)
		}
	}
	if left := columns(t, url); len(left) != 0 {
		t.Errorf("left after all the way down: %v", left)
	}
	if state, err := m.Down(t.Context()); err != nil || state.Version != 0 {
		t.Errorf("Down() of nothing = %+v, %v, want nothing", state, err)
	}
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, columns(t, url)); diff != "" {
		t.Errorf("up, down, up (-first +second):\n%s", diff)
	}
}

// downTo takes migrations back, the named one last.
func downTo(t *testing.T, m *migrations.Migrator, name string) {
	t.Helper()
	for {
		state, err := m.Down(t.Context())
		if err != nil || state.Version == 0 {
			t.Fatalf("Down() = %+v, %v, want %s taken back", state, err, name)
		}
		if state.Name == name {
			return
		}
	}
}

// TestMigrator_BatchesThatWereThere: batches are counted as their documents are, those
// that were erased left out.
func TestMigrator_BatchesThatWereThere(t *testing.T) {
	t.Parallel()
	url := storagetest.URL(t)
	m := open(t, url)
	downTo(t, m, "00013_counts.sql")
	storagetest.Rows(t, url, `INSERT INTO cas.batches (batch, total) VALUES ('april', 2), ('may', 5)`)
	storagetest.Rows(t, url, `INSERT INTO cas.documents (document_id, bucket, object_key, etag, size_bytes, kind, queue, batch, status, finished_at)
		SELECT gen_random_uuid(), 'statements', status, 'e', 1, 'smart', 'bulk', 'may', status, CASE WHEN status <> 'pending' THEN now() END FROM unnest(ARRAY['parsed', 'dead', 'pending']) AS s (status)`)
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := storagetest.Rows(t, url, `SELECT batch, total, parsed, dead FROM cas.batches ORDER BY 1`)
	if diff := cmp.Diff([][]string{{"april", "0", "0", "0"}, {"may", "3", "1", "1"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMigrator_StatementsThatWereThere: statements from before revisions were
// noted are the revision that they say.
func TestMigrator_StatementsThatWereThere(t *testing.T) {
	t.Parallel()
	url := storagetest.URL(t)
	m := open(t, url)
	downTo(t, m, "00010_statement_detail.sql") // which brings the revisions
	storagetest.Rows(t, url, `INSERT INTO cas.statements (pan, period_from, period_to, cas_type, received_at, document_id, revision, transaction_count)
		SELECT 'ZZZPZ0000Z', '2025-04-01', '2025-04-30', type, now(), gen_random_uuid(), revision, 7 FROM (VALUES ('CDSL', 1), ('NSDL', 3)) v (type, revision)`)
	if _, err := m.Up(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := storagetest.Rows(t, url, `SELECT r.cas_type, r.revision, r.outcome, r.reason, r.transaction_count
		FROM cas.statement_revisions r JOIN cas.statements s USING (pan, period_from, period_to, cas_type, document_id) ORDER BY 1`)
	if diff := cmp.Diff([][]string{{"CDSL", "1", "won", "first", "7"}, {"NSDL", "3", "won", "unrecorded", "7"}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestMigrator_Empty: who only looks makes nothing.
func TestMigrator_Empty(t *testing.T) {
	t.Parallel()
	url := storagetest.Empty(t)
	m := open(t, url)
	states, err := m.Status(t.Context())
	if err != nil || int64(len(states)) != migrations.Latest() || !states[0].AppliedAt.IsZero() {
		t.Errorf("Status() = %+v, %v, want all, none applied", states, err)
	}
	if state, err := m.Down(t.Context()); err != nil || state.Version != 0 {
		t.Errorf("Down() = %+v, %v, want nothing", state, err)
	}
	if got := storagetest.Rows(t, url, `SELECT to_regnamespace('cas')`); got[0][0] != "<null>" {
		t.Error("the schema was made by looking")
	}
}

func TestMigrator_AtOnce(t *testing.T) {
	t.Parallel()
	url := storagetest.Empty(t)
	applied := make(chan int)
	for range 3 {
		go func() {
			m, err := migrations.Open(url)
			if err != nil {
				t.Error(err)
				applied <- 0
				return
			}
			states, err := m.Up(t.Context())
			if err != nil {
				t.Error(err)
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			applied <- len(states)
		}()
	}
	total := 0
	for range 3 {
		total += <-applied
	}
	status, err := open(t, url).Status(t.Context())
	if err != nil || total != len(status) {
		t.Errorf("%d applied by three at once, %v, want each once: %d", total, err, len(status))
	}
}

// TestComments holds the schema to its promise that each table and column says
// what it is.
func TestComments(t *testing.T) {
	t.Parallel()
	bare := storagetest.Rows(t, storagetest.URL(t), `
SELECT c.relname, coalesce(a.attname, '') FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum >= 0 AND NOT a.attisdropped OR a.attrelid = c.oid AND a.attnum = 1
WHERE c.relnamespace = 'cas'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname <> 'schema_migrations'
  AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid, 'pg_class') IS NULL)`)
	if len(bare) != 0 {
		t.Errorf("without a comment: %v", bare)
	}
}

func TestLatest(t *testing.T) {
	t.Parallel()
	states, err := open(t, storagetest.URL(t)).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if last := states[len(states)-1].Version; last != migrations.Latest() {
		t.Errorf("Latest() = %d, but the last migration is %d", migrations.Latest(), last)
	}
}

func TestSchemaVersion(t *testing.T) {
	t.Parallel()
	empty, err := storage.Open(t.Context(), storagetest.Empty(t), 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(empty.Close)
	if version, err := empty.SchemaVersion(t.Context()); version != 0 || err != nil {
		t.Errorf("empty database: version %d, %v, want 0", version, err)
	}
	db := storagetest.New(t)
	if version, err := db.SchemaVersion(t.Context()); version != migrations.Latest() || err != nil {
		t.Errorf("migrated database: version %d, %v, want the latest", version, err)
	}
}
