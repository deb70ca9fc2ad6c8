package jobs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

const (
	// fast is a rate at which a test can wait for a few permits.
	fast         = 3000
	fastInterval = permitPeriod / fast
	// slow is a rate at which nobody sees a second permit.
	slow = 1
)

// mustAsk asks once for a permit and returns how long to wait for it, 0 for one
// that was granted.
func mustAsk(t *testing.T, l *Limiter) time.Duration {
	t.Helper()
	wait, err := l.ask(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return wait
}

// TestLimiter_Spaces shows that permits do not come faster than the rate, however
// many ask, on how many workers. How much slower they come depends on the machine
// and is not tested here.
func TestLimiter_Spaces(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	const workers, each, permits = 3, 4, 3
	var group sync.WaitGroup
	began := time.Now()
	for range workers {
		limiter := NewLimiter(client, "key", fast)
		for i := range each {
			group.Go(func() {
				queue := storage.QueueBulk
				if i == 0 {
					queue = storage.QueueInteractive
				}
				for range permits {
					if err := limiter.Wait(t.Context(), queue); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	group.Wait()
	const n = workers * each * permits
	if took, least := time.Since(began), fastInterval*(n-1)*9/10; took < least {
		t.Errorf("%d permits took %s, want at least %s", n, took, least)
	}
}

// TestLimiter_SavesNothing shows that permits nobody wanted are not given out
// together later: the API would see a burst.
func TestLimiter_SavesNothing(t *testing.T) {
	t.Parallel()
	limiter := NewLimiter(newRedis(t), "key", slow)
	if wait := mustAsk(t, limiter); wait != 0 {
		t.Fatalf("the first permit takes %s, want it at once", wait)
	}
	for range 3 { // asking does not put it off
		if wait := mustAsk(t, limiter); wait < permitPeriod/2 || wait > permitPeriod {
			t.Errorf("the second permit takes %s, want about %s", wait, permitPeriod)
		}
	}
}

func TestLimiter_PerKey(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	first, same, other := NewLimiter(client, "key", slow), NewLimiter(client, "key", slow), NewLimiter(client, "another", slow)
	if wait := mustAsk(t, first); wait != 0 {
		t.Fatalf("the first permit takes %s, want it at once", wait)
	}
	if wait := mustAsk(t, same); wait == 0 {
		t.Error("another worker on the same key got a permit of its own")
	}
	if wait := mustAsk(t, other); wait != 0 {
		t.Errorf("another key waits %s for this one", wait)
	}
	if err := first.Hold(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	if wait := mustAsk(t, other); wait > permitPeriod {
		t.Errorf("another key is held for %s as well", wait)
	}
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("keys %v (%v), want some", keys, err)
	}
	for _, key := range keys {
		if strings.Contains(key, "another") {
			t.Errorf("%s shows the API key", key)
		}
	}
}

func TestLimiter_Unlimited(t *testing.T) {
	t.Parallel()
	limiter := NewLimiter(newRedis(t), "key", 0)
	for range 100 {
		if wait := mustAsk(t, limiter); wait != 0 {
			t.Fatalf("a permit takes %s, want no limit", wait)
		}
	}
}

func TestLimiter_Hold(t *testing.T) {
	t.Parallel()
	for name, perMinute := range map[string]int{"Limited": fast, "Unlimited": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newRedis(t)
			limiter, another := NewLimiter(client, "key", perMinute), NewLimiter(client, "key", perMinute)
			const hold = 300 * time.Millisecond
			began := time.Now()
			if err := limiter.Hold(t.Context(), hold); err != nil {
				t.Fatal(err)
			}
			if err := another.Wait(t.Context(), storage.QueueInteractive); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < hold*9/10 {
				t.Errorf("a permit came after %s of a hold of %s", took, hold)
			}
		})
	}
}

// TestLimiter_HoldOnlyGrows shows that a short Retry-After does not end a long
// one.
func TestLimiter_HoldOnlyGrows(t *testing.T) {
	t.Parallel()
	limiter := NewLimiter(newRedis(t), "key", fast)
	for _, step := range []struct{ hold, least, most time.Duration }{
		{time.Hour, 30 * time.Minute, time.Hour},
		{time.Second, 30 * time.Minute, time.Hour},
		{3 * time.Hour, 2 * time.Hour, 3 * time.Hour},
	} {
		if err := limiter.Hold(t.Context(), step.hold); err != nil {
			t.Fatal(err)
		}
		if wait := mustAsk(t, limiter); wait < step.least || wait > step.most {
			t.Errorf("after a hold of %s: held for %s, want %s to %s", step.hold, wait, step.least, step.most)
		}
	}
}

// asked tells when a command of a client has been answered.
type asked struct {
	command string
	done    chan struct{}
	once    *sync.Once
}

func newAsked(command string) asked {
	return asked{command: command, done: make(chan struct{}), once: new(sync.Once)}
}

func (a asked) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a asked) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (a asked) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == a.command {
			a.once.Do(func() { close(a.done) })
		}
		return err
	}
}

// TestLimiter_GivingUp shows that waiting ends with the context, whose cause
// tells a shutdown from a permit that did not come, and that the turn is passed
// on.
func TestLimiter_GivingUp(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	waits := newAsked("pttl")
	client.AddHook(waits)
	limiter := NewLimiter(client, "key", fast)
	if err := limiter.Hold(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() { result <- limiter.Wait(ctx, storage.QueueBulk) }()
	<-waits.done
	cancel(errShutdown)
	if err := <-result; !errors.Is(err, errShutdown) {
		t.Errorf("Wait() = %v, want the context's cause", err)
	}
	if err := client.Del(t.Context(), limiter.holdKey).Err(); err != nil {
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
			limiter := NewLimiter(deadRedis(t), "key", perMinute)
			err := limiter.Wait(t.Context(), storage.QueueInteractive)
			if !errors.Is(err, errRedisDown) || judge(err).action != actStall {
				t.Errorf("Wait() = %v, want Redis' error, which puts documents off", err)
			}
			if err := limiter.Hold(t.Context(), time.Second); !errors.Is(err, errRedisDown) {
				t.Errorf("Hold() = %v, want Redis' error", err)
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
	limiter := NewLimiter(client, "key", fast)
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
