package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// fromRedis is how the queues, the limiter and Redis itself stand. A Redis that takes no
// writes is as good as one that is away: no permit is given, no task handed over.
func (c *Collector) fromRedis(ctx context.Context) []prometheus.Metric {
	var metrics []prometheus.Metric
	writable := true
	servers := func(ctx context.Context) (told []prometheus.Metric, err error) {
		told, writable, err = c.servers(ctx)
		return told, err
	}
	for _, ask := range []func(context.Context) ([]prometheus.Metric, error){c.queues, c.limiter, servers} {
		told, err := ask(ctx)
		if err != nil {
			c.Logger.WarnContext(ctx, "redis gauges cannot be read", slog.Any("err", err))
			return []prometheus.Metric{gauge(upDesc, 0, backendRedis)}
		}
		metrics = append(metrics, told...)
	}
	return append(metrics, gauge(upDesc, float64(bit(writable)), backendRedis))
}

// queues counts the tasks by the keys that asynq keeps them under.
func (c *Collector) queues(ctx context.Context) ([]prometheus.Metric, error) {
	type count struct {
		queue, state string
		n            *redis.IntCmd
	}
	var counts []count
	_, err := c.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk, QueueCallbacks} {
			prefix := "asynq:{" + queue + "}:"
			for _, state := range []string{"pending", "active"} {
				counts = append(counts, count{queue, state, pipe.LLen(ctx, prefix+state)})
			}
			for _, state := range []string{"scheduled", "retry", "archived"} {
				counts = append(counts, count{queue, state, pipe.ZCard(ctx, prefix+state)})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	metrics := make([]prometheus.Metric, len(counts))
	for i, n := range counts {
		metrics[i] = gauge(tasksDesc, float64(n.n.Val()), n.queue, n.state)
	}
	return metrics, nil
}

func (c *Collector) limiter(ctx context.Context) ([]prometheus.Metric, error) {
	if c.Limiter == nil {
		return nil, nil
	}
	state, err := c.Limiter.State(ctx)
	if err != nil {
		return nil, err
	}
	return []prometheus.Metric{
		gauge(permittedDesc, float64(c.Limiter.perMinute)/60), gauge(rateDesc, float64(state.Percent)/100),
		gauge(heldDesc, state.HeldFor.Seconds()), gauge(breakerDesc, float64(bit(state.BreakerOpen))),
	}, nil
}

// servers is what the Redis servers tell of themselves. What they withhold is left out.
// Each has series of its own: a replica that becomes the master begins to count anew.
// writable is whether all of them take writes.
func (c *Collector) servers(ctx context.Context) (metrics []prometheus.Metric, writable bool, err error) {
	facts, err := ReadRedisFacts(ctx, c.Redis)
	if err != nil {
		return nil, false, err
	}
	var skew time.Duration
	writable = true
	for _, f := range facts {
		writable = writable && f.Writable()
		if f.Skew.Abs() > skew.Abs() {
			skew = f.Skew
		}
		metrics = append(metrics, prometheus.MustNewConstMetric(evictedDesc, prometheus.CounterValue, float64(f.Evicted), f.Addr))
		if f.UsedMemory >= 0 && f.MaxMemory >= 0 {
			metrics = append(metrics, gauge(memoryDesc, float64(f.UsedMemory), f.Addr), gauge(memoryMaxDesc, float64(f.MaxMemory), f.Addr))
		}
	}
	return append(metrics, gauge(skewDesc, skew.Seconds(), backendRedis)), writable, nil
}
