package sandbox

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestSandbox_Hold(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	c := cdsl(t, 1)
	done := make(chan int, 3)
	post := func() {
		go func() {
			got, err := b.send(t.Context(), c.upload())
			if err != nil {
				t.Errorf("send: %v", err)
			}
			done <- got.status
		}()
	}
	begun := func(n int) {
		t.Helper()
		if err := b.api.AwaitCalls(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}

	first, second := b.api.Hold(), b.api.Hold()
	post()
	begun(1)
	first()
	first() // twice is once
	post()
	begun(2)
	if got := b.api.Document(c.sum()); got != (Count{Calls: 2}) {
		t.Errorf("held: document = %+v, want two calls, not billed", got)
	}
	for _, call := range b.api.Calls() {
		if call.Status != 0 || call.SHA256 != c.sum() {
			t.Errorf("held: call = %+v, want one at work for the document", call)
		}
	}
	select {
	case status := <-done:
		t.Errorf("a held call was answered: %d", status)
	default:
	}
	second()
	post() // not held any more
	for range 3 {
		if status := <-done; status != http.StatusOK {
			t.Errorf("status = %d, want 200", status)
		}
	}
	if got := b.api.Totals(); got != (Count{Calls: 3, Billed: 3}) {
		t.Errorf("totals = %+v, want three, all billed", got)
	}
}

func TestSandbox_AwaitCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, Config{Credits: -1})
	if err := b.api.AwaitCalls(t.Context(), 0); err != nil {
		t.Errorf("none awaited: %v", err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	cancel(gone)
	if err := b.api.AwaitCalls(ctx, 1); !errors.Is(err, gone) {
		t.Errorf("error = %v, want the context's cause", err)
	}

	waiting := make(chan error, 4)
	for range cap(waiting) {
		go func() { waiting <- b.api.AwaitCalls(t.Context(), 3) }()
	}
	b.mustSend(t, cdsl(t, 1).upload())
	b.mustSend(t, jsonCall(nil))                // refused calls begin, too
	b.mustSend(t, jsonCall(nil).withKey("bad")) //
	for range cap(waiting) {
		if err := <-waiting; err != nil {
			t.Errorf("await: %v", err)
		}
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if !await(t.Context(), nil, 20*time.Second) || time.Since(start) != 20*time.Second {
			t.Errorf("waited %v, want 20s", time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if await(ctx, nil, time.Minute) || await(ctx, nil, 0) || await(ctx, []chan struct{}{make(chan struct{})}, 0) {
			t.Error("await = true under an ended context")
		}
	})
}

func TestSandbox_Latency(t *testing.T) {
	t.Parallel()
	const latency = 30 * time.Millisecond
	b := setup(t, Config{Credits: -1, Latency: latency})
	start := time.Now()
	b.mustSend(t, cdsl(t, 1).upload())
	if got := time.Since(start); got < latency {
		t.Errorf("answered after %v, want %v at least", got, latency)
	}
}
