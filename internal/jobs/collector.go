package jobs

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
)

// CollectorConfig is what a Collector asks.
type CollectorConfig struct {
	DB      *storage.DB
	Redis   redis.UniversalClient
	Limiter *Limiter      // nil: its gauges are left out
	Lease   time.Duration // how long a worker may go unseen before it counts no more
	Logger  *slog.Logger
}

// Collector shows how the ledger, the queues and the limiter stand. It asks them at
// most once in cacheAge, however often it is scraped, and nothing that costs much: of
// Postgres what storage.Standing tells, of Redis LLEN, ZCARD, INFO, a SET that sets
// nothing, and one script on a small hash.
type Collector struct {
	CollectorConfig

	mu     sync.Mutex
	taken  time.Time
	cached []prometheus.Metric
}

const (
	cacheAge = 15 * time.Second
	// collectTimeout is less than the ten seconds that Prometheus waits: that a
	// backend hangs is to be told, with all that does not depend on it.
	collectTimeout = 4 * time.Second
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

//nolint:gochecknoglobals // descriptions are constants
var (
	documentsDesc  = desc("cas_documents", "Documents in the ledger, by status.", "status")
	overBudgetDesc = desc("cas_documents_over_budget", "Pending documents that wait for a higher cap of their batch.")
	oldestDesc     = desc("cas_oldest_pending_seconds", "How long the longest waiting pending document has waited, one that was redriven since then; 0 when none waits.", "queue")
	unknownDesc    = desc("cas_attempts_unknown", "Calls of the API whose outcome nobody knows; not counted beyond 10000.")
	pausedDesc     = desc("cas_account_paused", "1 while nothing is called because the API refuses the account, by reason.", "reason")
	creditsDesc    = desc("cas_credits_remaining", "Credits left, as the API last said; absent where it has not for an hour, or where there is no limit.")
	workersDesc    = desc("cas_workers", "Worker processes that live, by their heartbeat in the ledger.")
	budgetDesc     = desc("cas_budget_used_credits", "Credits that the day (India) has been charged with so far.")
	budgetMaxDesc  = desc("cas_budget_limit_credits", "Credits that the day may cost; 0 is no cap.")
	floorDesc      = desc("cas_budget_interactive_floor_credits", "Credits of the day's limit, its last ones, that are not for bulk.")
	recentDesc     = desc("cas_batch_documents", "Documents of the batches that were begun in the last day or are not finished, by state: recorded (all of them), parsed, dead.", "state")
	deadRatioDesc  = desc("cas_batch_dead_ratio", "Of those batches, with 20 or more finished documents, the largest share of dead ones among the finished.")
	skewDesc       = desc("cas_clock_skew_seconds", "How far the clock of the backend is ahead of this process', at the least.", "backend")
	callbacksDesc  = desc("cas_callbacks_open", "Ends of documents that are still to be told to a callback_url.")
	tasksDesc      = desc("cas_queue_tasks", "Tasks in Redis, by queue and state.", "queue", "state")
	memoryDesc     = desc("cas_redis_memory_used_bytes", "Memory that Redis uses; with Sentinel of the master, of a cluster of each master, by its address.", "server")
	memoryMaxDesc  = desc("cas_redis_memory_max_bytes", "Memory that Redis may use (maxmemory); 0 is no limit.", "server")
	evictedDesc    = desc("cas_redis_evicted_keys_total", "Keys that Redis has thrown away for want of memory: each may be a task.", "server")
	permittedDesc  = desc("cas_limiter_permitted_calls_per_second", "Calls of the API that CASPARSER_RATE_PER_MINUTE permits the fleet; 0 is no limit.")
	rateDesc       = desc("cas_limiter_rate_ratio", "Share of the permitted rate that is in use: below 1 while it recovers from a 429.")
	heldDesc       = desc("cas_limiter_held_seconds", "How long nothing is called yet on account of a 429.")
	breakerDesc    = desc("cas_breaker_open", "1 while the API is taken for down, and one probe goes at a time.")
	upDesc         = desc("cas_backend_up", "Whether the backend answered, and Redis took writes, when it was last asked for these gauges.", "backend")
)

// NewCollector returns a Collector; register it.
func NewCollector(config CollectorConfig) *Collector { return &Collector{CollectorConfig: config} }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		documentsDesc, overBudgetDesc, oldestDesc, unknownDesc, pausedDesc, creditsDesc, workersDesc, budgetDesc, budgetMaxDesc, floorDesc,
		recentDesc, deadRatioDesc, skewDesc, callbacksDesc, tasksDesc, memoryDesc, memoryMaxDesc, evictedDesc, permittedDesc, rateDesc, heldDesc,
		breakerDesc, upDesc,
	} {
		descs <- d
	}
}

// Collect implements prometheus.Collector. A backend that does not answer costs
// its own gauges only.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached == nil || time.Since(c.taken) > cacheAge {
		c.cached = c.ask()
		c.taken = time.Now()
	}
	for _, m := range c.cached {
		metrics <- m
	}
}

// ask asks both backends at the same time: one that hangs does not cost the other's
// time.
func (c *Collector) ask() []prometheus.Metric {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	var ledger, redis []prometheus.Metric
	var group sync.WaitGroup
	group.Go(func() { ledger = c.ledger(ctx) })
	group.Go(func() { redis = c.fromRedis(ctx) })
	group.Wait()
	return append(ledger, redis...)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
