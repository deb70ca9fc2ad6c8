package jobs

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
			values[name] = metric.GetGauge().GetValue()
		}
	}
	return values
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

	collector := NewCollector(db, client, quiet())
	got := gauges(t, collector)
	if age := got["cas_oldest_pending_seconds bulk"]; age < 3600 {
		t.Errorf("the oldest pending document is %v seconds old, want an hour", age)
	}
	delete(got, "cas_oldest_pending_seconds bulk")
	want := map[string]float64{
		"cas_backend_up postgres": 1, "cas_backend_up redis": 1, "cas_attempts_unknown": 0,
		"cas_account_paused unauthorized": 0, "cas_account_paused insufficient_credits": 0, "cas_account_paused forbidden": 0,
		"cas_oldest_pending_seconds interactive": 0, // none waits
		"cas_documents pending":                  2, "cas_documents queued": 1, "cas_documents calling": 0, "cas_documents answered": 0,
		"cas_documents parsed": 0, "cas_documents dead": 0,
	}
	for _, queue := range []string{storage.QueueBulk, storage.QueueInteractive} {
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

// TestCollector_BackendsDown shows that the gauges of one backend do not go with
// the other.
func TestCollector_BackendsDown(t *testing.T) {
	t.Parallel()
	ledger := []string{"cas_account_paused", "cas_attempts_unknown", "cas_documents", "cas_oldest_pending_seconds"}
	for name, test := range map[string]struct {
		postgres, redis bool
		want            []string
	}{
		"Redis":    {postgres: true, want: ledger},
		"Postgres": {redis: true, want: []string{"cas_queue_tasks"}},
		"Both":     {},
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
			got := gauges(t, NewCollector(db, client, quiet()))
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
