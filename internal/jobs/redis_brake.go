package jobs

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// brake slows a worker down whose Redis cannot serve it: one that is away, full,
// read-only or loading answers each command at once with an error, and asynq asks
// again without a pause, thousands of times a second. Each failed command waits a
// little before it fails, longer the longer the trouble lasts.
type brake struct {
	logger  *slog.Logger
	metrics *Metrics

	mu       sync.Mutex
	failures int // in a row
}

const (
	brakeLeast = 50 * time.Millisecond
	brakeMost  = 2 * time.Second
)

// Brake makes a client slow down while its Redis is in trouble, count what fails, and
// log when that begins and ends. The client must not be in use yet.
func Brake(client redis.UniversalClient, metrics *Metrics, logger *slog.Logger) {
	client.AddHook(&brake{metrics: metrics, logger: logger})
}

// DialHook leaves dialling as it is: a failed dial fails its command.
func (b *brake) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook brakes single commands, scripts among them.
func (b *brake) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		return b.after(ctx, next(ctx, command))
	}
}

// ProcessPipelineHook brakes pipelines.
func (b *brake) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		return b.after(ctx, next(ctx, commands))
	}
}

// after takes note of how a command went, waits if need be, and passes err on.
func (b *brake) after(ctx context.Context, err error) error {
	if !inTrouble(err) {
		if err == nil {
			b.ease(ctx)
		}
		return err
	}
	b.metrics.backendFailed(backendRedis)
	b.mu.Lock()
	b.failures++
	failures := b.failures
	b.mu.Unlock()
	if failures == 1 {
		b.logger.WarnContext(ctx, "redis does not serve, slowing down", slog.Any("err", err))
	}
	pause(ctx, min(brakeMost, brakeLeast<<min(failures-1, 10)))
	return err
}

func (b *brake) ease(ctx context.Context) {
	b.mu.Lock()
	failures := b.failures
	b.failures = 0
	b.mu.Unlock()
	if failures > 0 {
		b.logger.InfoContext(ctx, "redis serves again", slog.Int("failures", failures))
	}
}

// inTrouble tells an error of the server or the way to it from one of the command.
func inTrouble(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, redis.Nil) {
		return false
	}
	if refused, ok := errors.AsType[redis.Error](err); ok {
		text := refused.Error()
		for _, trouble := range []string{"OOM ", "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "MISCONF", "NOREPLICAS", "BUSY "} {
			if strings.HasPrefix(text, trouble) {
				return true
			}
		}
		// A script passes on what its commands were refused for.
		return strings.Contains(text, "OOM command not allowed") || strings.Contains(text, "-READONLY") || strings.Contains(text, "-MISCONF")
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "EOF")
}
