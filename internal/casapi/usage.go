package casapi

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	usageEndpoint Endpoint = "/v1/usage"

	defaultUsageLimit = 100                       // the schema's own
	maxUsageLimit     = 500                       // the schema's
	usageTimeout      = creditsTimeout            // the docs have one for both
	maxUsageAnswer    = (8 << 10) * maxUsageLimit // an entry takes some 250 bytes
)

// UsageQuery says which part of the usage log is asked for. The zero value asks
// for 100 entries of the last 30 days, the newest where the API sorts so.
type UsageQuery struct {
	// Start and End bound the window. They are sent in whole seconds, Start
	// rounded down and End up. Zero leaves them to the API: 30 days ago and, as
	// it seems, now. Whether the bounds themselves are inside is not documented.
	Start, End time.Time
	// Limit is how many entries are wanted at most, 1 to 500. Defaults to 100.
	Limit int
}

// UsageEntry is one call in the usage log. A member that the API leaves out, or
// gives as null, is zero here: unknown. All names are the schema's.
type UsageEntry struct {
	// RequestID is the X-Request-ID of the call, its own where it sent one (see
	// NewRequestID).
	RequestID string
	// Feature is the API's name for what was used, such as "smart_parser".
	Feature string
	// Path is the path of the call, such as "/v4/smart/parse".
	Path string
	// StatusCode is the HTTP status that the call ended with. 0: unknown.
	StatusCode int
	// Credits is what the call cost, as decimal text ("1.0"). "" is unknown, and
	// not the same as "0".
	Credits string
	// At is the time of the call; whether of its start or its end is not
	// documented. A time without a zone is read as Indian.
	At time.Time
}

// Charged reports whether the call is known to have cost credits.
func (e *UsageEntry) Charged() bool { return e.Credits != "" && !spent(e.Credits) }

// Usage returns the entries of the account's usage log that query asks for, as
// the API orders them (the docs name no order). As many as query.Limit may mean
// that there are more. That an entry is missing proves nothing for some time: no
// delay is documented, and a case study saw the metering trail by half an hour.
//
// The call is free (the docs), so its errors never match ErrOutcomeUnknown. A
// query that is wrong in itself is ErrBadRequest and is not sent. An answer
// without a list of entries, or with one that cannot be read, is ErrBadAnswer:
// half a log would read as calls that were never billed.
func (c *Client) Usage(ctx context.Context, query UsageQuery) ([]UsageEntry, error) {
	key := c.key()
	call := &call{
		endpoint:    usageEndpoint,
		requestID:   NewRequestID(),
		key:         key,
		sanitizer:   newSanitizer(key, "", ""),
		contentType: "application/json",
		limit:       maxUsageAnswer,
	}
	text, fault := query.body()
	if fault != "" {
		return nil, call.refuse(ErrBadRequest, fault)
	}
	call.body = newBody(bytes.NewReader(text), int64(len(text)), nil)
	ctx, cancel := context.WithTimeout(ctx, min(c.timeout, usageTimeout))
	defer cancel()
	reply, err := c.do(ctx, call)
	if err != nil {
		return nil, err
	}
	return call.usage(reply)
}

// body returns the query as JSON, or what is wrong with it.
func (q UsageQuery) body() (text []byte, fault string) {
	q.Limit = withDefault(q.Limit, defaultUsageLimit)
	switch {
	case q.Limit < 1 || q.Limit > maxUsageLimit:
		return nil, fmt.Sprintf("limit %d is not within 1 to %d", q.Limit, maxUsageLimit)
	case !q.Start.IsZero() && !q.End.IsZero() && q.End.Before(q.Start):
		return nil, "end is before start" // an empty answer would tell a lie
	}
	end := q.End.UTC().Truncate(time.Second)
	if end.Before(q.End) {
		end = end.Add(time.Second)
	}
	text, err := json.Marshal(struct {
		Start time.Time `json:"start_time,omitzero"`
		End   time.Time `json:"end_time,omitzero"`
		Limit int       `json:"limit"`
	}{q.Start.UTC().Truncate(time.Second), end, q.Limit})
	if err != nil {
		return nil, "start or end is outside the years that RFC 3339 has"
	}
	return text, ""
}

// usage judges an answer with a 2xx status.
func (call *call) usage(reply *reply) ([]UsageEntry, error) {
	failure := call.misfit(reply)
	if reply.tooLarge {
		failure.Class = ErrBadAnswer
		failure.Message = fmt.Sprintf("answer is larger than %d bytes", call.limit)
		return nil, failure
	}
	env := readEnvelope(reply.body)
	if !env.complete {
		failure.Class = ErrUnavailable
		failure.Message = call.notJSON(reply)
		return nil, failure
	}
	logs := usageLogs(withoutBOM(reply.body))
	if logs == "" && env.data != nil {
		logs = usageLogs(env.data)
	}
	listed := logs != "" && kindOf(logs) == jsontext.KindBeginArray
	if env.failed || !listed && namesFailure(reply.status, env) {
		return nil, call.rejected(reply.status, reply.header, env, reply.body)
	}
	failure.Class = ErrBadAnswer
	if !listed {
		failure.Message = "answer has no list of logs"
		return nil, failure
	}
	elements := logs.elements()
	entries := make([]UsageEntry, 0, len(elements))
	for i, element := range elements {
		entry, unreadable := readUsage(element)
		if unreadable != "" {
			failure.Message = fmt.Sprintf("log %d of %d: %s is unreadable", i+1, len(elements), unreadable)
			return nil, failure
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// usageLogs returns the member that holds the entries.
func usageLogs(object []byte) (logs Value) {
	eachMember(object, func(name string, value jsontext.Value) {
		if name == "logs" {
			logs = Value(value)
		}
	})
	return logs
}

// readUsage reads one entry, or names what of it is unreadable.
func readUsage(element Value) (entry UsageEntry, unreadable string) {
	if kindOf(element) != jsontext.KindBeginObject {
		return UsageEntry{}, "the entry"
	}
	eachMember([]byte(element), func(name string, value jsontext.Value) {
		ok := true
		switch value := Value(value); name {
		case "request_id":
			entry.RequestID, ok = value.Text()
		case "feature":
			entry.Feature, ok = value.Text()
		case "path":
			entry.Path, ok = value.Text()
		case "status_code":
			entry.StatusCode, ok = value.statusCode()
		case "credits":
			entry.Credits, ok = value.Decimal()
		case "timestamp":
			entry.At, ok = value.instant()
		}
		if !ok {
			unreadable = name
		}
	})
	return entry, unreadable
}

// statusCode returns an HTTP status, 0 for an unknown one.
func (v Value) statusCode() (int, bool) {
	text, ok := v.content()
	if !ok || text == "" {
		return 0, ok
	}
	status, err := strconv.Atoi(text)
	return status, err == nil
}

// instant returns what Time reads, the zero time for an unknown one.
func (v Value) instant() (time.Time, bool) {
	text, ok := v.Time()
	if !ok || text == "" {
		return time.Time{}, ok
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	return at, err == nil
}
