package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// report tells the outcomes of calls that began just now.
func report(t *testing.T, l *Limiter, outcomes ...Health) {
	t.Helper()
	for _, health := range outcomes {
		if err := l.Report(t.Context(), health, 0); err != nil {
			t.Fatal(err)
		}
	}
}

// fail tells of n calls that failed.
func fail(t *testing.T, l *Limiter, n int) {
	t.Helper()
	for range n {
		report(t, l, HealthDown)
	}
}

func wantOpen(t *testing.T, l *Limiter, want bool) {
	t.Helper()
	if state, err := l.State(t.Context()); err != nil || state.BreakerOpen != want {
		t.Fatalf("State() = %+v, %v, want an open breaker: %t", state, err, want)
	}
}

func TestHealthOf(t *testing.T) {
	t.Parallel()
	canceled := apiError(casapi.ErrUnavailable)
	canceled.Err = context.Canceled
	late := apiError(casapi.ErrUnavailable)
	late.Err = context.DeadlineExceeded
	for name, test := range map[string]struct {
		err  error
		want Health
	}{
		"Success":      {nil, HealthUp},
		"BadRequest":   {apiError(casapi.ErrBadRequest), HealthUp},
		"Unauthorized": {apiError(casapi.ErrUnauthorized), HealthUp},
		"RateLimited":  {apiError(casapi.ErrRateLimited), HealthUp},
		"BadAnswer":    {apiError(casapi.ErrBadAnswer), HealthUp},
		"Unavailable":  {fmt.Errorf("call: %w", apiError(casapi.ErrUnavailable)), HealthDown},
		"TimedOut":     {late, HealthDown},
		"Canceled":     {canceled, HealthUnknown},
		"Source":       {apiError(casapi.ErrSource), HealthUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := healthOf(test.err); got != test.want {
				t.Errorf("healthOf(%v) = %s, want %s", test.err, got, test.want)
			}
		})
	}
}

// TestBreaker_Opens shows how many failures it takes.
func TestBreaker_Opens(t *testing.T) {
	t.Parallel()
	const u, d, x = HealthUp, HealthDown, HealthUnknown
	for name, test := range map[string]struct {
		before []Health // after these it is closed
		last   Health   // and after this it is open
	}{
		"Few":        {[]Health{d, d, d, d, d, d, d, d, d}, d},
		"UpsOfFew":   {[]Health{u, d, d, d, d, d, u, d, d}, d},
		"TooManyUps": {[]Health{u, u, u, d, d, d, d, d, d, d, d, d, d, d}, d}, // 12 of 15
		"OnlyLatest": {[]Health{
			u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u, u,
			d, d, d, d, d, d, d, d, d, d, d, d, d, d, d,
		}, d}, // 16 of 20
		"Unknown": {[]Health{x, x, x, x, x, d, d, d, d, d, d, d, d, d, x}, d},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limiters, _ := newLimiters(t, newRedis(t), 0, 2)
			for i, health := range test.before {
				report(t, limiters[i%2], health)
				wantOpen(t, limiters[0], false)
			}
			report(t, limiters[0], test.last)
			wantOpen(t, limiters[1], true)
		})
	}
}

// TestBreaker_AnswersTold: answers are told of with the next thing that Redis is asked or
// told, each once.
func TestBreaker_AnswersTold(t *testing.T) {
	t.Parallel()
	limiters, _ := newLimiters(t, newRedis(t), 0, 1)
	l := limiters[0]
	window := func() string {
		t.Helper()
		window, err := l.client.HGet(t.Context(), l.key, "window").Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		return window
	}
	report(t, l, HealthUp, HealthUp)
	if got := window(); got != "" {
		t.Errorf("told of %q at once", got)
	}
	wantSlot(t, l, bulk, 0)
	if got := window(); got != "uu" {
		t.Errorf("the window is %q once a permit was asked for, want uu", got)
	}
	report(t, l, HealthUp, HealthDown)
	if got := window(); got != "uuud" {
		t.Errorf("the window is %q after a failure, want uuud", got)
	}
	report(t, l, HealthUp, HealthUp, HealthUp, HealthUp)
	if got := window(); got != "uuuduuuu" {
		t.Errorf("the window is %q after four answers, want uuuduuuu", got)
	}
}

// TestBreaker_AnswersToldLate: what was answered before the breaker opened does not close
// it, whatever it is told with; what was answered since does.
func TestBreaker_AnswersToldLate(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(*Limiter) error{
		"WithPermit":  func(l *Limiter) error { _, _, err := l.ask(t.Context(), bulk); return err },
		"WithFailure": func(l *Limiter) error { return l.Report(t.Context(), HealthDown, 20*time.Second) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limiters, clock := newLimiters(t, newRedis(t), 0, 2)
			a, b := limiters[0], limiters[1]
			report(t, a, HealthUp, HealthUp)
			clock.pass(time.Second)
			fail(t, b, 12)
			if err := tell(a); err != nil {
				t.Fatal(err)
			}
			wantOpen(t, b, true)
			fail(t, b, 1)       // its token: the wait doubles
			a.open.Store(false) // as if it had heard an older reply last
			clock.pass(time.Millisecond)
			report(t, a, HealthUp)
			if err := tell(a); err != nil {
				t.Fatal(err)
			}
			wantOpen(t, b, false)
		})
	}
}

// TestBreaker_Probes shows one probe at a time over two workers, ever more seldom,
// whichever of them reports.
func TestBreaker_Probes(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 600, 2)
	a, b := limiters[0], limiters[1]
	fail(t, a, 10)
	for i, seconds := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		wait := seconds * time.Second
		wantWait(t, a, bulk, wait-slotAhead)
		clock.pass(wait)
		wantSlot(t, b, bulk, 0)
		wantWait(t, a, bulk, b.probing-slotAhead)
		clock.pass(time.Second)
		if err := limiters[i%2].Report(t.Context(), HealthDown, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	wantOpen(t, a, true)
	clock.pass(time.Minute)
	wantSlot(t, a, bulk, 0)
	report(t, a, HealthUp)
	wantOpen(t, b, false)
	wantWait(t, b, bulk, a.interval-slotAhead) // the rate is all that holds
	clock.pass(a.interval)
	wantSlot(t, b, bulk, 0)
	fail(t, b, 9) // the window was emptied
	wantOpen(t, b, false)
	fail(t, b, 1)
	wantOpen(t, b, true)
	wantWait(t, b, bulk, time.Second-slotAhead) // and the wait begins anew
}

// TestBreaker_InteractiveProbes shows that it is the interactive document whose
// probe may bring its answer.
func TestBreaker_InteractiveProbes(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 0, 2)
	fail(t, limiters[0], 10)
	wantWait(t, limiters[0], bulk, time.Second-slotAhead)
	wantWait(t, limiters[1], interactive, time.Second-slotAhead)
	clock.pass(time.Second)
	wantWait(t, limiters[0], bulk, time.Millisecond)
	wantSlot(t, limiters[1], interactive, 0)
}

// TestBreaker_ProbeLost shows that a probe whose worker dies does not keep the
// others out for ever, and that one that ends for a reason of ours is repeated.
func TestBreaker_ProbeLost(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 0, 2)
	fail(t, limiters[0], 10)
	clock.pass(time.Second)
	wantSlot(t, limiters[0], bulk, 0)
	clock.pass(limiters[0].probing - slotAhead - time.Microsecond)
	wantWait(t, limiters[1], bulk, time.Millisecond)
	clock.pass(slotAhead + time.Microsecond)
	wantSlot(t, limiters[1], bulk, 0)
	report(t, limiters[1], HealthUnknown)
	wantSlot(t, limiters[0], bulk, 0)
	report(t, limiters[0], HealthDown)
	wantWait(t, limiters[0], bulk, 2*time.Second-slotAhead)
}

// TestBreaker_Stragglers shows that calls which were under way when the breaker
// opened or closed count for nothing when they fail, but that any answer counts.
func TestBreaker_Stragglers(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 0, 2)
	l := limiters[0]
	straggle := func(health Health) {
		t.Helper()
		for range 30 {
			if err := l.Report(t.Context(), health, 30*time.Second); err != nil {
				t.Fatal(err)
			}
		}
	}
	fail(t, l, 10)
	straggle(HealthDown)
	clock.pass(time.Second)
	wantSlot(t, l, bulk, 0)
	clock.pass(10 * time.Second)
	straggle(HealthDown)
	straggle(HealthUnknown)
	wantWait(t, limiters[1], bulk, l.probing-10*time.Second-slotAhead) // the probe still has the token
	if err := l.Report(t.Context(), HealthUp, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, l, false)
	clock.pass(10 * time.Second)
	straggle(HealthDown)
	wantOpen(t, l, false)
	clock.pass(30 * time.Second)
	straggle(HealthDown)
	wantOpen(t, l, true)
	straggle(HealthUp)
	wantOpen(t, l, false)
}

// TestBreaker_Waits shows documents that wait for the breaker, by real time.
func TestBreaker_Waits(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	waited := make(chan error)
	var last *Limiter
	for range 2 {
		last = NewLimiter(client, "key", 0, time.Minute)
		if err := last.Wait(t.Context(), storage.QueueBulk); err != nil {
			t.Fatal(err)
		}
	}
	fail(t, last, 10)
	for range 2 {
		limiter := NewLimiter(client, "key", 0, time.Minute)
		go func() { waited <- limiter.Wait(t.Context(), storage.QueueBulk) }()
	}
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waited:
		t.Fatalf("another permit (%v) came while the probe was under way", err)
	default:
	}
	report(t, last, HealthUp)
	if err := <-waited; err != nil {
		t.Fatal(err)
	}
}
