package jobs

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/storage"
)

// Metrics are what a worker counts while it works. Labels hold no id, PAN or
// object key.
type Metrics struct {
	processed      *prometheus.CounterVec
	deadLetters    *prometheus.CounterVec
	apiRequests    *prometheus.CounterVec
	apiDuration    *prometheus.HistogramVec
	stageDuration  *prometheus.HistogramVec
	limiterWait    prometheus.Histogram
	inflight       prometheus.Gauge
	creditsLeft    prometheus.Gauge
	creditsSpent   prometheus.Counter
	answersReused  prometheus.Counter
	rowsWritten    *prometheus.CounterVec
	unreadable     *prometheus.CounterVec
	creditsLeftReg func() // registers creditsLeft once its value is known
}

// slowBuckets fit API calls of 1 to 90 seconds, in seconds.
var slowBuckets = []float64{.05, .1, .25, .5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120} //nolint:gochecknoglobals // a constant

// stageBuckets fit the stages of a document, from a millisecond to minutes.
var stageBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300} //nolint:gochecknoglobals // a constant

// NewMetrics creates the metrics and registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	histogram := func(name, help string, buckets []float64) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Metrics{
		processed: counter("cas_documents_processed_total",
			"Tries of documents that ended, by kind and outcome: parsed, dead, retry, throttled, stalled, released.", "kind", "outcome"),
		deadLetters: counter("cas_dead_letters_total", "Documents that became dead, by reason.", "reason"),
		apiRequests: counter("cas_api_requests_total",
			"Calls of the API by endpoint and code: the HTTP status, or \"none\" when no answer came.", "endpoint", "code"),
		apiDuration: prometheus.NewHistogramVec(histogram("cas_api_request_duration_seconds",
			"Time a call of the API took, upload included.", slowBuckets), []string{"endpoint"}),
		stageDuration: prometheus.NewHistogramVec(histogram("cas_stage_duration_seconds",
			"Time a document spent in each stage: claim, fetch, check, wait, call, save.", stageBuckets), []string{"stage"}),
		limiterWait: prometheus.NewHistogram(histogram("cas_limiter_wait_seconds",
			"Time a document waited for a permit to call the API.", stageBuckets)),
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "cas_api_inflight", Help: "Calls of the API under way."}),
		creditsLeft: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cas_credits_remaining", Help: "Credits left, as the API last said. Absent until it has said so.",
		}),
		creditsSpent:  prometheus.NewCounter(prometheus.CounterOpts{Name: "cas_credits_spent_total", Help: "Credits that answered calls cost."}),
		answersReused: prometheus.NewCounter(prometheus.CounterOpts{Name: "cas_answers_reused_total", Help: "Documents finished with an answer that was paid for before."}),
		rowsWritten:   counter("cas_rows_written_total", "Rows of statements written, by table.", "table"),
		unreadable: counter("cas_unreadable_values_total",
			"Values of answers that cannot be read as what their column holds, by table. They are in extra.", "table"),
	}
	registerer.MustRegister(m.processed, m.deadLetters, m.apiRequests, m.apiDuration, m.stageDuration, m.limiterWait,
		m.inflight, m.creditsSpent, m.answersReused, m.rowsWritten, m.unreadable)
	m.creditsLeftReg = func() {
		// Registered a second time it is refused, which is what is wanted.
		_ = registerer.Register(m.creditsLeft)
	}
	for _, r := range storage.Reasons() {
		m.deadLetters.WithLabelValues(string(r)) // alerts on rates need the zero
	}
	for _, table := range append(storage.StatementTables(), storage.ContractNoteTables()...) {
		m.unreadable.WithLabelValues(table)
	}
	return m
}

// called counts a call. status 0 is a call without an answer.
func (m *Metrics) called(endpoint string, status int, took time.Duration) {
	code := "none"
	if status != 0 {
		code = strconv.Itoa(status)
	}
	m.apiRequests.WithLabelValues(endpoint, code).Inc()
	m.apiDuration.WithLabelValues(endpoint).Observe(took.Seconds())
}

// wrote notes the rows that a statement was written as, by table.
func (m *Metrics) wrote(rows map[string]int64) {
	for table, n := range rows {
		m.rowsWritten.WithLabelValues(table).Add(float64(n))
	}
}

// couldNotRead notes the values that could not be read, by table.
func (m *Metrics) couldNotRead(values map[string]int) {
	for table, n := range values {
		m.unreadable.WithLabelValues(table).Add(float64(n))
	}
}

// credits notes what a call cost and what is left, as far as the API said it;
// both are decimal text.
func (m *Metrics) credits(spent, left string) {
	if f, err := strconv.ParseFloat(spent, 64); err == nil && f > 0 {
		m.creditsSpent.Add(f)
	}
	if f, err := strconv.ParseFloat(left, 64); err == nil {
		m.creditsLeft.Set(f)
		m.creditsLeftReg()
	}
}
