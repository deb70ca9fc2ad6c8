package jobs

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
)

// TestRetry shows what asynq is told about the error of a task: when to try
// again, and whether that was a failure.
func TestRetry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err     error
		delay   time.Duration
		failure bool
	}{
		"Counted":   {retryIn(7*time.Second, true, "attempt %d failed", 2), 7 * time.Second, true},
		"Uncounted": {retryIn(7*time.Second, false, "throttled"), 7 * time.Second, false},
		"AtOnce":    {retryIn(0, false, "put off"), 0, false},
		"Wrapped":   {fmt.Errorf("process: %w", retryIn(time.Hour, false, "throttled")), time.Hour, false},
		// Not ours: a lease that expired, a panic of asynq's own.
		"Lease":   {asynq.ErrLeaseExpired, strayWait, true},
		"Skipped": {fmt.Errorf("too_large: %w", asynq.SkipRetry), strayWait, true},
		"Other":   {errors.New("unheard of"), strayWait, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, retried := range []int{0, 1, 1000} { // asynq's own count decides nothing
				if got := retryDelay(retried, test.err, asynq.NewTask(TaskType, nil)); got != test.delay {
					t.Errorf("retryDelay(%d) = %s, want %s", retried, got, test.delay)
				}
			}
			if got := isFailure(test.err); got != test.failure {
				t.Errorf("isFailure() = %t, want %t", got, test.failure)
			}
		})
	}
	if got := retryIn(0, true, "attempt %d failed", 2).Error(); got != "attempt 2 failed" {
		t.Errorf("Redis shows %q, want the reason alone", got)
	}
}

func TestAsynqLogger(t *testing.T) {
	t.Parallel()
	var lines recorder
	logger := asynqLogger{slog.New(&lines)}
	logger.Debug("a")
	logger.Info("b: ", 1)
	logger.Warn("c", "d")
	logger.Error(errors.New("e"))
	want := recorder{
		{"msg": "asynq", "level": "DEBUG", "text": "a"},
		{"msg": "asynq", "level": "INFO", "text": "b: 1"},
		{"msg": "asynq", "level": "WARN", "text": "cd"},
		{"msg": "asynq", "level": "ERROR", "text": "e"},
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
