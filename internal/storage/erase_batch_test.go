package storage_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestDB_Erase_Batch: batches whose names tell the PAN get names that do not, each one
// of its own though others were masked to the same before, and their counts go along.
func TestDB_Erase_Batch(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	leader := lead(t, db)
	const first, second = "ZZZPA0001Z", "ZZZPB0002Z" // masked, both are ZZ*******Z
	var last []storage.NewDocument
	for _, batch := range []string{"for " + first, "for " + second, "for " + strings.ToLower(second)} {
		for _, key := range []string{"theirs.pdf", "another.pdf", "third.pdf"} {
			last = append(last, of(batch, newDocument(batch[:6]+batch[8:9]+key, storage.QueueBulk)))
		}
	}
	record(t, db, last...)
	if err := leader.AddUpCounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := attempt(t, db, last[4].ID, storage.Budget{}) // changes that are not added up yet
	if _, err := db.BeginAttempt(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	for pan, traces := range map[string][]storage.Trace{first: {{DocumentID: last[0].ID}}, second: {{DocumentID: last[3].ID}, {DocumentID: last[6].ID}}} {
		if _, err := db.Erase(t.Context(), pan, traces, "test", 0); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(storagetest.Everything(t, address)) {
			if strings.Contains(strings.ToUpper(line), pan) {
				t.Errorf("the database still tells %s: %s", pan, line)
			}
		}
	}
	if err := leader.AddUpCounts(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := storagetest.Rows(t, address, `
SELECT count(*), sum(calls), bool_and(total = 2), bool_and(total = (SELECT count(*) FROM cas.documents d WHERE d.batch = b.batch)),
	bool_and(total = (SELECT sum(c.documents) FROM cas.document_counts c WHERE c.batch = b.batch)) FROM cas.batches b`)
	if diff := cmp.Diff([][]string{{"3", "1", "t", "t", "t"}}, got); diff != "" {
		t.Errorf("batches, their calls, and whether they have 2 documents each (-want +got):\n%s\n%v", diff,
			storagetest.Rows(t, address, `SELECT batch, total, calls FROM cas.batches`))
	}
}
