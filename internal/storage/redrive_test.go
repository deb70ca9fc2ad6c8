package storage_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// bury has a worker call the API for a new document, and bury it.
func bury(t *testing.T, db *storage.DB, key string, reason storage.Reason) uuid.UUID {
	t.Helper()
	id, worker := claimed(t, db, key)
	buryAgain(t, db, id, worker, "req_"+key, reason)
	return id
}

// buryAgain does so for a document that worker has claimed.
func buryAgain(t *testing.T, db *storage.DB, id, worker uuid.UUID, request string, reason storage.Reason) {
	t.Helper()
	begin(t, db, id, worker, request)
	letter := storage.DeadLetter{DocumentID: id, Reason: reason, HTTPStatus: 400, Message: "m", RequestID: request}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeRefused}); err != nil {
		t.Fatal(err)
	}
}

// deadIDs are the documents of the letters that a filter chooses.
func deadIDs(t *testing.T, db *storage.DB, f storage.DeadFilter) []uuid.UUID {
	t.Helper()
	letters, err := db.DeadLetters(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	ids := []uuid.UUID{}
	for _, l := range letters {
		ids = append(ids, l.DocumentID)
	}
	return ids
}

func TestDB_Redrive(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	first, second := bury(t, db, "a.pdf", storage.ReasonWrongPassword), bury(t, db, "b.pdf", storage.ReasonWrongPassword)
	other, task := bury(t, db, "c.pdf", storage.ReasonTooLarge), uuid.New()
	if err := db.BuryTask(t.Context(), storage.DeadLetter{DocumentID: task, Reason: storage.ReasonBadTask, Message: "m"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uuid.UUID{first, second, other, task}, deadIDs(t, db, storage.DeadFilter{})); diff != "" {
		t.Fatalf("dead letters (-want +got):\n%s", diff)
	}
	filter := storage.DeadFilter{Reason: storage.ReasonWrongPassword, Limit: 1}
	counts, err := db.CountRedrivable(t.Context(), filter)
	if diff := cmp.Diff([]storage.DeadCount{{Reason: storage.ReasonWrongPassword, N: 1, Credits: 1}}, counts); diff != "" || err != nil {
		t.Errorf("CountRedrivable: %v (-want +got):\n%s", err, diff)
	}
	redrivable, err := db.Redrivable(t.Context(), filter)
	if err != nil || len(redrivable) != 1 || redrivable[0].DocumentID != first {
		t.Fatalf("Redrivable(limit 1) = %v, %v, want the oldest", redrivable, err)
	}
	redriven, err := db.Redrive(t.Context(), filter)
	if diff := cmp.Diff(redrivable, redriven); diff != "" || err != nil {
		t.Fatalf("Redrive: %v (-want +got):\n%s", err, diff)
	}
	document, err := db.Document(t.Context(), first)
	if err != nil || document.Status != storage.StatusPending || document.Attempts != 0 {
		t.Errorf("redriven: %s with %d attempts (%v), want pending with none", document.Status, document.Attempts, err)
	}
	if redriven, err = db.Redrive(t.Context(), storage.DeadFilter{Documents: []uuid.UUID{second, first}}); err != nil || len(redriven) != 1 {
		t.Errorf("Redrive(by id) = %v, %v, want the one that is dead", redriven, err)
	}
	if redriven, err = db.Redrive(t.Context(), storage.DeadFilter{Documents: []uuid.UUID{}}); err != nil || len(redriven) != 0 {
		t.Errorf("Redrive(of none) = %v, %v, want none", redriven, err)
	}
	if diff := cmp.Diff([]uuid.UUID{other, task}, deadIDs(t, db, storage.DeadFilter{})); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestDB_DeadLetters_Age(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	ids := make([]uuid.UUID, 0, 3)
	for _, key := range []string{"5.pdf", "3.pdf", "1.pdf"} { // hours ago
		ids = append(ids, bury(t, db, key, storage.ReasonCrashed))
	}
	storagetest.Rows(t, address, `
UPDATE cas.dead_letters l SET dead_at = now() - left(d.object_key, 1)::integer * interval '1 hour' FROM cas.documents d
WHERE d.document_id = l.document_id`)
	for name, test := range map[string]struct {
		older, newer time.Duration
		want         []uuid.UUID
	}{
		"none":  {0, 0, ids},
		"older": {2 * time.Hour, 0, ids[:2]},
		"newer": {0, 4 * time.Hour, ids[1:]},
		"both":  {2 * time.Hour, 4 * time.Hour, ids[1:2]},
		"never": {1000 * time.Hour, 0, []uuid.UUID{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			filter := storage.DeadFilter{OlderThan: test.older, NewerThan: test.newer}
			if diff := cmp.Diff(test.want, deadIDs(t, db, filter)); diff != "" {
				t.Errorf("dead letters (-want +got):\n%s", diff)
			}
		})
	}
}

// What costs nothing: an answer of the document's own, or of the same bytes from
// the same endpoint.
func TestDB_CountRedrivable_Answered(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for key, answer := range map[string]storage.Answer{
		"own.pdf":   {SHA256: [32]byte{7}, Endpoint: "/v4/smart/parse"}, // of a document that is dead
		"bytes.pdf": {SHA256: [32]byte{1}, Endpoint: "/v4/nsdl/parse"},
	} {
		answer.DocumentID, answer.Body, answer.ReceivedAt = bury(t, db, key, storage.ReasonBadAnswer), []byte("{}"), time.Now()
		if err := db.SaveAnswer(t.Context(), answer, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	bury(t, db, "c.pdf", storage.ReasonWrongPassword) // the bytes of both, but another endpoint than the second answer
	want := []storage.DeadCount{{Reason: storage.ReasonBadAnswer, N: 2, Answered: 2}, {Reason: storage.ReasonWrongPassword, N: 1, Credits: 1}}
	counts, err := db.CountRedrivable(t.Context(), storage.DeadFilter{})
	if diff := cmp.Diff(want, counts); diff != "" || err != nil {
		t.Errorf("CountRedrivable: %v (-want +got):\n%s", err, diff)
	}
	other := storage.Answer{
		DocumentID: record(t, db, newDocument("d.pdf", storage.QueueBulk))[0], SHA256: [32]byte{1}, Endpoint: "/v4/smart/parse", Body: []byte("{}"), ReceivedAt: time.Now(),
	}
	if err := db.SaveAnswer(t.Context(), other, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	want[1].Answered, want[1].Credits = 1, 0
	counts, err = db.CountRedrivable(t.Context(), storage.DeadFilter{})
	if diff := cmp.Diff(want, counts); diff != "" || err != nil {
		t.Errorf("CountRedrivable with an answer for the bytes: %v (-want +got):\n%s", err, diff)
	}
}

func TestDB_History(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := bury(t, db, "a.pdf", storage.ReasonTooLarge)
	got, err := db.History(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := storage.History{
		DocumentID: id,
		Document: &storage.DocumentRecord{
			Status: storage.StatusDead, Bucket: "statements", Key: "a.pdf", ETag: "etag-a.pdf", SizeBytes: 9,
			Kind: storage.KindSmart, Queue: storage.QueueBulk, Counted: 1,
		},
		DeadLetter: &storage.DeadRecord{Reason: storage.ReasonTooLarge, HTTPStatus: 400, Message: "m", RequestID: "req_a.pdf"},
		Attempts:   []storage.Attempt{{RequestID: "req_a.pdf", Endpoint: "/v4/smart/parse", Outcome: storage.OutcomeRefused}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(time.Time{}, &time.Time{})); diff != "" {
		t.Errorf("History (-want +got):\n%s", diff)
	}
	at := []time.Time{got.Document.CreatedAt, got.Attempts[0].StartedAt, *got.Attempts[0].FinishedAt, got.DeadLetter.DeadAt}
	if !slices.IsSortedFunc(at, time.Time.Compare) || at[0].IsZero() {
		t.Errorf("recorded, called, ended, dead at %v, want that order", at)
	}
}
