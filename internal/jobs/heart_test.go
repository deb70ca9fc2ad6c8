package jobs

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage/storagetest"
)

// TestHeart_Steady shows when a worker may take others for dead: not before its
// own beats have arrived for a whole lease, since after an outage of Postgres
// nobody's have.
func TestHeart_Steady(t *testing.T) {
	t.Parallel()
	const lease = time.Minute
	for name, test := range map[string]struct {
		since, last time.Duration // ago; negative: never
		want        bool
	}{
		"Never":    {-1, -1, false},
		"Young":    {lease - 1, 0, false},
		"Lease":    {lease, 0, true},
		"Long":     {time.Hour, time.Second, true},
		"Silent":   {time.Hour, lease, false}, // this process itself was held up
		"Broken":   {-1, time.Second, false},
		"JustLast": {time.Hour, lease - 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ago := func(d time.Duration) time.Time {
					if d < 0 {
						return time.Time{}
					}
					return time.Now().Add(-d)
				}
				h := &heart{lease: lease, since: ago(test.since), last: ago(test.last)}
				if got := h.steady(); got != test.want {
					t.Errorf("steady() = %t, want %t", got, test.want)
				}
			})
		})
	}
}

func TestHeart_Beat(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	worker := uuid.New()
	h := newHeart(db, worker, time.Hour, quiet())
	listed := func() int {
		t.Helper()
		return len(storagetest.Rows(t, address, `SELECT worker_id FROM cas.workers`))
	}
	if err := h.beat(t.Context()); err != nil || listed() != 1 {
		t.Fatalf("beat() = %v with %d workers listed, want this one", err, listed())
	}
	began := h.since
	if began.IsZero() {
		t.Error("the first beat begins no row of beats")
	}
	if err := h.beat(t.Context()); err != nil || h.since != began {
		t.Errorf("beat() = %v, row of beats since %s, want it unbroken since %s", err, h.since, began)
	}
	h.last = h.last.Add(-2 * time.Hour) // as if the process had been stopped for longer than a lease
	if err := h.beat(t.Context()); err != nil || !h.since.After(began) {
		t.Errorf("beat() = %v, row of beats since %s, want a new one after %s", err, h.since, began)
	}
	if err := h.stop(t.Context()); err != nil || listed() != 0 {
		t.Errorf("stop() = %v with %d workers listed, want none", err, listed())
	}

	db.Close()
	if err := h.beat(t.Context()); err == nil || !h.since.IsZero() {
		t.Errorf("beat(no ledger) = %v, row of beats since %s, want an error and the row broken", err, h.since)
	}
	if err := h.stop(t.Context()); err == nil {
		t.Error("stop(no ledger) is fine, want an error")
	}
}

// TestHeart_StopAfterCut: a worker signs off although its connections have just broken.
func TestHeart_StopAfterCut(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	h := newHeart(db, uuid.New(), time.Hour, quiet())
	if err := h.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	storagetest.Rows(t, address, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	if err := h.stop(t.Context()); err != nil {
		t.Errorf("stop() = %v, want that it is tried again", err)
	}
	if listed := storagetest.Rows(t, address, `SELECT worker_id FROM cas.workers`); len(listed) != 0 {
		t.Errorf("%d workers are listed, want none", len(listed))
	}
}
