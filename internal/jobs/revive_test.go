package jobs

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// reviveBundle is a ledger and a queue with one document in it.
type reviveBundle struct {
	db       *storage.DB
	address  string // of the ledger
	client   redis.UniversalClient
	enqueuer *Enqueuer
	delivery storage.Delivery
}

func setupRevive(t *testing.T) reviveBundle {
	t.Helper()
	return setupReviveOn(t, newRedis(t))
}

func setupReviveOn(t *testing.T, client redis.UniversalClient) reviveBundle {
	t.Helper()
	db, address := storagetest.NewURL(t)
	enqueuer := NewEnqueuer(db, client, 0)
	return reviveBundle{db, address, client, enqueuer, submit(t, enqueuer, newDocument("a.pdf", storage.QueueBulk))}
}

// wantRevived revives the document and checks how it stands, and that the one
// task that waits is the one of this delivery.
func (b reviveBundle) wantRevived(t *testing.T, delivery int) {
	t.Helper()
	if err := b.enqueuer.revive(t.Context(), []storage.Delivery{b.delivery}); err != nil {
		t.Fatal(err)
	}
	wantDocument(t, b.db, b.delivery.DocumentID, storage.StatusQueued, delivery)
	wantTasks(t, b.client, storage.QueueBulk, taskID(b.delivery.DocumentID, delivery))
}

// TestEnqueuer_ReviveAfterFlush shows that Redis is disposable.
func TestEnqueuer_ReviveAfterFlush(t *testing.T) {
	t.Parallel()
	b := setupRevive(t)
	flush(t, b.client)
	wantTasks(t, b.client, storage.QueueBulk)
	b.wantRevived(t, 1)
	b.wantRevived(t, 1) // and twice is no more than once
}

func TestEnqueuer_ReviveWaiting(t *testing.T) {
	t.Parallel()
	setupRevive(t).wantRevived(t, 1)
}

// TestEnqueuer_ReviveArchived shows that a task which will never run does not
// block its document: asynq keeps its id for 90 days.
func TestEnqueuer_ReviveArchived(t *testing.T) {
	t.Parallel()
	b := setupRevive(t)
	if err := b.enqueuer.inspector.ArchiveTask(storage.QueueBulk, idsOf(b.delivery)[0]); err != nil {
		t.Fatal(err)
	}
	b.wantRevived(t, 2)

	// Had the document died meanwhile, its archived task would be in order.
	letter := storage.DeadLetter{DocumentID: b.delivery.DocumentID, Reason: storage.ReasonCrashed, Message: "made up"}
	if err := b.db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	if err := b.enqueuer.revive(t.Context(), []storage.Delivery{b.delivery}); err != nil {
		t.Fatal(err)
	}
	wantDocument(t, b.db, b.delivery.DocumentID, storage.StatusDead, 2)
	wantTasks(t, b.client, storage.QueueBulk, taskID(b.delivery.DocumentID, 2))
}

// TestEnqueuer_ReviveLater shows that a document which waits for its next try has
// its task, and keeps it.
func TestEnqueuer_ReviveLater(t *testing.T) {
	t.Parallel()
	b := setupRevive(t)
	flush(t, b.client)
	b.delivery.Wait = time.Hour
	for range 2 {
		if err := b.enqueuer.revive(t.Context(), []storage.Delivery{b.delivery}); err != nil {
			t.Fatal(err)
		}
		wantTasks(t, b.client, storage.QueueBulk)
		scheduled, err := b.client.ZRange(t.Context(), "asynq:{bulk}:scheduled", 0, -1).Result()
		if err != nil || len(scheduled) != 1 || scheduled[0] != idsOf(b.delivery)[0] {
			t.Errorf("%v (%v) are scheduled, want the one task", scheduled, err)
		}
		wantDocument(t, b.db, b.delivery.DocumentID, storage.StatusQueued, 1)
	}
}

// TestEnqueuer_ReviveRedisDown shows that without Redis nothing changes.
func TestEnqueuer_ReviveRedisDown(t *testing.T) {
	t.Parallel()
	b := setupRevive(t)
	broken := NewEnqueuer(b.db, deadRedis(t), 0)
	if err := broken.revive(t.Context(), []storage.Delivery{b.delivery}); !errors.Is(err, errRedisDown) {
		t.Errorf("revive() = %v, want Redis' error", err)
	}
	wantDocument(t, b.db, b.delivery.DocumentID, storage.StatusQueued, 1)
}

// TestDispatcher_Revive shows that the dispatcher finds by itself what nobody
// works on, and leaves alone what is new.
func TestDispatcher_Revive(t *testing.T) {
	t.Parallel()
	b := setupRevive(t)
	flush(t, b.client)
	dispatcher := NewDispatcher(DispatcherConfig{DB: b.db, Enqueuer: b.enqueuer, Logger: quiet(), Window: 10})
	leader := lead(t, b.db)
	if err := dispatcher.revive(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, b.client, storage.QueueBulk) // its task may be on its way

	storagetest.Rows(t, b.address, `UPDATE cas.documents SET updated_at = now() - interval '1 hour'`)
	if err := dispatcher.revive(t.Context(), leader); err != nil {
		t.Fatal(err)
	}
	wantTasks(t, b.client, storage.QueueBulk, idsOf(b.delivery)...)
}

func TestEnqueuer_Forget(t *testing.T) {
	t.Parallel()
	exerciseForget(t, newRedis(t))
}

func exerciseForget(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	db := storagetest.New(t)
	enqueuer := NewEnqueuer(db, client, 0)
	unknown := storage.Redriven{DocumentID: uuid.New(), Queue: storage.QueueBulk, Delivery: 1}
	if err := enqueuer.Forget([]storage.Redriven{unknown}); err != nil {
		t.Errorf("Forget(unknown queue) = %v, want it to be fine", err)
	}
	first := submit(t, enqueuer, newDocument("a.pdf", storage.QueueBulk))
	second := submit(t, enqueuer, newDocument("b.pdf", storage.QueueBulk))
	for _, id := range idsOf(first, second) {
		if err := enqueuer.inspector.ArchiveTask(storage.QueueBulk, id); err != nil {
			t.Fatal(err)
		}
	}
	redriven := storage.Redriven{DocumentID: first.DocumentID, Queue: storage.QueueBulk, Delivery: 1}
	if err := enqueuer.Forget([]storage.Redriven{unknown, redriven}); err != nil {
		t.Errorf("Forget() = %v", err)
	}
	archived, err := enqueuer.inspector.ListArchivedTasks(storage.QueueBulk)
	if err != nil || len(archived) != 1 || archived[0].ID != idsOf(second)[0] {
		t.Errorf("%v (%v) are archived, want only the one that was not redriven", archived, err)
	}
}

// TestEnqueuer_ReviveGhost shows that a task which asynq holds for active, though
// nobody has a lease on it, does not block its document.
func TestEnqueuer_ReviveGhost(t *testing.T) {
	t.Parallel()
	exerciseGhost(t, newRedis(t))
}

func exerciseGhost(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	b := setupReviveOn(t, client)
	id := idsOf(b.delivery)[0]
	if err := b.client.LMove(t.Context(), "asynq:{bulk}:pending", "asynq:{bulk}:active", "LEFT", "LEFT").Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.client.HSet(t.Context(), "asynq:{bulk}:t:"+id, "state", "active").Err(); err != nil {
		t.Fatal(err)
	}
	lease := redis.Z{Score: float64(time.Now().Add(time.Minute).Unix()), Member: id}
	if err := b.client.ZAdd(t.Context(), "asynq:{bulk}:lease", lease).Err(); err != nil {
		t.Fatal(err)
	}
	if err := b.enqueuer.revive(t.Context(), []storage.Delivery{b.delivery}); err != nil {
		t.Fatal(err)
	}
	wantDocument(t, b.db, b.delivery.DocumentID, storage.StatusQueued, 1) // somebody is about to claim it
	if err := b.client.ZRem(t.Context(), "asynq:{bulk}:lease", id).Err(); err != nil {
		t.Fatal(err)
	}
	b.wantRevived(t, 2)
	if n, err := b.client.LLen(t.Context(), "asynq:{bulk}:active").Result(); err != nil || n != 0 {
		t.Errorf("%d tasks are active, %v, want none", n, err)
	}
}
