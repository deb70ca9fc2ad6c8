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

const callbackURL = "https://billing.example/ended"

// told records a document that somebody wants to be told of.
func told(t *testing.T, db *storage.DB, key string) uuid.UUID {
	t.Helper()
	d := newDocument(key, storage.QueueInteractive)
	d.CallbackURL, d.Batch = callbackURL, "night"
	return record(t, db, d)[0]
}

func kill(t *testing.T, db *storage.DB, id uuid.UUID) {
	t.Helper()
	letter := storage.DeadLetter{DocumentID: id, Reason: storage.ReasonWrongPassword, Message: "made up"}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
}

func due(t *testing.T, leader *storage.Leader, window int) []storage.CallbackDelivery {
	t.Helper()
	deliveries, err := leader.DueCallbacks(t.Context(), window)
	if err != nil {
		t.Fatal(err)
	}
	return deliveries
}

// TestCallbacks_Noted shows that each end of a document which somebody wants to be
// told of is noted with it, once, and no other's.
func TestCallbacks_Noted(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	id, silent := told(t, db, "a.pdf"), record(t, db, newDocument("b.pdf", storage.QueueBulk))[0]
	noted := func(want ...[]string) {
		t.Helper()
		got := storagetest.Rows(t, address, `SELECT document_id, event, reason, state FROM cas.callbacks ORDER BY created_at`)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("callbacks (-want +got):\n%s", diff)
		}
	}
	noted()
	kill(t, db, silent)
	kill(t, db, id)
	kill(t, db, id) // a worker that was late
	noted([]string{id.String(), "dead", "wrong_password", "pending"})
	if _, err := db.Redrive(t.Context(), storage.DeadFilter{}); err != nil {
		t.Fatal(err)
	}
	noted([]string{id.String(), "dead", "wrong_password", "pending"})
	for range 2 {
		if _, err := db.Save(t.Context(), answerFor(id), full(), storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	// Nobody needs to be told any more that it was dead.
	noted([]string{id.String(), "dead", "wrong_password", "superseded"}, []string{id.String(), "parsed", "<null>", "pending"})
}

// TestCallbacks_NotedWithEnd shows that a document whose end is taken back is told
// of to nobody.
func TestCallbacks_NotedWithEnd(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := told(t, db, "a.pdf")
	broken := full()
	broken.TotalValue = "no number"
	if _, err := db.Save(t.Context(), answerFor(id), broken, storage.AttemptEnd{}); !errors.Is(err, storage.ErrRefused) {
		t.Fatalf("Save() = %v, want it refused", err)
	}
	if open, err := db.OpenCallbacks(t.Context()); err != nil || open != (storage.OpenCallbacks{}) {
		t.Errorf("OpenCallbacks() = %+v, %v, want none", open, err)
	}
}

func TestCallbacks_Life(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	leader := lead(t, db)
	id := told(t, db, "a.pdf")
	if got := due(t, leader, 10); len(got) != 0 {
		t.Errorf("%v are due before anything ended", got)
	}
	if _, err := db.Save(t.Context(), answerFor(id), full(), storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	first := due(t, leader, 10)
	if len(first) != 1 || first[0].Number != 1 {
		t.Fatalf("due are %+v, want one for the first time", first)
	}
	if again := due(t, leader, 10); len(again) != 0 {
		t.Errorf("%+v are due although their tasks are new", again)
	}
	callback, err := db.Callback(t.Context(), first[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	key := full().Key
	want := storage.Callback{
		ID: first[0].ID, DocumentID: id, URL: callbackURL, Event: storage.StatusParsed, State: storage.CallbackQueued,
		Bucket: "statements", Key: "a.pdf", Batch: "night", PAN: key.PAN, PeriodFrom: key.PeriodFrom, PeriodTo: key.PeriodTo, CASType: key.CASType,
	}
	if diff := cmp.Diff(want, callback, cmpopts.IgnoreFields(storage.Callback{}, "At")); diff != "" {
		t.Errorf("callback (-want +got):\n%s", diff)
	}

	// It fails, waits, and comes again under another task id.
	end := storage.CallbackEnd{ID: callback.ID, State: storage.CallbackPending, HTTPStatus: 500, Message: "made up", RetryIn: time.Hour}
	if err := db.EndCallback(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	if got := due(t, leader, 10); len(got) != 0 {
		t.Errorf("%+v are due an hour early", got)
	}
	storagetest.Rows(t, address, `UPDATE cas.callbacks SET next_at = now()`)
	if got := due(t, leader, 10); len(got) != 1 || got[0] != (storage.CallbackDelivery{ID: callback.ID, Number: 2}) {
		t.Errorf("due are %+v, want it for the second time", got)
	}
	end = storage.CallbackEnd{ID: callback.ID, State: storage.CallbackDelivered, HTTPStatus: 200}
	for range 2 { // twice changes nothing
		if err := db.EndCallback(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	rows := storagetest.Rows(t, address, `SELECT state, attempts, http_status, message, finished_at IS NOT NULL FROM cas.callbacks`)
	if diff := cmp.Diff([][]string{{"delivered", "2", "200", "<null>", "t"}}, rows); diff != "" {
		t.Errorf("ledger (-want +got):\n%s", diff)
	}
	if _, err := db.Callback(t.Context(), callback.ID); !errors.Is(err, storage.ErrFinished) {
		t.Errorf("Callback(delivered) = %v, want ErrFinished", err)
	}
	if _, err := db.Callback(t.Context(), uuid.New()); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("Callback(unknown) = %v, want ErrNotFound", err)
	}
}

// TestCallbacks_Vanished shows that a callback whose task has vanished is handed
// over again: at first under the same id, which a task that is still there refuses.
func TestCallbacks_Vanished(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	leader := lead(t, db)
	for _, key := range []string{"a.pdf", "b.pdf", "c.pdf"} {
		kill(t, db, told(t, db, key))
	}
	first := due(t, leader, 2)
	if len(first) != 2 || len(due(t, leader, 2)) != 0 {
		t.Fatalf("due are %+v and more, want a window of two", first)
	}
	storagetest.Rows(t, address, `UPDATE cas.callbacks SET next_at = now() WHERE state = 'queued'`)
	byID := cmpopts.SortSlices(func(a, b storage.CallbackDelivery) bool { return a.ID.String() < b.ID.String() })
	if diff := cmp.Diff(first, due(t, leader, 2), byID); diff != "" {
		t.Errorf("after a minute (-want +got):\n%s", diff)
	}
	storagetest.Rows(t, address, `UPDATE cas.callbacks SET next_at = now(), queued_at = now() - interval '1 hour' WHERE state = 'queued'`)
	for n := range first {
		first[n].Number++
	}
	if diff := cmp.Diff(first, due(t, leader, 2), byID); diff != "" {
		t.Errorf("after an hour (-want +got):\n%s", diff)
	}
	if err := db.UnqueueCallbacks(t.Context(), []uuid.UUID{first[0].ID}); err != nil {
		t.Fatal(err)
	}
	if open, err := db.OpenCallbacks(t.Context()); err != nil || open != (storage.OpenCallbacks{N: 3, Untried: 3}) {
		t.Errorf("OpenCallbacks() = %+v, %v, want three", open, err)
	}
	if got := due(t, leader, 2); len(got) != 1 {
		t.Errorf("due are %+v, want one for the place that is free", got)
	}
}

func TestDB_AskCallbacks(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	ids := []uuid.UUID{
		told(t, db, "told.pdf"), record(t, db, newDocument("silent.pdf", storage.QueueBulk))[0],
		record(t, db, newDocument("unasked.pdf", storage.QueueBulk))[0], record(t, db, newDocument("parsed.pdf", storage.QueueBulk))[0],
	}
	if _, err := db.Save(t.Context(), answerFor(ids[3]), full(), storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	const other = "https://other.example/"
	if err := db.AskCallbacks(t.Context(), ids, []string{other, other, "", other}); err != nil {
		t.Fatal(err)
	}
	submissions, err := db.Submissions(t.Context(), append(ids, uuid.New()))
	if err != nil {
		t.Fatal(err)
	}
	want := map[uuid.UUID]storage.Submission{
		ids[0]: {ids[0], storage.StatusPending, callbackURL}, ids[1]: {ids[1], storage.StatusPending, other},
		ids[2]: {ids[2], storage.StatusPending, ""}, ids[3]: {ids[3], storage.StatusParsed, ""},
	}
	if diff := cmp.Diff(want, submissions); diff != "" {
		t.Errorf("Submissions() (-want +got):\n%s", diff)
	}
}
