package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// Limiter gives out the permits to call the API: so many per minute for all
// workers on one API key together, evenly spaced. It is a GCRA in Redis, and
// without Redis gives none.
type Limiter struct {
	client  redis.UniversalClient
	limiter *redis_rate.Limiter
	limit   redis_rate.Limit // zero: no limit
	rateKey string
	holdKey string
	line    line
}

// permitPeriod is the minute in which the permitted number of calls is spread.
// It is half a percent longer than the API's, so that calls which travel at
// uneven speeds still never come too close together; that costs half a percent
// of the rate.
const permitPeriod = 60*time.Second + 300*time.Millisecond

// NewLimiter returns the limiter of an API key; perMinute 0 does not limit. Only
// a hash of the key is used, to tell accounts apart in Redis.
func NewLimiter(client redis.UniversalClient, key redact.Secret, perMinute int) *Limiter {
	sum := sha256.Sum256([]byte(key.Reveal()))
	account := hex.EncodeToString(sum[:8])
	l := &Limiter{
		client: client, limiter: redis_rate.NewLimiter(client),
		rateKey: "casflow:" + account, holdKey: "casflow:hold:" + account,
	}
	if perMinute > 0 {
		l.limit = redis_rate.Limit{Rate: perMinute, Burst: 1, Period: permitPeriod}
	}
	return l
}

// Wait waits for a permit to call the API now. Documents of the interactive
// queue go first. It returns ctx's cause when that ends first, and Redis' error
// when it cannot be asked.
func (l *Limiter) Wait(ctx context.Context, queue string) error {
	if err := l.line.enter(ctx, queue == storage.QueueInteractive); err != nil {
		return err
	}
	defer l.line.leave()
	for {
		wait, err := l.ask(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
			}
			return err
		}
		if wait <= 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
		}
	}
}

// ask takes a permit and returns 0, or returns how long to wait before asking
// again.
func (l *Limiter) ask(ctx context.Context) (time.Duration, error) {
	held, err := l.client.PTTL(ctx, l.holdKey).Result()
	if err != nil {
		return 0, fmt.Errorf("ask for a permit: %w", err)
	}
	if held > 0 {
		return held, nil
	}
	if l.limit.IsZero() {
		return 0, nil
	}
	result, err := l.limiter.Allow(ctx, l.rateKey, l.limit)
	if err != nil {
		return 0, fmt.Errorf("ask for a permit: %w", err)
	}
	if result.Allowed > 0 {
		return 0, nil
	}
	return result.RetryAfter, nil
}

// holdScript lengthens a hold, never shortens it.
const holdScript = `
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
return 1`

// Hold keeps all workers on this key from calling for d: the API said that it is
// asked too often.
func (l *Limiter) Hold(ctx context.Context, d time.Duration) error {
	if err := l.client.Eval(ctx, holdScript, []string{l.holdKey}, max(1, d.Milliseconds())).Err(); err != nil {
		return fmt.Errorf("hold the fleet: %w", err)
	}
	return nil
}
