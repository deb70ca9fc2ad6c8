package jobs

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
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

// fakeClock is Redis' clock in the hands of a test.
type fakeClock struct{ now atomic.Int64 }

// newLimiters returns some workers' limiters of one key, and their clock.
func newLimiters(t *testing.T, client redis.UniversalClient, perMinute, n int) ([]*Limiter, *fakeClock) {
	t.Helper()
	clock := new(fakeClock)
	clock.now.Store(1_800_000_000_123_456) // as many digits as Redis' own
	limiters := make([]*Limiter, n)
	for i := range limiters {
		limiters[i] = NewLimiter(client, "key", perMinute, time.Minute)
		limiters[i].clock = clock.now.Load
	}
	return limiters, clock
}

func (c *fakeClock) pass(d time.Duration) { c.now.Add(d.Microseconds()) }

const bulk, interactive = 0, 1 // as ask wants them

// wantSlot asks for a slot and checks that it is granted and comes after wait.
func wantSlot(t *testing.T, l *Limiter, urgent int, wait time.Duration) {
	t.Helper()
	granted, got, err := l.ask(t.Context(), urgent)
	if err != nil || !granted || got != wait {
		t.Fatalf("ask() = %t, %s, %v, want a permit after %s", granted, got, err, wait)
	}
}

// wantWait asks for a slot and checks that none is granted for wait.
func wantWait(t *testing.T, l *Limiter, urgent int, wait time.Duration) {
	t.Helper()
	granted, got, err := l.ask(t.Context(), urgent)
	if err != nil || granted || got != wait {
		t.Fatalf("ask() = %t, %s, %v, want no permit for %s", granted, got, err, wait)
	}
}

func wantState(t *testing.T, l *Limiter, want LimiterState) {
	t.Helper()
	if got, err := l.State(t.Context()); err != nil || got != want {
		t.Fatalf("State() = %+v, %v, want %+v", got, err, want)
	}
}

func mustHold(t *testing.T, l *Limiter, d time.Duration) {
	t.Helper()
	if err := l.Hold(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// TestLimiter_SavesNothing shows that permits nobody wanted are not given out
// together later: the API would see a burst.
func TestLimiter_SavesNothing(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), slow, 1)
	for range 2 {
		wantSlot(t, limiters[0], bulk, 0)
		for range 3 { // asking does not put it off
			wantWait(t, limiters[0], bulk, permitPeriod-slotAhead)
		}
		clock.pass(10 * permitPeriod)
	}
}

// TestLimiter_Ahead shows that a slot is known before its time, which waiting for
// it late does not put off.
func TestLimiter_Ahead(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), slow, 2)
	wantSlot(t, limiters[0], bulk, 0)
	clock.pass(permitPeriod - slotAhead)
	wantSlot(t, limiters[1], bulk, slotAhead)
	clock.pass(slotAhead / 2)
	wantWait(t, limiters[0], bulk, permitPeriod-slotAhead/2)
	clock.pass(permitPeriod)
	wantSlot(t, limiters[0], bulk, slotAhead/2)
}

func TestLimiter_PerKey(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	limiters, clock := newLimiters(t, client, slow, 2)
	other := NewLimiter(client, "another", slow, time.Minute)
	other.clock = clock.now.Load
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[1], bulk, permitPeriod-slotAhead)
	wantSlot(t, other, bulk, 0)
	mustHold(t, limiters[0], time.Hour)
	wantState(t, other, LimiterState{Percent: 100})
	wantWait(t, other, bulk, permitPeriod-slotAhead)

	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 2 {
		t.Fatalf("keys %v (%v), want two", keys, err)
	}
	for _, key := range keys {
		if strings.Contains(key, "another") {
			t.Errorf("%s shows the API key", key)
		}
		if left := client.PTTL(t.Context(), key).Val(); left <= 0 {
			t.Errorf("%s stays for ever", key)
		}
	}
}

func TestLimiter_Unlimited(t *testing.T) {
	t.Parallel()
	limiters, _ := newLimiters(t, newRedis(t), 0, 1)
	for range 100 {
		wantSlot(t, limiters[0], bulk, 0)
	}
}

func TestLimiter_Hold(t *testing.T) {
	t.Parallel()
	for name, perMinute := range map[string]int{"Limited": fast, "Unlimited": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newRedis(t)
			limiter, another := NewLimiter(client, "key", perMinute, time.Minute), NewLimiter(client, "key", perMinute, time.Minute)
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
	limiters, clock := newLimiters(t, newRedis(t), 0, 2)
	mustHold(t, limiters[0], time.Hour)
	wantWait(t, limiters[1], bulk, time.Hour-slotAhead)
	clock.pass(time.Minute)
	mustHold(t, limiters[0], time.Second)
	wantWait(t, limiters[1], bulk, 59*time.Minute-slotAhead)
	mustHold(t, limiters[1], 3*time.Hour)
	wantWait(t, limiters[0], bulk, 3*time.Hour-slotAhead)
	wantState(t, limiters[0], LimiterState{Percent: 100, HeldFor: 3 * time.Hour})
	clock.pass(3 * time.Hour)
	wantSlot(t, limiters[0], bulk, 0)
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
