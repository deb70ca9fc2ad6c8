package storage_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// of puts a document into a batch.
func of(batch string, d storage.NewDocument) storage.NewDocument {
	d.Batch = batch
	return d
}

// open makes a batch with a cap; 0 none.
func open(t *testing.T, db *storage.DB, batch string, maxCredits int) {
	t.Helper()
	if err := db.OpenBatch(t.Context(), batch, "s3://statements/", maxCredits); err != nil {
		t.Fatal(err)
	}
}

// attempt claims a document for a new worker, and is the call it is about to make.
func attempt(t *testing.T, db *storage.DB, id uuid.UUID, budget storage.Budget) storage.NewAttempt {
	t.Helper()
	worker := startWorker(t, db)
	if _, err := db.Claim(t.Context(), id, worker); err != nil {
		t.Fatal(err)
	}
	return storage.NewAttempt{
		RequestID: "req_" + uuid.NewString(), DocumentID: id, WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: [32]byte(append(id[:], id[:]...)),
		Budget: budget,
	}
}

// wantCalls checks what counts under a batch and in all days.
func wantCalls(t *testing.T, address, batch, want string) {
	t.Helper()
	got := storagetest.Rows(t, address, `
WITH h AS (SELECT coalesce(sum(calls) FILTER (WHERE batch = $1), 0) AS of_batch, coalesce(sum(calls), 0) AS of_days FROM cas.call_changes)
SELECT b.calls + h.of_batch, coalesce((SELECT sum(calls) FROM cas.budget_days), 0) + h.of_days FROM h, cas.batches b WHERE b.batch = $1`, batch)
	if got[0][0] != want || got[0][1] != want {
		t.Errorf("%s calls of the batch and %s of the days, want %s of both", got[0][0], got[0][1], want)
	}
}

// TestDB_BeginAttempt_Budget: of many that begin at once, no more do than the
// budget allows, and the others leave no trace.
func TestDB_BeginAttempt_Budget(t *testing.T) {
	t.Parallel()
	const documents = 24
	for name, test := range map[string]struct {
		batch  int // its cap
		queue  string
		budget storage.Budget
		want   int
	}{
		"NoCap":       {0, storage.QueueBulk, storage.Budget{}, documents},
		"Batch":       {5, storage.QueueBulk, storage.Budget{}, 5},
		"Day":         {0, storage.QueueBulk, storage.Budget{DailyCredits: 7}, 7},
		"Floor":       {0, storage.QueueBulk, storage.Budget{DailyCredits: 7, InteractiveFloor: 3}, 4},
		"Interactive": {0, storage.QueueInteractive, storage.Budget{DailyCredits: 7, InteractiveFloor: 3}, 7},
		"OnlyFloor":   {0, storage.QueueBulk, storage.Budget{DailyCredits: 7, InteractiveFloor: 7}, 0},
		"Both":        {6, storage.QueueBulk, storage.Budget{DailyCredits: 9, InteractiveFloor: 1}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			open(t, db, "may", test.batch)
			attempts := make([]storage.NewAttempt, documents)
			for i := range attempts {
				id := record(t, db, of("may", newDocument(fmt.Sprint(i, ".pdf"), test.queue)))[0]
				attempts[i] = attempt(t, db, id, test.budget)
			}
			if begun := beginAtOnce(t, db, attempts); begun != test.want {
				t.Errorf("%d have begun, want %d", begun, test.want)
			}
			wantCalls(t, address, "may", fmt.Sprint(test.want))
			rows := storagetest.Rows(t, address, `SELECT (SELECT count(*) FROM cas.attempts), (SELECT sum(attempts) FROM cas.documents)`)
			if want := fmt.Sprint(test.want); rows[0][0] != want || rows[0][1] != want {
				t.Errorf("%s attempts, %s counted, want %s", rows[0][0], rows[0][1], want)
			}
		})
	}
}

// beginAtOnce begins attempts at the same moment and counts those that have begun: the
// others must be beyond the budget.
func beginAtOnce(t *testing.T, db *storage.DB, attempts []storage.NewAttempt) int {
	t.Helper()
	errs := make([]error, len(attempts))
	var group sync.WaitGroup
	for i := range attempts {
		group.Go(func() { _, errs[i] = db.BeginAttempt(t.Context(), attempts[i]) })
	}
	leader := lead(t, db)
	for range 10 { // which takes nothing from what is counted meanwhile
		if err := leader.AddUpCounts(t.Context()); err != nil {
			t.Error(err)
		}
	}
	group.Wait()
	begun := 0
	for _, err := range errs {
		switch {
		case err == nil:
			begun++
		case !errors.Is(err, storage.ErrBudget):
			t.Errorf("BeginAttempt() = %v, want ErrBudget", err)
		}
	}
	return begun
}

// TestDB_BeginAttempt_Refused: what is refused for another reason counts nothing.
func TestDB_BeginAttempt_Refused(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	open(t, db, "may", 9)
	a := attempt(t, db, record(t, db, of("may", newDocument("a.pdf", storage.QueueBulk)))[0], storage.Budget{DailyCredits: 9})
	stranger := a
	stranger.WorkerID = uuid.New()
	if _, err := db.BeginAttempt(t.Context(), stranger); !errors.Is(err, storage.ErrBusy) {
		t.Errorf("BeginAttempt() without the claim = %v, want ErrBusy", err)
	}
	wantCalls(t, address, "may", "0")
	if _, err := db.BeginAttempt(t.Context(), a); err != nil {
		t.Errorf("BeginAttempt() = %v", err)
	}
	wantCalls(t, address, "may", "1")
}

// TestDB_BeginAttempt_AddedUp: a cap holds whether or not the leader has added up what
// was counted, and all who read tell the same.
func TestDB_BeginAttempt_AddedUp(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	leader := lead(t, db)
	open(t, db, "may", 3)
	budget := storage.Budget{DailyCredits: 9}
	for n, want := range []error{nil, nil, nil, storage.ErrBudget, storage.ErrBudget} {
		a := attempt(t, db, record(t, db, of("may", newDocument(fmt.Sprint(n, ".pdf"), storage.QueueBulk)))[0], budget)
		if _, err := db.BeginAttempt(t.Context(), a); !errors.Is(err, want) {
			t.Errorf("call %d: %v, want %v", n, err, want)
		}
		for _, when := range []string{"before", "after"} {
			batch, err := db.Batch(t.Context(), "may")
			if err != nil {
				t.Fatal(err)
			}
			overview, err := db.Overview(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			got := []int{batch.Calls, overview.Today.Calls, standing(t, db).Today.Calls}
			if diff := cmp.Diff([]int{min(n+1, 3), min(n+1, 3), min(n+1, 3)}, got); diff != "" {
				t.Errorf("call %d, %s it is added up: batch, overview and standing (-want +got):\n%s", n, when, diff)
			}
			if err := leader.AddUpCounts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDB_EndAttempt_Budget: what ends uncharged is given back, once.
func TestDB_EndAttempt_Budget(t *testing.T) {
	t.Parallel()
	type end = storage.AttemptEnd
	for name, test := range map[string]struct {
		ends []end
		want string // calls that still count
	}{
		"Answered":      {[]end{{Outcome: storage.OutcomeAnswered, Credits: "1.0"}}, "1"},
		"Refused":       {[]end{{Outcome: storage.OutcomeRefused}}, "0"},
		"RefusedPaid":   {[]end{{Outcome: storage.OutcomeRefused, Credits: "0.5"}}, "1"},
		"Failed":        {[]end{{Outcome: storage.OutcomeFailed, Credits: "0"}}, "0"},
		"Throttled":     {[]end{{Outcome: storage.OutcomeThrottled}}, "0"},
		"Unknown":       {[]end{{Outcome: storage.OutcomeUnknown}}, "1"},
		"Twice":         {[]end{{Outcome: storage.OutcomeFailed}, {Outcome: storage.OutcomeFailed}}, "0"},
		"AnsweredAfter": {[]end{{Outcome: storage.OutcomeFailed}, {Outcome: storage.OutcomeAnswered}}, "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			ids := record(t, db, of("may", newDocument("a.pdf", storage.QueueBulk)), of("may", newDocument("b.pdf", storage.QueueBulk)))
			open(t, db, "may", 2)
			for _, id := range ids { // the second keeps what it has
				a := attempt(t, db, id, storage.Budget{})
				a.RequestID = "req_" + id.String()
				if _, err := db.BeginAttempt(t.Context(), a); err != nil {
					t.Fatal(err)
				}
			}
			for _, e := range test.ends {
				e.RequestID = "req_" + ids[0].String()
				if err := db.EndAttempt(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			wantCalls(t, address, "may", map[string]string{"0": "1", "1": "2"}[test.want])
		})
	}
}
