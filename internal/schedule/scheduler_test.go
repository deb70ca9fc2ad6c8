package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/schedule"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

func TestMain(m *testing.M) { os.Exit(storagetest.Main(m)) }

const yearly = "0 0 1 1 *" // far away, on all but one day

// entry runs do; its schedule is the cron expression.
func entry(t *testing.T, expression string, do func(context.Context) error) schedule.Entry {
	t.Helper()
	when, err := schedule.Parse(expression, "UTC")
	if err != nil {
		t.Fatal(err)
	}
	return schedule.Entry{Name: expression, When: when, Run: do}
}

// start runs entries until stop is called.
func start(t *testing.T, db *storage.DB, entries ...schedule.Entry) (stop func()) {
	t.Helper()
	s, err := schedule.New(db, prometheus.NewPedanticRegistry(), slog.New(slog.DiscardHandler), entries)
	if err != nil {
		t.Fatal(err)
	}
	s.SetRetry(10 * time.Millisecond)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// missed makes a schedule known that was last due years ago.
func missed(t *testing.T, url, name string) {
	t.Helper()
	storagetest.Rows(t, url, `INSERT INTO cas.schedules (schedule, due_at) VALUES ('`+name+`', '2020-01-01') RETURNING schedule`)
}

// runs describes the schedules of the ledger.
func runs(t *testing.T, url string) [][]string {
	t.Helper()
	return storagetest.Rows(t, url, `
SELECT schedule, due_at > now() - interval '1 hour', started_at IS NOT NULL, finished_at IS NOT NULL, failure FROM cas.schedules ORDER BY 1`)
}

// A run that was missed, however often, is caught up with once; one that is new
// waits for its time.
func TestScheduler_Missed(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	missed(t, url, yearly)
	ran, other := make(chan string, 10), make(chan string, 10)
	stop := start(t, db,
		entry(t, yearly, func(context.Context) error { ran <- ""; return errors.New("no bucket of ZZZPA0001Z") }),
		entry(t, "1 "+yearly[2:], func(context.Context) error { other <- ""; return nil }))
	<-ran
	want := [][]string{{yearly, "t", "t", "t", "no bucket of ZZ*******Z"}, {"1 " + yearly[2:], "t", "f", "f", "<null>"}}
	for cmp.Diff(want, runs(t, url)) != "" { // each look is a query
		if err := t.Context().Err(); err != nil {
			t.Fatalf("schedules (-want +got):\n%s", cmp.Diff(want, runs(t, url)))
		}
	}
	stop()
	stop = start(t, db, entry(t, yearly, func(context.Context) error { ran <- ""; return nil }))
	stop()
	if len(ran) != 0 || len(other) != 0 {
		t.Errorf("run %d times more, and %d times what is not due, want none", len(ran), len(other))
	}
}

// A run that is cut short is run again by whoever comes next.
func TestScheduler_CutShort(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	missed(t, url, yearly)
	began := make(chan struct{})
	stop := start(t, db, entry(t, yearly, func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}))
	<-began
	stop()
	if diff := cmp.Diff([][]string{{yearly, "t", "t", "f", "<null>"}}, runs(t, url)); diff != "" {
		t.Errorf("cut short (-want +got):\n%s", diff)
	}
	again := make(chan struct{})
	start(t, db, entry(t, yearly, func(context.Context) error { close(again); return nil }))
	<-again
}

// Of several processes one runs the schedules, and another one takes over where it
// ends or loses its connection; then the run that it was at is cut short.
func TestScheduler_OneLeads(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	missed(t, url, yearly)
	type run struct {
		by  string
		ctx context.Context
	}
	began := make(chan run)
	process := func(name string) (stop func()) {
		return start(t, db, entry(t, yearly, func(ctx context.Context) error {
			began <- run{name, ctx}
			<-ctx.Done()
			return ctx.Err()
		}))
	}
	stopA := process("a")
	if got := <-began; got.by != "a" {
		t.Errorf("%s leads, want a", got.by)
	}
	stopB := process("b")
	stopA()
	first := <-began
	if first.by != "b" {
		t.Errorf("%s leads, want b", first.by)
	}
	storagetest.Rows(t, url, `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = (
		SELECT oid FROM pg_database WHERE datname = current_database())`)
	<-first.ctx.Done() // it is given up ...
	<-began            // ... and taken up again, by whoever leads then
	stopB()
}

// A run that another process is at still, though it has lost the lead, is not taken for
// done: it is tried again until it is.
func TestScheduler_UnderWayElsewhere(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	missed(t, url, yearly)
	tried := make(chan error)
	start(t, db, entry(t, yearly, func(context.Context) error { return <-tried }))
	elsewhere := fmt.Errorf("scan: %w", storage.ErrScanning)
	tried <- elsewhere
	tried <- elsewhere
	if diff := cmp.Diff([][]string{{yearly, "t", "t", "f", "<null>"}}, runs(t, url)); diff != "" {
		t.Errorf("under way elsewhere (-want +got):\n%s", diff)
	}
	tried <- nil
	want := [][]string{{yearly, "t", "t", "t", "<null>"}}
	for cmp.Diff(want, runs(t, url)) != "" { // each look is a query
		if err := t.Context().Err(); err != nil {
			t.Fatalf("done (-want +got):\n%s", cmp.Diff(want, runs(t, url)))
		}
	}
}

// A process that has lost its lock begins nothing.
func TestScheduler_LockLost(t *testing.T) {
	t.Parallel()
	db, url := storagetest.NewURL(t)
	var ran atomic.Bool
	s, err := schedule.New(db, prometheus.NewPedanticRegistry(), slog.New(slog.DiscardHandler), []schedule.Entry{
		entry(t, yearly, func(context.Context) error { ran.Store(true); return nil }),
	})
	if err != nil {
		t.Fatal(err)
	}
	missed(t, url, yearly)
	held, err := db.LeadSchedules(t.Context())
	if err != nil || held == nil {
		t.Fatalf("LeadSchedules() = %v, %v", held, err)
	}
	held.Release()
	if err := s.Once(t.Context(), held, 0); err == nil || ran.Load() {
		t.Errorf("begun without the lock: %t, %v", ran.Load(), err)
	}
	if diff := cmp.Diff([][]string{{yearly, "f", "f", "f", "<null>"}}, runs(t, url)); diff != "" {
		t.Errorf("schedules (-want +got):\n%s", diff)
	}
}

// A schedule that is due all the time does not overlap with itself.
func TestScheduler_NoOverlap(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	began, goOn := make(chan struct{}, 10), make(chan struct{})
	start(t, db, entry(t, "@every 1s", func(ctx context.Context) error {
		began <- struct{}{}
		select {
		case <-goOn:
		case <-ctx.Done():
		}
		return nil
	}))
	for range 2 {
		<-began
		stopOthers := start(t, db, entry(t, "@every 1s", func(context.Context) error { began <- struct{}{}; return nil }))
		stopOthers()
		if len(began) != 0 {
			t.Error("it runs twice at once")
		}
		goOn <- struct{}{}
	}
}

func TestNew_Twice(t *testing.T) {
	t.Parallel()
	e := entry(t, yearly, nil)
	if _, err := schedule.New(nil, prometheus.NewPedanticRegistry(), slog.New(slog.DiscardHandler), []schedule.Entry{e, e}); err == nil || !strings.Contains(err.Error(), "is given twice") {
		t.Errorf("got %v, want that it is given twice", err)
	}
}
