package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

// heart tells the ledger that this process lives, so that others free what it
// has claimed when it dies, and only then.
type heart struct {
	db     *storage.DB
	worker uuid.UUID
	host   string
	lease  time.Duration
	logger *slog.Logger
	sweep  func(ctx context.Context, db *storage.DB) error // after each beat

	mu    sync.Mutex
	since time.Time // of the unbroken row of beats; zero: broken
	last  time.Time
}

func newHeart(db *storage.DB, worker uuid.UUID, lease time.Duration, logger *slog.Logger) *heart {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &heart{db: db, worker: worker, host: host, lease: lease, logger: logger}
}

// beat is one heartbeat.
func (h *heart) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.lease/2)
	defer cancel()
	err := h.db.Heartbeat(ctx, h.worker, h.host)
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err != nil:
		h.since = time.Time{}
		return fmt.Errorf("tell the ledger that this worker lives: %w", err)
	case h.since.IsZero() || now.Sub(h.last) > h.lease:
		h.since = now
	}
	h.last = now
	return nil
}

// steady reports whether the beats have reached the ledger without a gap for a
// whole lease: then a worker that was not seen for a lease is truly gone.
func (h *heart) steady() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	return !h.since.IsZero() && now.Sub(h.since) >= h.lease && now.Sub(h.last) < h.lease
}

// run beats until ctx ends.
func (h *heart) run(ctx context.Context) {
	broken := false
	for ctx.Err() == nil {
		pause(ctx, h.lease/5)
		err := h.beat(ctx)
		if err == nil && h.sweep != nil {
			err = h.sweep(ctx, h.db)
		}
		if err != nil && !broken && ctx.Err() == nil {
			h.logger.WarnContext(ctx, "heartbeat does not reach the ledger", slog.Any("err", err))
		}
		broken = err != nil
	}
}

// stop takes this worker off the list. All that it did is saved: that a connection broke
// just now is no reason to end with an error.
func (h *heart) stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		err := h.db.Retire(ctx, h.worker)
		if err == nil {
			return nil
		}
		if pause(ctx, 100*time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("sign off: %w", err)
		}
	}
}
