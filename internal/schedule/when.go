package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones are needed where the machine has none, as in a container of one program

	"github.com/robfig/cron/v3"

	"casflow/internal/storage"
)

// When is at which times something is due.
type When struct {
	times cron.Schedule
}

// Parse reads a cron expression of five fields (minute, hour, day of month, month,
// day of week), or @daily, @hourly and so on, or @every 90m. Its times are those of
// a zone of the IANA database, unless it begins with CRON_TZ=ZONE and a space.
func Parse(expression, zone string) (When, error) {
	text := strings.TrimSpace(expression)
	if own, rest, ok := strings.Cut(text, " "); strings.HasPrefix(own, "CRON_TZ=") {
		if !ok {
			return When{}, errors.New("there is nothing behind the zone")
		}
		zone, text = strings.TrimPrefix(own, "CRON_TZ="), strings.TrimSpace(rest)
	}
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		return When{}, errors.New("one zone is enough, as CRON_TZ=ZONE in front")
	}
	if _, err := time.LoadLocation(zone); err != nil {
		return When{}, fmt.Errorf("there is no time zone %q; give it as Asia/Kolkata or UTC", zone)
	}
	times, err := cron.ParseStandard("CRON_TZ=" + zone + " " + text)
	if err != nil {
		return When{}, fmt.Errorf("not a cron expression (%w); give it as \"30 1 * * *\": minute, hour, day of month, month, day of week", err)
	}
	if times.Next(time.Now()).IsZero() {
		return When{}, errors.New("that time never comes")
	}
	return When{times}, nil
}

// due is when the next run is due, given the last one.
func (w When) due(last storage.ScheduleRun) time.Time {
	if last.CutShort() {
		return *last.StartedAt
	}
	return w.times.Next(last.DueAt)
}
