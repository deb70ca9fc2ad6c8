package storage_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// batchOf are n documents of a batch.
func batchOf(n int) []storage.NewDocument {
	documents := make([]storage.NewDocument, n)
	for i := range documents {
		documents[i] = newDocument(fmt.Sprintf("%d.pdf", i), storage.QueueBulk)
		documents[i].Batch, documents[i].SealedPasswords = "may", make([]byte, 60)
	}
	return documents
}

// processed takes documents, those that are next, all their way but the last step.
func processed(tb testing.TB, db *storage.DB, worker uuid.UUID, id uuid.UUID) (storage.Answer, storage.AttemptEnd) {
	tb.Helper()
	ctx := tb.Context()
	if _, err := db.Claim(ctx, id, worker); err != nil {
		tb.Fatal(err)
	}
	answer := answerFor(id)
	answer.SHA256, answer.RequestID = sha256.Sum256(id[:]), "req_"+id.String()
	_, err := db.BeginAttempt(ctx, storage.NewAttempt{
		RequestID: answer.RequestID, DocumentID: id, WorkerID: worker, Endpoint: answer.Endpoint, SHA256: answer.SHA256, SizeBytes: 9,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return answer, storage.AttemptEnd{RequestID: answer.RequestID, Outcome: storage.OutcomeAnswered, Credits: "1"}
}

// updates are how many updates a table has had, and how many of them were HOT: touched
// no index.
func updates(t *testing.T, address, table string) (all, hot int) {
	t.Helper()
	row := storagetest.Rows(t, address, `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'cas' AND relname = $1`, table)[0]
	all, err := strconv.Atoi(row[0])
	if err != nil {
		t.Fatal(err)
	}
	if hot, err = strconv.Atoi(row[1]); err != nil {
		t.Fatal(err)
	}
	return all, hot
}

// TestDB_HOT takes documents through their life: what changes at each step is in no
// index, so that of four updates of a document two are HOT (the claim, the beginning of
// the call), and so are those of its attempt, of counters and of heartbeats. Some are
// not for want of room in their page.
//
//nolint:paralleltest // a transaction under way, in whichever database of the server, keeps pages from being tidied up
func TestDB_HOT(t *testing.T) {
	const n = 400
	address := storagetest.URL(t)
	for _, table := range []string{"documents", "attempts", "batches", "budget_days", "workers"} {
		// As long as it looks at the tables, no page of theirs can be tidied up.
		storagetest.Rows(t, address, "ALTER TABLE cas."+table+" SET (autovacuum_enabled = off)")
	}
	db, err := storage.Open(t.Context(), address, 4)
	if err != nil {
		t.Fatal(err)
	}
	record(t, db, batchOf(n)...)
	leader, err := db.Lead(t.Context())
	if err != nil || leader == nil {
		t.Fatalf("Lead() = %v, %v, want a leader", leader, err)
	}
	worker := startWorker(t, db)
	for done := 0; done < n; {
		deliveries, err := leader.Dispatch(t.Context(), storage.QueueBulk, 64, storage.Budget{})
		if err != nil || len(deliveries) == 0 {
			t.Fatalf("dispatched %d, %v, want the next", len(deliveries), err)
		}
		for _, d := range deliveries {
			answer, end := processed(t, db, worker, d.DocumentID)
			if _, err := db.Save(t.Context(), answer, full(), end); err != nil {
				t.Fatal(err)
			}
			done++
		}
		if err := leader.AddUpCounts(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Heartbeat(t.Context(), worker, "test"); err != nil {
			t.Fatal(err)
		}
	}
	leader.Resign()
	db.Close() // what a connection has done is counted at its end at the latest
	gone := time.NewTicker(20 * time.Millisecond)
	defer gone.Stop()
	for _, want := range []struct {
		table    string
		all, hot int // updates at least, and of them HOT, in percent
	}{
		{"documents", 4 * n, 40}, {"attempts", n, 90}, {"batches", n / 64, 50}, {"budget_days", n/64 - 1, 50}, {"workers", n / 64, 90},
	} {
		all, hot := updates(t, address, want.table)
		for all < want.all {
			<-gone.C
			all, hot = updates(t, address, want.table)
		}
		t.Logf("%s: %d updates, %d HOT", want.table, all, hot)
		if 100*hot < want.hot*all {
			t.Errorf("%s: %d of %d updates were HOT, want %d %% or more", want.table, hot, all, want.hot)
		}
	}
}

// TestDB_Save_NobodyWaits: documents that end at once, of the same batch on the same
// day, do not wait for each other, nor does a call that begins where nothing has a cap,
// though all are counted.
func TestDB_Save_NobodyWaits(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	ids := record(t, db, batchOf(3)...)
	worker, leader := startWorker(t, db), lead(t, db)
	var answers []storage.Answer
	var ends []storage.AttemptEnd
	for _, id := range ids[:2] {
		answer, end := processed(t, db, worker, id)
		answers, ends = append(answers, answer), append(ends, end)
	}
	if err := leader.AddUpCounts(t.Context()); err != nil { // so that there is a row of each counter
		t.Fatal(err)
	}
	// A transaction that ends the first, and holds all that is counted in, goes on while
	// the second ends and the third begins.
	under, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = under.Close(context.WithoutCancel(t.Context())) }()
	for _, sql := range []string{
		`BEGIN`,
		`UPDATE cas.attempts SET outcome = 'answered', credits = 1 WHERE document_id = '` + ids[0].String() + `'`,
		`UPDATE cas.documents SET status = 'parsed', finished_at = now() WHERE document_id = '` + ids[0].String() + `'`,
		`SELECT FROM cas.batches FOR UPDATE`, `SELECT FROM cas.budget_days FOR UPDATE`, `SELECT FROM cas.document_counts FOR UPDATE`,
	} {
		if _, err := under.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := db.Save(t.Context(), answers[1], full(), ends[1]); err != nil { // or it would hang
		t.Fatal(err)
	}
	processed(t, db, worker, ids[2])
	if _, err := under.Exec(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if got := standing(t, db); got.Documents[storage.StatusParsed] != 2 || got.Today.Calls != 3 {
		t.Errorf("%d documents are parsed by %d calls, want 2 by 3", got.Documents[storage.StatusParsed], got.Today.Calls)
	}
}
