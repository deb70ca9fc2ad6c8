package jobs

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// fromRedis is how the queues, the limiter and Redis itself stand.
func (c *Collector) fromRedis(ctx context.Context) []prometheus.Metric {
	var metrics []prometheus.Metric
	for _, ask := range []func(context.Context) ([]prometheus.Metric, error){c.queues, c.limiter, c.servers} {
		told, err := ask(ctx)
		if err != nil {
			c.Logger.WarnContext(ctx, "redis gauges cannot be read", slog.Any("err", err))
			return []prometheus.Metric{gauge(upDesc, 0, backendRedis)}
		}
		metrics = append(metrics, told...)
	}
	return append(metrics, gauge(upDesc, 1, backendRedis))
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
func (c *Collector) servers(ctx context.Context) ([]prometheus.Metric, error) {
	facts, err := ReadRedisFacts(ctx, c.Redis)
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	fullest, skewed, evicted := facts[0], facts[0], int64(0)
	for _, f := range facts {
		if share(f) > share(fullest) {
			fullest = f
		}
		if f.Skew.Abs() > skewed.Skew.Abs() {
			skewed = f
		}
		evicted += f.Evicted
	}
	metrics := []prometheus.Metric{
		gauge(skewDesc, skewed.Skew.Seconds(), backendRedis),
		prometheus.MustNewConstMetric(evictedDesc, prometheus.CounterValue, float64(evicted)),
	}
	if fullest.UsedMemory >= 0 && fullest.MaxMemory >= 0 {
		metrics = append(metrics, gauge(memoryDesc, float64(fullest.UsedMemory)), gauge(memoryMaxDesc, float64(fullest.MaxMemory)))
	}
	return metrics, nil
}

// share is how much of its memory a server uses; where there is no limit, all of
// them are compared by what they use alone.
func share(f RedisFacts) float64 { return float64(f.UsedMemory) / float64(max(1, f.MaxMemory)) }
