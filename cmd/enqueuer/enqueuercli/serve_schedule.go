package enqueuercli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/redact"
	"casflow/internal/schedule"
)

const (
	// scheduledListers leaves connections to Postgres to requests.
	scheduledListers = 2
	// scheduledResume is how long ago a scan may have been cut short to be gone on with.
	scheduledResume = time.Hour
)

// scheduleFaults is what makes no sense about schedules besides their number.
func (c *serveCommand) scheduleFaults() error {
	_, err := c.schedules(nil, nil)
	return err
}

// newSchedules makes what runs the scans; nil where there are none.
func (c *serveCommand) newSchedules(parts *connections, registry *prometheus.Registry, logger *slog.Logger) (*schedule.Scheduler, error) {
	entries, err := c.schedules(parts, logger)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	return schedule.New(parts.db, registry, logger, entries)
}

// schedules reads the schedules. Its error is all that makes no sense about them.
func (c *serveCommand) schedules(parts *connections, logger *slog.Logger) ([]schedule.Entry, error) {
	if len(c.Schedules.Times) != len(c.Schedules.Scans) {
		return nil, nil // which has been said
	}
	var entries []schedule.Entry
	var faults []error
	seen := make(map[string]bool)
	for n, expression := range c.Schedules.Times {
		source := c.Schedules.Scans[n]
		when, err := schedule.Parse(expression, c.Schedules.Zone)
		if err != nil {
			faults = append(faults, fmt.Errorf("CASFLOW_SCHEDULE (--schedule): %q: %w", redact.PANs(expression), err))
		}
		if _, _, err := bucketAndKey(source, "s3://BUCKET/PREFIX"); err != nil {
			faults = append(faults, fmt.Errorf("CASFLOW_SCHEDULE_SCAN (--scan): %w", err))
		}
		name := expression + " " + source
		if seen[name] {
			faults = append(faults, fmt.Errorf("CASFLOW_SCHEDULE (--schedule): %q is given twice for %s", redact.PANs(expression), presentable(source)))
		}
		seen[name] = true
		entries = append(entries, schedule.Entry{
			Name: name, When: when, Run: func(ctx context.Context) error {
				return c.scanNow(ctx, parts, logger.With(slog.String("schedule", redact.PANs(name))), source)
			},
		})
	}
	return entries, errors.Join(faults...)
}

// scanNow is one scheduled scan: of all that is there, as what is known is left
// alone.
func (c *serveCommand) scanNow(ctx context.Context, parts *connections, logger *slog.Logger, source string) error {
	batch := c.Events.Batch
	if c.Schedules.Batch != "" {
		zone, err := time.LoadLocation(c.Schedules.Zone)
		if err != nil {
			return fmt.Errorf("name the batch of a scheduled scan: %w", err)
		}
		batch = strings.ReplaceAll(c.Schedules.Batch, "{date}", time.Now().In(zone).Format(time.DateOnly))
	}
	scanning := &scanCommand{
		Source: source, intake: intake{Kind: c.Events.Kind, Broker: c.Events.Broker, Batch: batch},
		Queue: c.Events.Queue, Suffix: c.Events.Suffix, Listers: scheduledListers, Resume: scheduledResume,
	}
	summary, err := scanning.scan(ctx, parts, time.Time{}, nil)
	if err != nil {
		return err
	}
	logger.InfoContext(ctx, "bucket scanned", slog.String("batch", batch), slog.Int("listed", summary.Listed),
		slog.Int("new", summary.New), slog.Int("known", summary.Known), slog.Int("left_out", summary.LeftOut), slog.Bool("resumed", summary.Resumed != nil))
	return nil
}
