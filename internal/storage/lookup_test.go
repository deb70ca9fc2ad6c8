package storage_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestDB_Lookup(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	look := func(id uuid.UUID) storage.Lookup {
		t.Helper()
		found, err := db.Lookup(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	times := cmpopts.IgnoreFields(storage.Lookup{}, "CreatedAt", "UpdatedAt", "FinishedAt")
	id := told(t, db, "a.pdf")
	want := storage.Lookup{
		ID: id, Status: storage.StatusPending, Bucket: "statements", Key: "a.pdf", SizeBytes: 1234, Kind: storage.KindSmart,
		Queue: storage.QueueInteractive, Batch: "night", Credits: "0",
	}
	if diff := cmp.Diff(want, look(id), times); diff != "" {
		t.Errorf("pending (-want +got):\n%s", diff)
	}

	worker := startWorker(t, db)
	if _, err := db.Claim(t.Context(), id, worker); err != nil {
		t.Fatal(err)
	}
	buryAgain(t, db, id, worker, "req_one", storage.ReasonBadRequest)
	want.Status, want.Attempts, want.SizeBytes, want.Reason, want.Message, want.HTTPStatus = storage.StatusDead, 1, 9, storage.ReasonBadRequest, "m", 400
	want.CallbackState = storage.CallbackPending
	dead := look(id)
	if diff := cmp.Diff(want, dead, times); diff != "" || dead.FinishedAt == nil {
		t.Errorf("dead (-want +got):\n%s", diff)
	}

	if _, err := db.Save(t.Context(), answerFor(id), full(), storage.AttemptEnd{RequestID: "req_one", Outcome: storage.OutcomeAnswered, Credits: "1.5"}); err != nil {
		t.Fatal(err)
	}
	key := full().Key
	want.Status, want.Reason, want.Message, want.HTTPStatus, want.Credits = storage.StatusParsed, "", "", 0, "1.5"
	want.PAN, want.PeriodFrom, want.PeriodTo, want.CASType = key.PAN, key.PeriodFrom, key.PeriodTo, key.CASType
	if diff := cmp.Diff(want, look(id), times); diff != "" {
		t.Errorf("parsed (-want +got):\n%s", diff)
	}
	if _, err := db.Lookup(t.Context(), uuid.New()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Lookup(unknown) = %v, want ErrNotFound", err)
	}
}

// TestDB_DeadLettersAfter shows that pages of dead letters are together all of
// them, each once, also where many died in the same moment.
func TestDB_DeadLettersAfter(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	var want []uuid.UUID
	for _, key := range []string{"a.pdf", "b.pdf", "c.pdf", "d.pdf", "e.pdf"} {
		want = append(want, bury(t, db, key, storage.ReasonTooLarge))
	}
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET dead_at = now()`)
	slices.SortFunc(want, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	var got []uuid.UUID
	filter := storage.DeadFilter{Limit: 2}
	for {
		page, err := db.DeadLetters(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, letter := range page {
			got = append(got, letter.DocumentID)
			filter.After = storage.DeadCursor{DeadAt: letter.DeadAt, DocumentID: letter.DocumentID}
		}
		if len(page) < filter.Limit {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages (-want +got):\n%s", diff)
	}
}

func TestOverview_ETA(t *testing.T) {
	t.Parallel()
	documents := map[storage.Status]int{storage.StatusPending: 50, storage.StatusCalling: 10, storage.StatusParsed: 5, storage.StatusDead: 1}
	for name, test := range map[string]struct {
		overview storage.Overview
		left     int
		eta      time.Duration
	}{
		"Going":   {storage.Overview{Documents: documents, FinishedLately: 30}, 60, 2 * time.Minute},
		"Stuck":   {storage.Overview{Documents: documents}, 60, 0},
		"Paused":  {storage.Overview{Documents: documents, FinishedLately: 30, Account: storage.Account{Reason: storage.ReasonUnauthorized}}, 60, 0},
		"Done":    {storage.Overview{Documents: map[storage.Status]int{storage.StatusParsed: 5}, FinishedLately: 30}, 0, 0},
		"Nothing": {storage.Overview{}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if left, eta := test.overview.Left(), test.overview.ETA(); left != test.left || eta != test.eta {
				t.Errorf("Left() = %d, ETA() = %s, want %d and %s", left, eta, test.left, test.eta)
			}
		})
	}
}
