package jobs

import (
	"context"
	"time"
)

// every tells when an interval has passed.
type every struct {
	interval time.Duration
	next     time.Time
}

func newEvery(interval time.Duration) *every { return &every{interval: interval} }

func (e *every) due() bool {
	now := time.Now()
	if now.Before(e.next) {
		return false
	}
	e.next = now.Add(e.interval)
	return true
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
