package telemetry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// ask asks /readyz once and returns status and body.
func ask(ctx context.Context, handler http.Handler) (int, string) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", http.NoBody))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func newReadiness(checks map[string]Check) *readiness {
	return &readiness{checks: checks, logger: slog.New(slog.DiscardHandler), states: make(map[string]string)}
}

func TestReadiness_States(t *testing.T) {
	t.Parallel()
	passes := func(context.Context) error { return nil }
	for name, test := range map[string]struct {
		checks map[string]Check
		status int
		body   string
	}{
		"NoChecks":  {nil, http.StatusOK, `{}`},
		"AllPass":   {map[string]Check{"a": passes, "b": passes}, http.StatusOK, `{"a":"ok","b":"ok"}`},
		"OneFails":  {map[string]Check{"a": passes, "b": func(context.Context) error { return errors.New("password geheim") }}, http.StatusServiceUnavailable, `{"a":"ok","b":"failed"}`},
		"OnePanics": {map[string]Check{"a": passes, "b": func(context.Context) error { panic("b") }}, http.StatusServiceUnavailable, `{"a":"ok","b":"failed"}`},
		"OneWaits": {map[string]Check{"a": passes, "b": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}}, http.StatusServiceUnavailable, `{"a":"ok","b":"timed out"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				if status, body := ask(t.Context(), newReadiness(test.checks)); status != test.status || body != test.body {
					t.Errorf("answer = %d %s, want %d %s", status, body, test.status, test.body)
				}
			})
		})
	}
}

func TestReadiness_CheckThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		release := make(chan struct{})
		handler := newReadiness(map[string]Check{"disk": func(context.Context) error {
			begun.Add(1)
			<-release // whatever its context says
			return nil
		}})
		for range 3 {
			before := time.Now()
			status, body := ask(t.Context(), handler)
			if status != http.StatusServiceUnavailable || body != `{"disk":"timed out"}` {
				t.Errorf("answer = %d %s, want 503 and timed out", status, body)
			}
			if took := time.Since(before); took != checkTimeout {
				t.Errorf("answered after %s, want %s", took, checkTimeout)
			}
		}
		if got := begun.Load(); got != 1 {
			t.Errorf("the check that hangs was started %d times, want once", got)
		}
		close(release)
		synctest.Wait()
		if status, body := ask(t.Context(), handler); status != http.StatusOK {
			t.Errorf("answer after it recovered = %d %s, want 200", status, body)
		}
	})
}

func TestReadiness_CallerGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handler := newReadiness(map[string]Check{"redis": func(ctx context.Context) error {
			select {
			case <-release:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}})
		impatient, leave := context.WithCancel(t.Context())
		first, second := make(chan int, 1), make(chan int, 1)
		go func() { status, _ := ask(impatient, handler); first <- status }()
		synctest.Wait() // until the check runs for who will leave
		go func() { status, _ := ask(t.Context(), handler); second <- status }()
		synctest.Wait()
		leave()
		<-first
		close(release)
		if got := <-second; got != http.StatusOK {
			t.Errorf("status for who stayed = %d, want 200: the check must not end with who asked first", got)
		}
		if state := handler.states["redis"]; state != stateOK {
			t.Errorf("state = %q, want %q: nobody's leaving is a failure", state, stateOK)
		}
	})
}
