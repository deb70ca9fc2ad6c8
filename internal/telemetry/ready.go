package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Check asks one thing that a process needs whether it is there. It may be called
// by several goroutines, though never twice at a time.
type Check func(ctx context.Context) error

// checkTimeout is how long /readyz waits for a check.
const checkTimeout = 3 * time.Second

// States of a check in the answer of /readyz.
const (
	stateOK       = "ok"
	stateFailed   = "failed"
	stateTimedOut = "timed out"
)

// readiness runs the checks of /readyz.
type readiness struct {
	checks map[string]Check
	logger *slog.Logger

	flights singleflight.Group // by name: a check that hangs is not started again

	mu     sync.Mutex
	states map[string]string // the last of each check
}

// ServeHTTP answers 200 when all checks pass, else 503, with each check's state.
// Why one fails is logged when it begins to fail, and left out of the answer:
// anybody may ask, and an error may name hosts and users.
func (p *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	var (
		mu    sync.Mutex
		group sync.WaitGroup
	)
	status, states := http.StatusOK, make(map[string]string, len(p.checks))
	for name := range p.checks {
		group.Go(func() {
			state := p.ask(ctx, name)
			mu.Lock()
			defer mu.Unlock()
			if states[name] = state; state != stateOK {
				status = http.StatusServiceUnavailable
			}
		})
	}
	group.Wait()
	answer(w, status, states)
}

// ask runs a check, or joins the run under way, and does not wait longer for it
// than ctx lasts, whatever the check does.
func (p *readiness) ask(ctx context.Context, name string) string {
	result := p.flights.DoChan(name, func() (_ any, err error) {
		defer func() {
			if failure := recover(); failure != nil {
				err = fmt.Errorf("check panicked: %v", failure)
			}
		}()
		// Not the context of whoever asked first: others wait for it too.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
		defer cancel()
		return nil, p.checks[name](ctx)
	})
	var err error
	select {
	case done := <-result:
		err = done.Err
	case <-ctx.Done():
		err = ctx.Err()
	}
	state := stateFailed
	switch {
	case err == nil:
		state = stateOK
	case errors.Is(err, context.DeadlineExceeded):
		state = stateTimedOut
	case errors.Is(ctx.Err(), context.Canceled):
		return state // whoever asked has gone, and nothing was found out
	}
	p.changed(ctx, name, state, err)
	return state
}

// changed logs a check that is no longer in the state in which it was.
func (p *readiness) changed(ctx context.Context, name, state string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.states[name]
	if before == state {
		return
	}
	p.states[name] = state
	switch {
	case state != stateOK:
		p.logger.WarnContext(ctx, "readiness check fails", slog.String("component", name), slog.Any("err", err))
	case before != "":
		p.logger.InfoContext(ctx, "readiness check passes again", slog.String("component", name))
	}
}
