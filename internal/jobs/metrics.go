package jobs

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/casapi"
	"casflow/internal/storage"
)

// Metrics are what a worker counts while it works. Labels hold no id, PAN or
// object key, and no word that is not on a list of ours.
type Metrics struct {
	processed     *prometheus.CounterVec
	deadLetters   *prometheus.CounterVec
	apiRequests   *prometheus.CounterVec
	apiDuration   *prometheus.HistogramVec
	stageDuration *prometheus.HistogramVec
	limiterWait   prometheus.Histogram
	inflight      prometheus.Gauge
	creditsSpent  prometheus.Counter
	answersReused prometheus.Counter
	rowsWritten   *prometheus.CounterVec
	unreadable    *prometheus.CounterVec
	callbacks     callbackMetrics
	backendErrors *prometheus.CounterVec
	unsaved       prometheus.Gauge
	leader        prometheus.Gauge

	mu    sync.Mutex
	heard string // credits left, as an answer said; "" none since it was asked for last
}

// callbackMetrics are what is counted of callbacks.
type callbackMetrics struct {
	attempts *prometheus.CounterVec
	duration prometheus.Histogram
}

// Outcomes of an attempt to tell a callback.
const (
	outcomeDelivered = "delivered"
	outcomeRetry     = "retry"
	outcomeGivenUp   = "given_up"
)

// Backends, as labels.
const (
	backendPostgres = "postgres"
	backendRedis    = "redis"
	backendS3       = "s3"
)

// slowBuckets fit API calls of 1 to 90 seconds, in seconds.
var slowBuckets = []float64{.05, .1, .25, .5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120} //nolint:gochecknoglobals // a constant

// stageBuckets fit the stages of a document, from a millisecond to minutes.
var stageBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300} //nolint:gochecknoglobals // a constant

// histogram has classic buckets for every Prometheus and a native histogram for
// those that take one.
func histogram(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
	}
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// NewMetrics creates the metrics and registers them.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
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
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "cas_api_inflight", Help: "Parse calls of the API under way."}),
		creditsSpent: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "cas_credits_spent_total", Help: "Credits that answered calls of this process cost, as the API said.",
		}),
		answersReused: prometheus.NewCounter(prometheus.CounterOpts{Name: "cas_answers_reused_total", Help: "Documents finished with an answer that was paid for before."}),
		rowsWritten:   counter("cas_rows_written_total", "Rows of statements written, by table.", "table"),
		unreadable: counter("cas_unreadable_values_total",
			"Values of answers that cannot be read as what their column holds, by table. They are in extra.", "table"),
		callbacks: callbackMetrics{
			attempts: counter("cas_callback_attempts_total", "Attempts to tell a callback_url of the end of its document, by outcome: delivered, retry, given_up.", "outcome"),
			duration: prometheus.NewHistogram(histogram("cas_callback_duration_seconds", "Time an attempt to tell a callback_url took.", stageBuckets)),
		},
		backendErrors: counter("cas_backend_errors_total",
			"What Postgres, Redis or S3 did not do that this process asked for: not reached, too slow, or an error.", "backend"),
		unsaved: prometheus.NewGauge(prometheus.GaugeOpts{Name: "cas_unsaved_answer_bytes", Help: "Answers of the API in this process that are not in Postgres yet."}),
		leader:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "cas_leader", Help: "1 in the process whose dispatcher leads the fleet, else 0."}),
	}
	registerer.MustRegister(m.processed, m.deadLetters, m.apiRequests, m.apiDuration, m.stageDuration, m.limiterWait,
		m.inflight, m.creditsSpent, m.answersReused, m.rowsWritten, m.backendErrors, m.unsaved, m.leader, m.unreadable, m.callbacks.attempts, m.callbacks.duration)
	m.zero()
	return m
}

// zero makes the series that are known beforehand: a rate over one that appears
// with its first event misses that event.
func (m *Metrics) zero() {
	for _, reason := range storage.Reasons() {
		m.deadLetters.WithLabelValues(string(reason))
	}
	for _, kind := range Kinds() {
		for _, outcome := range []string{"parsed", "dead", "retry", "throttled", "stalled", "released"} {
			m.processed.WithLabelValues(kind, outcome)
		}
	}
	for _, code := range []string{"200", "429", codeNone} {
		m.apiRequests.WithLabelValues(string(casapi.SmartParse), code)
	}
	for _, table := range slices.Concat(storage.StatementTables(), storage.ContractNoteTables()) {
		m.rowsWritten.WithLabelValues(table)
	}
	for _, outcome := range []string{outcomeDelivered, outcomeRetry, outcomeGivenUp} {
		m.callbacks.attempts.WithLabelValues(outcome)
	}
	for _, backend := range []string{backendPostgres, backendRedis, backendS3} {
		m.backendErrors.WithLabelValues(backend)
	}
}

const (
	codeNone   = "none"  // no answer came
	labelOther = "other" // what is on no list: labels must not grow with what others send
)

// Called counts a call of the API; status 0 is a call without an answer.
func (m *Metrics) Called(endpoint casapi.Endpoint, status int, took time.Duration) {
	code := strconv.Itoa(status)
	switch {
	case status == 0:
		code = codeNone
	case status < 100 || status > 599:
		code = labelOther
	}
	label := endpointLabel(endpoint)
	m.apiRequests.WithLabelValues(label, code).Inc()
	m.apiDuration.WithLabelValues(label).Observe(took.Seconds())
}

// endpointLabel is the endpoint, if a worker is known to call it: a path may hold the
// id of a session.
func endpointLabel(endpoint casapi.Endpoint) string {
	for _, known := range parsers {
		if endpoint == known.endpoint {
			return string(endpoint)
		}
	}
	if endpoint == "/v1/credits" || endpoint == "/v1/usage" {
		return string(endpoint)
	}
	return labelOther
}

// ended counts a try of a document.
func (m *Metrics) ended(kind, outcome string) {
	if _, known := parsers[kind]; !known {
		kind = labelOther // the ledger takes any word
	}
	m.processed.WithLabelValues(kind, outcome).Inc()
}

// backendFailed counts what a backend has not done.
func (m *Metrics) backendFailed(backend string) { m.backendErrors.WithLabelValues(backend).Inc() }

// PostgresFailed counts what Postgres has not done.
func (m *Metrics) PostgresFailed() { m.backendFailed(backendPostgres) }

// holds notes bytes of answers that are not saved yet; a negative number lets them go.
func (m *Metrics) holds(bytes int64) { m.unsaved.Add(float64(bytes)) }

// died counts documents that became dead. It may be called on nil.
func (m *Metrics) died(reason storage.Reason, documents int) {
	if m != nil {
		m.deadLetters.WithLabelValues(string(reason)).Add(float64(documents))
	}
}

// leads notes whether this process' dispatcher leads. It may be called on nil.
func (m *Metrics) leads(leads bool) {
	if m != nil {
		m.leader.Set(float64(bit(leads)))
	}
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
