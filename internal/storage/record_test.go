package storage_test

import (
	"fmt"
	"slices"
	"testing"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// Those who record the same documents at once, each in an order of its own, do not
// wait for each other crosswise: Postgres would end one of them.
func TestRecord_OneOrder(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	const rounds, n = 5, 2000
	for round := range rounds {
		var documents []storage.NewDocument
		for i := range n {
			documents = append(documents, newDocument(fmt.Sprintf("%d/%d.pdf", round, i), storage.QueueBulk))
		}
		backwards := slices.Clone(documents)
		slices.Reverse(backwards)
		done := make(chan int, 3)
		for _, order := range [][]storage.NewDocument{documents, backwards, documents[n/2:]} {
			go func() {
				fresh, err := db.Record(t.Context(), order)
				if err != nil {
					t.Error(err)
				}
				done <- len(fresh)
			}()
		}
		if got := <-done + <-done + <-done; got != n {
			t.Errorf("%d are new to somebody, want each of %d to one", got, n)
		}
	}
	if got := storagetest.Rows(t, url, `SELECT count(*) FROM cas.documents`)[0][0]; got != fmt.Sprint(rounds*n) {
		t.Errorf("%s documents, want %d", got, rounds*n)
	}
}
