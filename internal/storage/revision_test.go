package storage_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// version is what decides between two answers for one statement.
type version struct {
	transactions bool
	generated    string
	minute       int // of its arrival
}

// saveVersion saves an answer for the statement of full(), which carries the name
// of its document.
func saveVersion(t *testing.T, db *storage.DB, name string, v version) (document uuid.UUID, current bool) {
	t.Helper()
	id := record(t, db, newDocument(name, storage.QueueBulk))[0]
	s := full()
	s.Investor.Name, s.NPSFunds[0].Name = name, name
	s.GeneratedAt, s.ReceivedAt = v.generated, arrival(v.minute)
	if !v.transactions {
		s.Transactions = nil
	}
	saved, err := db.Save(t.Context(), answerFor(id), s, storage.AttemptEnd{})
	if err != nil {
		t.Error(err)
	}
	return id, saved.Current
}

func TestDB_Save_RevisionsNoted(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const tenth, eleventh = "2025-05-10T00:00:00Z", "2025-05-11T00:00:00Z"
	steps := []struct {
		name string
		version
		revision        string
		outcome, reason string
	}{
		{"a", version{false, tenth, 5}, "1", "won", "first"},
		{"b", version{false, tenth, 4}, "1", "lost", "older"},
		{"c", version{true, tenth, 1}, "2", "won", "has_transactions"},
		{"d", version{false, eleventh, 9}, "2", "lost", "holdings_only"},
		{"e", version{true, eleventh, 0}, "3", "won", "newer_generated_at"},
		{"f", version{true, eleventh, 2}, "4", "won", "later_arrival"},
		{"g", version{true, tenth, 9}, "4", "lost", "older"},
	}
	var want [][]string
	for _, step := range steps {
		saveVersion(t, db, step.name, step.version)
		want = append(want, []string{step.name, step.revision, step.outcome, step.reason})
	}
	got := storagetest.Rows(t, address, `SELECT d.object_key, r.revision, r.outcome, r.reason
		FROM cas.statement_revisions r JOIN cas.documents d USING (document_id) ORDER BY d.object_key`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, step := range steps {
		saveVersion(t, db, step.name, step.version)
	}
	// The second time f was in place: the others lost against it, and are noted so.
	got = storagetest.Rows(t, address, `SELECT count(*), count(*) FILTER (WHERE outcome = 'won'), max(revision) FROM cas.statement_revisions`)
	if diff := cmp.Diff([][]string{{"12", "4", "4"}}, got); diff != "" {
		t.Errorf("saved once more (-want +got):\n%s", diff)
	}
}

// TestDB_Save_SameKeyAtOnce saves answers for one statement at the same moment,
// over and over: whatever the order, the best one has the place with all of its
// rows, and the revisions are counted without a gap.
func TestDB_Save_SameKeyAtOnce(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	const answers = 12
	versions := make([]version, answers)
	for i := range versions {
		versions[i] = version{transactions: i%3 != 0, generated: fmt.Sprintf("2025-05-%02dT00:00:00Z", 1+i/4), minute: i}
		if i%5 == 0 {
			versions[i].generated = "" // counts as generated when it arrived: in 2026
		}
	}
	best := "10" // the last of those with transactions that arrived in 2026
	for round := range 3 {
		order := rand.Perm(answers)
		var group sync.WaitGroup
		for _, i := range order {
			group.Go(func() { saveVersion(t, db, fmt.Sprint(i), versions[i]) })
		}
		group.Wait()
		got := storagetest.Rows(t, address, `SELECT s.investor_name, f.name, s.transaction_count,
			(SELECT count(*) FROM cas.transactions), (SELECT count(*) FROM cas.nps_funds) FROM cas.statements s JOIN cas.nps_funds f USING (pan)`)
		if diff := cmp.Diff([][]string{{best, best, "1", "1", "1"}}, got); diff != "" {
			t.Errorf("round %d, order %v (-want +got):\n%s", round, order, diff)
		}
		got = storagetest.Rows(t, address, `SELECT s.revision = count(*) FILTER (WHERE r.outcome = 'won'),
				s.revision = max(r.revision), count(DISTINCT r.document_id),
				bool_or(r.outcome = 'won' AND r.document_id = s.document_id AND r.revision = s.revision)
			FROM cas.statements s JOIN cas.statement_revisions r USING (pan) GROUP BY s.revision, s.document_id`)
		if diff := cmp.Diff([][]string{{"t", "t", "12", "t"}}, got); diff != "" {
			t.Errorf("round %d, order %v: revisions (-want +got):\n%s", round, order, diff)
		}
	}
}
