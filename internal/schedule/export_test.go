package schedule

import (
	"time"

	"casflow/internal/storage"
)

// SetRetry has a test wait less long.
func (s *Scheduler) SetRetry(d time.Duration) { s.retry = d }

// Due is when the next run is due.
func (w When) Due(last storage.ScheduleRun) time.Time { return w.due(last) }
