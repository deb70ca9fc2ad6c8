package enqueuercli

import (
	"context"
	"time"
)

// chunksPerMinute is the most chunks that evenly makes of a minute: often enough
// to be even, seldom enough that a round trip fits in between.
const chunksPerMinute = 600

// evenly does n things, at most rate of them a minute, in chunks that begin as
// far apart as that asks for; do is told where each chunk begins and ends. It
// stops at the first error, and between chunks when ctx ends.
func evenly(ctx context.Context, n, rate int, do func(from, to int) error) error {
	if n == 0 {
		return nil
	}
	size := min((rate-1)/chunksPerMinute+1, n)
	perMinute := time.Duration(rate / size)
	apart := (time.Minute + perMinute - 1) / perMinute // rounded up, or a minute would have one more
	for from := 0; from < n; from += size {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // an interruption
		}
		next := time.After(apart)
		if err := do(from, min(from+size, n)); err != nil {
			return err
		}
		if from+size >= n {
			break // nothing to wait for
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
	return nil
}
