package jobs

import (
	"context"
	"sync"
)

// pressure bounds the memory that answers take which are not yet saved: while
// Postgres is away they pile up, and no further call may be made for more. The
// zero value with a limit is ready.
type pressure struct {
	limit int64 // bytes

	mu    sync.Mutex
	held  int64
	eased chan struct{} // closed when held has come below limit; nil while it is
}

// add notes bytes that are held now; a negative number frees them.
func (p *pressure) add(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held += bytes
	switch {
	case p.held >= p.limit && p.eased == nil:
		p.eased = make(chan struct{})
	case p.held < p.limit && p.eased != nil:
		close(p.eased)
		p.eased = nil
	}
}

// wait returns when there is room, or ctx's cause.
func (p *pressure) wait(ctx context.Context) error {
	p.mu.Lock()
	eased := p.eased
	p.mu.Unlock()
	if eased == nil {
		return nil
	}
	select {
	case <-eased:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // compared by identity
	}
}
