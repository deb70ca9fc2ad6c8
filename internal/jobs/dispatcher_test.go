package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// recordEach records documents one after the other, so that their order is known.
func recordEach(t *testing.T, db *storage.DB, queue string, keys ...string) (taskIDs []string) {
	t.Helper()
	for _, key := range keys {
		d := newDocument(key, queue)
		if _, err := db.Record(t.Context(), []storage.NewDocument{d}); err != nil {
			t.Fatal(err)
		}
		taskIDs = append(taskIDs, taskID(d.ID, 1))
	}
	return taskIDs
}

func TestDispatcher_Window(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	bulk := recordEach(t, db, storage.QueueBulk, "a.pdf", "b.pdf", "c.pdf", "d.pdf")
	interactive := recordEach(t, db, storage.QueueInteractive, "e.pdf")
	dispatcher := NewDispatcher(DispatcherConfig{DB: db, Enqueuer: enqueuer, Logger: quiet(), Window: 2})
	leader := lead(t, db)
	dispatch := func() {
		t.Helper()
		if err := dispatcher.dispatch(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // however often it looks
		dispatch()
		wantTasks(t, client, storage.QueueBulk, bulk[:2]...) // the oldest
		wantTasks(t, client, storage.QueueInteractive, interactive...)
	}

	// A document that is being worked on keeps its place, one that is done frees it.
	first, worker := newDocument("a.pdf", storage.QueueBulk).ID, uuid.New()
	if _, err := db.Claim(t.Context(), first, worker); err != nil {
		t.Fatal(err)
	}
	dispatch()
	wantTasks(t, client, storage.QueueBulk, bulk[:2]...)
	letter := storage.DeadLetter{DocumentID: first, Reason: storage.ReasonCrashed, Message: "made up"}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	dispatch()
	wantTasks(t, client, storage.QueueBulk, bulk[:3]...)
}

func TestDispatcher_RedisDown(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	recordEach(t, db, storage.QueueBulk, "a.pdf")
	dispatcher := NewDispatcher(DispatcherConfig{DB: db, Enqueuer: NewEnqueuer(db, deadRedis(t), 0), Logger: quiet(), Window: 2})
	if err := dispatcher.dispatch(t.Context(), lead(t, db)); !errors.Is(err, errRedisDown) {
		t.Errorf("dispatch() = %v, want Redis' error", err)
	}
	wantDocument(t, db, newDocument("a.pdf", storage.QueueBulk).ID, storage.StatusPending, 1)
}

// TestDispatcher_Reclaim shows that documents of a worker that has vanished are
// freed, and those of one that lives are not.
func TestDispatcher_Reclaim(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	recordEach(t, db, storage.QueueBulk, "a.pdf", "b.pdf")
	gone, alive := newDocument("a.pdf", storage.QueueBulk).ID, newDocument("b.pdf", storage.QueueBulk).ID
	for _, id := range []uuid.UUID{gone, alive} { // each document's id serves as its worker's
		if err := db.Heartbeat(t.Context(), id, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Claim(t.Context(), id, id); err != nil {
			t.Fatal(err)
		}
	}
	storagetest.Rows(t, address, fmt.Sprintf(`UPDATE cas.workers SET seen_at = now() - interval '2 hours' WHERE worker_id = '%s'`, gone))
	dispatcher := NewDispatcher(DispatcherConfig{DB: db, Logger: quiet(), Lease: time.Hour, Poison: NewPoison(newRedis(t), uuid.New())})
	if err := dispatcher.reclaim(t.Context(), lead(t, db)); err != nil {
		t.Fatal(err)
	}
	wantDocument(t, db, gone, storage.StatusPending, 0)
	wantDocument(t, db, alive, storage.StatusCalling, 0)
}

// TestDispatcher_Run shows two dispatchers: one leads, and when it ends the other
// takes over.
func TestDispatcher_Run(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	client := newRedis(t)
	dispatcher := func() *Dispatcher {
		return NewDispatcher(DispatcherConfig{
			DB: db, Enqueuer: NewEnqueuer(db, client, 0), Logger: quiet(), Window: 10, Lease: time.Hour,
			Every: 10 * time.Millisecond, Steady: func() bool { return true },
		})
	}
	first, second := dispatcher(), dispatcher()
	// dispatched waits for the task of a new document, which a dispatcher must hand over.
	dispatched := func(key string) {
		t.Helper()
		want := recordEach(t, db, storage.QueueBulk, key)[0]
		got, err := client.BRPop(t.Context(), 0, "asynq:{bulk}:pending").Result()
		if err != nil || got[1] != want {
			t.Fatalf("got task %v (%v), want %s", got, err, want)
		}
	}
	// run starts a dispatcher; the function it returns ends it, and waits for that.
	run := func(d *Dispatcher) (end func()) {
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { d.Run(ctx) })
		end = func() { cancel(); group.Wait() }
		t.Cleanup(end)
		return end
	}
	endFirst := run(first)
	dispatched("a.pdf")
	if !first.Leads() {
		t.Error("the only dispatcher does not lead")
	}
	run(second)
	dispatched("b.pdf")
	if !first.Leads() || second.Leads() {
		t.Errorf("first leads: %t, second leads: %t, want the first to go on", first.Leads(), second.Leads())
	}
	endFirst()
	dispatched("c.pdf")
	if first.Leads() || !second.Leads() {
		t.Errorf("first leads: %t, second leads: %t, want the second to have taken over", first.Leads(), second.Leads())
	}
}

func TestEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		every := newEvery(time.Minute)
		// At 0:00, then every 25 seconds: the minute counts from when it was due last.
		for look, want := range []bool{true, false, false, true, false, false, true} {
			if got := every.due(); got != want {
				t.Errorf("look %d: due %t, want %t", look, got, want)
			}
			time.Sleep(25 * time.Second)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pause(t.Context(), time.Minute)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("a pause of a minute took %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began = time.Now()
		pause(ctx, time.Minute)
		if took := time.Since(began); took != time.Second {
			t.Errorf("a pause that was to end after a second took %s", took)
		}
	})
}
