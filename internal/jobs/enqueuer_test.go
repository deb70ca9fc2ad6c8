package jobs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// submit submits one document and returns its delivery.
func submit(t *testing.T, e *Enqueuer, d storage.NewDocument) storage.Delivery {
	t.Helper()
	recorded, err := e.Submit(t.Context(), []storage.NewDocument{d})
	if err != nil || len(recorded) != 1 || recorded[0] != d.ID {
		t.Fatalf("Submit() = %v, %v, want the new id", recorded, err)
	}
	return storage.Delivery{DocumentID: d.ID, Queue: d.Queue, Number: 1}
}

func idsOf(deliveries ...storage.Delivery) []string {
	var ids []string
	for _, d := range deliveries {
		ids = append(ids, taskID(d.DocumentID, d.Number))
	}
	return ids
}

// wantTasks checks which tasks wait in a queue. Their order is left open: deliver
// writes several at once. It reads asynq's list itself, because the Inspector
// denies queues that it has not seen announced.
func wantTasks(t *testing.T, client redis.UniversalClient, queue string, want ...string) {
	t.Helper()
	got, err := client.LRange(t.Context(), "asynq:{"+queue+"}:pending", 0, -1).Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("tasks pending in %s (-want +got):\n%s", queue, diff)
	}
}

// wantDocument checks how a document stands.
func wantDocument(t *testing.T, db *storage.DB, id uuid.UUID, status storage.Status, delivery int) {
	t.Helper()
	d, err := db.Document(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if d.Status != status || d.Delivery != delivery {
		t.Errorf("document %s is %s with %d deliveries, want %s with %d", d.Key, d.Status, d.Delivery, status, delivery)
	}
}

func TestEnqueuer_Submit(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	first := submit(t, enqueuer, newDocument("a.pdf", storage.QueueInteractive))
	wantDocument(t, db, first.DocumentID, storage.StatusQueued, 1)
	wantTasks(t, client, storage.QueueInteractive, idsOf(first)...)

	for range 3 { // a caller that was not sure asks again
		recorded, err := enqueuer.Submit(t.Context(), []storage.NewDocument{newDocument("a.pdf", storage.QueueBulk)})
		if err != nil || len(recorded) != 0 {
			t.Errorf("Submit(known) = %v, %v, want nothing new", recorded, err)
		}
	}
	wantDocument(t, db, first.DocumentID, storage.StatusQueued, 1)
	wantTasks(t, client, storage.QueueInteractive, idsOf(first)...)
	wantTasks(t, client, storage.QueueBulk)

	second := newDocument("b.pdf", storage.QueueInteractive)
	recorded, err := enqueuer.Submit(t.Context(), []storage.NewDocument{newDocument("a.pdf", storage.QueueInteractive), second})
	if err != nil || len(recorded) != 1 || recorded[0] != second.ID {
		t.Errorf("Submit(known and new) = %v, %v, want the new one", recorded, err)
	}
	wantDocument(t, db, second.ID, storage.StatusQueued, 1)

	if recorded, err := enqueuer.Submit(t.Context(), nil); err != nil || recorded != nil {
		t.Errorf("Submit(nothing) = %v, %v, want nothing", recorded, err)
	}
}

// TestEnqueuer_SubmitAtOnce shows that callers who submit the same document at
// the same time make one task of it.
func TestEnqueuer_SubmitAtOnce(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	d := newDocument("a.pdf", storage.QueueBulk)
	var group sync.WaitGroup
	news := make(chan int, 8)
	for range cap(news) {
		group.Go(func() {
			recorded, err := NewEnqueuer(db, client, 0).Submit(t.Context(), []storage.NewDocument{d})
			if err != nil {
				t.Error(err)
			}
			news <- len(recorded)
		})
	}
	group.Wait()
	close(news)
	total := 0
	for n := range news {
		total += n
	}
	if total != 1 {
		t.Errorf("the document was new %d times", total)
	}
	wantTasks(t, client, storage.QueueBulk, taskID(d.ID, 1))
	wantDocument(t, db, d.ID, storage.StatusQueued, 1)
}

// TestEnqueuer_NoSecretInRedis shows that keys of objects, which often hold a
// PAN, stay out of Redis.
func TestEnqueuer_NoSecretInRedis(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	d := newDocument("2025/"+zed+".pdf", storage.QueueBulk)
	d.SealedPasswords, d.CallbackURL, d.Batch = []byte("sealed"), "https://"+zed+".invalid/", zed
	delivery := submit(t, enqueuer, d)
	task, err := client.HGetAll(t.Context(), "asynq:{bulk}:t:"+idsOf(delivery)[0]).Result()
	if err != nil || len(task) == 0 {
		t.Fatalf("task %v, %v, want what asynq keeps of it", task, err)
	}
	for field, value := range task {
		for _, secret := range []string{zed, "sealed", ".pdf"} {
			if strings.Contains(value, secret) {
				t.Errorf("%s of the task holds %s", field, secret)
			}
		}
	}
}

func TestEnqueuer_RedisDown(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	enqueuer := NewEnqueuer(db, deadRedis(t), 0)
	a, b := newDocument("a.pdf", storage.QueueInteractive), newDocument("b.pdf", storage.QueueBulk)
	recorded, err := enqueuer.Submit(t.Context(), []storage.NewDocument{a, b})
	if !errors.Is(err, ErrNotQueued) || !errors.Is(err, errRedisDown) {
		t.Errorf("Submit() = %v, want ErrNotQueued and why", err)
	}
	if len(recorded) != 2 {
		t.Errorf("Submit() recorded %v, want both", recorded)
	}
	for _, d := range []storage.NewDocument{a, b} {
		wantDocument(t, db, d.ID, storage.StatusPending, 1) // for the dispatcher
	}
	if again, err := enqueuer.Submit(t.Context(), []storage.NewDocument{a, b}); err != nil || len(again) != 0 {
		t.Errorf("Submit(again) = %v, %v: known is known, Redis or not", again, err)
	}

	// The dispatcher hands them over once Redis is back, under a task id of its own.
	client := newRedis(t)
	dispatcher := NewDispatcher(DispatcherConfig{DB: db, Enqueuer: NewEnqueuer(db, client, 0), Logger: quiet(), Window: 10})
	if err := dispatcher.dispatch(t.Context(), lead(t, db)); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, client, storage.QueueInteractive, taskID(a.ID, 2))
	wantTasks(t, client, storage.QueueBulk, taskID(b.ID, 2))
}

func TestEnqueuer_LedgerDown(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	db.Close()
	recorded, err := enqueuer.Submit(t.Context(), []storage.NewDocument{newDocument("a.pdf", storage.QueueBulk)})
	if err == nil || errors.Is(err, ErrNotQueued) || recorded != nil {
		t.Errorf("Submit() = %v, %v, want an error: nothing is recorded", recorded, err)
	}
	wantTasks(t, client, storage.QueueBulk)
}

// TestEnqueuer_DeliverSome shows that one task which Redis does not take keeps
// none of the others back.
func TestEnqueuer_DeliverSome(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	a, b := newDocument("a.pdf", storage.QueueBulk), newDocument("b.pdf", storage.QueueBulk)
	if _, err := db.Record(t.Context(), []storage.NewDocument{a, b}); err != nil {
		t.Fatal(err)
	}
	deliveries, err := db.Requeue(t.Context(), []uuid.UUID{a.ID, b.ID})
	if err != nil || len(deliveries) != 2 {
		t.Fatalf("Requeue() = %v, %v, want both", deliveries, err)
	}
	deliveries[0].Queue = " " // asynq refuses it
	if err := enqueuer.deliver(t.Context(), deliveries); err == nil || !strings.Contains(err.Error(), "1 of 2") {
		t.Errorf("deliver() = %v, want it to tell how many", err)
	}
	wantDocument(t, db, a.ID, storage.StatusPending, 1)
	wantDocument(t, db, b.ID, storage.StatusQueued, 1)
	wantTasks(t, client, storage.QueueBulk, taskID(b.ID, 1))
	if err := enqueuer.deliver(t.Context(), deliveries[1:]); err != nil {
		t.Errorf("deliver(a task that is there) = %v, want it to be fine", err)
	}
	wantTasks(t, client, storage.QueueBulk, taskID(b.ID, 1))
}

// TestEnqueuer_DeliverCanceled shows that documents are put back even when the
// caller has given up.
func TestEnqueuer_DeliverCanceled(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	d := newDocument("a.pdf", storage.QueueBulk)
	if _, err := db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
		t.Fatal(err)
	}
	deliveries, err := db.Requeue(t.Context(), []uuid.UUID{d.ID})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := enqueuer.deliver(ctx, deliveries); !errors.Is(err, context.Canceled) {
		t.Errorf("deliver() = %v, want Canceled", err)
	}
	wantDocument(t, db, d.ID, storage.StatusPending, 1)
}

func TestEnqueuer_DeliverLater(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	later := storage.Delivery{DocumentID: uuid.New(), Queue: storage.QueueBulk, Number: 4, Wait: time.Hour}
	if err := enqueuer.deliver(t.Context(), []storage.Delivery{later}); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, client, storage.QueueBulk)
	info, err := enqueuer.inspector.GetTaskInfo(storage.QueueBulk, idsOf(later)[0])
	if err != nil || info.State != asynq.TaskStateScheduled || info.MaxRetry != maxRetry || info.Timeout != time.Hour {
		t.Errorf("task %+v (%v), want it scheduled, with retries out of reach and an hour of time", info, err)
	}
}
