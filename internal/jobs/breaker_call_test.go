package jobs

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

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
