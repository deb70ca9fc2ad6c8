package jobs

import "context"

// line is where the documents of one queue in one process wait for their turn to
// ask for a permit: one at a time, in order of arrival. One asker per queue and
// process keeps Redis quiet however many documents wait. Which queue goes first
// is decided in Redis, for the whole fleet.
type line chan struct{}

func newLine() line { return make(line, 1) }

// enter waits for the turn and takes it. It must be followed by leave, unless it
// returns ctx's cause.
func (l line) enter(ctx context.Context) error {
	select {
	case l <- struct{}{}: // senders that wait on a channel are served in order
		return nil
	case <-ctx.Done():
		return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
	}
}

// leave passes the turn on.
func (l line) leave() { <-l }
