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

// A scan that has come to a key with a PAN which is erased begins anew; others go on.
func TestDB_Erase_Scan(t *testing.T) {
	t.Parallel()
	const pan = "ZZZPA0001Z"
	db, url := storagetest.NewURL(t)
	for _, key := range []string{"in/zzzpa0001z-2.pdf", "in/other.pdf"} {
		n := storage.NewScan{SameAs: uuid.New(), Source: "s3://b/in/", Resume: time.Hour}
		s, err := db.BeginScan(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Record(t.Context(), 0, storage.ScanPage{Last: key, Listed: 1}); err != nil {
			t.Fatal(err)
		}
		if err := s.Split(t.Context(), 0, key+"x", storage.ScanRange{Number: 1, After: key + "x"}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Erase(t.Context(), pan, nil, "test", 0); err != nil {
			t.Fatal(err)
		}
		_, err = s.Record(t.Context(), 0, storage.ScanPage{Last: key + "a", Listed: 1})
		s.Close()
		if mentions := key != "in/other.pdf"; mentions != (err != nil) {
			t.Errorf("%s: going on: %v", key, err)
		}
		again, err := db.BeginScan(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if again.Resumed != (key == "in/other.pdf") {
			t.Errorf("%s: resumed is %t", key, again.Resumed)
		}
		again.Close()
	}
	want := [][]string{{"0", "", "<null>"}, {"0", "in/other.pdfa", "in/other.pdfx"}, {"1", "in/other.pdfx", "<null>"}}
	if diff := cmp.Diff(want, storagetest.Rows(t, url, `SELECT range_no, after_key, until_key FROM cas.scan_ranges ORDER BY 1, 2`)); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}
