package main

import (
	"context"
	"fmt"
	"time"
)

// inFlight measures what a call under way costs of memory: 2,000 of them with PDFs of
// 5 MB that the API thinks about for 20 s, uploaded and by link, against the first of
// them, with which a program has code and connections that are there once. The floor is
// a program that makes the same calls and nothing else.
func inFlight(ctx context.Context, s *stand) ([]result, error) {
	calls := max(2, s.scaled(2000))
	large := Large{Count: calls, Bytes: max(50_000, min(5_000_000, int(5_000_000*s.scale))), Thinks: time.Duration(20 * float64(time.Second) * min(1, s.scale))}
	var results []result
	for _, way := range []struct {
		upload, name string
		target       float64
	}{{"multipart", "in flight, by upload", 120}, {"url", "in flight, by link", 30}} {
		var held, bare memory
		err := s.with(ctx, s.row, func(alone *stand) (err error) {
			held, err = alone.held(ctx, large, way.upload)
			return err
		})
		if err != nil {
			return nil, err
		}
		err = s.with(ctx, s.row, func(alone *stand) (err error) {
			bare, err = alone.heldBarely(ctx, large, way.upload)
			return err
		})
		if err != nil {
			return nil, err
		}
		perCall := func(m memory, size int64) float64 { return float64(size-m.first) / float64(calls-1) / 1000 }
		results = append(results,
			figure(way.name, perCall(held, held.underWay), "KB per call").over(perCall(bare, bare.underWay)).valueBelow(way.target),
			figure(way.name+", at its peak", perCall(held, held.peak), "KB per call").over(perCall(bare, bare.peak)),
			figure(way.name+", peak memory", float64(held.peak)/1e6, "MB").over(float64(bare.peak)/1e6))
	}
	return results, nil
}

// memory is what a program takes, in bytes: with one call under way, with all of them
// when they have waited for half of their time, and at most.
type memory struct{ first, underWay, peak int64 }

// held lets a worker have calls under way for all documents at once.
func (s *stand) held(ctx context.Context, large Large, upload string) (m memory, err error) {
	if err := s.api(ctx, APIConfig{}); err != nil {
		return memory{}, err
	}
	var at LargeAt
	if err := s.ask(ctx, "StartLarge", large, &at); err != nil {
		return memory{}, err
	}
	worker := s.worker(ctx, "--concurrency", fmt.Sprint(large.Count), "--window", fmt.Sprint(2*large.Count),
		"--s3-endpoint", at.S3, "--api-base-url", at.API, "--api-upload", upload, "--api-timeout", "10m")
	enqueue := func(command, what string) error {
		return s.program(ctx, "enqueuer", command, what, "--password-from", passwordPattern, "--s3-endpoint", at.S3).wait(ctx)
	}
	err = worker.during(ctx, func(ctx context.Context) (err error) {
		if err = s.awaitLeader(ctx); err != nil {
			return err
		}
		if err = enqueue("submit", "s3://large/in/00000000-"+at.Password+".pdf"); err != nil {
			return err
		}
		if m.first, err = s.first(ctx, worker); err != nil {
			return err
		}
		if err = enqueue("scan", "s3://large/in/"); err != nil {
			return err
		}
		if m.underWay, err = s.waiting(ctx, worker, large.Thinks/2); err != nil {
			return err
		}
		return s.awaitNone(ctx, `SELECT count(*) FROM cas.documents WHERE status <> 'parsed'`)
	})
	if err != nil {
		return memory{}, err
	}
	if m.peak, err = worker.Memory("VmHWM"); err != nil {
		return memory{}, err
	}
	return m, worker.terminate(ctx)
}

// first is the memory of a program with its first call under way.
func (s *stand) first(ctx context.Context, program *running) (int64, error) {
	if err := s.ask(ctx, "AwaitLarge", false, nil); err != nil {
		return 0, err
	}
	return program.settled(ctx)
}

// waiting is the memory of a program when all its calls have waited for so long. They
// are answered then.
func (s *stand) waiting(ctx context.Context, program *running, wait time.Duration) (int64, error) {
	if err := s.ask(ctx, "AwaitLarge", true, nil); err != nil {
		return 0, err
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return 0, ctx.Err() //nolint:wrapcheck // an interruption
	}
	size, err := program.Memory("VmRSS")
	if err != nil {
		return 0, err
	}
	return size, s.ask(ctx, "AnswerLarge", false, nil)
}

// awaitLeader waits until a worker leads, so is at work.
func (s *stand) awaitLeader(ctx context.Context) error {
	return s.awaitNone(ctx, `SELECT (NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		WHERE l.locktype = 'advisory' AND d.datname = current_database()))::integer`)
}
