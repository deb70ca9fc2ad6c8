package casapi

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	usageEndpoint Endpoint = "/v1/usage"

	defaultUsageLimit = 100                       // the schema's own
	maxUsageLimit     = 500                       // the schema's
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
	query.Limit = withDefault(query.Limit, defaultUsageLimit)
	q := question{endpoint: usageEndpoint, timeout: c.accountTime(), limit: maxUsageAnswer, lacks: "list of logs"}
	var span usageSpan
	span, q.fault = window(query.Start, query.End)
	if query.Limit < 1 || query.Limit > maxUsageLimit {
		q.fault = fmt.Sprintf("limit %d is not within 1 to %d", query.Limit, maxUsageLimit)
	}
	q.fields = struct {
		usageSpan
		Limit int `json:"limit"`
	}{span, query.Limit}
	var entries []UsageEntry
	_, err := c.ask(ctx, q, func(m members) (known bool, unreadable string) {
		if !isList(m["logs"]) {
			return false, ""
		}
		entries, unreadable = readLogs(m["logs"].elements())
		return true, unreadable
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

// usageSpan is a span of time in a request.
type usageSpan struct {
	Start time.Time `json:"start_time,omitzero"`
	End   time.Time `json:"end_time,omitzero"`
}

// window widens a span of time to whole seconds, or says what is wrong with it.
func window(start, end time.Time) (span usageSpan, fault string) {
	if !start.IsZero() && !end.IsZero() && end.Before(start) {
		return usageSpan{}, "end is before start" // an empty answer would tell a lie
	}
	span = usageSpan{start.UTC().Truncate(time.Second), end.UTC().Truncate(time.Second)}
	if span.End.Before(end) {
		span.End = span.End.Add(time.Second)
	}
	const lastYear = 9999 // of RFC 3339
	if span.Start.Year() > lastYear || span.End.Year() > lastYear {
		return usageSpan{}, "start or end is outside the years that RFC 3339 has"
	}
	return span, ""
}

// readLogs reads all entries, or names what of them is unreadable.
func readLogs(elements []Value) (entries []UsageEntry, unreadable string) {
	entries = make([]UsageEntry, 0, len(elements))
	for i, element := range elements {
		entry, fault := readUsage(element)
		if fault != "" {
			return nil, fmt.Sprintf("log %d of %d: %s", i+1, len(elements), fault)
		}
		entries = append(entries, entry)
	}
	return entries, ""
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
			entry.StatusCode, ok = value.whole()
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

// whole returns a whole number, 0 for an unknown one.
func (v Value) whole() (int, bool) {
	text, ok := v.content()
	if !ok || text == "" {
		return 0, ok
	}
	number, err := strconv.Atoi(text)
	return number, err == nil
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
