package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"casflow/internal/redact"
	"casflow/internal/storage"
)

// conclude moves the document to where the end of this try puts it, says so in
// one log line and in the metrics, and tells asynq.
func (r *run) conclude(ctx context.Context, err error) error {
	ctx = context.WithoutCancel(ctx) // a verdict is written even at the end of a task's time
	if err == nil {
		r.report(ctx, slog.LevelInfo, "document parsed", "parsed", nil)
		return nil
	}
	if errors.Is(err, storage.ErrBusy) {
		r.report(ctx, slog.LevelWarn, "claim was lost to another worker", "released", err)
		return nil
	}
	v := judge(err)
	if v.action == actStall && r.parked {
		v.action = actRelease // its attempt stays open: the next delivery finds the answer parked
	}
	if v.action == actStall && r.end.RequestID != "" {
		// The call was made, and then casflow's own parts failed: whether it was
		// billed, only the usage log can say.
		v.action, r.end.Outcome = actRetry, storage.OutcomeUnknown
	}
	switch {
	case v.action == actRetry && r.attempts >= r.p.MaxAttempts:
		return r.bury(ctx, storage.ReasonRetriesExhausted, err)
	case v.action == actRetry:
		return r.retry(ctx, err, max(v.delay, r.p.Backoff.Delay(r.attempts)))
	case v.action == actThrottle:
		return r.throttle(ctx, v.delay, err)
	case v.action == actBury:
		return r.bury(ctx, v.reason, err)
	case v.action == actRelease:
		r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Release(ctx, r.document.ID, r.p.WorkerID, v.delay) })
		r.report(ctx, slog.LevelInfo, "document released", "released", err)
		return nil
	default:
		return r.stall(ctx, v.delay, err)
	}
}

// settle persists where the document goes. If even that fails the worker is at
// its end, and the dispatcher of another one frees the document.
func (r *run) settle(ctx context.Context, write func(context.Context) error) {
	r.warn(ctx, "ledger could not be written, the document stays claimed until this worker is gone", r.persist(ctx, write))
}

func (r *run) bury(ctx context.Context, reason storage.Reason, cause error) error {
	reason, account := r.accountReason(ctx, reason)
	if account { // before the document is dead: the others must not follow it
		r.pauseAccount(ctx, reason, redact.PANs(cause.Error()))
	}
	letter := storage.DeadLetter{
		DocumentID: r.document.ID, Reason: reason, HTTPStatus: r.end.HTTPStatus, RequestID: r.end.RequestID,
		Message: redact.PANs(cause.Error()),
	}
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Bury(ctx, letter, r.closing()) })
	r.p.Metrics.died(reason, 1)
	r.report(ctx, slog.LevelError, "document is dead", "dead", cause, slog.String("reason", string(reason)))
	return fmt.Errorf("%s: %w", reason, asynq.SkipRetry)
}

func (r *run) retry(ctx context.Context, cause error, delay time.Duration) error {
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Retry(ctx, r.document.ID, r.closing(), delay) })
	r.report(ctx, slog.LevelWarn, "document is tried again", "retry", cause, slog.Duration("retry_in", delay))
	return retryIn(delay, true, "attempt %d failed", r.attempts)
}

func (r *run) throttle(ctx context.Context, delay time.Duration, cause error) error {
	r.warn(ctx, "fleet cannot be held", r.p.Limiter.Hold(ctx, delay))
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Retry(ctx, r.document.ID, r.closing(), delay) })
	r.report(ctx, slog.LevelWarn, "API asks for a slower pace", "throttled", cause, slog.Duration("retry_in", delay))
	return retryIn(delay, false, "throttled")
}

// stall puts a document off that casflow's own parts keep from being tried, and
// gives it up after stallLimit. delay 0 is the backoff.
func (r *run) stall(ctx context.Context, delay time.Duration, cause error) error {
	if since := r.document.StalledSince; since != nil && time.Since(*since) > stallLimit {
		return r.bury(ctx, storage.ReasonRetriesExhausted, cause)
	}
	if delay == 0 {
		delay = r.stallDelay()
	}
	r.settle(ctx, func(ctx context.Context) error { return r.p.DB.Stall(ctx, r.document.ID, r.p.WorkerID, delay) })
	r.report(ctx, slog.LevelWarn, "document is put off", "stalled", cause, slog.Duration("retry_in", delay))
	return nil // the dispatcher hands it over again
}

// stallDelay grows with how long the document has been kept from being tried: at
// random between half of that and all of it, within the bounds of the backoff.
func (r *run) stallDelay() time.Duration {
	var age time.Duration
	if r.document.StalledSince != nil {
		age = time.Since(*r.document.StalledSince)
	}
	ceiling := min(max(age, r.p.Backoff.Base), r.p.Backoff.Max)
	return ceiling/2 + Backoff{Base: ceiling / 2, Max: ceiling / 2, Jitter: r.p.Backoff.Jitter}.Delay(1)
}
