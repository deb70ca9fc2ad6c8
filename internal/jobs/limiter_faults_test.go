package jobs

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/devstack"
	"casflow/internal/storage"
)

// TestLimiter_Flushed shows that FLUSHALL only begins anew.
func TestLimiter_Flushed(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	limiters, _ := newLimiters(t, client, slow, 2)
	wantSlot(t, limiters[0], bulk, 0)
	mustHold(t, limiters[0], time.Hour)
	fail(t, limiters[0], 10)
	wantState(t, limiters[1], LimiterState{Percent: 70, HeldFor: time.Hour, BreakerOpen: true})
	if err := client.ScriptFlush(t.Context()).Err(); err != nil { // a new Redis does not know the scripts either
		t.Fatal(err)
	}
	flush(t, client)
	wantState(t, limiters[1], LimiterState{Percent: 100})
	wantSlot(t, limiters[1], bulk, 0)
}

// TestLimiter_ClockSetBack shows that a replica whose clock is behind does not
// stop the fleet until it has caught up.
func TestLimiter_ClockSetBack(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 2)
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[0], interactive, limiters[0].interval-slotAhead)
	fail(t, limiters[0], 10)
	clock.pass(time.Hour)
	wantSlot(t, limiters[0], bulk, 0) // a probe
	wantWait(t, limiters[0], interactive, limiters[0].probing-slotAhead)
	clock.pass(-30 * time.Minute)
	wantSlot(t, limiters[1], bulk, 0)
}

// TestLimiter_GivingUp shows that waiting ends with the context, whose cause
// tells a shutdown from a permit that did not come, and that the turn is passed
// on.
func TestLimiter_GivingUp(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	limiter := NewLimiter(client, "key", fast, time.Minute)
	mustHold(t, limiter, time.Hour)
	waits := newAsked("evalsha")
	client.AddHook(waits)
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() { result <- limiter.Wait(ctx, storage.QueueBulk) }()
	<-waits.done
	cancel(errShutdown)
	if err := <-result; !errors.Is(err, errShutdown) {
		t.Errorf("Wait() = %v, want the context's cause", err)
	}
	if err := client.Del(t.Context(), limiter.key).Err(); err != nil {
		t.Fatal(err)
	}
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err != nil {
		t.Errorf("Wait() after others gave up = %v, want a permit", err)
	}
}

// TestLimiter_WithoutRedis shows that nobody calls the API while nobody can count
// the calls.
func TestLimiter_WithoutRedis(t *testing.T) {
	t.Parallel()
	for name, perMinute := range map[string]int{"Limited": fast, "Unlimited": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limiter := NewLimiter(deadRedis(t), "key", perMinute, time.Minute)
			err := limiter.Wait(t.Context(), storage.QueueInteractive)
			if !errors.Is(err, errRedisDown) || judge(err).action != actStall {
				t.Errorf("Wait() = %v, want Redis' error, which puts documents off", err)
			}
			if err := limiter.Hold(t.Context(), time.Second); !errors.Is(err, errRedisDown) {
				t.Errorf("Hold() = %v, want Redis' error", err)
			}
			if err := limiter.Report(t.Context(), HealthDown, 0); !errors.Is(err, errRedisDown) {
				t.Errorf("Report() = %v, want Redis' error", err)
			}
			if _, err := limiter.State(t.Context()); !errors.Is(err, errRedisDown) {
				t.Errorf("State() = %v, want Redis' error", err)
			}
			// The turn is passed on, or the next one would wait for ever.
			if err := limiter.Wait(t.Context(), storage.QueueBulk); !errors.Is(err, errRedisDown) {
				t.Errorf("second Wait() = %v, want Redis' error", err)
			}
		})
	}
}

// TestLimiter_RedisRestarts shows a Redis that dies and comes back empty.
func TestLimiter_RedisRestarts(t *testing.T) {
	t.Parallel()
	server, client := startRedis(t)
	limiter := NewLimiter(client, "key", fast, time.Minute)
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err == nil {
		t.Error("a permit came without Redis")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err != nil {
		t.Errorf("Wait() = %v, want it to work again", err)
	}
}

// TestLimiter_Miniredis shows that the scripts also work in the Redis that the
// demo falls back to.
func TestLimiter_Miniredis(t *testing.T) {
	t.Parallel()
	server, err := devstack.StartMiniredis(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	exerciseLimiter(t, open(t, server.URL))
}

func exerciseLimiter(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	limiters, clock := newLimiters(t, client, 60, 2)
	l := limiters[0]
	wantSlot(t, l, bulk, 0)
	wantWait(t, limiters[1], interactive, l.interval-slotAhead)
	mustHold(t, l, time.Minute)
	fail(t, l, 10)
	wantState(t, limiters[1], LimiterState{Percent: 70, HeldFor: time.Minute, BreakerOpen: true})
	clock.pass(time.Minute)
	wantSlot(t, l, bulk, 0)
	report(t, l, HealthUp)
	another := NewLimiter(client, "another", 60, time.Minute) // by its own clock
	if err := another.Wait(t.Context(), storage.QueueInteractive); err != nil {
		t.Fatal(err)
	}
}
