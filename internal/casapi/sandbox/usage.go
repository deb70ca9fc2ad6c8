package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

const (
	defaultUsageLimit = 100                 // the schema
	maxUsageLimit     = 500                 // the schema
	defaultUsageSpan  = 30 * 24 * time.Hour // the schema
)

// SetUsageFault makes /v1/usage answer every call that has the right key with
// this status and an error. 0: none.
func (s *Sandbox) SetUsageFault(status int) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.usageFault = status
}

// SetUsageLag makes the usage log late: a call is missing from it until so long
// after its arrival, by Config.Clock. 0: not late.
func (s *Sandbox) SetUsageLag(lag time.Duration) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	s.ledger.usageLag = lag
}

// span is what the usage log is asked for. An end of zero is no end.
type span struct{ start, end time.Time }

// readSpan reads start_time and end_time; start is what start_time defaults to.
func readSpan(start time.Time, from, to *time.Time) (s span, msg string) {
	s.start = start
	if from != nil {
		s.start = *from
	}
	if to != nil {
		s.end = *to
	}
	if from != nil && to != nil && to.Before(*from) {
		return span{}, "end_time is before start_time"
	}
	return s, ""
}

// usageAnswer is the answer of /v1/usage (the schema).
type usageAnswer struct {
	Status string       `json:"status"`
	Count  int          `json:"count"`
	Logs   []usageEntry `json:"logs"`
}

type usageEntry struct {
	RequestID  string      `json:"request_id"`
	Feature    string      `json:"feature"`
	Path       string      `json:"path"`
	StatusCode int         `json:"status_code"`
	Credits    json.Number `json:"credits"`
	Timestamp  string      `json:"timestamp"`
}

// usage answers /v1/usage. Its checks: key, SetUsageFault, query.
func (s *Sandbox) usage(r *http.Request, a *account) *answer {
	s.ledger.mu.Lock()
	fault := Fault{Status: s.ledger.usageFault}
	s.ledger.mu.Unlock()
	if fault.Status != 0 {
		return fault.answer()
	}
	var fields struct {
		Start *time.Time `json:"start_time"`
		End   *time.Time `json:"end_time"`
		Limit *int       `json:"limit"`
	}
	if refused := readFields(r, &fields, badField); refused != nil {
		return refused
	}
	limit := defaultUsageLimit
	if fields.Limit != nil {
		limit = *fields.Limit
	}
	if limit < 1 || limit > maxUsageLimit {
		return badField("limit must be between 1 and 500")
	}
	asked, msg := readSpan(s.clock().Add(-defaultUsageSpan), fields.Start, fields.End)
	if msg != "" {
		return badField(msg)
	}
	logs := []usageEntry{} // not null when there are none
	for _, e := range s.ledger.logged(a, asked) {
		if len(logs) == limit {
			break
		}
		logs = append(logs, usageEntry{
			RequestID: e.id, Feature: e.feature, Path: e.path, StatusCode: e.status, Credits: e.credits.number(),
			Timestamp: e.at.UTC().Format(time.RFC3339Nano),
		})
	}
	return jsonAnswer(http.StatusOK, usageAnswer{Status: "success", Count: len(logs), Logs: logs})
}

// logged is what the log shows of a span of time, newest first.
func (l *ledger) logged(a *account, asked span) []logEntry {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	var shown []logEntry
	for _, e := range slices.Backward(a.log) {
		switch {
		case !e.ended, l.usageLag > 0 && now.Sub(e.at) < l.usageLag:
		case e.at.Before(asked.start), !asked.end.IsZero() && e.at.After(asked.end):
		default:
			shown = append(shown, *e)
		}
	}
	return shown
}

// summaryAnswer is the answer of /v1/usage/summary (the schema).
type summaryAnswer struct {
	Status  string  `json:"status"`
	Summary summary `json:"summary"`
}

type summary struct {
	TotalCredits  json.Number    `json:"total_credits"`
	TotalRequests int            `json:"total_requests"`
	ByFeature     []featureUsage `json:"by_feature"`
}

type featureUsage struct {
	Feature  string      `json:"feature"`
	Credits  json.Number `json:"credits"`
	Requests int         `json:"requests"`
}

// usageSummary answers /v1/usage/summary: by default of this month.
func (s *Sandbox) usageSummary(r *http.Request, a *account) *answer {
	var fields struct {
		Start *time.Time `json:"start_time"`
		End   *time.Time `json:"end_time"`
	}
	if refused := readFields(r, &fields, badField); refused != nil {
		return refused
	}
	asked, msg := readSpan(nextMonth(s.clock()).AddDate(0, -1, 0), fields.Start, fields.End)
	if msg != "" {
		return badField(msg)
	}
	total, requests := Amount(0), 0
	credits, counts := map[string]Amount{}, map[string]int{}
	for _, e := range s.ledger.logged(a, asked) {
		total, requests = total+e.credits, requests+1
		credits[e.feature] += e.credits
		counts[e.feature]++
	}
	by := []featureUsage{} // not null when there are none
	for _, feature := range features() {
		if counts[feature] > 0 {
			by = append(by, featureUsage{Feature: feature, Credits: credits[feature].number(), Requests: counts[feature]})
		}
	}
	return jsonAnswer(http.StatusOK, summaryAnswer{"success", summary{total.number(), requests, by}})
}
