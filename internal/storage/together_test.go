package storage_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Together claims, looks up and begins many documents at once, among them some
// that something is the matter with: each is told what it would be told alone, and the
// others go on.
func TestDB_Together(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const n = 60
	documents := batchOf(n)
	const same, other, capped, finished, held = 1, 2, 3, 4, 5 // by their index
	documents[capped].Batch = "june"
	ids := record(t, db, documents...)
	if err := db.OpenBatch(t.Context(), "june", "", 1); err != nil {
		t.Fatal(err)
	}
	worker := startWorker(t, db)
	if err := storagetest.Exec(t, address, `UPDATE cas.documents SET status = 'parsed', finished_at = now() WHERE document_id = '`+ids[finished].String()+`'`); err != nil {
		t.Fatal(err)
	}
	// Whoever holds a document keeps that one waiting, and no other.
	release := holding(t, address, `SELECT FROM cas.documents WHERE document_id = '`+ids[held].String()+`' FOR UPDATE`)
	var mu sync.Mutex
	failed := make(map[int]error)
	begun := make(map[int]int)
	way := func(i int) error {
		d, err := db.Claim(t.Context(), ids[i], worker)
		if err != nil {
			return err
		}
		if d.ID != ids[i] || d.Status != storage.StatusCalling || d.Key != documents[i].Key {
			return fmt.Errorf("claimed %+v", d)
		}
		sum := sha256.Sum256(ids[i][:])
		if i == other {
			sum = sha256.Sum256(ids[same][:])
		}
		if _, err := db.AnswerFor(t.Context(), ids[i], sum, "/v4/smart/parse"); !errors.Is(err, storage.ErrNotFound) && !errors.Is(err, storage.ErrSameBytes) {
			return fmt.Errorf("AnswerFor() = %w", err)
		}
		attempts, err := db.BeginAttempt(t.Context(), storage.NewAttempt{
			RequestID: fmt.Sprintf("req_%d", i), DocumentID: ids[i], WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: sum, SizeBytes: 9,
		})
		mu.Lock()
		defer mu.Unlock()
		begun[i] = attempts
		return err
	}
	var others, last sync.WaitGroup
	for i := range n {
		group := &others
		if i == held {
			group = &last
		}
		group.Go(func() {
			err := way(i)
			mu.Lock()
			defer mu.Unlock()
			failed[i] = err
		})
	}
	others.Wait()
	release()
	last.Wait()
	twins := 0
	for i := range n {
		switch err := failed[i]; {
		case i == finished && !errors.Is(err, storage.ErrFinished):
			t.Errorf("a finished document: %v, want %v", err, storage.ErrFinished)
		case (i == same || i == other) && errors.Is(err, storage.ErrSameBytes):
			twins++
		case i != finished && (err != nil || begun[i] != 1):
			t.Errorf("document %d: attempts %d, %v, want 1", i, begun[i], err)
		}
	}
	if twins != 1 {
		t.Errorf("%d of two with the same bytes were refused, want one", twins)
	}
	rows := storagetest.Rows(t, address, `SELECT count(*), count(DISTINCT document_id), (SELECT sum(calls) FROM cas.call_changes), (SELECT count(*) FROM cas.documents WHERE attempts = 1)
		FROM cas.attempts WHERE outcome = 'calling' AND sha256 IS NOT NULL`)
	if want := fmt.Sprint(n - 2); rows[0][0] != want || rows[0][1] != want || rows[0][2] != want || rows[0][3] != want {
		t.Errorf("attempts, of documents, calls, counted: %v, want %s each", rows[0], want)
	}
}

// TestDB_Together_LateClaims: of those who claim one document at once, one gets it.
func TestDB_Together_LateClaims(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, newDocument("one.pdf", storage.QueueBulk))[0]
	workers := []uuid.UUID{startWorker(t, db), startWorker(t, db)}
	var got sync.Map
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			_, err := db.Claim(t.Context(), id, workers[i%2])
			got.Store(i, err)
		})
	}
	group.Wait()
	claims := 0
	got.Range(func(_, err any) bool {
		if err == nil {
			claims++
		} else if e, _ := err.(error); !errors.Is(e, storage.ErrBusy) {
			t.Errorf("Claim() = %v, want %v", err, storage.ErrBusy)
		}
		return true
	})
	if claims != 1 {
		t.Errorf("claimed %d times, want once", claims)
	}
}

// TestDB_Together_Leaves: who gives up waits for no group, and a group that nobody waits
// for any more ends.
func TestDB_Together_Leaves(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	id := record(t, db, newDocument("one.pdf", storage.QueueBulk))[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := db.Claim(ctx, id, startWorker(t, db)); !errors.Is(err, context.Canceled) {
		t.Errorf("Claim() = %v, want %v", err, context.Canceled)
	}
}

// TestDB_Together_EarlyPlans: statements of groups that were planned while the tables
// were empty still look up by keys when there is much in them, and nothing has told
// Postgres so.
func TestDB_Together_EarlyPlans(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const n = 20
	documents := batchOf(n)
	for i := range documents {
		documents[i].Batch = ""
	}
	ids, worker := record(t, db, documents...), startWorker(t, db)
	way := func(i int) {
		t.Helper()
		if _, err := db.Claim(t.Context(), ids[i], worker); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(ids[i][:])
		if _, err := db.AnswerFor(t.Context(), ids[i], sum, "/v4/smart/parse"); !errors.Is(err, storage.ErrNotFound) {
			t.Fatalf("AnswerFor() = %v, want that there is none", err)
		}
		if _, err := db.BeginAttempt(t.Context(), storage.NewAttempt{
			RequestID: fmt.Sprintf("req_%d", i), DocumentID: ids[i], WorkerID: worker, Endpoint: "/v4/smart/parse", SHA256: sum, SizeBytes: 9,
		}); err != nil {
			t.Fatal(err)
		}
	}
	number := func(sql string) int {
		t.Helper()
		n, err := strconv.Atoi(storagetest.Rows(t, address, sql)[0][0])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// What a session has read is told of at its end for sure.
	ended := func(whose string) {
		t.Helper()
		for number(`SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND `+whose) > 0 {
			if err := t.Context().Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	way(0)
	fillUnseen(t, address, 20_000)
	ended(`application_name <> 'casflow'`)
	storagetest.Rows(t, address, `SELECT pg_stat_reset()`)
	for i := 1; i < n; i++ {
		way(i)
	}
	db.Close()
	ended(`true`)
	switch rows := number(`SELECT (sum(coalesce(seq_tup_read, 0)) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'cas'))::text
FROM pg_stat_user_tables WHERE schemaname = 'cas'`); {
	case rows > 200*n:
		t.Errorf("%d documents read %d rows", n-1, rows)
	case rows == 0:
		t.Error("nothing was counted")
	}
}
