package objectevents

import "github.com/prometheus/client_golang/prometheus"

// What becomes of a message.
const (
	outcomeRecorded = "recorded" // and deleted
	outcomeUnfit    = "unfit"    // left to the redrive policy
	outcomeReturned = "returned" // given back as the queue stops
)

// What may fail, so that it is tried again.
const (
	stepReceive = "receive"
	stepRecord  = "record"
	stepDelete  = "delete"
	stepHide    = "hide"
)

// metrics are what is counted of messages.
type metrics struct {
	messages *prometheus.CounterVec
	failures *prometheus.CounterVec
}

// newMetrics registers the metrics; nil is nowhere.
func newMetrics(registerer prometheus.Registerer) *metrics {
	m := &metrics{
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cas_sqs_messages_total",
			Help: "Messages of the SQS queue, by outcome: recorded (and deleted), unfit (left to the queue's redrive policy), returned (given back at the end).",
		}, []string{"outcome"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cas_sqs_failures_total",
			Help: "What failed about messages of the SQS queue and is tried again, by step: receive, record, delete, hide.",
		}, []string{"step"}),
	}
	for _, outcome := range []string{outcomeRecorded, outcomeUnfit, outcomeReturned} { // alerts on rates need the zero
		m.messages.WithLabelValues(outcome)
	}
	for _, step := range []string{stepReceive, stepRecord, stepDelete, stepHide} {
		m.failures.WithLabelValues(step)
	}
	if registerer != nil {
		registerer.MustRegister(m.messages, m.failures)
	}
	return m
}

func (m *metrics) ended(outcome string, messages int) {
	m.messages.WithLabelValues(outcome).Add(float64(messages))
}

func (m *metrics) failed(step string) { m.failures.WithLabelValues(step).Inc() }
