package config

import (
	"errors"
	"time"
)

// Worker says how a worker works.
type Worker struct {
	Concurrency int           `name:"concurrency" env:"CASFLOW_CONCURRENCY" default:"32" help:"Tasks in flight per worker process; a quarter as many again are kept free for interactive ones. Calls in flight are rate times latency, so it should exceed that."`
	MaxAttempts int           `name:"max-attempts" env:"CASFLOW_MAX_ATTEMPTS" default:"6" help:"API attempts per document before it is dead with retries_exhausted."`
	BackoffBase time.Duration `name:"backoff-base" env:"CASFLOW_BACKOFF_BASE" default:"2s" help:"First wait between attempts; doubled each time, with full jitter."`
	BackoffMax  time.Duration `name:"backoff-max" env:"CASFLOW_BACKOFF_MAX" default:"10m" help:"Longest wait between attempts."`
	Window      int           `name:"window" env:"CASFLOW_WINDOW" default:"512" help:"Tasks kept in Redis per queue; the backlog waits in Postgres."`
	Addr        string        `name:"addr" env:"CASFLOW_ADDR" default:":9091" help:"Address of /metrics, /healthz and /readyz."`
}

// Faults reports, in one error, what makes no sense; nil when all does.
func (w Worker) Faults() error {
	var faults []error
	atLeastOne := func(variable, flag string, n int) {
		if n < 1 {
			faults = append(faults, fault(variable, flag, "is %d; expected at least 1", n))
		}
	}
	atLeastOne("CASFLOW_CONCURRENCY", "concurrency", w.Concurrency)
	atLeastOne("CASFLOW_MAX_ATTEMPTS", "max-attempts", w.MaxAttempts)
	atLeastOne("CASFLOW_WINDOW", "window", w.Window)
	if w.BackoffBase <= 0 {
		faults = append(faults, fault("CASFLOW_BACKOFF_BASE", "backoff-base", "is %s; expected more than 0", w.BackoffBase))
	}
	if w.BackoffMax < w.BackoffBase {
		faults = append(faults, fault("CASFLOW_BACKOFF_MAX", "backoff-max", "is %s; expected at least the base, %s", w.BackoffMax, w.BackoffBase))
	}
	return errors.Join(faults...)
}
