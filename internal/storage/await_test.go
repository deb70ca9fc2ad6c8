package storage_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestLeader_Await: the leader is told of documents that are recorded, whether it waits
// for them or they came before, and once for all of them; it leads on in any case.
func TestLeader_Await(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	leader := lead(t, db)
	const never = time.Hour
	await := func(limit time.Duration) <-chan error {
		done := make(chan error, 1)
		go func() { done <- leader.Await(t.Context(), limit) }()
		return done
	}
	dispatched := 0
	dispatch := func() {
		t.Helper()
		deliveries, err := leader.Dispatch(t.Context(), storage.QueueBulk, 100, storage.Budget{})
		if err != nil {
			t.Fatal(err)
		}
		dispatched += len(deliveries)
	}
	waiting := await(never)
	all := batchOf(8)
	record(t, db, all[:2]...)
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	dispatch()
	record(t, db, all[2:4]...)
	record(t, db, all[4:6]...)
	dispatch() // which has them, and is told of them besides
	if err := <-await(never); err != nil {
		t.Error(err)
	}
	// Of a single one, who records it tells the queue, and nothing else has come.
	record(t, db, all[6])
	if err := <-await(time.Millisecond); err != nil {
		t.Error(err)
	}
	dispatch()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := leader.Await(ctx, never); err != nil {
		t.Error(err)
	}
	scan, err := db.BeginScan(t.Context(), storage.NewScan{SameAs: uuid.UUID{1}, Source: "s3://statements/", Resume: never})
	if err != nil {
		t.Fatal(err)
	}
	defer scan.Close()
	waiting = await(never)
	if _, err := scan.Record(t.Context(), 0, storage.ScanPage{Last: all[7].Key, Listed: 1, Documents: all[7:]}); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	dispatch()
	if dispatched != len(all) {
		t.Errorf("%d documents are dispatched, want %d", dispatched, len(all))
	}
}

// TestLeader_AwaitLost: a leader whose connection is gone is told so.
func TestLeader_AwaitLost(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	leader := lead(t, db)
	waiting := make(chan error, 1)
	go func() { waiting <- leader.Await(t.Context(), time.Hour) }()
	if err := storagetest.Exec(t, address, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`); err != nil {
		t.Fatal(err)
	}
	if err := <-waiting; err == nil {
		t.Error("Await() = nil without a connection")
	}
}
