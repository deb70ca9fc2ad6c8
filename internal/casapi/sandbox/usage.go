package sandbox

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
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

// usageQuery is the body of a /v1/usage call.
type usageQuery struct {
	Start *time.Time `json:"start_time"`
	End   *time.Time `json:"end_time"`
	Limit *int       `json:"limit"`
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
func (s *Sandbox) usage(r *http.Request) *answer {
	defer drain(r)
	if refused := s.ledger.admitUsage(r.Header.Get(keyHeader)); refused != nil {
		return refused
	}
	query, msg := readUsageQuery(r.Body)
	if msg != "" {
		return badRequest(msg)
	}
	return jsonAnswer(http.StatusOK, s.ledger.usage(query, s.clock()))
}

// readUsageQuery reads a query strictly: names and types as the schema has them,
// nothing twice and nothing else. An empty body asks for the defaults. msg says
// what is wrong.
func readUsageQuery(body io.Reader) (query usageQuery, msg string) {
	text, err := io.ReadAll(io.LimitReader(body, maxTextBytes))
	if err != nil {
		return usageQuery{}, "The request body cannot be read"
	}
	if len(text) > 0 && jsonv2.Unmarshal(text, &query, jsonv2.RejectUnknownMembers(true)) != nil {
		return usageQuery{}, "The request body is not a usage query"
	}
	switch {
	case query.Limit != nil && (*query.Limit < 1 || *query.Limit > maxUsageLimit):
		return usageQuery{}, "limit must be between 1 and 500"
	case query.Start != nil && query.End != nil && query.End.Before(*query.Start):
		return usageQuery{}, "end_time is before start_time"
	}
	return query, ""
}

func (l *ledger) admitUsage(key string) (refused *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.knows(key):
		return invalidKey()
	case l.usageFault != 0:
		fault := Fault{Status: l.usageFault}
		return fault.answer()
	}
	return nil
}

// usage lists what the query asks for, newest first.
func (l *ledger) usage(query usageQuery, now time.Time) usageAnswer {
	start, limit := now.Add(-defaultUsageSpan), defaultUsageLimit
	if query.Start != nil {
		start = *query.Start
	}
	if query.Limit != nil {
		limit = *query.Limit
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	logs := []usageEntry{} // not null when there are none
	for n := len(l.calls) - 1; n >= 0 && len(logs) < limit; n-- {
		call, log := &l.calls[n], l.logged[n]
		switch {
		case log.denied, !log.ended, l.usageLag > 0 && now.Sub(call.At) < l.usageLag:
		case call.At.Before(start), query.End != nil && call.At.After(*query.End):
		default:
			logs = append(logs, usageEntry{
				RequestID:  call.RequestID,
				Feature:    feature(call.Endpoint),
				Path:       call.Endpoint,
				StatusCode: log.status,
				Credits:    json.Number(decimal(call.Credits)),
				Timestamp:  call.At.UTC().Format(time.RFC3339Nano),
			})
		}
	}
	return usageAnswer{Status: "success", Count: len(logs), Logs: logs}
}

// feature is the API's name for what a parse path does (the docs).
func feature(path string) string {
	switch path {
	case CDSLParse:
		return "cdsl_cas_parser"
	case NSDLParse:
		return "nsdl_cas_parser"
	case CAMSKFintechParse:
		return "cams_kfintech_cas_parser"
	default:
		return "smart_parser"
	}
}
