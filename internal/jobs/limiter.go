package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// Limiter gives out the permits to call the API: so many per minute for all
// workers on one API key together, evenly spaced, interactive documents first. A
// 429 holds them all and eases the rate (Hold), an API that is down gets one
// probe at a time (Report). What they share is one hash in Redis per key, which
// may be lost at any time; while Redis is away there are no permits.
//
// A permit is a slot in time that its holder waits for: asking only once the slot
// has come would lose the time that asking takes, 100 times a second.
type Limiter struct {
	client    redis.UniversalClient
	key       string
	perMinute int           // as permitted; 0: no limit
	interval  time.Duration // between permits; 0: no limit
	probing   time.Duration // how long a probe keeps others from probing, unless it reports
	lines     [2]line       // where the documents of this process wait: bulk, interactive
	clock     func() int64  // the time in microseconds, by tests; nil is Redis' own
	began     time.Time     // what now counts from

	mu       sync.Mutex
	answers  int           // of calls of this process that Redis is still to be told of
	answered time.Duration // when the last of them came, by now
	open     atomic.Bool   // the breaker was, when Redis was last asked
}

const (
	// permitPeriod is the minute in which the permitted number of calls is
	// spread. It is half a percent longer than the API's, so that calls which
	// travel at uneven speeds still never come too close together; that costs
	// half a percent of the rate.
	permitPeriod = 60*time.Second + 300*time.Millisecond
	// slotAhead is how long before its time a slot is given away. What timers and
	// the way to Redis are late by costs nothing up to here: on a machine with
	// three times the load that it has processors for, 50 ms lost no permit at
	// 6,000 per minute, 25 ms one in a hundred. An interactive document waits so
	// much longer than for the next slot, and a hold comes so much too late.
	slotAhead = 50 * time.Millisecond
	// longestNap is the longest time until Redis is asked again, whatever keeps
	// permits back: the breaker may close, the hash may be lost.
	longestNap = 2 * time.Second
	// urgentGrace is how late an interactive document may come back to a slot
	// that is kept for it. It bounds what one that gave up costs.
	urgentGrace = 250 * time.Millisecond
	// probeGrace is how much longer than its call a probe may take, from the
	// permit to the report.
	probeGrace = 30 * time.Second
)

// NewLimiter returns the limiter of an API key; perMinute 0 does not limit. Only
// a hash of the key is used, to tell accounts apart in Redis. A call takes
// callTimeout at most.
func NewLimiter(client redis.UniversalClient, key redact.Secret, perMinute int, callTimeout time.Duration) *Limiter {
	sum := sha256.Sum256([]byte(key.Reveal()))
	l := &Limiter{
		client: client, key: "casflow:{" + hex.EncodeToString(sum[:8]) + "}:rate",
		perMinute: max(0, perMinute), probing: callTimeout + probeGrace, lines: [2]line{newLine(1), newLine(1)}, began: time.Now(),
	}
	if perMinute > 0 {
		// Rounded up to what Redis' clock can tell.
		l.interval = (permitPeriod/time.Duration(perMinute) + time.Microsecond - 1).Truncate(time.Microsecond)
	}
	return l
}

// Wait waits for a permit to call the API now. Documents of the interactive
// queue go first, on whichever worker they are. It returns ctx's cause when that
// ends first, and Redis' error when it cannot be asked.
func (l *Limiter) Wait(ctx context.Context, queue string) error {
	return l.WaitWith(ctx, queue, nothingElse)
}

// nothingElse is what WaitWith is to get for a call that needs a slot alone.
func nothingElse(context.Context) error { return nil }

// WaitWith is Wait for a call that needs something else besides: get gets it, or
// says why not, once it is this document's turn in this process and before a slot is
// asked for. So a slot that is given away is used at its time, and nobody has the
// other thing without a slot but the first in line, one per queue.
func (l *Limiter) WaitWith(ctx context.Context, queue string, get func(context.Context) error) error {
	urgent := bit(queue == storage.QueueInteractive)
	slot, err := l.reserve(ctx, urgent, get)
	if err != nil {
		return err
	}
	// Outside the line: the next one may be early as well. And to its end, slotAhead at
	// most, whatever becomes of ctx: a permit that is given out must come to somebody who
	// uses it, or gives it back.
	return sleep(context.WithoutCancel(ctx), slot)
}

// reserve waits for its turn in this process, and then until a slot is given to
// it. It returns how far off that is.
func (l *Limiter) reserve(ctx context.Context, urgent int, get func(context.Context) error) (time.Duration, error) {
	if err := l.lines[urgent].enter(ctx); err != nil {
		return 0, err
	}
	defer l.lines[urgent].leave()
	if err := get(ctx); err != nil {
		return 0, err
	}
	for {
		granted, wait, err := l.ask(ctx, urgent)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
		case err != nil || granted:
			return wait, err
		}
		if err := sleep(ctx, min(wait, longestNap)); err != nil {
			return 0, err
		}
	}
}

// ask asks for a slot. If one is granted, it comes after wait, else wait is how
// long not to ask again.
func (l *Limiter) ask(ctx context.Context, urgent int) (granted bool, wait time.Duration, err error) {
	var reply []int64
	aside(func() {
		reply, err = l.tell(ctx, permitScript, l.interval.Microseconds(), slotAhead.Microseconds(), urgent,
			l.probing.Microseconds(), longestNap.Microseconds(), urgentGrace.Microseconds())
	})
	if err != nil {
		return false, 0, fmt.Errorf("ask for a permit: %w", err)
	}
	return reply[0] == 1, time.Duration(reply[1]) * time.Microsecond, nil
}

// Hold keeps all workers on this key from calling for d: the API said that it is
// asked too often. A hold is lengthened, never shortened. The first Hold of those
// that overlap also eases the rate to 70 % of what it was, but not below 10 % of
// the permitted one; from the end of the hold it recovers by 5 % of the permitted
// one in 30 s.
func (l *Limiter) Hold(ctx context.Context, d time.Duration) error {
	if _, err := l.eval(ctx, holdScript, max(1, d.Microseconds()), bit(l.interval > 0)); err != nil {
		return fmt.Errorf("hold the fleet: %w", err)
	}
	return nil
}

// LimiterState is what keeps the fleet from the permitted rate.
type LimiterState struct {
	Percent     int           // of the permitted rate that is in use, 10 to 100
	HeldFor     time.Duration // until the API may be called again after a 429
	BreakerOpen bool          // one probe at a time is let through
}

// State returns what keeps the fleet from the permitted rate now.
func (l *Limiter) State(ctx context.Context) (LimiterState, error) {
	reply, err := l.eval(ctx, stateScript)
	if err != nil {
		return LimiterState{}, fmt.Errorf("read the limiter's state: %w", err)
	}
	return LimiterState{Percent: int(reply[0]), HeldFor: time.Duration(reply[1]) * time.Microsecond, BreakerOpen: reply[2] == 1}, nil
}

// tell is eval for the scripts that are told, last, how many calls were answered and how
// long ago, and say, last, whether the breaker is open. What Redis does not hear is lost:
// others will be answered.
func (l *Limiter) tell(ctx context.Context, script *redis.Script, args ...any) ([]int64, error) {
	l.mu.Lock()
	answers, ago := l.answers, l.now()-l.answered
	l.answers = 0
	l.mu.Unlock()
	reply, err := l.eval(ctx, script, append(args, answers, ago.Microseconds())...)
	if err != nil {
		return nil, err
	}
	l.open.Store(reply[len(reply)-1] == 1)
	return reply, nil
}

// answer notes an answer, and returns how many Redis is to be told of.
func (l *Limiter) answer() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers++
	l.answered = l.now()
	return l.answers
}

// now is the time of this process, or that of tests.
func (l *Limiter) now() time.Duration {
	if l.clock != nil {
		return time.Duration(l.clock()) * time.Microsecond
	}
	return time.Since(l.began)
}

// eval runs one of the scripts.
func (l *Limiter) eval(ctx context.Context, script *redis.Script, args ...any) ([]int64, error) {
	var now int64
	if l.clock != nil {
		now = l.clock()
	}
	return script.Run(ctx, l.client, []string{l.key}, append([]any{now}, args...)...).Int64Slice() //nolint:wrapcheck // callers do
}

// sleep returns after d, or with ctx's cause when that ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
	}
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}
