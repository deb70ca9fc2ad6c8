package jobs

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"casflow/internal/casapi"
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
	"cas_account_paused":               {"reason"},
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
	db, client := storagetest.New(t), newRedis(t)
	collector := newCollector(db, client)
	collector.Limiter = NewLimiter(client, "key", 60, time.Minute)
	registry.MustRegister(collector)
	// A label shows once it has been used.
	metrics.Called(casapi.SmartParse, 200, time.Second)
	metrics.stageDuration.WithLabelValues("call").Observe(1)
	if err := db.NoteCredits(t.Context(), "41"); err != nil {
		t.Fatal(err)
	}

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

// TestMetrics_ZeroesOfOutcomes shows the same of documents and callbacks: alerts go by
// what dies and by what is given up.
func TestMetrics_ZeroesOfOutcomes(t *testing.T) {
	t.Parallel()
	metrics, _ := newMetrics()
	if got, want := testutil.CollectAndCount(metrics.processed), 6*len(Kinds()); got != want {
		t.Errorf("%d series of documents, want %d", got, want)
	}
	if got := testutil.CollectAndCount(metrics.callbacks.attempts); got != 3 {
		t.Errorf("%d series of callbacks, want 3", got)
	}
}

// TestMetrics_Bounded shows that no label grows with what the API, the ledger or
// another service sends.
func TestMetrics_Bounded(t *testing.T) {
	t.Parallel()
	metrics, registry := newMetrics()
	for n := range 10_000 {
		word := strconv.Itoa(n)
		metrics.Called(casapi.Endpoint("/v4/cdsl/fetch/"+word+"/verify"), n, time.Second)
		metrics.ended("kind"+word, "parsed")
		metrics.Called(casapi.SmartParse, -n, time.Second)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if n := len(family.GetMetric()); n > 600 { // the statuses there are, and a few
			t.Errorf("%s has %d series", family.GetName(), n)
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "endpoint" && label.GetValue() != string(casapi.SmartParse) && label.GetValue() != "other" {
					t.Errorf("%s has the endpoint %s", family.GetName(), label.GetValue())
				}
			}
		}
	}
}

func TestMetrics_Credits(t *testing.T) {
	t.Parallel()
	type credits struct{ spent, left string }
	for name, test := range map[string]struct {
		said  []credits
		spent float64
		left  string // "" not known
	}{
		"Silent":     {},
		"Unknown":    {said: []credits{{"", ""}}},
		"BadText":    {said: []credits{{"one", "many"}, {"1,0", "4 2"}, {"0x1", "1e999"}, {"NaN", "Inf"}, {"1_0", "-"}}},
		"Both":       {[]credits{{"1", "41.5"}}, 1, "41.5"},
		"Fractions":  {[]credits{{"0.5", "41.5"}, {"0.25", "41.25"}}, 0.75, "41.25"},
		"SpentOnly":  {[]credits{{"2", ""}}, 2, ""},
		"LeftOnly":   {[]credits{{"", "7"}}, 0, "7"},
		"LastKnown":  {[]credits{{"1", "7"}, {"1", ""}, {"1", "few"}}, 3, "7"},
		"Exhausted":  {[]credits{{"1", "0"}}, 1, "0"},  // 0 is known, and not the same as absent
		"NotEarned":  {[]credits{{"-1", "7"}}, 0, "7"}, // a counter cannot go down
		"Overdrawn":  {[]credits{{"1", "-3"}}, 1, "-3"},
		"AsExponent": {[]credits{{"1e0", "1.5e2"}}, 1, "1.5e2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			metrics, _ := newMetrics()
			for _, said := range test.said {
				metrics.credits(said.spent, said.left)
			}
			if got := testutil.ToFloat64(metrics.creditsSpent); got != test.spent {
				t.Errorf("spent %v, want %v", got, test.spent)
			}
			if got, again := metrics.takeHeard(), metrics.takeHeard(); got != test.left || again != "" {
				t.Errorf("left %q, then %q, want %q once", got, again, test.left)
			}
		})
	}
}

func TestMetrics_Called(t *testing.T) {
	t.Parallel()
	metrics, registry := newMetrics()
	for _, status := range []int{200, 200, 429, 0, 700} {
		metrics.Called(casapi.SmartParse, status, 3*time.Second)
	}
	metrics.Called("/v1/credits", 200, time.Second)
	const want = `
# HELP cas_api_requests_total Calls of the API by endpoint and code: the HTTP status, or "none" when no answer came.
# TYPE cas_api_requests_total counter
cas_api_requests_total{code="200",endpoint="/v1/credits"} 1
cas_api_requests_total{code="200",endpoint="/v4/smart/parse"} 2
cas_api_requests_total{code="429",endpoint="/v4/smart/parse"} 1
cas_api_requests_total{code="none",endpoint="/v4/smart/parse"} 1
cas_api_requests_total{code="other",endpoint="/v4/smart/parse"} 1
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "cas_api_requests_total"); err != nil {
		t.Error(err)
	}
}
