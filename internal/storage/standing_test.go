package storage_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func standing(t *testing.T, db *storage.DB) storage.Standing {
	t.Helper()
	s, err := db.Standing(t.Context(), lease)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// countDocuments counts them by status, the hard way.
func countDocuments(t *testing.T, address, batch string) map[storage.Status]int {
	t.Helper()
	counts := make(map[storage.Status]int)
	for _, row := range storagetest.Rows(t, address, `SELECT status, count(*) FROM cas.documents WHERE $1 IN ('', batch) GROUP BY status`, batch) {
		n, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		counts[storage.Status(row[0])] = n
	}
	return counts
}

// TestDB_Standing: what the gauges tell is what a count tells, at each step of a few
// documents' lives, and whether or not the leader has added the changes up.
func TestDB_Standing(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	leader := lead(t, db)
	worker := startWorker(t, db)
	counted := func(step string) {
		t.Helper()
		for _, when := range []string{"before", "after"} {
			for _, batch := range []string{"", "may"} {
				overview, err := db.Overview(t.Context(), batch)
				if err != nil {
					t.Fatal(err)
				}
				want := countDocuments(t, address, batch)
				if diff := cmp.Diff(want, overview.Documents, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s, %s the changes are added up: documents of batch %q (-want +got):\n%s", step, when, batch, diff)
				}
				if batch != "" {
					continue
				}
				got := standing(t, db)
				for status, n := range got.Documents {
					if int64(want[status]) != n {
						t.Errorf("%s, %s the changes are added up: %d documents are %s, want %d", step, when, n, status, want[status])
					}
				}
				if int(got.OverBudget) != overview.OverBudget {
					t.Errorf("%s: %d documents are over budget, or %d", step, got.OverBudget, overview.OverBudget)
				}
			}
			if err := leader.AddUpCounts(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	counted("empty")
	if err := db.OpenBatch(t.Context(), "may", "s3://statements/may/", 3); err != nil {
		t.Fatal(err)
	}
	var documents []storage.NewDocument
	for n := range 5 {
		d := newDocument(fmt.Sprintf("%d.pdf", n), storage.QueueBulk)
		d.Batch = "may"
		documents = append(documents, d)
	}
	record(t, db, append(documents, newDocument("other.pdf", storage.QueueInteractive))...)
	record(t, db, documents...) // known: changes nothing
	counted("recorded")
	deliveries, err := leader.Dispatch(t.Context(), storage.QueueBulk, 10, storage.Budget{})
	if err != nil || len(deliveries) != 3 {
		t.Fatalf("dispatched %d, %v, want the 3 that the batch may cost", len(deliveries), err)
	}
	counted("dispatched")
	ids := []uuid.UUID{deliveries[0].DocumentID, deliveries[1].DocumentID}
	for _, id := range ids {
		if _, err := db.Claim(t.Context(), id, worker); err != nil {
			t.Fatal(err)
		}
	}
	counted("claimed")
	letter := storage.DeadLetter{DocumentID: ids[0], Reason: storage.ReasonNotAPDF, Message: "no PDF"}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{WorkerID: worker}); err != nil {
		t.Fatal(err)
	}
	begin(t, db, ids[1], worker, "req_1")
	if err := db.Release(t.Context(), ids[1], worker, 0); err != nil {
		t.Fatal(err)
	}
	counted("dead and released")
	got := standing(t, db)
	if age := got.OldestPending[storage.QueueInteractive]; age <= 0 {
		t.Errorf("the oldest interactive document is %s old, want some time", age)
	}
	want := storage.Standing{
		Unknown: 1, Workers: 1, Today: storage.Day{Calls: 1, Credits: "1"}, OverBudget: 2,
		Recent: storage.Recent{Total: 5, Dead: 1},
	}
	ignore := cmpopts.IgnoreFields(storage.Standing{}, "Documents", "OldestPending", "Skew")
	if diff := cmp.Diff(want, got, ignore); diff != "" {
		t.Errorf("Standing() (-want +got):\n%s", diff)
	}
	traces := []storage.Trace{{DocumentID: ids[0]}, {DocumentID: ids[1]}}
	if _, err := db.Erase(t.Context(), "ZZZPA0001Z", traces, "test", 0); err != nil {
		t.Fatal(err)
	}
	counted("erased")
	if got, want := standing(t, db).Recent, (storage.Recent{Total: 3}); got != want {
		t.Errorf("after two documents are erased, batches have %+v, want %+v", got, want)
	}
	storagetest.Rows(t, address, `DELETE FROM cas.documents WHERE batch = 'may'`)
	counted("deleted")
	if got := standing(t, db).Recent; got != (storage.Recent{}) {
		t.Errorf("after all documents are gone, batches have %+v, want nothing", got)
	}
	if unfinished := storagetest.Rows(t, address, `SELECT batch FROM cas.batches WHERE parsed + dead < total`); len(unfinished) > 0 {
		t.Errorf("batches %v are never finished", unfinished)
	}
}

// TestDB_Standing_Recent: of the batches of the last day and those that go on, the one
// that dies most is told; small and old ones are not.
func TestDB_Standing_Recent(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	storagetest.Rows(t, address, `
INSERT INTO cas.batches (batch, created_at, total, parsed, dead) VALUES
	('well', now(), 100, 90, 5), ('ill', now() - interval '2 hours', 40, 20, 10),
	('small', now(), 19, 0, 19), ('old', now() - interval '25 hours', 100, 0, 100),
	('goes on', now() - interval '9 days', 1000, 500, 1)`)
	want := storage.Recent{Total: 1159, Parsed: 610, Dead: 35, WorstDead: 10, WorstFinished: 30}
	if diff := cmp.Diff(want, standing(t, db).Recent); diff != "" {
		t.Errorf("recent batches (-want +got):\n%s", diff)
	}
}

// TestDB_Standing_Redriven: nobody has waited for a document while it was dead.
func TestDB_Standing_Redriven(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	dead, young := newDocument("dead.pdf", storage.QueueInteractive), newDocument("young.pdf", storage.QueueInteractive)
	record(t, db, dead, young)
	letter := storage.DeadLetter{DocumentID: dead.ID, Reason: storage.ReasonNotAPDF, Message: "no PDF"}
	if err := db.Bury(t.Context(), letter, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	storagetest.Rows(t, address, `UPDATE cas.documents SET created_at = now() - CASE object_key WHEN 'dead.pdf' THEN interval '3 weeks' ELSE interval '20 minutes' END`)
	if _, err := db.Redrive(t.Context(), storage.DeadFilter{}); err != nil {
		t.Fatal(err)
	}
	if age := standing(t, db).OldestPending[storage.QueueInteractive]; age < 20*time.Minute || age > 24*time.Hour {
		t.Errorf("the oldest is %s old, want the 20 minutes of the one that was never dead", age)
	}
	storagetest.Rows(t, address, `UPDATE cas.dead_letters SET redriven_at = now() - interval '2 days'`)
	if age := standing(t, db).OldestPending[storage.QueueInteractive]; age < 48*time.Hour || age > 72*time.Hour {
		t.Errorf("the oldest is %s old, want the two days since it was put back", age)
	}
}

func TestDB_Standing_Credits(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	if _, ok, err := db.CreditsAge(t.Context()); ok || err != nil {
		t.Errorf("CreditsAge() = %t, %v, want never", ok, err)
	}
	if err := db.NoteCredits(t.Context(), "41.5"); err != nil {
		t.Fatal(err)
	}
	if got := standing(t, db).Credits; got != "41.5" {
		t.Errorf("credits %q, want 41.5", got)
	}
	storagetest.Rows(t, address, `UPDATE cas.account SET credits_at = now() - interval '2 hours'`)
	if age, ok, err := db.CreditsAge(t.Context()); !ok || err != nil || age < 2*time.Hour {
		t.Errorf("CreditsAge() = %s, %t, %v, want two hours", age, ok, err)
	}
	if got := standing(t, db).Credits; got != "" {
		t.Errorf("credits of two hours ago are told: %q", got)
	}
	if err := db.NoteCredits(t.Context(), ""); err != nil { // no limit
		t.Fatal(err)
	}
	if got := standing(t, db).Credits; got != "" {
		t.Errorf("credits %q without a limit, want none", got)
	}
}

// TestDB_Standing_Cost: no gauge goes through a table that grows with the documents,
// whatever there is of them.
func TestDB_Standing_Cost(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	fill(t, address, 40_000)
	if err := lead(t, db).AddUpCounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	scanned := regexp.MustCompile(`Seq Scan on (documents|attempts|answers|dead_letters|batches|statements)\b`)
	buffers := regexp.MustCompile(`Buffers: shared hit=(\d+)(?: read=(\d+))?`)
	for name, sql := range storage.StandingQueries() {
		rows, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, BUFFERS) "+sql, pgx.QueryExecModeSimpleProtocol,
			pgx.NamedArgs{"lease": lease.String(), "least": storage.WorstLeast})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := strings.Join(lines, "\n")
		if found := scanned.FindString(plan); found != "" {
			t.Errorf("%s: %s:\n%s", name, found, plan)
		}
		blocks := 0
		if touched := buffers.FindStringSubmatch(plan); touched != nil { // the first line is that of the whole
			hit, _ := strconv.Atoi(touched[1])
			read, _ := strconv.Atoi(touched[2]) // "" none
			blocks = hit + read
		}
		if blocks > 50 {
			t.Errorf("%s touches %d blocks, want a few:\n%s", name, blocks, plan)
		}
	}
}

func BenchmarkDB_Standing(b *testing.B) {
	b.ReportAllocs()
	db, address := storagetest.NewURL(b)
	fill(b, address, 1_000_000)
	leader, err := db.Lead(b.Context())
	if err != nil || leader == nil {
		b.Fatalf("Lead() = %v, %v, want a leader", leader, err)
	}
	defer leader.Resign()
	if err := leader.AddUpCounts(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := db.Standing(b.Context(), lease); err != nil {
			b.Fatal(err)
		}
	}
}

// TestOnFailure tells what Postgres does not do from what it refuses.
func TestOnFailure(t *testing.T) {
	t.Parallel()
	failures := 0
	db, err := storage.Open(t.Context(), storagetest.URL(t), 1, storage.OnFailure(func() { failures++ }))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	bad := newDocument("a.pdf", "no such queue")
	if _, err := db.Record(t.Context(), []storage.NewDocument{bad}); err == nil || failures != 0 {
		t.Errorf("refused values: %v, counted %d failures, want an error and none", err, failures)
	}
	empty, err := storage.Open(t.Context(), storagetest.Empty(t), 1, storage.OnFailure(func() { failures++ }))
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if _, err := empty.Account(t.Context()); err == nil || failures != 1 {
		t.Errorf("a query that Postgres cannot run: %v, counted %d failures, want an error and 1", err, failures)
	}
	if _, err := empty.Standing(t.Context(), lease); err == nil || failures < 2 {
		t.Errorf("a batch that Postgres cannot run: %v, counted %d failures, want an error and one more", err, failures)
	}
}
