package storage_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

// lease is long enough for no test to outlive it.
const lease = time.Minute

func newDocument(key, queue string) storage.NewDocument {
	return storage.NewDocument{
		ID:     storage.DocumentID("statements", key, "etag-"+key, storage.KindSmart),
		Bucket: "statements", Key: key, ETag: "etag-" + key, SizeBytes: 1234, Kind: storage.KindSmart, Queue: queue,
	}
}

func record(t *testing.T, db *storage.DB, documents ...storage.NewDocument) []uuid.UUID {
	t.Helper()
	if _, err := db.Record(t.Context(), documents); err != nil {
		t.Fatal(err)
	}
	ids := make([]uuid.UUID, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	return ids
}

// startWorker registers a worker.
func startWorker(tb testing.TB, db *storage.DB) uuid.UUID {
	tb.Helper()
	worker := uuid.New()
	if err := db.Heartbeat(tb.Context(), worker, "test"); err != nil {
		tb.Fatal(err)
	}
	return worker
}

// claimed records a document and claims it for a new worker.
func claimed(t *testing.T, db *storage.DB, key string) (document, worker uuid.UUID) {
	t.Helper()
	document, worker = record(t, db, newDocument(key, storage.QueueBulk))[0], startWorker(t, db)
	if _, err := db.Claim(t.Context(), document, worker); err != nil {
		t.Fatal(err)
	}
	return document, worker
}

func begin(t *testing.T, db *storage.DB, document, worker uuid.UUID, request string) {
	t.Helper()
	_, err := db.BeginAttempt(t.Context(), storage.NewAttempt{
		RequestID: request, DocumentID: document, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{1}, SizeBytes: 9,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lead(t *testing.T, db *storage.DB) *storage.Leader {
	t.Helper()
	leader, err := db.Lead(t.Context())
	if err != nil || leader == nil {
		t.Fatalf("Lead() = %v, %v, want a leader", leader, err)
	}
	t.Cleanup(leader.Resign)
	return leader
}

func statusOf(t *testing.T, db *storage.DB, id uuid.UUID) storage.Status {
	t.Helper()
	document, err := db.Document(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return document.Status
}

// holding runs a statement in a transaction of its own, which so holds what it locks until
// release is called. Nothing of it stays.
func holding(t *testing.T, address, sql string) (release func()) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) }) // its transaction with it
	if _, err := conn.Exec(t.Context(), "BEGIN; "+sql); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
	}
}
