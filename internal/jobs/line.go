package jobs

import (
	"context"
	"slices"
	"sync"
)

// line is where the documents of one process wait for their turn to ask for a
// permit: one at a time, interactive ones first, else in order of arrival. One
// asker per process keeps Redis quiet however many documents wait.
type line struct {
	mu      sync.Mutex
	taken   bool
	waiting [2][]chan struct{} // 0 interactive, 1 bulk
}

// enter waits for the turn and takes it. It must be followed by leave, unless it
// returns ctx's error.
func (l *line) enter(ctx context.Context, interactive bool) error {
	class := 1
	if interactive {
		class = 0
	}
	l.mu.Lock()
	if !l.taken {
		l.taken = true
		l.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	l.waiting[class] = append(l.waiting[class], turn)
	l.mu.Unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	at := slices.Index(l.waiting[class], turn)
	if at >= 0 {
		l.waiting[class] = slices.Delete(l.waiting[class], at, at+1)
	}
	l.mu.Unlock()
	if at < 0 {
		l.leave() // the turn came in the same moment: pass it on
	}
	return context.Cause(ctx) //nolint:wrapcheck // documented, and compared by identity
}

// leave passes the turn on.
func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for class := range l.waiting {
		if len(l.waiting[class]) > 0 {
			next := l.waiting[class][0]
			l.waiting[class] = l.waiting[class][1:]
			close(next)
			return
		}
	}
	l.taken = false
}
