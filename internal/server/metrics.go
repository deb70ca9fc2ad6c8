package server

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what is counted of requests. Services are those of the configuration,
// routes those of the API, so that no caller can make series.
type metrics struct {
	requests    *prometheus.CounterVec
	duration    *prometheus.HistogramVec
	submissions *prometheus.CounterVec
	inflight    prometheus.Gauge
}

// Outcomes of a submission.
const (
	outcomeNew     = "new"
	outcomeKnown   = "known"
	outcomeRefused = "refused" // by what was asked for
	outcomeFailed  = "failed"  // by what was away
)

// nobody is the service of requests without a token that is known, and elsewhere the
// route of those that lead nowhere.
const (
	nobody    = "none"
	elsewhere = "other"
)

func newMetrics(registerer prometheus.Registerer, services []Service) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cas_http_requests_total", Help: "Requests of the HTTP API, by service, route and status.",
		}, []string{"service", "route", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cas_http_request_duration_seconds", Help: "Time a request of the HTTP API took, the sending of its body included.",
			Buckets:                     []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"route"}),
		submissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cas_http_submissions_total",
			Help: "Documents that services submitted, by service and outcome: new, known, refused (by what was asked for), failed (by what was away).",
		}, []string{"service", "outcome"}),
		inflight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "cas_http_requests_inflight", Help: "Requests of the HTTP API under way."}),
	}
	registerer.MustRegister(m.requests, m.duration, m.submissions, m.inflight)
	for _, s := range services {
		m.expect(s.Name)
	}
	return m
}

// expect has the submissions of a service, or of a source, begin at zero, which
// alerts on rates need.
func (m *metrics) expect(service string) {
	for _, outcome := range []string{outcomeNew, outcomeKnown, outcomeRefused, outcomeFailed} {
		m.submissions.WithLabelValues(service, outcome)
	}
}

func (m *metrics) served(service, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(service, route, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) submitted(service, outcome string, n int) {
	m.submissions.WithLabelValues(service, outcome).Add(float64(n))
}
