package storage_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// A discarded letter leaves the open ones and every filter but one that asks for
// it; what is on record of it is on record until its document dies again.
func TestDB_Discard(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	first, second, task := bury(t, db, "a.pdf", storage.ReasonCrashed), bury(t, db, "b.pdf", storage.ReasonCrashed), uuid.New()
	if err := db.BuryTask(t.Context(), storage.DeadLetter{DocumentID: task, Reason: storage.ReasonBadTask, Message: "m"}); err != nil {
		t.Fatal(err)
	}
	if err := db.ReplacePasswords(t.Context(), []uuid.UUID{first, second}, [][]byte{{1}, {2}}); err != nil {
		t.Fatal(err)
	}
	filter := storage.DeadFilter{Documents: []uuid.UUID{first, task}}
	letters, documents, err := db.Discard(t.Context(), filter, "me", "of ZZZPA0001Z, who left")
	want := []storage.Redriven{{DocumentID: first, Bucket: "statements", Key: "a.pdf", Queue: storage.QueueBulk}}
	if diff := cmp.Diff(want, documents); diff != "" || letters != 2 || err != nil {
		t.Fatalf("Discard() = %d letters, %v, want 2; documents (-want +got):\n%s", letters, err, diff)
	}
	if letters, _, err := db.Discard(t.Context(), filter, "you", "again"); letters != 0 || err != nil {
		t.Errorf("second Discard() = %d, %v, want none", letters, err)
	}

	for name, test := range map[string]struct {
		filter storage.DeadFilter
		want   []uuid.UUID
	}{
		"Open":      {storage.DeadFilter{}, []uuid.UUID{second}},
		"Discarded": {storage.DeadFilter{Letters: storage.LettersDiscarded}, []uuid.UUID{first, task}},
		"All":       {storage.DeadFilter{Letters: storage.LettersAll}, []uuid.UUID{first, second, task}},
		"Named":     {storage.DeadFilter{Documents: []uuid.UUID{first}}, []uuid.UUID{}},
	} {
		if diff := cmp.Diff(test.want, deadIDs(t, db, test.filter)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for id, want := range map[uuid.UUID][]byte{first: nil, second: {2}} {
		document, err := db.Document(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, document.SealedPasswords); diff != "" || document.Status != storage.StatusDead {
			t.Errorf("%s is %s, want dead; passwords (-want +got):\n%s", document.Key, document.Status, diff)
		}
	}
	overview, err := db.Overview(t.Context(), "")
	if diff := cmp.Diff(map[storage.Reason]int{storage.ReasonCrashed: 1}, overview.Dead); diff != "" || err != nil {
		t.Errorf("Overview: %v, dead (-want +got):\n%s", err, diff)
	}
	if overview.Discarded != 1 || overview.Documents[storage.StatusDead] != 2 {
		t.Errorf("Overview: %d discarded of %d dead, want 1 of 2", overview.Discarded, overview.Documents[storage.StatusDead])
	}
}

func TestDB_Discard_Redriven(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := bury(t, db, "a.pdf", storage.ReasonCrashed)
	if _, _, err := db.Discard(t.Context(), storage.DeadFilter{}, "me", "of ZZZPA0001Z"); err != nil {
		t.Fatal(err)
	}
	if redriven, err := db.Redrive(t.Context(), storage.DeadFilter{}); len(redriven) != 0 || err != nil {
		t.Errorf("Redrive(open) = %v, %v, want none", redriven, err)
	}
	record := func() storage.DeadRecord {
		t.Helper()
		history, err := db.History(t.Context(), id)
		if err != nil || history.DeadLetter == nil {
			t.Fatalf("History() = %+v, %v, want a letter", history, err)
		}
		return *history.DeadLetter
	}
	ignored := cmpopts.IgnoreFields(storage.DeadRecord{}, "DeadAt", "RedrivenAt", "DiscardedAt")
	want := storage.DeadRecord{
		Reason: storage.ReasonCrashed, HTTPStatus: 400, Message: "m", RequestID: "req_a.pdf", DiscardedBy: "me", DiscardedWhy: "of ZZ*******Z",
	}
	got := record()
	if diff := cmp.Diff(want, got, ignored); diff != "" || got.DiscardedAt == nil || got.RedrivenAt != nil {
		t.Errorf("discarded at %v, redriven at %v, want the first only; record (-want +got):\n%s", got.DiscardedAt, got.RedrivenAt, diff)
	}

	redriven, err := db.Redrive(t.Context(), storage.DeadFilter{Documents: []uuid.UUID{id}, Letters: storage.LettersAll})
	if len(redriven) != 1 || err != nil {
		t.Fatalf("Redrive(all) = %v, %v, want the document", redriven, err)
	}
	got = record()
	if diff := cmp.Diff(want, got, ignored); diff != "" || got.DiscardedAt == nil || got.RedrivenAt == nil {
		t.Errorf("discarded at %v, redriven at %v, want both; record (-want +got):\n%s", got.DiscardedAt, got.RedrivenAt, diff)
	}
	if overview, err := db.Overview(t.Context(), ""); overview.Discarded != 0 || err != nil {
		t.Errorf("%d discarded (%v) once it is redriven, want none", overview.Discarded, err)
	}

	worker := startWorker(t, db)
	if _, err := db.Claim(t.Context(), id, worker); err != nil {
		t.Fatal(err)
	}
	buryAgain(t, db, id, worker, "req_again", storage.ReasonTooLarge)
	want = storage.DeadRecord{Reason: storage.ReasonTooLarge, HTTPStatus: 400, Message: "m", RequestID: "req_again"}
	if diff := cmp.Diff(want, record(), cmpopts.IgnoreTypes(time.Time{})); diff != "" {
		t.Errorf("dead again (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]uuid.UUID{id}, deadIDs(t, db, storage.DeadFilter{})); diff != "" {
		t.Errorf("open again (-want +got):\n%s", diff)
	}
}

func TestDB_BuryTask_Again(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	letter := storage.DeadLetter{DocumentID: uuid.New(), Reason: storage.ReasonBadTask, Message: "m"}
	for range 2 {
		if err := db.BuryTask(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
		letters, documents, err := db.Discard(t.Context(), storage.DeadFilter{}, "me", "why")
		if letters != 1 || len(documents) != 0 || err != nil {
			t.Fatalf("Discard() = %d letters, %v documents, %v, want the one letter", letters, documents, err)
		}
	}
	history, err := db.History(t.Context(), letter.DocumentID)
	if err != nil || history.Document != nil || history.DeadLetter == nil || len(history.Attempts) != 0 {
		t.Errorf("History(task) = %+v, %v, want a letter alone", history, err)
	}
	if _, err := db.History(t.Context(), uuid.New()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("History(unknown) = %v, want ErrNotFound", err)
	}
}
