package jobs

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// Collector shows how the ledger and the queues stand. It asks them at most once
// in cacheAge, however often it is scraped, and with commands that cost neither
// much: counts from Postgres, LLEN and ZCARD from Redis.
type Collector struct {
	db     *storage.DB
	client redis.UniversalClient
	logger *slog.Logger

	mu     sync.Mutex
	taken  time.Time
	cached []prometheus.Metric
}

const (
	cacheAge       = 15 * time.Second
	collectTimeout = 10 * time.Second
)

//nolint:gochecknoglobals // descriptions are constants
var (
	documentsDesc = prometheus.NewDesc("cas_documents", "Documents in the ledger, by status.", []string{"status"}, nil)
	oldestDesc    = prometheus.NewDesc("cas_oldest_pending_seconds", "Age of the longest waiting pending document; 0 when none waits.", []string{"queue"}, nil)
	unknownDesc   = prometheus.NewDesc("cas_attempts_unknown", "Calls of the API whose outcome nobody knows.", nil, nil)
	pausedDesc    = prometheus.NewDesc("cas_account_paused", "1 while nothing is called because the API refuses the account, by reason.", []string{"reason"}, nil)
	callbacksDesc = prometheus.NewDesc("cas_callbacks_open", "Ends of documents that are still to be told to a callback_url.", nil, nil)
	tasksDesc     = prometheus.NewDesc("cas_queue_tasks", "Tasks in Redis, by queue and state.", []string{"queue", "state"}, nil)
	upDesc        = prometheus.NewDesc("cas_backend_up", "Whether the backend answered when it was last asked for these gauges.", []string{"backend"}, nil)
)

// NewCollector returns a Collector; register it.
func NewCollector(db *storage.DB, client redis.UniversalClient, logger *slog.Logger) *Collector {
	return &Collector{db: db, client: client, logger: logger}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{documentsDesc, oldestDesc, unknownDesc, pausedDesc, callbacksDesc, tasksDesc, upDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector. A backend that does not answer costs
// its own gauges only.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached == nil || time.Since(c.taken) > cacheAge {
		ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
		defer cancel()
		c.cached = append(c.ledger(ctx), c.queues(ctx)...)
		c.taken = time.Now()
	}
	for _, m := range c.cached {
		metrics <- m
	}
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func (c *Collector) ledger(ctx context.Context) []prometheus.Metric {
	overview, err := c.db.Overview(ctx, "")
	callbacks, callbacksErr := c.db.OpenCallbacks(ctx)
	if err := errors.Join(err, callbacksErr); err != nil {
		c.logger.WarnContext(ctx, "ledger gauges cannot be read", slog.Any("err", err))
		return []prometheus.Metric{gauge(upDesc, 0, "postgres")}
	}
	metrics := []prometheus.Metric{gauge(upDesc, 1, "postgres"), gauge(unknownDesc, float64(overview.Unknown)), gauge(callbacksDesc, float64(callbacks.N))}
	for _, status := range storage.Statuses() {
		metrics = append(metrics, gauge(documentsDesc, float64(overview.Documents[status]), string(status)))
	}
	for _, reason := range []storage.Reason{storage.ReasonUnauthorized, storage.ReasonInsufficientCredits, storage.ReasonForbidden} {
		paused := 0.0
		if overview.Account.Reason == reason {
			paused = 1
		}
		metrics = append(metrics, gauge(pausedDesc, paused, string(reason)))
	}
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		age := 0.0
		if oldest, waits := overview.OldestPending[queue]; waits {
			age = max(0, time.Since(oldest).Seconds())
		}
		metrics = append(metrics, gauge(oldestDesc, age, queue))
	}
	return metrics
}

// queues counts the tasks by the keys that asynq keeps them under.
func (c *Collector) queues(ctx context.Context) []prometheus.Metric {
	type count struct {
		queue, state string
		n            *redis.IntCmd
	}
	var counts []count
	_, err := c.client.Pipelined(ctx, func(pipe redis.Pipeliner) error {
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
		c.logger.WarnContext(ctx, "queue gauges cannot be read", slog.Any("err", err))
		return []prometheus.Metric{gauge(upDesc, 0, "redis")}
	}
	metrics := []prometheus.Metric{gauge(upDesc, 1, "redis")}
	for _, n := range counts {
		metrics = append(metrics, gauge(tasksDesc, float64(n.n.Val()), n.queue, n.state))
	}
	return metrics
}
