package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"casflow/internal/casapi"
)

// Health is what a call showed of the API.
type Health string

// The values of Health.
const (
	HealthUp      Health = "up"      // it answered, if only to refuse
	HealthDown    Health = "down"    // it failed, or could not be reached
	HealthUnknown Health = "unknown" // the call ended for a reason of ours
)

// healthOf reads the error of a call, or nil.
func healthOf(err error) Health {
	switch {
	case errors.Is(err, casapi.ErrSource), errors.Is(err, context.Canceled):
		return HealthUnknown
	case errors.Is(err, casapi.ErrUnavailable):
		return HealthDown
	default:
		return HealthUp
	}
}

// reportPatience is how long a report may take: an answer waits to be saved.
const reportPatience = time.Second

// toldTogether is how many answers are told of together at the latest: outcomes of
// other workers that came after them stand before them in the window then.
const toldTogether = 4

// Report tells the breaker how a call ended that took so long. When 80 % of the
// fleet's last 20 outcomes (10 will do) are down, the breaker opens: permits go
// to one caller at a time, the first after a second, each next one when the one
// before has reported and twice as long has passed, up to a minute. The first
// call that shows the API up closes it. While it is open the others wait in
// Wait, and no document loses an attempt to an API that is known to be down.
//
// That the API is up is no news while the breaker is closed: it is told together with
// whatever Redis is asked or told next, or with other such answers.
func (l *Limiter) Report(ctx context.Context, health Health, took time.Duration) error {
	if health == HealthUp {
		if l.answer() < toldTogether && !l.open.Load() {
			return nil
		}
		health = HealthUnknown // what is known goes along anyway
	}
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	if _, err := l.tell(ctx, reportScript, string(health), max(0, took.Microseconds())); err != nil {
		return fmt.Errorf("report a call: %w", err)
	}
	return nil
}
