package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"casflow/internal/casapi"
	"casflow/internal/redact"
	"casflow/internal/storage"
)

// credits is the free call by which the account's health is asked.
type credits interface {
	Credits(ctx context.Context) (*casapi.Credits, error)
}

// maxProbeInterval bounds the wait between probes of a paused account.
const maxProbeInterval = 15 * time.Minute

// probeWait is how long to wait after so many probes: interval, doubled each time.
func probeWait(interval time.Duration) func(probes int) time.Duration {
	return func(probes int) time.Duration {
		wait := interval
		for range min(max(0, probes-1), 10) {
			wait *= 2
		}
		return min(wait, max(interval, maxProbeInterval))
	}
}

// examine asks the API how the account is: "" well, else why it cannot be called.
func examine(ctx context.Context, api credits) (storage.Reason, string, error) {
	credits, err := api.Credits(ctx)
	switch {
	case errors.Is(err, casapi.ErrUnauthorized), errors.Is(err, casapi.ErrForbidden):
		return storage.ReasonUnauthorized, redact.PANs(err.Error()), nil
	case errors.Is(err, casapi.ErrInsufficientCredits):
		return storage.ReasonInsufficientCredits, redact.PANs(err.Error()), nil
	case err != nil:
		return "", "", fmt.Errorf("ask for credits: %w", err)
	case credits.Exhausted():
		return storage.ReasonInsufficientCredits, "no credits are left", nil
	}
	return "", "", nil
}

// accountReason says of a dead letter's reason whether it is the account's, which
// then is to be paused, or the document's alone. A 403 may be either: the account
// is asked. The reason may be another one afterwards.
func (r *run) accountReason(ctx context.Context, reason storage.Reason) (_ storage.Reason, pause bool) {
	switch reason {
	case storage.ReasonUnauthorized, storage.ReasonInsufficientCredits:
		return reason, true
	case storage.ReasonForbidden:
	default:
		return reason, false
	}
	found, _, err := examine(ctx, r.p.API)
	if err != nil {
		// Not known: a paused account is mended by the next probe, fifty thousand
		// refused documents are not.
		r.warn(ctx, "account cannot be asked about a 403", err)
		return reason, true
	}
	if found != "" {
		return found, true
	}
	return reason, false
}

// pauseAccount keeps the fleet from calling, because of what the API answered.
func (r *run) pauseAccount(ctx context.Context, reason storage.Reason, message string) {
	r.settle(ctx, func(ctx context.Context) error {
		paused, err := r.p.DB.PauseAccount(ctx, reason, r.end.HTTPStatus, message, probeWait(r.p.ProbeInterval))
		if paused {
			r.p.Logger.ErrorContext(ctx, "account is paused: nothing is called until a probe finds it well",
				slog.String("reason", string(reason)), slog.Int("status_code", r.end.HTTPStatus), slog.String("text", message))
		}
		return err
	})
}

// tend looks after the account, as the leader: it shows the pause in asynq's
// queues, probes when it is time, and opens the account again.
func (d *Dispatcher) tend(ctx context.Context) error {
	account, err := d.DB.Account(ctx)
	if err != nil {
		return err
	}
	if account.Paused() != account.QueuesPaused {
		if err := d.showPause(ctx, account.Paused()); err != nil {
			return err
		}
	}
	if !account.Paused() || !account.Due {
		return nil
	}
	reason, message, err := examine(ctx, d.API)
	if err != nil {
		reason, message = account.Reason, redact.PANs(err.Error())
	}
	if reason == "" {
		n, err := Resume(ctx, d.DB, d.Enqueuer)
		d.Logger.InfoContext(ctx, "account is open again", slog.Int("documents", n))
		return err
	}
	next := probeWait(d.ProbeInterval)(account.Probes + 1)
	d.Logger.WarnContext(ctx, "account is still paused", slog.String("reason", string(reason)), slog.Duration("retry_in", next), slog.String("text", message))
	return d.DB.Probed(ctx, reason, message, next)
}

// Resume opens the account, whatever a probe would find, and puts back the
// documents that died of it, which it counts. asynq's queues follow at the leader's
// next look. An open account is left as it is.
func Resume(ctx context.Context, db *storage.DB, enqueuer *Enqueuer) (int, error) {
	redriven, err := db.ResumeAccount(ctx)
	if err != nil {
		return 0, err
	}
	return len(redriven), enqueuer.Forget(redriven)
}

// showPause pauses asynq's queues, or ends that, so that its tools show it too.
func (d *Dispatcher) showPause(ctx context.Context, paused bool) error {
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		if err := d.Enqueuer.pause(ctx, queue, paused); err != nil {
			return err
		}
	}
	return d.DB.QueuesPaused(ctx, paused)
}

// pause pauses a queue, or ends that; either is fine where it is so already, which
// asynq's Inspector calls an error without an identity. So the key under which
// asynq keeps it is written here.
func (e *Enqueuer) pause(ctx context.Context, queue string, paused bool) error {
	key := "asynq:{" + queue + "}:paused"
	var err error
	if paused {
		err = e.redis.SetNX(ctx, key, time.Now().Unix(), 0).Err()
	} else {
		err = e.redis.Del(ctx, key).Err()
	}
	if err != nil {
		return fmt.Errorf("pause queue: %w", err)
	}
	return nil
}
