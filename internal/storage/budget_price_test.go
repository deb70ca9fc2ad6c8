package storage_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// aNote is a contract note to be read.
func aNote(key, queue string) storage.NewDocument {
	d := newDocument(key, queue)
	d.Kind = storage.KindContractNote
	d.ID = storage.DocumentID(d.Bucket, d.Key, d.ETag, d.Kind)
	return d
}

// wantSpent checks how many calls count under a batch and on all days, and what they
// come to.
func wantSpent(t *testing.T, db *storage.DB, address, batch string, calls int, credits string) {
	t.Helper()
	b, err := db.Batch(t.Context(), batch)
	if err != nil || b.Calls != calls || b.Credits != credits {
		t.Errorf("batch: %d calls of %s credits, %v; want %d of %s", b.Calls, b.Credits, err, calls, credits)
	}
	got := storagetest.Rows(t, address, `
SELECT sum(calls), trim_scale(sum(calls - discount)) FROM (
	SELECT calls, discount FROM cas.budget_days UNION ALL SELECT calls, discount FROM cas.call_changes) AS d`)
	if want := fmt.Sprint(calls, " ", credits); got[0][0]+" "+got[0][1] != want {
		t.Errorf("days: %v, want %s", got, want)
	}
}

// TestDB_BeginAttempt_Price: a contract note takes half a credit of a budget, all else
// a whole one, also where many begin at once, and none goes beyond the cap.
func TestDB_BeginAttempt_Price(t *testing.T) {
	t.Parallel()
	const documents = 16
	for name, test := range map[string]struct {
		batch  int // its cap
		budget storage.Budget
		queue  string
		want   int // notes
		spent  string
	}{
		"NoCap": {0, storage.Budget{}, storage.QueueBulk, documents, "8"},
		"Batch": {3, storage.Budget{}, storage.QueueBulk, 6, "3"},
		"Day":   {0, storage.Budget{DailyCredits: 4}, storage.QueueBulk, 8, "4"},
		"Floor": {0, storage.Budget{DailyCredits: 4, InteractiveFloor: 3}, storage.QueueBulk, 2, "1"},
		"Both":  {2, storage.Budget{DailyCredits: 3}, storage.QueueInteractive, 4, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			open(t, db, "may", test.batch)
			attempts := make([]storage.NewAttempt, documents)
			for i := range attempts {
				attempts[i] = attempt(t, db, record(t, db, of("may", aNote(fmt.Sprint(i, ".pdf"), test.queue)))[0], test.budget)
			}
			if begun := beginAtOnce(t, db, attempts); begun != test.want {
				t.Errorf("%d have begun, want %d", begun, test.want)
			}
			wantSpent(t, db, address, "may", test.want, test.spent)
		})
	}
}

// TestDB_BeginAttempt_Prices: half a credit that is left over is enough for a note and
// not for a statement, and what ends uncharged gives back what it took.
func TestDB_BeginAttempt_Prices(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	open(t, db, "may", 2)
	begin := func(d storage.NewDocument, want error) string {
		t.Helper()
		a := attempt(t, db, record(t, db, of("may", d))[0], storage.Budget{})
		if _, err := db.BeginAttempt(t.Context(), a); !errors.Is(err, want) {
			t.Errorf("%s: BeginAttempt() = %v, want %v", d.Key, err, want)
		}
		return a.RequestID
	}
	end := func(request string, outcome storage.Outcome) {
		t.Helper()
		if err := db.EndAttempt(t.Context(), storage.AttemptEnd{RequestID: request, Outcome: outcome}); err != nil {
			t.Fatal(err)
		}
	}
	note := begin(aNote("a", storage.QueueBulk), nil)
	statement := begin(newDocument("b", storage.QueueBulk), nil)
	wantSpent(t, db, address, "may", 2, "1.5")
	begin(newDocument("c", storage.QueueBulk), storage.ErrBudget)
	unknown := begin(aNote("d", storage.QueueBulk), nil)
	wantSpent(t, db, address, "may", 3, "2")
	begin(aNote("e", storage.QueueBulk), storage.ErrBudget)
	end(note, storage.OutcomeFailed)
	wantSpent(t, db, address, "may", 2, "1.5")
	end(statement, storage.OutcomeRefused)
	wantSpent(t, db, address, "may", 1, "0.5")
	end(unknown, storage.OutcomeUnknown)
	wantSpent(t, db, address, "may", 1, "0.5")
	if _, err := db.Settle(t.Context(), []storage.Settlement{{RequestID: unknown, Credits: "0"}}); err != nil {
		t.Fatal(err)
	}
	wantSpent(t, db, address, "may", 0, "0")
	end(note, storage.OutcomeAnswered) // it was charged after all
	wantSpent(t, db, address, "may", 1, "0.5")
}

// TestDB_Stall_Price: a note that was not sent gives its half back.
func TestDB_Stall_Price(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	a := attempt(t, db, record(t, db, of("may", aNote("a", storage.QueueBulk)))[0], storage.Budget{DailyCredits: 1})
	if _, err := db.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	wantSpent(t, db, address, "may", 1, "0.5")
	if err := db.Stall(t.Context(), a.DocumentID, a.WorkerID, 0); err != nil {
		t.Fatal(err)
	}
	wantSpent(t, db, address, "may", 0, "0")
}

// TestLeader_Dispatch_Prices: twice as many notes go as statements, for a batch's cap
// and for the day's; nothing overtakes what is dearer than what is left, and notes
// that are set aside come back.
func TestLeader_Dispatch_Prices(t *testing.T) {
	t.Parallel()
	t.Run("Batch", func(t *testing.T) {
		t.Parallel()
		db, _ := storagetest.NewURL(t)
		open(t, db, "may", 2)
		open(t, db, "june", 2)
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			record(t, db, of("may", aNote(key, storage.QueueBulk)))
		}
		record(t, db, of("june", aNote("v", storage.QueueBulk)))
		record(t, db, of("june", newDocument("w", storage.QueueBulk)))
		record(t, db, of("june", newDocument("x", storage.QueueBulk)))
		record(t, db, of("june", aNote("y", storage.QueueBulk))) // would fit, but x comes first
		leader := lead(t, db)
		want := func(want string) {
			t.Helper()
			if got := dispatched(t, leader, db, storage.QueueBulk, storage.Budget{}); got != want {
				t.Errorf("dispatched %q, want %q", got, want)
			}
		}
		want("abcd" + "vw")
		want("")
		open(t, db, "may", 3)
		want("e")
		open(t, db, "june", 3)
		want("xy")
	})
	t.Run("Day", func(t *testing.T) {
		t.Parallel()
		db, _ := storagetest.NewURL(t)
		budget := storage.Budget{DailyCredits: 2}
		var ids []uuid.UUID
		for _, d := range []storage.NewDocument{
			aNote("a", storage.QueueBulk), newDocument("b", storage.QueueBulk), newDocument("c", storage.QueueBulk), aNote("d", storage.QueueBulk),
		} {
			ids = append(ids, record(t, db, d)...) // one after the other: oldest first
		}
		leader := lead(t, db)
		for _, want := range []string{"ab", ""} { // half a credit is left
			if got := dispatched(t, leader, db, storage.QueueBulk, budget); got != want {
				t.Errorf("dispatched %q, want %q", got, want)
			}
		}
		if o, err := db.Overview(t.Context(), ""); err != nil || o.OverBudget != 0 || o.Documents[storage.StatusPending] != 2 {
			t.Errorf("%d over budget of %v, %v; want none of 2 that are pending", o.OverBudget, o.Documents, err)
		}
		for _, id := range ids[:2] {
			a := attempt(t, db, id, budget)
			if _, err := db.BeginAttempt(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			end := storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeAnswered}
			letter := storage.DeadLetter{DocumentID: id, Reason: storage.ReasonBadAnswer, Message: "m"}
			if err := db.Bury(t.Context(), letter, end); err != nil {
				t.Fatal(err)
			}
		}
		if got := dispatched(t, leader, db, storage.QueueBulk, storage.Budget{DailyCredits: 3}); got != "cd" {
			t.Errorf("dispatched %q of a raised cap, want %q", got, "cd")
		}
	})
}

// TestDB_CountRedrivable_Price: what a redrive costs at most is told by the prices.
func TestDB_CountRedrivable_Price(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for i, d := range []storage.NewDocument{
		aNote("a", storage.QueueBulk), aNote("b", storage.QueueBulk), aNote("c", storage.QueueBulk), newDocument("d", storage.QueueBulk),
	} {
		id := record(t, db, d)[0]
		if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: id, Reason: storage.ReasonWrongPassword, Message: fmt.Sprint(i)}, storage.AttemptEnd{}); err != nil {
			t.Fatal(err)
		}
	}
	counts, err := db.CountRedrivable(t.Context(), storage.DeadFilter{})
	if err != nil || len(counts) != 1 || counts[0].Credits != 3 { // 2.5 in whole credits
		t.Errorf("CountRedrivable() = %+v, %v, want 3 credits", counts, err)
	}
	for kind, want := range map[string]int{storage.KindContractNote: 3, storage.KindSmart: 5} {
		if got := storage.CreditsAtMost(kind, 5); got != want {
			t.Errorf("CreditsAtMost(%s, 5) = %d, want %d", kind, got, want)
		}
	}
}
