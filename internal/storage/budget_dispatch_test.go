package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// dispatched are the keys of the documents that a look at the backlog moves.
func dispatched(t *testing.T, leader *storage.Leader, db *storage.DB, queue string, budget storage.Budget) string {
	t.Helper()
	deliveries, err := leader.Dispatch(t.Context(), queue, 10, budget)
	if err != nil {
		t.Fatal(err)
	}
	keys := ""
	for _, d := range deliveries {
		document, err := db.Document(t.Context(), d.DocumentID)
		if err != nil {
			t.Fatal(err)
		}
		keys += document.Key
	}
	return keys
}

// TestLeader_Dispatch_Batch: what a batch has no credits for stays, and keeps
// nothing else from going; a raised cap lets it go.
func TestLeader_Dispatch_Batch(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	open(t, db, "may", 2)
	for _, key := range []string{"a", "b", "c", "d"} {
		record(t, db, of("may", newDocument(key, storage.QueueBulk)))
	}
	record(t, db, newDocument("e", storage.QueueBulk))
	record(t, db, of("free", newDocument("f", storage.QueueBulk)))
	leader := lead(t, db)
	want := func(want string) {
		t.Helper()
		if got := dispatched(t, leader, db, storage.QueueBulk, storage.Budget{}); got != want {
			t.Errorf("dispatched %q, want %q", got, want)
		}
	}
	want("abef") // as many as the cap leaves beside those that are under way
	want("")
	ids := make([]uuid.UUID, 2)
	for i, key := range []string{"a", "b"} {
		ids[i] = newDocument(key, storage.QueueBulk).ID
		a := attempt(t, db, ids[i], storage.Budget{})
		a.RequestID = "req_" + key
		if _, err := db.BeginAttempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	want("")
	bury := func(id uuid.UUID, request string, outcome storage.Outcome) {
		t.Helper()
		letter := storage.DeadLetter{DocumentID: id, Reason: storage.ReasonBadAnswer, Message: "m"}
		if err := db.Bury(t.Context(), letter, storage.AttemptEnd{RequestID: request, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	bury(ids[0], "req_a", storage.OutcomeAnswered)
	want("")
	bury(ids[1], "req_b", storage.OutcomeRefused)
	want("c")
	open(t, db, "may", 0) // leaves the cap
	want("")
	open(t, db, "may", 9)
	want("d")
	wantCalls(t, address, "may", "1")
	batch, err := db.Batch(t.Context(), "may")
	if err != nil || batch.Total != 4 || batch.MaxCredits != 9 || batch.Source != "s3://statements/" || batch.ClosedAt != nil {
		t.Errorf("Batch() = %+v, %v", batch, err)
	}
	if err := db.CloseBatch(t.Context(), "may"); err != nil {
		t.Fatal(err)
	}
	if batch, err = db.Batch(t.Context(), "may"); err != nil || batch.ClosedAt == nil {
		t.Errorf("closed: Batch() = %+v, %v", batch, err)
	}
	if _, err := db.Batch(t.Context(), "july"); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Batch(unknown) = %v, want ErrNotFound", err)
	}
}

// TestLeader_Dispatch_Day: once the day's credits are used up nothing goes, for
// bulk already at the floor, and the next day all goes on.
func TestLeader_Dispatch_Day(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	budget := storage.Budget{DailyCredits: 3, InteractiveFloor: 1}
	for _, key := range []string{"a", "b", "c"} {
		record(t, db, newDocument(key, storage.QueueBulk))
	}
	for _, key := range []string{"x", "y"} {
		record(t, db, newDocument(key, storage.QueueInteractive))
	}
	leader := lead(t, db)
	want := func(queue, want string) {
		t.Helper()
		if got := dispatched(t, leader, db, queue, budget); got != want {
			t.Errorf("dispatched %q of %s, want %q", got, queue, want)
		}
	}
	if err := leader.ShowBudget(t.Context(), budget); err != nil {
		t.Fatal(err)
	}
	want(storage.QueueBulk, "ab")
	want(storage.QueueInteractive, "x")
	for _, document := range []storage.NewDocument{
		newDocument("x", storage.QueueInteractive), newDocument("a", storage.QueueBulk),
	} {
		a := attempt(t, db, document.ID, budget)
		if _, err := db.BeginAttempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		end := storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeAnswered}
		if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: a.DocumentID, Reason: storage.ReasonBadAnswer, Message: "m"}, end); err != nil {
			t.Fatal(err)
		}
	}
	refused := attempt(t, db, newDocument("b", storage.QueueBulk).ID, budget)
	if _, err := db.BeginAttempt(t.Context(), refused); !errors.Is(err, storage.ErrBudget) {
		t.Errorf("BeginAttempt() at the floor = %v, want ErrBudget", err)
	}
	if err := db.Release(t.Context(), refused.DocumentID, refused.WorkerID, 0); err != nil {
		t.Fatal(err)
	}
	o, err := db.Overview(t.Context(), "")
	if want := (storage.Day{Calls: 2, Credits: "2", MaxCredits: 3, InteractiveFloor: 1}); err != nil || o.Today != want {
		t.Errorf("today %+v, %v, want %+v", o.Today, err, want)
	}
	want(storage.QueueBulk, "")
	want(storage.QueueInteractive, "y")
	yesterday(t, address)
	want(storage.QueueBulk, "b") // y is under way
	if _, err := db.BeginAttempt(t.Context(), attempt(t, db, refused.DocumentID, budget)); err != nil {
		t.Errorf("BeginAttempt() the next day = %v", err)
	}
}

// TestLeader_Dispatch_OverBudget: what a used-up batch cannot pay for is set aside at
// the first look, however much that is, and hides nothing that comes after it. What
// has its answer already goes all the same.
func TestLeader_Dispatch_OverBudget(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	open(t, db, "may", 1)
	const waiting = 95
	for i := range waiting {
		record(t, db, of("may", newDocument(fmt.Sprintf("%03d", i), storage.QueueBulk)))
	}
	record(t, db, newDocument("z", storage.QueueBulk))
	answered := newDocument("090", storage.QueueBulk).ID
	storagetest.Rows(t, address, `
INSERT INTO cas.answers (document_id, sha256, endpoint, request_id, body) VALUES ($1, '\x01', '/v4/smart/parse', 'req_one', '{}')`, answered)
	leader := lead(t, db)
	want := func(want string, beyond int) {
		t.Helper()
		if got := dispatched(t, leader, db, storage.QueueBulk, storage.Budget{}); got != want {
			t.Errorf("dispatched %q, want %q", got, want)
		}
		o, err := db.Overview(t.Context(), "may")
		if err != nil || o.OverBudget != beyond {
			t.Errorf("%d over budget, %v, want %d", o.OverBudget, err, beyond)
		}
	}
	want("000"+"090"+"z", waiting-2)
	if idle, err := db.Idle(t.Context()); idle || err != nil {
		t.Errorf("Idle() = %t, %v, want false: documents wait", idle, err)
	}
	want("", waiting-2)
	open(t, db, "may", 5) // 000 and 090 are under way
	want("001"+"002"+"003", waiting-5)
	// Whoever hands one over by hand takes it out of those set aside.
	if _, err := db.Requeue(t.Context(), []uuid.UUID{newDocument("050", storage.QueueBulk).ID}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Claim(t.Context(), newDocument("051", storage.QueueBulk).ID, startWorker(t, db)); err != nil {
		t.Fatal(err)
	}
	want("", waiting-7)
}

// BenchmarkLeader_Dispatch is a look at the backlog, which the leader takes several
// times a second, behind a used-up batch of 50,000 documents and without it.
func BenchmarkLeader_Dispatch(b *testing.B) {
	for _, batch := range []string{"", "may"} {
		b.Run("batch="+batch, func(b *testing.B) {
			b.ReportAllocs()
			db, address := storagetest.NewURL(b)
			if err := db.OpenBatch(b.Context(), "may", "s3://statements/", 1); err != nil {
				b.Fatal(err)
			}
			storagetest.Rows(b, address, `
INSERT INTO cas.documents (document_id, bucket, object_key, etag, kind, queue, batch)
SELECT gen_random_uuid(), 'b', n::text, 'e', 'smart', 'bulk', nullif($1, '') FROM generate_series(1, 50000) AS n`, batch)
			storagetest.Rows(b, address, `VACUUM ANALYZE cas.documents`)
			leader, err := db.Lead(b.Context())
			if err != nil || leader == nil {
				b.Fatal(leader, err)
			}
			b.Cleanup(leader.Resign)
			for range 2 { // the first fills the window, or sets all aside
				if _, err := leader.Dispatch(b.Context(), storage.QueueBulk, 512, storage.Budget{}); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := leader.Dispatch(b.Context(), storage.QueueBulk, 512, storage.Budget{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
