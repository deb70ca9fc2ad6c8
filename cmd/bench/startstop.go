package main

import (
	"context"
	"fmt"
	"slices"
	"syscall"
	"time"
)

// mostUnderWay is how many calls a worker has when it is told to stop, and thinks how
// long each of them takes.
const (
	mostUnderWay = 32
	thinks       = time.Second
)

// startStop measures how long a worker takes from its start to its first call, against
// a program that only starts, and from SIGTERM to its end, against the calls that it
// has under way then.
func startStop(ctx context.Context, s *stand) ([]result, error) {
	if err := s.api(ctx, APIConfig{Latency: thinks}); err != nil {
		return nil, err
	}
	underWay := min(mostUnderWay, s.scaled(mostUnderWay))
	if err := s.ask(ctx, "Put", small("bulk", underWay, 233), nil); err != nil {
		return nil, err
	}
	if err := s.program(ctx, "enqueuer", "scan", "s3://bulk/in/", "--password-from", passwordPattern).wait(ctx); err != nil {
		return nil, err
	}
	var bare []time.Duration
	for range 3 {
		version := s.program(ctx, "worker", "--version")
		if err := version.wait(ctx); err != nil {
			return nil, err
		}
		bare = append(bare, time.Since(version.began))
	}
	worker := s.worker(ctx, "--concurrency", fmt.Sprint(underWay))
	var calls []Call
	err := worker.during(ctx, func(ctx context.Context) error {
		if err := s.ask(ctx, "AwaitCalls", underWay, nil); err != nil {
			return err
		}
		return s.ask(ctx, "Calls", false, &calls)
	})
	if err != nil {
		return nil, err
	}
	told := time.Now()
	if err := worker.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	if err := worker.wait(ctx); err != nil {
		return nil, err
	}
	drained := time.Since(told)
	left := max(0, calls[len(calls)-1].At.Add(thinks).Sub(told)) // they may have ended meanwhile
	return []result{
		figure("start, to the first call", calls[0].At.Sub(worker.began).Seconds()*1e3, "ms").over(slices.Min(bare).Seconds() * 1e3),
		figure(fmt.Sprintf("stop, with %d calls under way", underWay), drained.Seconds()*1e3, "ms").over(left.Seconds() * 1e3),
	}, nil
}
