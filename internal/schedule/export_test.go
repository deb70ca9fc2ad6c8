package schedule

import (
	"context"
	"time"

	"casflow/internal/storage"
)

// SetRetry has a test wait less long.
func (s *Scheduler) SetRetry(d time.Duration) { s.retry = d }

// Once does one run of the nth entry.
func (s *Scheduler) Once(ctx context.Context, held *storage.Hold, n int) error {
	return s.once(ctx, held, s.entries[n])
}

// Due is when the next run is due.
func (w When) Due(last storage.ScheduleRun) time.Time { return w.due(last) }
