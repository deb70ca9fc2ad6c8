package jobs

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/internal/storage"
	"casflow/internal/storage/storagetest"
)

// contract are the metrics of section 6 of the contract that this package has,
// and their labels.
var contract = map[string][]string{
	"cas_documents":                    {"status"},
	"cas_documents_processed_total":    {"kind", "outcome"},
	"cas_dead_letters_total":           {"reason"},
	"cas_api_requests_total":           {"code", "endpoint"},
	"cas_api_request_duration_seconds": {"endpoint"},
	"cas_stage_duration_seconds":       {"stage"},
	"cas_api_inflight":                 nil,
	"cas_limiter_wait_seconds":         nil,
	"cas_credits_remaining":            nil,
	"cas_credits_spent_total":          nil,
	"cas_answers_reused_total":         nil,
	"cas_attempts_unknown":             nil,
	"cas_oldest_pending_seconds":       {"queue"},
	"cas_queue_tasks":                  {"queue", "state"},
	"cas_rows_written_total":           {"table"},
}

// newMetrics returns Metrics on a registry that refuses what is inconsistent.
func newMetrics() (*Metrics, *prometheus.Registry) {
	registry := prometheus.NewPedanticRegistry()
	return NewMetrics(registry), registry
}

func TestMetrics_Contract(t *testing.T) {
	t.Parallel()
	metrics, registry := newMetrics()
	registry.MustRegister(NewCollector(storagetest.New(t), newRedis(t), quiet()))
	// A label shows once it has been used.
	metrics.processed.WithLabelValues(storage.KindSmart, "parsed").Inc()
	metrics.called("/v4/smart/parse", 200, time.Second)
	metrics.stageDuration.WithLabelValues("call").Observe(1)
	metrics.wrote(map[string]int64{"statements": 1})
	metrics.credits("1", "41")

	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, family := range families {
		if _, ours := contract[family.GetName()]; !ours {
			continue // more than the contract names is fine
		}
		var labels []string
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, label.GetName())
		}
		slices.Sort(labels)
		got[family.GetName()] = labels
	}
	if diff := cmp.Diff(contract, got); diff != "" {
		t.Errorf("names and labels that dashboards rely on (-want +got):\n%s", diff)
	}
}

// TestMetrics_Zeroes shows that every reason is there from the start: a rate
// over a series that appears with its first death misses that death.
func TestMetrics_Zeroes(t *testing.T) {
	t.Parallel()
	metrics, _ := newMetrics()
	if got, want := testutil.CollectAndCount(metrics.deadLetters), len(storage.Reasons()); got != want {
		t.Errorf("%d reasons, want all %d", got, want)
	}
	for _, reason := range storage.Reasons() {
		if got := testutil.ToFloat64(metrics.deadLetters.WithLabelValues(string(reason))); got != 0 {
			t.Errorf("%s starts at %v", reason, got)
		}
	}
}

func TestMetrics_Credits(t *testing.T) {
	t.Parallel()
	type credits struct{ spent, left string }
	for name, test := range map[string]struct {
		said  []credits
		spent float64
		known bool
		left  float64
	}{
		"Silent":     {nil, 0, false, 0},
		"Unknown":    {[]credits{{"", ""}}, 0, false, 0},
		"BadText":    {[]credits{{"one", "many"}, {"1,0", "4 2"}, {"0x", "1e999"}}, 0, false, 0},
		"Both":       {[]credits{{"1", "41.5"}}, 1, true, 41.5},
		"Fractions":  {[]credits{{"0.5", "41.5"}, {"0.25", "41.25"}}, 0.75, true, 41.25},
		"SpentOnly":  {[]credits{{"2", ""}}, 2, false, 0},
		"LeftOnly":   {[]credits{{"", "7"}}, 0, true, 7},
		"LastKnown":  {[]credits{{"1", "7"}, {"1", ""}, {"1", "few"}}, 3, true, 7},
		"Exhausted":  {[]credits{{"1", "0"}}, 1, true, 0}, // 0 is known, and not the same as absent
		"Refilled":   {[]credits{{"1", "0"}, {"1", "200"}}, 2, true, 200},
		"NotEarned":  {[]credits{{"-1", "7"}}, 0, true, 7}, // a counter cannot go down
		"Overdrawn":  {[]credits{{"1", "-3"}}, 1, true, -3},
		"AsExponent": {[]credits{{"1e0", "1.5e2"}}, 1, true, 150},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metrics, registry := newMetrics()
			for _, said := range test.said {
				metrics.credits(said.spent, said.left)
			}
			if got := testutil.ToFloat64(metrics.creditsSpent); got != test.spent {
				t.Errorf("spent %v, want %v", got, test.spent)
			}
			shown, err := testutil.GatherAndCount(registry, "cas_credits_remaining")
			if err != nil || (shown == 1) != test.known {
				t.Errorf("cas_credits_remaining shows %d times (%v), want it shown: %t", shown, err, test.known)
			}
			if got := testutil.ToFloat64(metrics.creditsLeft); got != test.left {
				t.Errorf("left %v, want %v", got, test.left)
			}
		})
	}
}

func TestMetrics_Called(t *testing.T) {
	t.Parallel()
	metrics, registry := newMetrics()
	for _, status := range []int{200, 200, 429, 0} {
		metrics.called("/v4/smart/parse", status, 3*time.Second)
	}
	const want = `
# HELP cas_api_requests_total Calls of the API by endpoint and code: the HTTP status, or "none" when no answer came.
# TYPE cas_api_requests_total counter
cas_api_requests_total{code="200",endpoint="/v4/smart/parse"} 2
cas_api_requests_total{code="429",endpoint="/v4/smart/parse"} 1
cas_api_requests_total{code="none",endpoint="/v4/smart/parse"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "cas_api_requests_total"); err != nil {
		t.Error(err)
	}
}
