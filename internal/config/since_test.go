package config

import (
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 10, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct{ text, want string }{ // "" is an error
		{"2026-05-01", "2026-05-01T00:00:00Z"},
		{"2026-05-01T10:00:00Z", "2026-05-01T10:00:00Z"},
		{"2026-05-01T10:00:00+05:30", "2026-05-01T04:30:00Z"},
		{"36h", "2026-05-09T00:00:00Z"},
		{"90m30s", "2026-05-10T10:29:30Z"},
		{"0s", ""},
		{"-1h", ""},
		{"2026-13-01", ""},
		{"01/05/2026", ""},
		{"2026-05-01 10:00", ""},
		{"36", ""},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			got, err := ParseSince(test.text, now)
			if text := got.UTC().Format(time.RFC3339); err == nil && text != test.want || (err == nil) != (test.want != "") {
				t.Errorf("ParseSince = %s, %v, want %q", text, err, test.want)
			}
		})
	}
	if got, err := ParseSince("", now); err != nil || !got.IsZero() {
		t.Errorf("ParseSince of nothing = %s, %v, want no limit", got, err)
	}
}
