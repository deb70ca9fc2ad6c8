package jobs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"casflow/internal/storage"
)

// balance keeps the ledger told of how many credits are left. Each process passes on
// what the answers of its own calls say; where none says anything for some time, the
// leader asks, which is free. Of processes that tell at the same time the last one
// that writes counts, which may be some seconds behind the others.
type balance struct {
	db      *storage.DB
	api     credits
	limiter *Limiter
	metrics *Metrics
	logger  *slog.Logger
	leads   func() bool

	failed bool      // the last time
	tried  time.Time // when the API was asked last, whether or not it answered
}

const (
	balanceInterval = 15 * time.Second // between looks
	balanceAge      = 5 * time.Minute  // of what is known, and of the last try, after which the leader asks
	balancePatience = 10 * time.Second // for a permit and the answer
)

// run looks until ctx ends.
func (b *balance) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := b.look(ctx)
		if err != nil && !b.failed && ctx.Err() == nil {
			b.logger.WarnContext(ctx, "credits that are left cannot be noted", slog.Any("err", err))
		}
		b.failed = err != nil
		pause(ctx, balanceInterval)
	}
}

func (b *balance) look(ctx context.Context) error {
	if heard := b.metrics.takeHeard(); heard != "" {
		err := b.db.NoteCredits(ctx, heard)
		if err != nil {
			b.metrics.hearAgain(heard)
		}
		return err
	}
	if !b.leads() || time.Since(b.tried) < balanceAge {
		return nil
	}
	age, known, err := b.db.CreditsAge(ctx)
	if err != nil || known && age < balanceAge {
		return err
	}
	// While the API is taken for down its one probe belongs to a document.
	if state, err := b.limiter.State(ctx); err != nil || state.BreakerOpen {
		return err
	}
	b.tried = time.Now()
	remaining, err := b.ask(ctx)
	if err != nil {
		return err
	}
	return b.db.NoteCredits(ctx, remaining)
}

// ask asks the API how many credits are left; "" means that there is no limit.
func (b *balance) ask(ctx context.Context) (string, error) {
	asking, cancel := context.WithTimeout(ctx, balancePatience)
	defer cancel()
	// The API may count this call too: without a permit it could be the one too many.
	if err := b.limiter.Wait(asking, storage.QueueInteractive); err != nil {
		return "", err
	}
	began := time.Now()
	credits, err := b.api.Credits(asking)
	// That this answers does not show that documents are parsed. But should the breaker
	// have opened just now, the permit is its probe, which others wait for.
	unreported := b.limiter.Report(context.WithoutCancel(ctx), HealthUnknown, time.Since(began))
	if err = errors.Join(err, unreported); err != nil {
		return "", err
	}
	if credits.Unlimited || !isDecimal(credits.Remaining) {
		return "", nil
	}
	return credits.Remaining, nil
}
