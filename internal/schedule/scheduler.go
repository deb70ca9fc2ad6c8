package schedule

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// Entry is something to run, and when.
type Entry struct {
	// Name is how the ledger knows it: another name is another schedule.
	Name string
	When When
	// Run does it. Where it is cut short because ctx has ended it is run again, and so it
	// is, a little later, where its error matches storage.ErrScanning: another process is
	// at it still, or somebody else is.
	Run func(ctx context.Context) error
}

const (
	// defaultRetry is how long is waited before Postgres is asked again, and how often
	// who does not lead tries to.
	defaultRetry = 15 * time.Second
	// look is how often the clock is looked at at least: it may be set, and a machine
	// may have slept.
	look = time.Minute
	// answer is how long Postgres may take to say that the lock is still held.
	answer = 10 * time.Second
)

// Scheduler runs entries.
type Scheduler struct {
	db      *storage.DB
	log     *slog.Logger
	runs    *prometheus.CounterVec // by outcome
	entries []Entry
	retry   time.Duration
}

// How a run ends.
const (
	outcomeDone     = "done"
	outcomeFailed   = "failed"
	outcomeCutShort = "cut_short"
)

// New returns a Scheduler. Names must differ; PANs in them are masked.
func New(db *storage.DB, registerer prometheus.Registerer, log *slog.Logger, entries []Entry) (*Scheduler, error) {
	s := &Scheduler{db: db, log: log, retry: defaultRetry, runs: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cas_schedule_runs_total", Help: "Scheduled runs of this process that ended, by outcome: done, failed, cut_short (and run again by whoever comes next).",
	}, []string{"outcome"})}
	seen := make(map[string]bool)
	for _, e := range entries {
		e.Name = redact.PANs(e.Name)
		if seen[e.Name] {
			return nil, fmt.Errorf("schedule %s is given twice", e.Name)
		}
		seen[e.Name] = true
		s.entries = append(s.entries, e)
	}
	for _, outcome := range []string{outcomeDone, outcomeFailed, outcomeCutShort} { // alerts on rates need the zero
		s.runs.WithLabelValues(outcome)
	}
	if err := registerer.Register(s.runs); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return s, nil
}

// Run runs what is due, while no other process does, until ctx ends. It waits for
// what it runs to end.
func (s *Scheduler) Run(ctx context.Context) error {
	names := make([]string, len(s.entries))
	for n, e := range s.entries {
		names[n] = e.Name
	}
	for ctx.Err() == nil {
		held, err := s.db.LeadSchedules(ctx, names...)
		switch {
		case err != nil && ctx.Err() == nil:
			s.log.WarnContext(ctx, "schedules wait for postgres", slog.Any("err", err))
		case held != nil:
			s.lead(ctx, held)
			held.Release() //nolint:contextcheck // releasing must work when ctx has ended
		}
		pause(ctx, s.retry)
	}
	return nil
}

// lead runs the schedules for as long as the lock is held.
func (s *Scheduler) lead(ctx context.Context, held *storage.Hold) {
	ctx, cancel := context.WithCancel(ctx)
	var following sync.WaitGroup
	defer func() {
		cancel()
		following.Wait()
	}()
	for _, e := range s.entries {
		following.Go(func() { s.follow(ctx, held, e) })
	}
	for {
		pause(ctx, s.retry)
		if ctx.Err() != nil {
			return
		}
		if err := s.check(ctx, held); err != nil {
			s.log.WarnContext(ctx, "schedules are given up to another process", slog.Any("err", err))
			return
		}
	}
}

func (s *Scheduler) check(ctx context.Context, held *storage.Hold) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	return held.Check(ctx)
}

// follow runs one schedule whenever it is due.
func (s *Scheduler) follow(ctx context.Context, held *storage.Hold, e Entry) {
	for ctx.Err() == nil {
		last, err := s.db.ScheduleRun(ctx, e.Name, time.Now())
		if err == nil {
			until(ctx, e.When.due(last))
			if ctx.Err() != nil {
				return
			}
			err = s.once(ctx, held, e)
		}
		switch {
		case err == nil || ctx.Err() != nil:
		case errors.Is(err, storage.ErrScanning): // and so not ended: it is due again
			s.log.InfoContext(ctx, "scheduled run waits, as the same is under way elsewhere", slog.String("schedule", e.Name))
			pause(ctx, s.retry)
		default:
			s.log.WarnContext(ctx, "schedule waits for postgres", slog.String("schedule", e.Name), slog.Any("err", err))
			pause(ctx, s.retry)
		}
	}
}

// once does one run. Its error is that of the ledger, or storage.ErrScanning.
func (s *Scheduler) once(ctx context.Context, held *storage.Hold, e Entry) error {
	if err := s.check(ctx, held); err != nil {
		return err // another process may be about to begin it
	}
	began := time.Now()
	if err := s.db.BeginSchedule(ctx, e.Name, began); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "scheduled run begins", slog.String("schedule", e.Name))
	failure := ""
	if err := e.Run(ctx); err != nil {
		if ctx.Err() != nil {
			s.runs.WithLabelValues(outcomeCutShort).Inc()
			return nil //nolint:nilerr // it is noted as begun, and so run again
		}
		if errors.Is(err, storage.ErrScanning) {
			return err
		}
		s.runs.WithLabelValues(outcomeFailed).Inc()
		failure = redact.PANs(err.Error())
		s.log.ErrorContext(ctx, "scheduled run failed", slog.String("schedule", e.Name), slog.Any("err", err), slog.Duration("duration", time.Since(began)))
	} else {
		s.runs.WithLabelValues(outcomeDone).Inc()
		s.log.InfoContext(ctx, "scheduled run ended", slog.String("schedule", e.Name), slog.Duration("duration", time.Since(began)))
	}
	for { // it has been done, so it must not be run again because of this
		err := s.end(ctx, e, failure)
		if err == nil || ctx.Err() != nil {
			return err
		}
		s.log.WarnContext(ctx, "schedule waits for postgres", slog.String("schedule", e.Name), slog.Any("err", err))
		pause(ctx, s.retry)
	}
}

// end notes, whatever happens, that a run has ended.
func (s *Scheduler) end(ctx context.Context, e Entry, failure string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answer)
	defer cancel()
	return s.db.EndSchedule(ctx, e.Name, time.Now(), failure)
}

// until waits for a time, or for the end of ctx.
func until(ctx context.Context, at time.Time) {
	for wait := time.Until(at); wait > 0 && ctx.Err() == nil; wait = time.Until(at) {
		pause(ctx, min(wait, look))
	}
}

// pause waits so long, or for the end of ctx.
func pause(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
