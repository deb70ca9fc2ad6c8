package storage_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_GiveBack: each way in which a call ends gives back what was not charged,
// to the day it was begun on, and then another may begin.
func TestDB_GiveBack(t *testing.T) {
	t.Parallel()
	for name, finish := range map[string]func(*testing.T, *storage.DB, storage.NewAttempt) error{
		"Retry": func(t *testing.T, db *storage.DB, a storage.NewAttempt) error {
			t.Helper()
			return db.Retry(t.Context(), a.DocumentID, storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeThrottled}, time.Hour)
		},
		"Bury": func(t *testing.T, db *storage.DB, a storage.NewAttempt) error {
			t.Helper()
			return db.Bury(t.Context(), storage.DeadLetter{DocumentID: a.DocumentID, Reason: storage.ReasonBadRequest, Message: "m"},
				storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeRefused})
		},
		"Stall": func(t *testing.T, db *storage.DB, a storage.NewAttempt) error {
			t.Helper()
			return db.Stall(t.Context(), a.DocumentID, a.WorkerID, time.Hour)
		},
		"Settle": func(t *testing.T, db *storage.DB, a storage.NewAttempt) error {
			t.Helper()
			if err := db.EndAttempt(t.Context(), storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeUnknown}); err != nil {
				return err
			}
			_, err := db.Settle(t.Context(), []storage.Settlement{{RequestID: a.RequestID, Credits: "0"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			ids := record(t, db, of("may", newDocument("a.pdf", storage.QueueBulk)), of("may", newDocument("b.pdf", storage.QueueBulk)))
			open(t, db, "may", 1)
			first, second := attempt(t, db, ids[0], storage.Budget{}), attempt(t, db, ids[1], storage.Budget{})
			if _, err := db.BeginAttempt(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			if _, err := db.BeginAttempt(t.Context(), second); !errors.Is(err, storage.ErrBudget) {
				t.Errorf("BeginAttempt() beyond the cap = %v, want ErrBudget", err)
			}
			yesterday(t, address)
			if err := finish(t, db, first); err != nil {
				t.Fatal(err)
			}
			wantCalls(t, address, "may", "0")
			if _, err := db.BeginAttempt(t.Context(), second); err != nil {
				t.Errorf("BeginAttempt() after the give-back = %v", err)
			}
			wantCalls(t, address, "may", "1")
		})
	}
}

// yesterday puts all that was counted a day back.
func yesterday(t *testing.T, address string) {
	t.Helper()
	storagetest.Rows(t, address, `
WITH a AS (UPDATE cas.attempts SET started_at = started_at - interval '1 day'), h AS (UPDATE cas.call_changes SET day = day - 1)
UPDATE cas.budget_days SET day = day - 1 WHERE calls > 0`)
}

// TestDB_Settle_Budget: many attempts of several batches, settled at once.
func TestDB_Settle_Budget(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	var settlements []storage.Settlement
	for i, batch := range []string{"may", "may", "may", "june", ""} {
		a := attempt(t, db, record(t, db, of(batch, newDocument(fmt.Sprint(i, ".pdf"), storage.QueueBulk)))[0], storage.Budget{})
		if _, err := db.BeginAttempt(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if err := db.EndAttempt(t.Context(), storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeUnknown}); err != nil {
			t.Fatal(err)
		}
		settlements = append(settlements, storage.Settlement{RequestID: a.RequestID, Credits: "0", Billed: i == 0})
	}
	for range 2 { // once more changes nothing
		if _, err := db.Settle(t.Context(), settlements); err != nil {
			t.Fatal(err)
		}
		got := storagetest.Rows(t, address, `
SELECT batch, sum(calls) FROM (SELECT batch, calls FROM cas.batches UNION ALL SELECT batch, calls FROM cas.call_changes WHERE batch IS NOT NULL) AS b GROUP BY 1
UNION ALL SELECT 'days', sum(calls) FROM (SELECT calls FROM cas.budget_days UNION ALL SELECT calls FROM cas.call_changes) AS d ORDER BY 1`)
		if diff := cmp.Diff([][]string{{"days", "1"}, {"june", "0"}, {"may", "1"}}, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
}
