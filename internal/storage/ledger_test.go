package storage_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestDocumentID(t *testing.T) {
	t.Parallel()
	want := storage.DocumentID("b", "k", "e", storage.KindSmart)
	if got := storage.DocumentID("b", "k", "e", storage.KindSmart); got != want {
		t.Errorf("same object: got %s, want %s", got, want)
	}
	for name, other := range map[string]uuid.UUID{
		"bucket": storage.DocumentID("x", "k", "e", storage.KindSmart),
		"key":    storage.DocumentID("b", "x", "e", storage.KindSmart),
		"etag":   storage.DocumentID("b", "k", "x", storage.KindSmart),
		"kind":   storage.DocumentID("b", "k", "e", storage.KindNSDL),
		"joint":  storage.DocumentID("bk", "", "e", storage.KindSmart),
	} {
		if other == want {
			t.Errorf("another %s has the same id", name)
		}
	}
}

func TestDB_Record(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	first, second := newDocument("a.pdf", storage.QueueBulk), newDocument("b.pdf", storage.QueueBulk)

	recorded, err := db.Record(t.Context(), []storage.NewDocument{first})
	if err != nil || len(recorded) != 1 || recorded[0] != first.ID {
		t.Fatalf("Record(new) = %v, %v, want its id", recorded, err)
	}
	recorded, err = db.Record(t.Context(), []storage.NewDocument{first, second})
	if err != nil || len(recorded) != 1 || recorded[0] != second.ID {
		t.Fatalf("Record(known and new) = %v, %v, want the new one's id", recorded, err)
	}
	known, err := db.Known(t.Context(), []uuid.UUID{first.ID, uuid.New()})
	if err != nil || len(known) != 1 || !known[first.ID] {
		t.Errorf("Known() = %v, %v, want the first only", known, err)
	}
}

func TestDB_Claim(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, newDocument("a.pdf", storage.QueueBulk))[0]

	var mu sync.Mutex
	won, lost := 0, 0
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := db.Claim(t.Context(), id, uuid.New())
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				won++
			case errors.Is(err, storage.ErrBusy):
				lost++
			default:
				t.Errorf("Claim() = %v, want success or ErrBusy", err)
			}
		})
	}
	group.Wait()
	if won != 1 || lost != 7 {
		t.Errorf("%d won and %d lost, want 1 and 7", won, lost)
	}
	if _, err := db.Claim(t.Context(), uuid.New(), uuid.New()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Claim(unknown) = %v, want ErrNotFound", err)
	}
	if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonCrashed, Message: "m"}, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Claim(t.Context(), id, uuid.New()); !errors.Is(err, storage.ErrFinished) {
		t.Errorf("Claim(dead) = %v, want ErrFinished", err)
	}
}

func TestLeader_Dispatch(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	ids := record(t, db, newDocument("a.pdf", storage.QueueBulk))
	ids = append(ids, record(t, db, newDocument("b.pdf", storage.QueueBulk))...)
	ids = append(ids, record(t, db, newDocument("c.pdf", storage.QueueBulk))...)
	record(t, db, newDocument("d.pdf", storage.QueueInteractive))
	leader := lead(t, db)

	if second, err := db.Lead(t.Context()); second != nil || err != nil {
		t.Fatalf("second Lead() = %v, %v, want nobody", second, err)
	}
	deliveries, err := leader.Dispatch(t.Context(), storage.QueueBulk, 2, storage.Budget{})
	if err != nil {
		t.Fatal(err)
	}
	want := []storage.Delivery{
		{DocumentID: ids[0], Queue: storage.QueueBulk, Number: 1}, {DocumentID: ids[1], Queue: storage.QueueBulk, Number: 1},
	}
	if diff := cmp.Diff(want, deliveries); diff != "" {
		t.Errorf("oldest first, as many as the window (-want +got):\n%s", diff)
	}
	if deliveries, err = leader.Dispatch(t.Context(), storage.QueueBulk, 2, storage.Budget{}); err != nil || len(deliveries) != 0 {
		t.Errorf("Dispatch(full window) = %v, %v, want none", deliveries, err)
	}
	stale, err := leader.Stale(t.Context(), 0)
	if err != nil || len(stale) != 2 {
		t.Errorf("Stale(0) = %v, %v, want both", stale, err)
	}
	if stale, err = leader.Stale(t.Context(), time.Hour); err != nil || len(stale) != 0 {
		t.Errorf("Stale(an hour) = %v, %v, want none", stale, err)
	}
	renewed, err := db.Requeue(t.Context(), ids[:1])
	if err != nil || len(renewed) != 1 || renewed[0].Number != 2 {
		t.Errorf("Requeue() = %v, %v, want delivery 2", renewed, err)
	}
	if err := db.Unqueue(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, ids[0]); got != storage.StatusPending {
		t.Errorf("after Unqueue: %s, want pending", got)
	}
}

func TestLeader_Resign(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	leader, err := db.Lead(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leader.Resign()
	awaitLead(t, db)
}

// awaitLead becomes the leader as soon as Postgres lets it: a server notices the end of
// a connection in its own time.
func awaitLead(t *testing.T, db *storage.DB) {
	t.Helper()
	for {
		leader, err := db.Lead(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if leader != nil {
			leader.Resign()
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

func TestLeader_Reclaim(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, worker := claimed(t, db, "a.pdf")
	begin(t, db, id, worker, "req_one")
	leader := lead(t, db)

	if lost, err := leader.Reclaim(t.Context(), lease, 0); len(lost) != 0 || err != nil {
		t.Fatalf("Reclaim(worker lives) = %v, %v, want none", lost, err)
	}
	if err := db.Retire(t.Context(), worker); err != nil {
		t.Fatal(err)
	}
	if lost, err := leader.Reclaim(t.Context(), lease, 0); len(lost) != 1 || err != nil {
		t.Fatalf("Reclaim(worker gone) = %v, %v, want one", lost, err)
	}
	if got := statusOf(t, db, id); got != storage.StatusPending {
		t.Errorf("status %s, want pending", got)
	}
	got := storagetest.Rows(t, address, `SELECT outcome, finished_at IS NOT NULL FROM cas.attempts`)
	if diff := cmp.Diff([][]string{{"unknown", "t"}}, got); diff != "" {
		t.Errorf("the open attempt (-want +got):\n%s", diff)
	}
}

func TestDB_BeginAttempt(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, worker := claimed(t, db, "a.pdf")
	attempt := storage.NewAttempt{RequestID: "req_one", DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{1}}

	if n, err := db.BeginAttempt(t.Context(), attempt); n != 1 || err != nil {
		t.Fatalf("BeginAttempt() = %d, %v, want 1", n, err)
	}
	attempt.RequestID, attempt.WorkerID = "req_two", uuid.New()
	if _, err := db.BeginAttempt(t.Context(), attempt); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("BeginAttempt(another's claim) = %v, want ErrBusy", err)
	}
	attempts, err := db.Attempts(t.Context(), id)
	if err != nil || len(attempts) != 1 {
		t.Errorf("Attempts() = %v, %v, want the one", attempts, err)
	}
}

func TestDB_Retry(t *testing.T) {
	t.Parallel()
	for outcome, want := range map[storage.Outcome]int{storage.OutcomeFailed: 1, storage.OutcomeUnknown: 1, storage.OutcomeThrottled: 0} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			db := storagetest.New(t)
			id, worker := claimed(t, db, "a.pdf")
			begin(t, db, id, worker, "req_one")
			end := storage.AttemptEnd{RequestID: "req_one", Outcome: outcome, HTTPStatus: 503, Code: "C", Message: "m", APIRequestID: "req_api", Credits: "0.5"}
			if err := db.Retry(t.Context(), id, end, time.Hour); err != nil {
				t.Fatal(err)
			}
			document, err := db.Document(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if document.Status != storage.StatusQueued || document.Attempts != want {
				t.Errorf("%s with %d attempts, want queued with %d", document.Status, document.Attempts, want)
			}
			attempts, err := db.Attempts(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			got := attempts[0]
			if got.RetryAt == nil || time.Until(*got.RetryAt) < 50*time.Minute || got.FinishedAt == nil {
				t.Errorf("retry at %v, finished at %v, want both, an hour ahead", got.RetryAt, got.FinishedAt)
			}
			got.StartedAt, got.FinishedAt, got.RetryAt = time.Time{}, nil, nil
			wanted := storage.Attempt{
				RequestID: "req_one", Endpoint: "/v4/smart/parse", Outcome: outcome, HTTPStatus: 503, Code: "C", Message: "m",
				APIRequestID: "req_api", Credits: "0.5",
			}
			if diff := cmp.Diff(wanted, got); diff != "" {
				t.Errorf("attempt (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDB_Stall(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, worker := claimed(t, db, "a.pdf")
	begin(t, db, id, worker, "req_unsent")
	if err := db.Stall(t.Context(), id, worker, time.Hour); err != nil {
		t.Fatal(err)
	}
	document, err := db.Document(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if document.Status != storage.StatusPending || document.Attempts != 0 || document.StalledSince == nil {
		t.Errorf("%s, %d attempts, stalled since %v; want pending, 0, some time", document.Status, document.Attempts, document.StalledSince)
	}
}

func TestDB_Release(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id, worker := claimed(t, db, "a.pdf")
	if err := db.Release(t.Context(), id, uuid.New(), 0); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusCalling {
		t.Errorf("released by a stranger: %s, want calling", got)
	}
	if err := db.Release(t.Context(), id, worker, 0); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, db, id); got != storage.StatusPending {
		t.Errorf("released by its worker: %s, want pending", got)
	}
}

func TestDB_Overview(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	document := newDocument("a.pdf", storage.QueueBulk)
	document.Batch = "night"
	record(t, db, document, newDocument("b.pdf", storage.QueueInteractive))
	for batch, want := range map[string]int{"": 2, "night": 1, "none": 0} {
		overview, err := db.Overview(t.Context(), batch)
		if err != nil {
			t.Fatal(err)
		}
		if got := overview.Documents[storage.StatusPending]; got != want {
			t.Errorf("batch %q: %d pending, want %d", batch, got, want)
		}
	}
	if idle, err := db.Idle(t.Context()); idle || err != nil {
		t.Errorf("Idle() = %v, %v, want false", idle, err)
	}
}

// TestDB_Lead_StandsStill: a leader that asks for nothing, like one whose process is
// stopped, loses the lead, and cannot dispatch any more.
func TestDB_Lead_StandsStill(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	stopped := lead(t, db)
	awaitLead(t, db)
	if _, err := stopped.Dispatch(t.Context(), storage.QueueBulk, 1, storage.Budget{}); err == nil {
		t.Error("Dispatch() of a leader that has lost the lead = nil, want an error")
	}
}
