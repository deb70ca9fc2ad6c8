package storage_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// What a process that was killed has still on its way to Postgres must not come
// between those who go on with its scan.
func TestScan_Overtaken(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	begin := func() *storage.Scan {
		t.Helper()
		s, err := db.BeginScan(t.Context(), storage.NewScan{SameAs: uuid.UUID{1}, Source: "s3://cas/", Resume: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return s
	}
	page := func(id byte, last string) storage.ScanPage {
		return storage.ScanPage{Last: last, Listed: 1, Documents: []storage.NewDocument{{
			ID: uuid.UUID{id}, Bucket: "cas", Key: last, ETag: "e", Kind: storage.KindSmart, Queue: storage.QueueBulk, Batch: "may",
		}}}
	}
	first := begin()
	if _, err := first.Record(t.Context(), 0, page(1, "a.pdf")); err != nil {
		t.Fatal(err)
	}
	first.Close()
	second := begin()
	if !second.Resumed {
		t.Error("not resumed")
	}

	_, recorded := first.Record(t.Context(), 0, page(2, "b.pdf"))
	split := first.Split(t.Context(), 0, "b.pdf", storage.ScanRange{Number: 1, After: "b.pdf"})
	finished := first.Finish(t.Context(), storage.ScanCounts{})
	for name, err := range map[string]error{"record": recorded, "split": split, "finish": finished} {
		if err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("%s: got error %v, want that another process goes on", name, err)
		}
	}
	want := [][]string{{"a.pdf", "a.pdf", "1"}}
	rows := storagetest.Rows(t, url, `SELECT d.object_key, r.after_key, b.total FROM cas.documents d, cas.scan_ranges r, cas.batches b`)
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("documents and ranges (-want +got):\n%s", diff)
	}
	if _, err := second.Record(t.Context(), 0, page(2, "b.pdf")); err != nil {
		t.Error(err)
	}
	if err := second.Finish(t.Context(), storage.ScanCounts{Listed: 2, New: 2}); err != nil {
		t.Error(err)
	}
}
