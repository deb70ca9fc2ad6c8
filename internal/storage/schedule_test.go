package storage_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"casflow/internal/storage/storagetest"
)

// TestSchedules_Current: those that the leader has are current, for as long as it leads;
// the others stay known.
func TestSchedules_Current(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	for _, name := range []string{"30 1 * * * s3://a/", "30 2 * * * s3://b/", "30 3 * * * s3://c/"} {
		if _, err := db.ScheduleRun(t.Context(), name, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	wantCurrent := func(want ...bool) {
		t.Helper()
		schedules, err := db.Schedules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []bool
		for _, s := range schedules {
			got = append(got, s.Current)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("current schedules (-want +got):\n%s", diff)
		}
	}
	wantCurrent(false, false, false)
	held, err := db.LeadSchedules(t.Context(), "30 1 * * * s3://a/", "30 3 * * * s3://c/")
	if err != nil || held == nil {
		t.Fatalf("LeadSchedules() = %v, %v, want the lock", held, err)
	}
	wantCurrent(true, false, true)
	// Another process is of no account, and nor is one of another casflow on this server.
	if second, err := db.LeadSchedules(t.Context(), "30 2 * * * s3://b/"); second != nil || err != nil {
		t.Fatalf("second LeadSchedules() = %v, %v, want nobody", second, err)
	}
	elsewhere, err := storagetest.New(t).LeadSchedules(t.Context(), "30 2 * * * s3://b/")
	if err != nil || elsewhere == nil {
		t.Fatalf("LeadSchedules() elsewhere = %v, %v, want the lock", elsewhere, err)
	}
	defer elsewhere.Release()
	wantCurrent(true, false, true)
	held.Release()
	wantCurrent(false, false, false)
}
