package jobs

import (
	"context"
	"log/slog"
	"time"

	"casflow/internal/storage"
)

// balance keeps the ledger told of how many credits are left. Each process passes on
// what the answers of its own calls say; where none says anything for some time, the
// leader asks, which is free.
type balance struct {
	db      *storage.DB
	api     credits
	limiter *Limiter
	metrics *Metrics
	logger  *slog.Logger
	leads   func() bool

	failed bool // the last time
}

const (
	balanceInterval = 15 * time.Second // between looks
	balanceAge      = 5 * time.Minute  // after which the leader asks
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
		return b.db.NoteCredits(ctx, heard)
	}
	if !b.leads() {
		return nil
	}
	age, known, err := b.db.CreditsAge(ctx)
	if err != nil || known && age < balanceAge {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, balancePatience)
	defer cancel()
	// The API may count this call too: without a permit it could be the one too many.
	if err := b.limiter.Wait(asking, storage.QueueInteractive); err != nil {
		return err
	}
	credits, err := b.api.Credits(asking)
	if err != nil {
		return err
	}
	remaining := credits.Remaining
	if credits.Unlimited || !isDecimal(remaining) {
		remaining = ""
	}
	return b.db.NoteCredits(ctx, remaining)
}
