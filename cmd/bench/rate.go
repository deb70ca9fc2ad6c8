package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// most is how many calls at the start and at the end do not count, when not all
// workers are at it; of few it is a quarter.
const most = 30

// rate measures how much of a permitted rate three workers use, and how long an
// interactive document waits behind a backlog.
func rate(ctx context.Context, s *stand) ([]result, error) {
	var results []result
	for _, perMinute := range []int{600, 6000} {
		used, refused, err := s.used(ctx, perMinute)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprintf("rate, %d a minute", perMinute)
		results = append(results,
			figure(name, used, "calls/minute").over(float64(perMinute)).atLeast(0.99),
			figure(name+", violations", float64(refused), "calls").below(0))
	}
	waited, err := s.urgent(ctx)
	return append(results, waited...), err
}

// small is a bucket of statements that take little of anything.
func small(bucket string, n int, seed uint64) Statements {
	return Statements{Bucket: bucket, Count: n, Seed: seed, Holdings: 1, Transactions: 1, PDFBytes: 5_000}
}

// fleet starts several workers on one key and returns when all of them are at work:
// those that come late may find nothing left to do, and one that is told to stop
// before it listens to signals dies of it.
func (s *stand) fleet(ctx context.Context) (fleet, error) {
	var all fleet
	for range s.workers {
		all = append(all, s.worker(ctx))
	}
	for _, worker := range all {
		if _, err := worker.says(ctx, "metrics are served"); err != nil {
			return nil, errors.Join(err, all.terminate(ctx))
		}
	}
	return all, nil
}

// used lets three workers work off what the rate permits in 75 s, and returns the
// calls per minute that they made, and how many the API refused. It permits so many
// in any 60 s.
func (s *stand) used(ctx context.Context, perMinute int) (used float64, refused int, err error) {
	var calls []Call
	err = s.with(ctx, s.row, func(alone *stand) (err error) {
		calls, err = alone.calls(ctx, perMinute, max(2*s.least, s.scaled(perMinute*5/4)))
		return err
	})
	if err != nil {
		return 0, 0, err
	}
	for _, call := range calls {
		if call.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	warm := min(most, len(calls)/4)
	loaded := calls[warm : len(calls)-warm]
	took := loaded[len(loaded)-1].At.Sub(loaded[0].At)
	return float64(len(loaded)-1) * float64(time.Minute) / float64(took), refused, nil
}

func (s *stand) calls(ctx context.Context, perMinute, n int) ([]Call, error) {
	if err := s.api(ctx, APIConfig{RatePerMinute: perMinute, Latency: 5 * time.Millisecond}); err != nil {
		return nil, err
	}
	if err := s.ask(ctx, "Put", small("bulk", n, 223), nil); err != nil {
		return nil, err
	}
	if err := s.program(ctx, "enqueuer", "scan", "s3://bulk/in/", "--password-from", passwordPattern).wait(ctx); err != nil {
		return nil, err
	}
	workers, err := s.fleet(ctx)
	if err != nil {
		return nil, err
	}
	if err := workers[0].during(ctx, func(ctx context.Context) error { return s.ask(ctx, "AwaitCalls", n, nil) }); err != nil {
		return nil, errors.Join(err, workers[1:].terminate(ctx))
	}
	var calls []Call
	return calls, errors.Join(s.ask(ctx, "Calls", false, &calls), workers.terminate(ctx))
}

// fleet are several workers.
type fleet []*running

// terminate ends them all.
func (f fleet) terminate(ctx context.Context) error {
	var faults []error
	for _, worker := range f {
		faults = append(faults, worker.terminate(ctx))
	}
	return errors.Join(faults...)
}

// urgentRate is the API's usual rate, in calls per minute.
const urgentRate = 60

// urgent submits documents one after the other behind a backlog of 10,000, and
// returns how long they waited, from being recorded to their call.
func (s *stand) urgent(ctx context.Context) ([]result, error) {
	const documents = 5
	backlog := s.scaled(10_000)
	var waits []time.Duration
	err := s.with(ctx, s.row, func(alone *stand) (err error) {
		waits, err = alone.waits(ctx, backlog, max(1, min(documents, int(documents*s.scale))))
		return err
	})
	if err != nil {
		return nil, err
	}
	interval := time.Minute.Seconds() / urgentRate
	return []result{
		figure(fmt.Sprintf("rate, an interactive document behind %d", backlog), slices.Max(waits).Seconds(), "s").over(2 * interval).below(1),
	}, nil
}

func (s *stand) waits(ctx context.Context, backlog, documents int) ([]time.Duration, error) {
	if err := s.api(ctx, APIConfig{RatePerMinute: urgentRate, Latency: 5 * time.Millisecond}); err != nil {
		return nil, err
	}
	for _, statements := range []Statements{small("bulk", backlog, 227), small("now", documents, 229)} {
		if err := s.ask(ctx, "Put", statements, nil); err != nil {
			return nil, err
		}
	}
	if err := s.program(ctx, "enqueuer", "scan", "s3://bulk/in/", "--password-from", passwordPattern).wait(ctx); err != nil {
		return nil, err
	}
	urgent, err := s.keys(ctx, "now")
	if err != nil {
		return nil, err
	}
	workers, err := s.fleet(ctx)
	if err != nil {
		return nil, err
	}
	err = workers[0].during(ctx, func(ctx context.Context) error {
		for n, object := range urgent {
			if err := s.ask(ctx, "AwaitCalls", 2+4*n, nil); err != nil {
				return err
			}
			if err := s.program(ctx, "enqueuer", "submit", "s3://now/"+object.Key, "--password-from", passwordPattern).wait(ctx); err != nil {
				return err
			}
		}
		return s.awaitNone(ctx, `SELECT count(*) FROM cas.documents WHERE bucket = 'now' AND status <> 'parsed'`)
	})
	if err != nil {
		return nil, errors.Join(err, workers[1:].terminate(ctx))
	}
	if err := workers.terminate(ctx); err != nil {
		return nil, err
	}
	return s.durations(ctx, `SELECT a.started_at - d.created_at FROM cas.attempts a JOIN cas.documents d USING (document_id) WHERE d.bucket = 'now'`)
}
