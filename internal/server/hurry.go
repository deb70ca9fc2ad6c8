package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"casflow/internal/storage"
)

// hurry hands new documents to Redis at once, as a short cut ahead of the
// dispatcher. It is worth a moment and no more: without Redis the documents are
// safe, and nobody need wait for it to answer.
type hurry struct {
	to     queue
	logger *slog.Logger
	group  sync.WaitGroup
	slots  chan struct{} // of those under way

	mu    sync.Mutex
	until time.Time // Redis is let alone until then
}

const (
	hurrySlots = 32              // documents on their way at once; others are left to the dispatcher
	hurryWait  = time.Second     // how long a request waits
	hurryLimit = 5 * time.Second // how long it is tried
	hurryRest  = 5 * time.Second // after a failure
)

func newHurry(to queue, logger *slog.Logger) *hurry {
	return &hurry{to: to, logger: logger, slots: make(chan struct{}, hurrySlots)}
}

// queue hands documents over, and reports whether that was done in time. It is not
// while Redis is in trouble.
func (h *hurry) queue(ctx context.Context, ids []uuid.UUID) bool {
	if h.rests() {
		return false
	}
	select {
	case h.slots <- struct{}{}:
	default:
		return false
	}
	done := make(chan error, 1)
	h.group.Go(func() {
		defer func() { <-h.slots }()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hurryLimit)
		defer cancel()
		err := guarded(func() error { return h.to.Queue(ctx, ids) })
		if err != nil {
			h.rest(ctx, err)
		}
		done <- err
	})
	timer := time.NewTimer(hurryWait)
	defer timer.Stop()
	select {
	case err := <-done:
		return err == nil
	case <-timer.C:
		return false
	}
}

// forget removes the archived tasks of documents that were put back: housekeeping,
// which nobody need wait for.
func (h *hurry) forget(ctx context.Context, redriven []storage.Redriven) {
	ctx = context.WithoutCancel(ctx)
	h.group.Go(func() {
		if err := guarded(func() error { return h.to.Forget(redriven) }); err != nil {
			h.logger.WarnContext(ctx, "archived tasks are left to be trimmed", slog.Any("err", err))
		}
	})
}

func (h *hurry) rests() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Before(h.until)
}

func (h *hurry) rest(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	if now.After(h.until) { // not for each of those that were under way
		h.logger.WarnContext(ctx, "documents are recorded, but left to the dispatcher to be queued", slog.Any("err", err))
	}
	h.until = now.Add(hurryRest)
}

// wait waits for those under way.
func (h *hurry) wait() { h.group.Wait() }
