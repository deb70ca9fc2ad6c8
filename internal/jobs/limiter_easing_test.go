package jobs

import (
	"testing"
	"time"

	"casflow/internal/storage"
)

// TestLimiter_Eases shows how far each burst of 429s takes the rate down.
func TestLimiter_Eases(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 2)
	wantState(t, limiters[0], LimiterState{Percent: 100})
	for _, percent := range []int{70, 49, 34, 23, 16, 11, 10, 10} {
		mustHold(t, limiters[0], time.Second)
		wantState(t, limiters[1], LimiterState{Percent: percent, HeldFor: time.Second})
		clock.pass(time.Second)
		wantState(t, limiters[1], LimiterState{Percent: percent})
	}
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[1], bulk, 10*limiters[1].interval-slotAhead)
	clock.pass(10*limiters[1].interval - slotAhead)
	wantSlot(t, limiters[1], bulk, slotAhead)
}

// TestLimiter_EasesOncePerBurst shows that the 429s of calls that were under way
// together count as one.
func TestLimiter_EasesOncePerBurst(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 2)
	for range 10 {
		mustHold(t, limiters[0], 10*time.Second)
		mustHold(t, limiters[1], time.Second)
		clock.pass(time.Second)
	}
	wantState(t, limiters[0], LimiterState{Percent: 70, HeldFor: 9 * time.Second})
	clock.pass(9*time.Second - time.Microsecond)
	mustHold(t, limiters[0], time.Second)
	wantState(t, limiters[0], LimiterState{Percent: 70, HeldFor: time.Second})
	clock.pass(time.Second)
	mustHold(t, limiters[0], time.Second)
	wantState(t, limiters[0], LimiterState{Percent: 49, HeldFor: time.Second})
}

// TestLimiter_Recovers shows the way back up, which begins with the end of the
// hold.
func TestLimiter_Recovers(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 1)
	mustHold(t, limiters[0], time.Minute)
	clock.pass(30 * time.Second)
	mustHold(t, limiters[0], time.Minute)
	clock.pass(time.Minute)
	for percent := 70; percent < 100; percent += 5 {
		wantState(t, limiters[0], LimiterState{Percent: percent})
		clock.pass(30*time.Second - time.Microsecond)
		wantState(t, limiters[0], LimiterState{Percent: percent})
		clock.pass(time.Microsecond)
	}
	wantState(t, limiters[0], LimiterState{Percent: 100})
	clock.pass(30 * time.Minute)
	wantState(t, limiters[0], LimiterState{Percent: 100})
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[0], bulk, limiters[0].interval-slotAhead)

	// From where it has come back to, not from where it was.
	mustHold(t, limiters[0], time.Second)
	clock.pass(time.Second + 2*30*time.Second)
	wantState(t, limiters[0], LimiterState{Percent: 80})
	mustHold(t, limiters[0], time.Second)
	wantState(t, limiters[0], LimiterState{Percent: 56, HeldFor: time.Second})
}

// TestLimiter_EasesUnlimited shows that without a rate there is none to ease.
func TestLimiter_EasesUnlimited(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 0, 1)
	mustHold(t, limiters[0], time.Second)
	wantState(t, limiters[0], LimiterState{Percent: 100, HeldFor: time.Second})
	clock.pass(time.Second)
	wantSlot(t, limiters[0], bulk, 0)
	wantSlot(t, limiters[0], bulk, 0)
}

// TestLimiter_RedisTime shows the same by Redis' own clock, which tests elsewhere
// replace.
func TestLimiter_RedisTime(t *testing.T) {
	t.Parallel()
	limiter := NewLimiter(newRedis(t), "key", slow, time.Minute)
	if err := limiter.Wait(t.Context(), storage.QueueBulk); err != nil {
		t.Fatal(err)
	}
	granted, wait, err := limiter.ask(t.Context(), bulk)
	if err != nil || granted || wait < permitPeriod/2 || wait > permitPeriod {
		t.Errorf("ask() = %t, %s, %v, want about %s", granted, wait, err, permitPeriod)
	}
	mustHold(t, limiter, time.Hour)
	state, err := limiter.State(t.Context())
	if err != nil || state.Percent != 70 || state.HeldFor < time.Hour/2 || state.HeldFor > time.Hour {
		t.Errorf("State() = %+v, %v, want 70 %%, held for about an hour", state, err)
	}
}
