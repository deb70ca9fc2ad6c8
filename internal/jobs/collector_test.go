package jobs

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// gauges collects a Collector and returns the values by name and labels.
func gauges(t *testing.T, c *Collector) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			values[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return values
}

func newCollector(db *storage.DB, client redis.UniversalClient) *Collector {
	return NewCollector(CollectorConfig{DB: db, Redis: client, Lease: time.Minute, Logger: quiet()})
}

func TestCollector(t *testing.T) {
	t.Parallel()
	exerciseCollector(t, newRedis(t))
}

func exerciseCollector(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	db, address := storagetest.NewURL(t)
	bulk := []storage.NewDocument{newDocument("a.pdf", storage.QueueBulk), newDocument("b.pdf", storage.QueueBulk)}
	if _, err := db.Record(t.Context(), bulk); err != nil {
		t.Fatal(err)
	}
	storagetest.Rows(t, address, `UPDATE cas.documents SET created_at = now() - interval '1 hour' WHERE object_key = 'a.pdf'`)
	enqueuer := NewEnqueuer(db, client, 0)
	submit(t, enqueuer, newDocument("c.pdf", storage.QueueInteractive))

	if err := db.Heartbeat(t.Context(), uuid.New(), "test"); err != nil {
		t.Fatal(err)
	}
	if err := db.NoteCredits(t.Context(), "41.5"); err != nil {
		t.Fatal(err)
	}
	leader, err := db.Lead(t.Context())
	if err != nil || leader == nil {
		t.Fatalf("Lead() = %v, %v", leader, err)
	}
	defer leader.Resign()
	if err := leader.ShowBudget(t.Context(), storage.Budget{DailyCredits: 500, InteractiveFloor: 50}); err != nil {
		t.Fatal(err)
	}
	limiter := NewLimiter(client, "key", 120, time.Minute)
	if err := limiter.Hold(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	collector := newCollector(db, client)
	collector.Limiter = limiter
	got := gauges(t, collector)
	for name := range got {
		if metric, _, labelled := strings.Cut(name, " "); labelled && strings.HasPrefix(metric, "cas_redis_") { // of each server
			got[metric] += got[name]
			delete(got, name)
		}
	}
	for name, least := range map[string]float64{
		"cas_oldest_pending_seconds bulk": 3600, "cas_limiter_held_seconds": 3000, "cas_redis_memory_used_bytes": 1,
	} {
		if got[name] < least {
			t.Errorf("%s = %v, want at least %v", name, got[name], least)
		}
		delete(got, name)
	}
	want := map[string]float64{
		"cas_backend_up postgres": 1, "cas_backend_up redis": 1, "cas_attempts_unknown": 0,
		"cas_clock_skew_seconds postgres": 0, "cas_clock_skew_seconds redis": 0, "cas_workers": 1, "cas_credits_remaining": 41.5,
		"cas_documents_over_budget": 0, "cas_budget_used_credits": 0, "cas_budget_limit_credits": 500, "cas_budget_interactive_floor_credits": 50,
		"cas_batch_documents recorded": 0, "cas_batch_documents parsed": 0, "cas_batch_documents dead": 0, "cas_batch_dead_ratio": 0,
		"cas_redis_memory_max_bytes": 0, "cas_redis_evicted_keys_total": 0,
		"cas_limiter_permitted_calls_per_second": 2, "cas_limiter_rate_ratio": 0.7, "cas_breaker_open": 0,
		"cas_account_paused unauthorized": 0, "cas_account_paused insufficient_credits": 0, "cas_account_paused forbidden": 0,
		"cas_oldest_pending_seconds interactive": 0, // none waits
		"cas_documents pending":                  2, "cas_documents queued": 1, "cas_documents calling": 0, "cas_documents answered": 0,
		"cas_documents parsed": 0, "cas_documents dead": 0, "cas_callbacks_open": 0,
	}
	for _, queue := range []string{storage.QueueBulk, storage.QueueInteractive, QueueCallbacks} {
		for _, state := range []string{"pending", "active", "scheduled", "retry", "archived"} {
			want["cas_queue_tasks "+queue+" "+state] = 0
		}
	}
	want["cas_queue_tasks interactive pending"] = 1
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gauges (-want +got):\n%s", diff)
	}

	// However often it is scraped, the backends are asked once in a while only.
	collector.taken = time.Now().Add(time.Hour) // no test runs so long
	submit(t, enqueuer, newDocument("d.pdf", storage.QueueInteractive))
	if n := gauges(t, collector)["cas_queue_tasks interactive pending"]; n != 1 {
		t.Errorf("scraped again at once: %v tasks, want the 1 of before", n)
	}
	collector.taken = time.Time{}
	if n := gauges(t, collector)["cas_queue_tasks interactive pending"]; n != 2 {
		t.Errorf("scraped later: %v tasks, want 2", n)
	}
}

// TestCollector_RedisFull: a Redis that takes no writes is not up, though all of it can be
// told still.
func TestCollector_RedisFull(t *testing.T) {
	t.Parallel()
	db := storagetest.New(t)
	_, client := startRedis(t)
	for _, test := range []struct {
		limit string
		up    float64
	}{{"0", 1}, {"1", 0}} {
		if err := client.ConfigSet(t.Context(), "maxmemory", test.limit).Err(); err != nil {
			t.Fatal(err)
		}
		got := gauges(t, newCollector(db, client))
		if _, told := got["cas_queue_tasks bulk pending"]; !told || got["cas_backend_up redis"] != test.up {
			t.Errorf("maxmemory %s: gauges %v, want cas_backend_up redis of %v, and the queues", test.limit, got, test.up)
		}
	}
}

// TestCollector_BackendsDown shows that the gauges of one backend do not go with
// the other.
func TestCollector_BackendsDown(t *testing.T) {
	t.Parallel()
	ledger := []string{
		"cas_account_paused", "cas_attempts_unknown", "cas_batch_dead_ratio", "cas_batch_documents", "cas_budget_interactive_floor_credits", "cas_budget_limit_credits",
		"cas_budget_used_credits", "cas_callbacks_open", "cas_clock_skew_seconds", "cas_documents", "cas_documents_over_budget", "cas_oldest_pending_seconds", "cas_workers",
	}
	for name, test := range map[string]struct {
		postgres, redis bool
		want            []string
	}{
		"Redis": {postgres: true, want: ledger},
		"Postgres": {redis: true, want: []string{
			"cas_clock_skew_seconds", "cas_queue_tasks", "cas_redis_evicted_keys_total", "cas_redis_memory_max_bytes", "cas_redis_memory_used_bytes",
		}},
		"Both": {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storagetest.New(t)
			var client redis.UniversalClient
			if !test.postgres {
				db.Close()
			}
			if client = deadRedis(t); test.redis {
				client = newRedis(t)
			}
			got := gauges(t, newCollector(db, client))
			up := map[bool]float64{true: 1}
			if got["cas_backend_up postgres"] != up[test.postgres] || got["cas_backend_up redis"] != up[test.redis] {
				t.Errorf("gauges %v, want cas_backend_up to tell what is down", got)
			}
			names := map[string]bool{}
			for name := range got {
				family, _, _ := strings.Cut(name, " ")
				names[family] = true
			}
			delete(names, "cas_backend_up")
			if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(names))); diff != "" {
				t.Errorf("gauges that are left (-want +got):\n%s", diff)
			}
		})
	}
}
