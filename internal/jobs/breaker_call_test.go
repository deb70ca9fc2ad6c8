package jobs

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi"
	"casflow/internal/redact"
	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// TestRun_CallReports shows that the breaker hears of each call: of the tenth that
// fails, and of the first that is answered. One that is not made after all keeps nobody
// from probing.
func TestRun_CallReports(t *testing.T) {
	t.Parallel()
	status := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	api, err := casapi.New(casapi.Config{BaseURL: server.URL, APIKey: func() redact.Secret { return "key" }})
	if err != nil {
		t.Fatal(err)
	}
	db, client := storagetest.New(t), newRedis(t)
	limiters, clock := newLimiters(t, client, 0, 1)
	id := submit(t, NewEnqueuer(db, client, 0), newDocument("a.pdf", storage.QueueBulk)).DocumentID
	worker := uuid.New()
	document, err := db.Claim(t.Context(), id, worker)
	if err != nil {
		t.Fatal(err)
	}
	metrics, _ := newMetrics()
	p := NewProcessor(ProcessorConfig{DB: db, API: api, Limiter: limiters[0], Logger: quiet(), Metrics: metrics, WorkerID: worker})
	call := func(want error) {
		t.Helper()
		file, err := spoolBody(t, &body{Reader: bytes.NewReader(largePDF(100))}, 100)
		if err != nil {
			t.Fatal(err)
		}
		r := newRun(p, document, time.Now())
		if _, err := r.call(t.Context(), file, "", false, true); !errors.Is(err, want) {
			t.Fatalf("call() = %v, want %v", err, want)
		}
		if err := db.EndAttempt(t.Context(), r.end); err != nil {
			t.Fatal(err)
		}
	}
	for range 10 {
		wantOpen(t, limiters[0], false)
		call(casapi.ErrUnavailable)
	}
	wantOpen(t, limiters[0], true)
	clock.pass(time.Second)
	if _, err := db.PauseAccount(t.Context(), storage.ReasonUnauthorized, 401, "", func(int) time.Duration { return time.Hour }); err != nil {
		t.Fatal(err)
	}
	call(storage.ErrPaused)
	wantSlot(t, limiters[0], bulk, 0)
	report(t, limiters[0], HealthUnknown)
	if _, err := db.ResumeAccount(t.Context()); err != nil {
		t.Fatal(err)
	}
	status = http.StatusUnprocessableEntity
	call(casapi.ErrUnprocessable)
	wantOpen(t, limiters[0], false)
}

// drains tells a worker to stop as soon as a script of the limiter has answered.
type drains struct {
	asked
	p *Processor
}

func (d drains) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err == nil {
			d.p.Drain()
		}
		return err
	}
}

// TestRun_ShutdownWithProbe: a worker that is told to stop with the breaker's probe in
// hand gives it back, so that another one need not wait until it expires.
func TestRun_ShutdownWithProbe(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]time.Duration{"Now": 0, "SlotAhead": slotAhead / 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newRedis(t)
			limiters, clock := newLimiters(t, client, 0, 2)
			fail(t, limiters[0], 10)
			clock.pass(time.Second - before)
			r := newTestRun()
			r.p.Limiter = limiters[0]
			client.AddHook(drains{p: r.p})
			if err := r.permit(t.Context(), nothingElse); !errors.Is(err, errShutdown) {
				t.Errorf("permit() = %v, want errShutdown", err)
			}
			wantSlot(t, limiters[1], bulk, before)
		})
	}
}
