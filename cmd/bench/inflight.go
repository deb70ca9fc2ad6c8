package main

import (
	"context"
	"fmt"
	"time"
)

// inFlight measures what a call under way costs of memory: 2,000 of them with PDFs of
// 5 MB that the API thinks about for 20 s, uploaded and by link. The floor is a program
// that makes the same calls and nothing else.
func inFlight(ctx context.Context, s *stand) ([]result, error) {
	calls := s.scaled(2000)
	large := Large{Count: calls, Bytes: max(50_000, min(5_000_000, int(5_000_000*s.scale))), Thinks: time.Duration(20 * float64(time.Second) * min(1, s.scale))}
	var results []result
	for _, way := range []struct {
		upload, name string
		target       float64
	}{{"multipart", "in flight, by upload", 120}, {"url", "in flight, by link", 30}} {
		var held, bare [3]int64 // idle, with all calls under way, and at most
		err := s.with(ctx, s.row, func(alone *stand) (err error) {
			held[0], held[1], held[2], err = alone.held(ctx, large, way.upload)
			return err
		})
		if err != nil {
			return nil, err
		}
		err = s.with(ctx, s.row, func(alone *stand) (err error) {
			bare[0], bare[1], bare[2], err = alone.heldBarely(ctx, large, way.upload)
			return err
		})
		if err != nil {
			return nil, err
		}
		perCall := func(sizes [3]int64, of int) float64 { return float64(sizes[of]-sizes[0]) / float64(calls) / 1000 }
		results = append(results,
			figure(way.name, perCall(held, 1), "KB per call").over(perCall(bare, 1)).valueBelow(way.target),
			figure(way.name+", at its peak", perCall(held, 2), "KB per call").over(perCall(bare, 2)),
			figure(way.name+", peak memory", float64(held[2])/1e6, "MB").over(float64(bare[2])/1e6))
	}
	return results, nil
}

// held lets a worker have calls under way for all documents at once, and returns the
// memory that it takes idle, then, and at most.
func (s *stand) held(ctx context.Context, large Large, upload string) (idle, underWay, peak int64, err error) {
	if err := s.api(ctx, APIConfig{}); err != nil {
		return 0, 0, 0, err
	}
	var at Endpoints
	if err := s.ask(ctx, "StartLarge", large, &at); err != nil {
		return 0, 0, 0, err
	}
	worker := s.worker(ctx, "--concurrency", fmt.Sprint(large.Count), "--window", fmt.Sprint(2*large.Count),
		"--s3-endpoint", at.S3, "--api-base-url", at.API, "--api-upload", upload, "--api-timeout", "10m")
	err = worker.during(ctx, func(ctx context.Context) (err error) {
		if err = s.awaitLeader(ctx); err != nil {
			return err
		}
		if idle, err = worker.Memory("VmRSS"); err != nil {
			return err
		}
		scan := s.program(ctx, "enqueuer", "scan", "s3://large/in/", "--password-from", passwordPattern, "--s3-endpoint", at.S3)
		if err = scan.wait(ctx); err != nil {
			return err
		}
		if err = s.ask(ctx, "AwaitLarge", false, nil); err != nil {
			return err
		}
		if underWay, err = worker.Memory("VmRSS"); err != nil {
			return err
		}
		if err = s.ask(ctx, "AnswerLarge", false, nil); err != nil {
			return err
		}
		return s.awaitNone(ctx, `SELECT count(*) FROM cas.documents WHERE status <> 'parsed'`)
	})
	if err != nil {
		return 0, 0, 0, err
	}
	peak, err = worker.Memory("VmHWM")
	if err != nil {
		return 0, 0, 0, err
	}
	return idle, underWay, peak, worker.terminate(ctx)
}

// awaitLeader waits until a worker leads, so is at work.
func (s *stand) awaitLeader(ctx context.Context) error {
	return s.awaitNone(ctx, `SELECT (NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
		WHERE l.locktype = 'advisory' AND d.datname = current_database()))::integer`)
}
