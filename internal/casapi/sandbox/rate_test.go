package sandbox

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.April, 1, 0, 0, 0, 0, time.UTC)
	type step struct {
		at   time.Duration
		wait time.Duration // 0: let in
	}
	tests := map[string]struct {
		limit int
		steps []step
	}{
		"NoLimit": {0, []step{{0, 0}, {0, 0}, {0, 0}}},
		"Burst":   {2, []step{{0, 0}, {0, 0}, {0, time.Minute}, {59 * time.Second, time.Second}, {time.Minute, 0}, {time.Minute, 0}, {time.Minute, time.Minute}}},
		// A fixed window would let four in between 0:59 and 1:01.
		"Sliding":      {2, []step{{59 * time.Second, 0}, {59 * time.Second, 0}, {61 * time.Second, 58 * time.Second}, {118 * time.Second, time.Second}, {119 * time.Second, 0}}},
		"Spread":       {2, []step{{0, 0}, {40 * time.Second, 0}, {50 * time.Second, 10 * time.Second}, {60 * time.Second, 0}, {61 * time.Second, 39 * time.Second}}},
		"RefusedCount": {1, []step{{0, 0}, {30 * time.Second, 30 * time.Second}, {59 * time.Second, time.Second}, {60 * time.Second, 0}}},
		"Nanosecond":   {1, []step{{0, 0}, {time.Minute - 1, 1}, {time.Minute, 0}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := window{limit: tt.limit}
			for i, step := range tt.steps {
				wait, ok := w.take(start.Add(step.at))
				if ok != (step.wait == 0) || wait != step.wait {
					t.Errorf("step %d at %v: take = %v, %v, want wait %v", i, step.at, wait, ok, step.wait)
				}
			}
		})
	}
}

func TestSandbox_Rate(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	b := setup(t, Config{Credits: 1, RatePerMinute: 3, Clock: clock.Now})
	c := cdsl(t, 1)
	want := func(call call, status int, retryAfter string) {
		t.Helper()
		got := b.mustSend(t, call)
		if got.status != status || got.header.Get("Retry-After") != retryAfter {
			t.Errorf("status = %d, Retry-After = %q, want %d and %q", got.status, got.header.Get("Retry-After"), status, retryAfter)
		}
	}
	want(c.upload().withKey("wrong"), http.StatusUnauthorized, "") // the key is checked first: no share of the rate
	want(c.upload(), http.StatusOK, "")
	clock.Advance(1500 * time.Millisecond)
	want(c.upload(), http.StatusPaymentRequired, "") // the rate is checked before the credits: it has its share
	want(c.upload(), http.StatusPaymentRequired, "")
	want(c.upload(), http.StatusTooManyRequests, "59") // 58.5 s, rounded up
	b.mustSend(t, call{method: http.MethodPost, path: creditsPath, key: testKey})
	clock.Advance(58 * time.Second)
	want(c.upload(), http.StatusTooManyRequests, "1")
	if f := b.mustSend(t, c.upload()).failure(t); f.Code != "RATE_LIMITED" || f.Status != "failed" {
		t.Errorf("body = %+v, want RATE_LIMITED", f)
	}
	b.api.SetCredits(5)
	clock.Advance(time.Second)
	want(c.upload(), http.StatusOK, "")
	want(c.upload(), http.StatusTooManyRequests, "1")
	clock.Advance(time.Second)
	want(c.upload(), http.StatusOK, "")

	var statuses []int
	for _, call := range b.api.Calls() {
		statuses = append(statuses, call.Status)
	}
	if diff := cmp.Diff([]int{401, 200, 402, 402, 429, 429, 429, 200, 429, 200}, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if got := b.api.Totals(); got != (Count{Calls: 10, Billed: 3}) {
		t.Errorf("totals = %+v, want 10 calls, 3 billed", got)
	}
}

func TestSandbox_RateConcurrently(t *testing.T) {
	t.Parallel()
	const calls, rate = 60, 25
	b := setup(t, Config{Credits: -1, RatePerMinute: rate, Clock: newFakeClock().Now})
	statuses := b.sendAll(t, slices.Repeat([]call{cdsl(t, 1).upload()}, calls))
	if statuses[http.StatusOK] != rate || statuses[http.StatusTooManyRequests] != calls-rate {
		t.Errorf("statuses = %v, want %d let in and the rest refused", statuses, rate)
	}
}
