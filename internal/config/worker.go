package config

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// Worker says how a worker works.
type Worker struct {
	// Concurrency is in tasks per process. Defaults to 32; at least 1.
	Concurrency int `name:"concurrency" env:"CASFLOW_CONCURRENCY" default:"32" help:"Tasks in flight per worker process; a quarter as many again are kept free for interactive ones. Calls in flight are rate times latency, so it should exceed that."`
	// MaxAttempts is in calls per document. Defaults to 6; at least 1.
	MaxAttempts int `name:"max-attempts" env:"CASFLOW_MAX_ATTEMPTS" default:"6" help:"API attempts per document before it is dead with retries_exhausted."`
	// BackoffBase is the first wait between attempts. Defaults to 2s.
	BackoffBase time.Duration `name:"backoff-base" env:"CASFLOW_BACKOFF_BASE" default:"2s" help:"First wait between attempts; doubled each time, with full jitter."`
	// BackoffMax is the longest wait between attempts. Defaults to 10m.
	BackoffMax time.Duration `name:"backoff-max" env:"CASFLOW_BACKOFF_MAX" default:"10m" help:"Longest wait between attempts."`
	// Window is in tasks per queue. Defaults to 512; at least 1.
	Window int `name:"window" env:"CASFLOW_WINDOW" default:"512" help:"Tasks kept in Redis per queue; the backlog waits in Postgres."`
	// Retention is how long raw answers are kept. Defaults to 0: for ever; at least 1h.
	Retention time.Duration `name:"answer-retention" env:"CASFLOW_ANSWER_RETENTION" default:"0s" help:"How long raw answers of parsed documents are kept; 0 is for ever. Without its raw answer a statement cannot be replayed."`
	// Addr is HOST:PORT or :PORT; port 0 takes a free one. Defaults to :9091.
	Addr string `name:"addr" env:"CASFLOW_ADDR" default:":9091" help:"Address of /metrics, /healthz and /readyz."`
	// Force starts on a Redis that may lose tasks. Defaults to false.
	Force bool `name:"force" env:"CASFLOW_FORCE_START" default:"false" help:"Start on a Redis that may lose tasks (older than 6.2, or maxmemory-policy not noeviction): what is wrong is logged instead."`
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
	if w.BackoffBase <= 0 {
		faults = append(faults, fault("CASFLOW_BACKOFF_BASE", "backoff-base", "is %s; expected more than 0s", w.BackoffBase))
	}
	if w.BackoffMax < w.BackoffBase {
		faults = append(faults, fault("CASFLOW_BACKOFF_MAX", "backoff-max", "is %s; expected at least the base, %s", w.BackoffMax, w.BackoffBase))
	}
	atLeastOne("CASFLOW_WINDOW", "window", w.Window)
	if w.Retention != 0 && w.Retention < time.Hour {
		faults = append(faults, fault("CASFLOW_ANSWER_RETENTION", "answer-retention", "is %s; expected 0 (for ever) or at least 1h", w.Retention))
	}
	if _, port, err := net.SplitHostPort(w.Addr); err != nil || port != "0" && !isPort(port) {
		faults = append(faults, fault("CASFLOW_ADDR", "addr", "is %s; expected HOST:PORT or :PORT, such as :9091", quote(w.Addr)))
	}
	return errors.Join(faults...)
}

// LogValue shows the settings.
func (w Worker) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("concurrency", w.Concurrency), slog.Int("max_attempts", w.MaxAttempts), slog.Duration("backoff_base", w.BackoffBase),
		slog.Duration("backoff_max", w.BackoffMax), slog.Int("window", w.Window), slog.Duration("answer_retention", w.Retention),
		slog.String("addr", w.Addr), slog.Bool("force", w.Force))
}
