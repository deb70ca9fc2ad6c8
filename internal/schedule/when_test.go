package schedule_test

import (
	"strings"
	"testing"
	"time"

	"casflow/internal/schedule"
	"casflow/internal/storage"
)

func TestWhen_Due(t *testing.T) {
	t.Parallel()
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, test := range []struct{ expression, zone, last, want string }{
		{"30 1 * * *", "Asia/Kolkata", "2026-05-01T12:00:00Z", "2026-05-01T20:00:00Z"},
		{"30 1 * * *", "Asia/Kolkata", "2026-05-01T20:00:00Z", "2026-05-02T20:00:00Z"},
		{"30 1 * * *", "UTC", "2026-05-01T12:00:00Z", "2026-05-02T01:30:00Z"},
		{"CRON_TZ=UTC 30 1 * * *", "Asia/Kolkata", "2026-05-01T12:00:00Z", "2026-05-02T01:30:00Z"},
		{" @daily ", "Asia/Kolkata", "2026-05-01T12:00:00Z", "2026-05-01T18:30:00Z"},
		{"@every 90m", "UTC", "2026-05-01T12:00:00Z", "2026-05-01T13:30:00Z"},
		{"0 2 1 * MON", "UTC", "2026-05-01T12:00:00Z", "2026-05-04T02:00:00Z"},            // the first of the month, and mondays
		{"0 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", "2026-11-01T05:00:00Z"}, // the clock is put back that night
	} {
		when, err := schedule.Parse(test.expression, test.zone)
		if err != nil {
			t.Errorf("%s: %v", test.expression, err)
			continue
		}
		started := at("2026-01-01T00:00:00Z")
		if got := when.Due(storage.ScheduleRun{DueAt: at(test.last)}); !got.Equal(at(test.want)) {
			t.Errorf("%s in %s after %s: %s, want %s", test.expression, test.zone, test.last, got.UTC(), test.want)
		}
		if got := when.Due(storage.ScheduleRun{DueAt: at(test.last), StartedAt: &started}); !got.Equal(started) {
			t.Errorf("%s, cut short: %s, want it at once", test.expression, got)
		}
	}
}

func TestParse_Faults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ expression, zone, want string }{
		{"", "UTC", "not a cron expression"},
		{"30 1 * *", "UTC", "not a cron expression"},
		{"61 1 * * *", "UTC", "not a cron expression"},
		{"0 30 1 * * *", "UTC", "not a cron expression"},
		{"nightly", "UTC", "not a cron expression"},
		{"@every never", "UTC", "not a cron expression"},
		{"0 0 30 2 *", "UTC", "that time never comes"},
		{"30 1 * * *", "India", "there is no time zone \"India\""},
		{"CRON_TZ=Nowhere 30 1 * * *", "UTC", "there is no time zone \"Nowhere\""},
		{"CRON_TZ=UTC", "UTC", "nothing behind the zone"},
		{"TZ=UTC", "UTC", "one zone is enough"},
		{"CRON_TZ=UTC CRON_TZ=UTC 30 1 * * *", "UTC", "one zone is enough"},
	} {
		if _, err := schedule.Parse(test.expression, test.zone); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q in %q: %v, want %s", test.expression, test.zone, err, test.want)
		}
	}
}

// FuzzParse: whatever is given is refused, or has a time to come.
func FuzzParse(f *testing.F) {
	f.Add("30 1 * * *", "Asia/Kolkata")
	f.Add("CRON_TZ=UTC @daily", "UTC")
	f.Add("*/5 0-6,23 1-31/2 JAN-MAR ?", "UTC")
	f.Fuzz(func(t *testing.T, expression, zone string) {
		when, err := schedule.Parse(expression, zone)
		if err != nil {
			return
		}
		now := time.Now()
		if due := when.Due(storage.ScheduleRun{DueAt: now}); !due.After(now) {
			t.Errorf("%q in %q is due at %s, which has been", expression, zone, due)
		}
	})
}
