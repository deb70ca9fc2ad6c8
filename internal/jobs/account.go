package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

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
	for _, queue := range []string{storage.QueueInteractive, storage.QueueBulk} {
		if err := d.Enqueuer.showPause(ctx, queue, account.Paused()); err != nil {
			return err
		}
	}
	if !account.Paused() {
		return d.DB.PauseForStragglers(ctx)
	}
	if !account.Due {
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
	return d.DB.Probed(ctx, message, next)
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

// pauseMark is what asynq's key of a paused queue holds where casflow has paused
// it; asynq itself writes a number there, and only asks whether there is anything.
const pauseMark = "casflow"

// showPauseScript pauses a queue, or ends casflow's own pause of it: a pause that
// an operator has made stays. KEYS is asynq's key, ARGV the mark and whether to
// pause.
//
//nolint:gochecknoglobals // a constant
var showPauseScript = redis.NewScript(`
if ARGV[2] == '1' then return redis.call('SET', KEYS[1], ARGV[1], 'NX') and 1 or 0 end
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

// showPause makes asynq's queue paused or not, as the account is, so that its tools
// show it too. It is done over and over: a Redis that comes back with older data
// may remember a pause that is over.
func (e *Enqueuer) showPause(ctx context.Context, queue string, paused bool) error {
	flag := "0"
	if paused {
		flag = "1"
	}
	if err := showPauseScript.Run(ctx, e.redis, []string{"asynq:{" + queue + "}:paused"}, pauseMark, flag).Err(); err != nil {
		return fmt.Errorf("pause queue: %w", err)
	}
	return nil
}
