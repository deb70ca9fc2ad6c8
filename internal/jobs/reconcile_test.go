package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"casflow/internal/casapi"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// fakeUsage is a log of calls, which it gives newest first, as many as asked for.
type fakeUsage []casapi.UsageEntry

func (f fakeUsage) Usage(_ context.Context, q casapi.UsageQuery) ([]casapi.UsageEntry, error) {
	var page []casapi.UsageEntry
	for _, entry := range slices.Backward(f) {
		if len(page) < q.Limit && !entry.At.Before(q.Start) && !entry.At.After(q.End) {
			page = append(page, entry)
		}
	}
	return page, nil
}

type brokenUsage struct{ err error }

func (b brokenUsage) Usage(context.Context, casapi.UsageQuery) ([]casapi.UsageEntry, error) {
	return nil, b.err
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	recordEach(t, db, storage.QueueBulk, "a.pdf")
	document, worker := newDocument("a.pdf", storage.QueueBulk).ID, uuid.New()
	if _, err := db.Claim(t.Context(), document, worker); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"req_billed", "req_refused", "req_new", "req_old"} {
		attempt := storage.NewAttempt{RequestID: request, DocumentID: document, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte{1}}
		if _, err := db.BeginAttempt(t.Context(), attempt); err != nil {
			t.Fatal(err)
		}
		if err := db.EndAttempt(t.Context(), storage.AttemptEnd{RequestID: request, Outcome: storage.OutcomeUnknown}); err != nil {
			t.Fatal(err)
		}
	}
	storagetest.Rows(t, address, `UPDATE cas.attempts SET started_at = started_at - interval '3 hours' WHERE request_id IN ('req_billed', 'req_old')`)

	down := errors.New("down")
	if result, err := Reconcile(t.Context(), db, brokenUsage{down}, uuid.Nil, time.Time{}); !errors.Is(err, down) || result.Left != 4 {
		t.Errorf("Reconcile() without a log = %+v, %v, want all left", result, err)
	}
	// The log is longer than its pages: what is looked for is on the last one.
	now := time.Now()
	log := fakeUsage{{RequestID: "req_billed", StatusCode: 200, Credits: "1.0", At: now.Add(-3 * time.Hour)}}
	for i := range 2*usagePage + 10 {
		log = append(log, casapi.UsageEntry{RequestID: fmt.Sprintf("req_other%d", i), Credits: "1.0", At: now.Add(-2*time.Hour + time.Duration(i)*time.Second)})
	}
	log = append(log, casapi.UsageEntry{RequestID: "req_refused", StatusCode: 400, Credits: "0.0", At: now})
	result, err := Reconcile(t.Context(), db, log, uuid.Nil, time.Time{})
	if want := (Reconciled{Unknown: 4, Billed: 1, Free: 2, Left: 1}); result != want || err != nil {
		t.Errorf("Reconcile() = %+v, %v, want %+v", result, err, want)
	}
	got := fmt.Sprint(storagetest.Rows(t, address, `SELECT request_id, outcome FROM cas.attempts ORDER BY 1`))
	if want := "[[req_billed lost] [req_new unknown] [req_old failed] [req_refused failed]]"; got != want {
		t.Errorf("attempts %s, want %s: what is missing from the log may yet come, unless it is old", got, want)
	}
	if result, err := Reconcile(t.Context(), db, brokenUsage{down}, uuid.New(), time.Time{}); err != nil || result != (Reconciled{}) {
		t.Errorf("Reconcile() of a document without unknown attempts = %+v, %v, want nothing asked", result, err)
	}
}
