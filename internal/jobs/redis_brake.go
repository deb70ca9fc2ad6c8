package jobs

import (
	"context"
	"errors"
	"log/slog"
	"maps"
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
//
// The parts of a cluster are in trouble each by itself: that one serves does not
// mean that another does again.
type brake struct {
	logger  *slog.Logger
	metrics *Metrics
	part    func(redis.Cmder) string // of Redis that a command is for

	mu       sync.Mutex
	troubles map[string]trouble // of the parts that do not serve
	failures int                // since all parts served
}

// trouble is that of one part.
type trouble struct {
	failures int // in a row
	last     time.Time
	writes   bool // it refuses writes alone, so that its answers to reads say nothing
}

const (
	brakeLeast = 50 * time.Millisecond
	brakeMost  = 2 * time.Second
	// brakeForgets is when a part counts as well of which nothing was heard: some
	// keys are asked for once only.
	brakeForgets = time.Minute
	// brakeQuiet is when a part that refused writes counts as well: some are tried all
	// the time, the rarest of them, asynq's heartbeat, every 5 s and brakeMost.
	brakeQuiet = 10 * time.Second
)

// Brake makes a client slow down while its Redis is in trouble, count what fails, and
// log when that begins and ends. The client must not be in use yet.
func Brake(client redis.UniversalClient, metrics *Metrics, logger *slog.Logger) {
	client.AddHook(newBrake(client, metrics, logger))
}

func newBrake(client redis.UniversalClient, metrics *Metrics, logger *slog.Logger) *brake {
	b := &brake{logger: logger, metrics: metrics, troubles: make(map[string]trouble), part: func(redis.Cmder) string { return "" }}
	if _, cluster := client.(*redis.ClusterClient); cluster {
		b.part = partOf
	}
	return b
}

// DialHook leaves dialling as it is: a failed dial fails its command.
func (b *brake) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook brakes single commands, scripts among them.
func (b *brake) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		err := next(ctx, command)
		pause(ctx, b.after(ctx, b.part(command), err))
		return err
	}
}

// ProcessPipelineHook brakes pipelines.
func (b *brake) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		err := next(ctx, commands)
		outcomes := make(map[string]error)
		for _, command := range commands {
			part := b.part(command)
			if known, seen := outcomes[part]; !seen || !inTrouble(known) {
				outcomes[part] = command.Err()
			}
		}
		var wait time.Duration
		for part, outcome := range outcomes {
			wait = max(wait, b.after(ctx, part, outcome))
		}
		pause(ctx, wait)
		return err
	}
}

// after takes note of how a command for a part went, and returns how long it has to
// wait.
func (b *brake) after(ctx context.Context, part string, err error) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !inTrouble(err) {
		if err == nil {
			b.ease(ctx, part)
		}
		return 0
	}
	b.metrics.backendFailed(backendRedis)
	if len(b.troubles) == 0 {
		b.logger.WarnContext(ctx, "redis does not serve, slowing down", slog.Any("err", err))
	}
	t := trouble{failures: b.troubles[part].failures + 1, last: time.Now(), writes: refusesWrites(err)}
	b.troubles[part] = t
	b.failures++
	return min(brakeMost, brakeLeast<<min(t.failures-1, 10))
}

// ease notes that a part serves.
func (b *brake) ease(ctx context.Context, part string) {
	if len(b.troubles) == 0 {
		return
	}
	if t := b.troubles[part]; !t.writes || time.Since(t.last) >= brakeQuiet {
		delete(b.troubles, part)
	}
	maps.DeleteFunc(b.troubles, func(_ string, t trouble) bool { return time.Since(t.last) > brakeForgets })
	if len(b.troubles) == 0 {
		b.logger.InfoContext(ctx, "redis serves again", slog.Int("failures", b.failures))
		b.failures = 0
	}
}

// inTrouble tells an error of the server or the way to it from one of the command.
func inTrouble(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	// go-redis has no names for these; the first may be for many reasons, one being
	// that no sentinel knows a master.
	for _, trouble := range []string{"all sentinels specified in configuration are unreachable", "cluster has no nodes"} {
		if strings.Contains(err.Error(), trouble) {
			return true
		}
	}
	if errors.Is(err, redis.Nil) {
		return false
	}
	if refused, ok := errors.AsType[redis.Error](err); ok {
		text := refused.Error()
		for _, trouble := range []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY ", "MOVED ", "ASK "} {
			if strings.HasPrefix(text, trouble) {
				return true
			}
		}
		return refusesWrites(err)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, redis.ErrPoolTimeout) || errors.Is(err, net.ErrClosed) ||
		strings.Contains(err.Error(), "EOF")
}

// refusesWrites reports whether err is what a Redis says that answers, but takes no
// writes: it is full, a replica, or cannot keep them.
func refusesWrites(err error) bool {
	refused, ok := errors.AsType[redis.Error](err)
	if !ok {
		return false
	}
	text := refused.Error()
	for _, trouble := range []string{"OOM ", "READONLY", "MISCONF", "NOREPLICAS"} {
		// A script passes on what its commands were refused for.
		if strings.HasPrefix(text, trouble) || strings.Contains(text, "-"+trouble) {
			return true
		}
	}
	return false
}
