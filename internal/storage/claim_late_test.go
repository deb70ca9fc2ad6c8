package storage_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_LateBegin: an attempt that is committed only while its document is put back, as
// its worker has given up waiting for that, does not stay open.
func TestDB_LateBegin(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		putBack func(*storage.DB, context.Context, uuid.UUID, uuid.UUID) error
		want    string
	}{
		"Stall": {func(db *storage.DB, ctx context.Context, id, worker uuid.UUID) error {
			return db.Stall(ctx, id, worker, 0)
		}, "failed"},
		"Release": {func(db *storage.DB, ctx context.Context, id, worker uuid.UUID) error {
			return db.Release(ctx, id, worker, 0)
		}, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			document, worker := claimed(t, db, "one.pdf")
			late, err := pgx.Connect(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = late.Close(context.WithoutCancel(t.Context())) }()
			for _, sql := range []string{
				`BEGIN`,
				`UPDATE cas.documents SET attempts = attempts + 1 WHERE document_id = '` + document.String() + `'`,
				`INSERT INTO cas.attempts (request_id, document_id, endpoint, worker_id, price, sha256)
				VALUES ('req_late', '` + document.String() + `', '/v4/smart/parse', '` + worker.String() + `', 1, '\x01')`,
			} {
				if _, err := late.Exec(t.Context(), sql); err != nil {
					t.Fatal(err)
				}
			}
			done := make(chan error)
			go func() { done <- test.putBack(db, t.Context(), document, worker) }()
			for storagetest.Rows(t, address, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)[0][0] == "0" {
			}
			if _, err := late.Exec(t.Context(), `COMMIT`); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			rows := storagetest.Rows(t, address, `SELECT d.status, a.outcome FROM cas.documents d JOIN cas.attempts a USING (document_id)`)
			if len(rows) != 1 || rows[0][0] != "pending" || rows[0][1] != test.want {
				t.Errorf("status and outcome: %v, want pending and %s", rows, test.want)
			}
		})
	}
}
