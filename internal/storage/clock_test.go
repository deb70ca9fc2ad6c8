package storage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Clocks shows that the ledger knows one clock, Postgres' own: by how much
// a worker's differs changes neither when a document is due nor who is taken for
// dead.
func TestDB_Clocks(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"Ahead": time.Hour, "Behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := storagetest.Skewed(t, ahead)
			db, err := storage.Open(t.Context(), address, 4)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(db.Close)
			health, err := db.Health(t.Context())
			if err != nil || health.Skew.Round(time.Minute) != ahead {
				t.Fatalf("Health() = a skew of %s, %v, want %s", health.Skew, err, ahead)
			}
			retried, worker := claimed(t, db, "retried.pdf")
			begin(t, db, retried, worker, "req_retried")
			if err := db.Retry(t.Context(), retried, storage.AttemptEnd{RequestID: "req_retried", Outcome: storage.OutcomeFailed}, 10*time.Minute); err != nil {
				t.Fatal(err)
			}
			stalled, worker := claimed(t, db, "stalled.pdf")
			if err := db.Stall(t.Context(), stalled, worker, 10*time.Minute); err != nil {
				t.Fatal(err)
			}
			got := storagetest.Rows(t, address, `
SELECT object_key, not_before > now() + interval '9 minutes' AND not_before <= now() + interval '10 minutes' FROM cas.documents
UNION ALL SELECT 'attempt', retry_at - finished_at = interval '10 minutes' FROM cas.attempts ORDER BY 1`)
			if diff := cmp.Diff([][]string{{"attempt", "t"}, {"retried.pdf", "t"}, {"stalled.pdf", "t"}}, got); diff != "" {
				t.Errorf("what is due in ten minutes (-want +got):\n%s", diff)
			}
			requeued, err := db.Requeue(t.Context(), []uuid.UUID{retried})
			if err != nil || len(requeued) != 1 || requeued[0].Wait <= 9*time.Minute || requeued[0].Wait > 10*time.Minute {
				t.Errorf("Requeue() = %v, %v, want ten minutes of waiting", requeued, err)
			}

			held, _ := claimed(t, db, "held.pdf")
			leader := lead(t, db)
			deliveries, err := leader.Dispatch(t.Context(), storage.QueueBulk, 10, storage.Budget{})
			if err != nil || len(deliveries) != 0 {
				t.Errorf("Dispatch() = %v, %v, want none: nothing is due", deliveries, err)
			}
			if lost, err := leader.Reclaim(t.Context(), lease, 0); err != nil || len(lost) != 0 {
				t.Errorf("Reclaim() = %v, %v, want none: the worker was seen a moment ago", lost, err)
			}
			storagetest.Rows(t, address, `UPDATE cas.workers SET seen_at = now() - interval '2 minutes'`)
			if lost, err := leader.Reclaim(t.Context(), lease, 0); err != nil || len(lost) != 1 || lost[0].DocumentID != held {
				t.Errorf("Reclaim() = %v, %v, want the document of the worker that has not been seen for two leases", lost, err)
			}
		})
	}
}
