package jobs

import (
	"testing"
	"time"
)

// TestLimiter_InteractiveFirst shows that an interactive document on one worker
// goes ahead of the bulk ones on all.
func TestLimiter_InteractiveFirst(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 3)
	i := limiters[0].interval
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[0], bulk, i-slotAhead)
	wantWait(t, limiters[1], interactive, i-slotAhead)
	wantWait(t, limiters[2], interactive, i-slotAhead)

	clock.pass(i - slotAhead)
	wantWait(t, limiters[0], bulk, i) // first to ask, and passed over
	wantSlot(t, limiters[1], interactive, slotAhead)
	wantWait(t, limiters[2], interactive, i)

	clock.pass(i)
	wantWait(t, limiters[0], bulk, i)
	wantSlot(t, limiters[2], interactive, slotAhead)

	clock.pass(i)
	wantSlot(t, limiters[0], bulk, slotAhead)
}

// TestLimiter_InteractiveGone shows what an interactive document that gave up
// costs the others.
func TestLimiter_InteractiveGone(t *testing.T) {
	t.Parallel()
	limiters, clock := newLimiters(t, newRedis(t), 60, 2)
	i := limiters[0].interval
	wantSlot(t, limiters[0], bulk, 0)
	wantWait(t, limiters[1], interactive, i-slotAhead)
	clock.pass(i - slotAhead + urgentGrace - time.Microsecond)
	wantWait(t, limiters[0], bulk, i-slotAhead)
	clock.pass(time.Microsecond)
	wantSlot(t, limiters[0], bulk, 0)
}

// TestLimiter_InteractiveAfterHold shows that the order is kept when all wait for
// the end of a hold, with or without a limit.
func TestLimiter_InteractiveAfterHold(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	limiters, clock := newLimiters(t, client, 0, 2)
	mustHold(t, limiters[0], time.Second)
	wantWait(t, limiters[1], interactive, time.Second-slotAhead)
	clock.pass(time.Second)
	wantWait(t, limiters[0], bulk, time.Millisecond)
	wantSlot(t, limiters[1], interactive, 0)
	wantSlot(t, limiters[0], bulk, 0)
}
