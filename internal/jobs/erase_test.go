package jobs

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestEnqueuer_Erase shows that the tasks and parked answers that a PAN is behind
// are removed, and nobody else's.
func TestEnqueuer_Erase(t *testing.T) {
	t.Parallel()
	exerciseErase(t, newRedis(t))
}

func exerciseErase(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	const pan = "ZZZPA1234Z"
	enqueuer := NewEnqueuer(storagetest.New(t), client, 0)
	traced, other := submit(t, enqueuer, newDocument("traced.pdf", storage.QueueBulk)), submit(t, enqueuer, newDocument("other.pdf", storage.QueueBulk))
	theirs := asynq.NewClientFromRedisClient(client) // another service's
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		task := asynq.NewTask(TaskType, []byte(`{"bucket":"statements","key":"zzzpa1234z.pdf"}`))
		if _, err := theirs.EnqueueContext(t.Context(), task, asynq.Queue(queue)); err != nil {
			t.Fatal(err)
		}
	}
	for _, document := range []uuid.UUID{traced.DocumentID, other.DocumentID} {
		if err := client.Set(t.Context(), parkedKey(document), "sealed", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	trace := storage.Trace{DocumentID: traced.DocumentID, Queue: traced.Queue, Delivery: traced.Number}
	for range 2 { // doing it again changes nothing
		if err := enqueuer.Erase(t.Context(), pan, []storage.Trace{trace}); err != nil {
			t.Fatal(err)
		}
		wantTasks(t, client, storage.QueueInteractive)
		wantTasks(t, client, storage.QueueBulk, idsOf(other)...)
		if got, want := keysOf(t, client, "casflow:parked:*"), []string{parkedKey(other.DocumentID)}; !slices.Equal(got, want) {
			t.Errorf("parked answers %v, want %v", got, want)
		}
	}
}
