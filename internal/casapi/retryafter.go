package casapi

import (
	"net/http"
	"regexp"
	"strings"
	"time"
)

// maxRetryAfter bounds what the API may ask to wait: a slip in a header must
// not stop a fleet for a year.
const maxRetryAfter = time.Hour

var plainDecimal = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)

// retryAfter reads how long the API asks to wait: Retry-After-Ms, or
// Retry-After in seconds (fractions allowed) or as an HTTP date, as the
// official SDK reads them. It is between 0 and an hour; false means that there
// is no readable header.
func retryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	if wait, ok := parseWait(header.Get("Retry-After-Ms"), "ms"); ok {
		return wait, true
	}
	value := strings.TrimSpace(header.Get("Retry-After"))
	if wait, ok := parseWait(value, "s"); ok {
		return wait, true
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0, false
	}
	return min(max(at.Sub(now), 0), maxRetryAfter), true
}

func parseWait(text, unit string) (time.Duration, bool) {
	text = strings.TrimSpace(text)
	if !plainDecimal.MatchString(text) {
		return 0, false
	}
	wait, err := time.ParseDuration(text + unit)
	if err != nil { // more than a Duration holds
		return maxRetryAfter, true
	}
	return min(wait, maxRetryAfter), true
}
