package config

import (
	"errors"
	"log/slog"
)

// SQS says where notifications of S3 are taken from besides requests.
type SQS struct {
	// URL of a queue. Empty: none.
	URL string `name:"sqs-url" env:"CASFLOW_SQS_URL" placeholder:"URL" help:"SQS queue that S3 sends its notifications to: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME. Its messages are deleted once their objects are recorded."`
}

// LogValue shows the settings.
func (s SQS) LogValue() slog.Value { return slog.GroupValue(slog.String("url", s.URL)) }

// Schedules say what is scanned when: each of Times goes with the one of Scans at the
// same place.
type Schedules struct {
	// Times are cron expressions; none: nothing is scanned.
	Times []string `name:"schedule" env:"CASFLOW_SCHEDULE" sep:";" placeholder:"CRON" help:"When to scan, as cron has it: 30 1 * * * (minute, hour, day of month, month, day of week), @daily, @every 90m; repeatable (or several with ;), each with a --scan. Give all servers the same."`
	// Scans are s3://BUCKET/PREFIX.
	Scans []string `name:"scan" env:"CASFLOW_SCHEDULE_SCAN" sep:";" placeholder:"s3://BUCKET/PREFIX" help:"What to scan then: as many as --schedule, in the same order."`
	// Zone is a name of the IANA database. Defaults to Asia/Kolkata.
	Zone string `name:"schedule-zone" env:"CASFLOW_SCHEDULE_ZONE" default:"Asia/Kolkata" placeholder:"ZONE" help:"Time zone of the schedules; one that begins with CRON_TZ=ZONE and a space has its own."`
	// Batch may hold {date}. Empty: the batch of S3 events, if that is set.
	Batch string `name:"schedule-batch" env:"CASFLOW_SCHEDULE_BATCH" placeholder:"NAME" help:"Batch that scheduled scans record in, instead of --event-batch; {date} in it is the day on which the scan begins."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (s Schedules) Faults() error {
	switch {
	case len(s.Times) != len(s.Scans):
		return fault("CASFLOW_SCHEDULE", "schedule", "has %d times, and CASFLOW_SCHEDULE_SCAN (--scan) %d sources; give each time its source", len(s.Times), len(s.Scans))
	case s.Batch != "" && len(s.Times) == 0:
		return errors.New("CASFLOW_SCHEDULE_BATCH (--schedule-batch): is of no use without CASFLOW_SCHEDULE (--schedule)")
	}
	return nil
}
