package jobs

import (
	"context"
	"sync"
)

// line lets in as many as it has places, in order of arrival.
//
// With one place it is where the documents of one queue in one process wait for
// their turn to ask for a permit. One asker per queue and process keeps Redis quiet
// however many documents wait. Which queue goes first is decided in Redis, for the
// whole fleet.
type line chan struct{}

func newLine(places int) line { return make(line, places) }

// enter waits for a place and takes it. It must be followed by leave, unless it
// returns ctx's cause.
func (l line) enter(ctx context.Context) error {
	select {
	case l <- struct{}{}: // senders that wait on a channel are served in order
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
	}
}

// leave passes the place on.
func (l line) leave() { <-l }

// place is enter and leave for a place that may never be taken, and that whoever is
// first of several gives up: leave does so once, if enter took it.
func (l line) place() (enter func(context.Context) error, leave func()) {
	taken := false
	enter = func(ctx context.Context) error {
		err := l.enter(ctx)
		taken = err == nil
		return err
	}
	return enter, sync.OnceFunc(func() {
		if taken {
			l.leave()
		}
	})
}
