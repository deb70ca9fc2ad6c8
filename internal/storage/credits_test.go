package storage_test

import (
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// unknownAttempt begins a call for a document of a batch, and ends it without anybody
// knowing whether it was billed; credits is what it is thought to have cost.
func unknownAttempt(t *testing.T, db *storage.DB, batch, credits string) storage.NewAttempt {
	t.Helper()
	a := attempt(t, db, record(t, db, of(batch, newDocument("a.pdf", storage.QueueBulk)))[0], storage.Budget{})
	if _, err := db.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	end := storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeUnknown, Credits: credits}
	if err := db.Retry(t.Context(), a.DocumentID, end, 0); err != nil {
		t.Fatal(err)
	}
	return a
}

// wantCredits holds what is told to be spent, of all and of a batch, against the
// attempts themselves.
func wantCredits(t *testing.T, db *storage.DB, address, batch, want string) {
	t.Helper()
	if got := storagetest.Rows(t, address, `SELECT trim_scale(coalesce(sum(credits), 0)) FROM cas.attempts`)[0][0]; got != want {
		t.Errorf("attempts have cost %s, want %s", got, want)
	}
	for _, name := range []string{"", batch} {
		overview, err := db.Overview(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if overview.Credits != want {
			t.Errorf("%s credits are told to be spent for batch %q (\"\" is all), want %s", overview.Credits, name, want)
		}
	}
}

// TestDB_Settle_KnownCredits: an answer told what it cost, was lost before it could be
// saved, and the usage log says the same: that is one price, not two.
func TestDB_Settle_KnownCredits(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	a := unknownAttempt(t, db, "may", "1")
	wantCredits(t, db, address, "may", "1")
	for range 2 { // once more changes nothing
		settlements := []storage.Settlement{{RequestID: a.RequestID, HTTPStatus: 200, Credits: "1", Billed: true}}
		if _, err := db.Settle(t.Context(), settlements); err != nil {
			t.Fatal(err)
		}
		wantCredits(t, db, address, "may", "1")
	}
}

// TestDB_Settle_ErasedDocument: what a call has cost is told though its document was
// erased before anybody knew; whose batch it was nobody knows any more.
func TestDB_Settle_ErasedDocument(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	a := unknownAttempt(t, db, "may", "")
	if _, err := db.Erase(t.Context(), "ZZZPA0001Z", []storage.Trace{{DocumentID: a.DocumentID}}, "test", 0); err != nil {
		t.Fatal(err)
	}
	settlements := []storage.Settlement{{RequestID: a.RequestID, HTTPStatus: 200, Credits: "0.5", Billed: true}}
	if _, err := db.Settle(t.Context(), settlements); err != nil {
		t.Fatal(err)
	}
	overview, err := db.Overview(t.Context(), "")
	if err != nil || overview.Credits != "0.5" || overview.Today.Calls != 1 {
		t.Errorf("%s credits are told to be spent by %d calls, %v, want 0.5 by 1", overview.Credits, overview.Today.Calls, err)
	}
}

// TestDB_EndAttempt_LateAnswer: the answer of a call that was settled meanwhile does not
// say what it cost, as answers need not: what the usage log said stays.
func TestDB_EndAttempt_LateAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ settled, told, want string }{
		{"1", "", "1"},
		{"1", "0.5", "0.5"},
		{"0", "", "0"}, // the log did not have it, but it did arrive: nobody knows
	} {
		t.Run(test.settled+" "+test.told, func(t *testing.T) {
			t.Parallel()
			db, address := storagetest.NewURL(t)
			a := unknownAttempt(t, db, "may", "")
			settlements := []storage.Settlement{{RequestID: a.RequestID, HTTPStatus: 200, Credits: test.settled, Billed: test.settled != "0"}}
			if _, err := db.Settle(t.Context(), settlements); err != nil {
				t.Fatal(err)
			}
			end := storage.AttemptEnd{RequestID: a.RequestID, Outcome: storage.OutcomeAnswered, Credits: test.told}
			if _, err := db.Save(t.Context(), answerFor(a.DocumentID), full(), end); err != nil {
				t.Fatal(err)
			}
			wantCredits(t, db, address, "may", test.want)
			known := storagetest.Rows(t, address, `SELECT credits IS NOT NULL FROM cas.attempts`)[0][0]
			if want := map[bool]string{true: "t", false: "f"}[test.want != "0"]; known != want {
				t.Errorf("its cost is known: %s, want %s", known, want)
			}
		})
	}
}
