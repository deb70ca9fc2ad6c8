package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// fakeCredits answers the free call by which the account is asked.
type fakeCredits func() (*casapi.Credits, error)

func (f fakeCredits) Credits(context.Context) (*casapi.Credits, error) { return f() }

func refusal(class error) fakeCredits {
	return func() (*casapi.Credits, error) { return nil, &casapi.Error{Class: class} }
}

func well() (*casapi.Credits, error) { return &casapi.Credits{Remaining: "12"}, nil }

func TestProbeWait(t *testing.T) {
	t.Parallel()
	wait := probeWait(time.Minute)
	for probes, want := range map[int]time.Duration{
		0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 4: 8 * time.Minute, 5: 15 * time.Minute, 1 << 40: 15 * time.Minute,
	} {
		if got := wait(probes); got != want {
			t.Errorf("wait after %d probes = %s, want %s", probes, got, want)
		}
	}
	if got := probeWait(time.Hour)(9); got != time.Hour {
		t.Errorf("an interval beyond the most = %s, want itself", got)
	}
}

func TestExamine(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		api    fakeCredits
		reason storage.Reason
		fails  bool
	}{
		"Well":         {well, "", false},
		"Unlimited":    {func() (*casapi.Credits, error) { return &casapi.Credits{Unlimited: true}, nil }, "", false},
		"Unknown":      {func() (*casapi.Credits, error) { return &casapi.Credits{}, nil }, "", false},
		"Exhausted":    {func() (*casapi.Credits, error) { return &casapi.Credits{Remaining: "0.0"}, nil }, storage.ReasonInsufficientCredits, false},
		"Unauthorized": {refusal(casapi.ErrUnauthorized), storage.ReasonUnauthorized, false},
		"Forbidden":    {refusal(casapi.ErrForbidden), storage.ReasonUnauthorized, false},
		"NoCredits":    {refusal(casapi.ErrInsufficientCredits), storage.ReasonInsufficientCredits, false},
		"Down":         {refusal(casapi.ErrUnavailable), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reason, _, err := examine(t.Context(), test.api)
			if reason != test.reason || (err != nil) != test.fails {
				t.Errorf("examine() = %q, %v, want %q, failure %t", reason, err, test.reason, test.fails)
			}
		})
	}
}

// TestDispatcher_Tend leads an account from open to paused, through probes that
// find it unwell, and back.
func TestDispatcher_Tend(t *testing.T) {
	t.Parallel()
	db, address := storagetest.NewURL(t)
	client := newRedis(t)
	enqueuer := NewEnqueuer(db, client, 0)
	probes, api := 0, fakeCredits(well)
	dispatcher := NewDispatcher(DispatcherConfig{
		DB: db, Enqueuer: enqueuer, Logger: quiet(), Window: 10, ProbeInterval: time.Hour,
		API: fakeCredits(func() (*casapi.Credits, error) { probes++; return api() }),
	})
	tend := func(wantProbes int, wantPaused int64) storage.Account {
		t.Helper()
		if err := dispatcher.tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if probes != wantProbes {
			t.Errorf("%d probes, want %d", probes, wantProbes)
		}
		if n, err := pausedQueues(t, client); err != nil || n != wantPaused {
			t.Errorf("%d queues are paused, %v, want %d", n, err, wantPaused)
		}
		account, err := db.Account(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return account
	}
	tend(0, 0) // open: nobody asks

	recordEach(t, db, storage.QueueBulk, "dead.pdf", "waits.pdf")
	died, worker := newDocument("dead.pdf", storage.QueueBulk).ID, uuid.New()
	if _, err := db.Claim(t.Context(), died, worker); err != nil {
		t.Fatal(err)
	}
	pause := func() {
		t.Helper()
		if _, err := db.PauseAccount(t.Context(), storage.ReasonInsufficientCredits, 402, "no credits", probeWait(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	pause()
	if err := db.Bury(t.Context(), storage.DeadLetter{DocumentID: died, Reason: storage.ReasonInsufficientCredits, Message: "m"}, storage.AttemptEnd{}); err != nil {
		t.Fatal(err)
	}
	if again, err := db.PauseAccount(t.Context(), storage.ReasonUnauthorized, 401, "m", probeWait(time.Hour)); again || err != nil {
		t.Errorf("a second pause = %t, %v, want none: the first reason stands", again, err)
	}
	api = refusal(casapi.ErrInsufficientCredits)
	if got := tend(1, 2); got.Reason != storage.ReasonInsufficientCredits || got.Due {
		t.Errorf("account after a probe in vain: %+v, want paused, and the next probe later", got)
	}
	tend(1, 2) // not yet due
	if deliveries, err := lead(t, db).Dispatch(t.Context(), storage.QueueBulk, 10, storage.Budget{}); err != nil || len(deliveries) != 0 {
		t.Errorf("dispatched %v, %v, want nothing while paused", deliveries, err)
	}

	due := func() { storagetest.Rows(t, address, `UPDATE cas.account SET next_probe_at = now()`) }
	due()
	api = refusal(casapi.ErrUnavailable) // which says nothing of the account
	if got := tend(2, 2); got.Reason != storage.ReasonInsufficientCredits {
		t.Errorf("account after a probe without an answer: %+v, want paused as before", got)
	}
	due()
	api = well
	if got := tend(3, 2); got.Paused() {
		t.Errorf("account: %+v, want open", got)
	}
	tend(3, 0)
	wantDocument(t, db, died, storage.StatusPending, 0)

	// It refuses again, without a statement in between: no tight loop.
	pause()
	if got := tend(3, 2); !got.Paused() || got.Due {
		t.Errorf("account: %+v, want paused, and the next probe not at once", got)
	}
	if n, err := Resume(t.Context(), db, enqueuer); n != 0 || err != nil {
		t.Errorf("Resume() = %d, %v, want none put back", n, err)
	}
	if got := tend(3, 0); got.Paused() {
		t.Errorf("account after Resume(): %+v, want open", got)
	}
}

func pausedQueues(t *testing.T, client redis.UniversalClient) (int64, error) {
	t.Helper()
	return client.Exists(t.Context(), "asynq:{interactive}:paused", "asynq:{bulk}:paused").Result()
}

// TestPoison: only who was being read is suspected, and the second crash is the
// last one.
func TestPoison(t *testing.T) {
	t.Parallel()
	exercisePoison(t, newRedis(t))
	dead := NewPoison(deadRedis(t), uuid.New())
	document := newDocument("poison.pdf", storage.QueueBulk).ID
	dead.reading(t.Context(), document)() // does no harm
	if _, err := dead.suspects(t.Context(), []storage.Lost{{DocumentID: document, WorkerID: uuid.New()}}); !errors.Is(err, errRedisDown) {
		t.Errorf("suspects() without Redis = %v, want its error", err)
	}
}

func exercisePoison(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	db, address := storagetest.NewURL(t)
	recordEach(t, db, storage.QueueBulk, "poison.pdf", "neighbour.pdf")
	poison, neighbour := newDocument("poison.pdf", storage.QueueBulk).ID, newDocument("neighbour.pdf", storage.QueueBulk).ID
	metrics, _ := newMetrics()
	dispatcher := NewDispatcher(DispatcherConfig{DB: db, Logger: quiet(), Lease: time.Hour, Poison: NewPoison(client, uuid.New()), Metrics: metrics})
	leader := lead(t, db)
	crash := func() {
		t.Helper()
		worker := uuid.New() // never seen: as good as dead
		for _, id := range []uuid.UUID{poison, neighbour} {
			if _, err := db.Claim(t.Context(), id, worker); err != nil {
				t.Fatal(err)
			}
		}
		mine := NewPoison(client, worker)
		mine.reading(t.Context(), neighbour)() // and done
		mine.reading(t.Context(), poison)()    // as well
		mine.reading(t.Context(), poison)
		if err := dispatcher.reclaim(t.Context(), leader); err != nil {
			t.Fatal(err)
		}
	}
	crash()
	wantDocument(t, db, poison, storage.StatusPending, 0)
	crash()
	wantDocument(t, db, poison, storage.StatusDead, 0)
	wantDocument(t, db, neighbour, storage.StatusPending, 0)
	if got := storagetest.Rows(t, address, `SELECT reason FROM cas.dead_letters`); len(got) != 1 || got[0][0] != "crashed" {
		t.Errorf("dead letters %v, want one that crashed", got)
	}
	if got := testutil.ToFloat64(metrics.deadLetters.WithLabelValues("crashed")); got != 1 {
		t.Errorf("%v crashed documents are counted, want 1", got)
	}
	mine := NewPoison(client, uuid.New())
	mine.reading(t.Context(), poison)()
	mine.rest() // without another reading that would tell of it
	if keys := keysOf(t, client, "casflow:reading:*"); len(keys) != 0 {
		t.Errorf("left in Redis: %v", keys)
	}
}
