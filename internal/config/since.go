package config

import (
	"fmt"
	"time"
)

// ParseSince reads a point in the past: a date (2026-05-01, midnight UTC), a time
// (RFC 3339) or an age (36h) counted back from now. "" is the zero time. The error
// says what is expected.
func ParseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age > 0 {
		return now.Add(-age), nil
	}
	return time.Time{}, fmt.Errorf("is %q; expected a date (2026-05-01), a time (RFC 3339) or an age (36h)", text)
}
